"""The second places for checkpoints that a configuration names, with the secrets and authorities that they need."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.adapters.secrets import Unresolved, resolve
from ostiary.adapters.store.object_place import ObjectPlace
from ostiary.adapters.store.object_store import Bucket, ObjectStore
from ostiary.adapters.store.second_place import Astray, FilePlace, Place
from ostiary.adapters.store.syslog_place import SyslogPlace
from ostiary.config.ledger import CheckpointBucket, Checkpoints, CheckpointSyslog
from ostiary.config.values import Secret
from ostiary.protocol.sigv4 import Keys, Unusable, whole


def file_place(section: Checkpoints | None, config: Path) -> Path | None:
    """Return the file that checkpoints are brought to; a relative one lies beside the configuration."""
    return None if section is None or section.file is None else (config.parent / section.file).resolve()


def places(section: Checkpoints | None, config: Path, key: Ed25519PublicKey) -> list[Place]:
    """Return every second place; raise `Astray` where a file that one needs is not usable."""
    found: list[Place] = []
    path = file_place(section, config)
    if path is not None:
        found.append(FilePlace(path, key))
    if section is not None and section.s3 is not None:
        found.append(object_place(section.s3, key))
    if section is not None and section.syslog is not None:
        found.append(_syslog_place(section.syslog, key))
    return found


def object_place(bucket: CheckpointBucket, key: Ed25519PublicKey) -> ObjectPlace:
    """Return the place in an object store."""
    spot = Bucket(bucket.endpoint, bucket.bucket, bucket.region, (bucket.lock or "").upper(), bucket.retain)
    store = ObjectStore(spot, _keys(bucket), trust=_trust(bucket.ca))
    return ObjectPlace(store, f"s3://{bucket.bucket}", bucket.prefix, key)


def _syslog_place(section: CheckpointSyslog, key: Ed25519PublicKey) -> SyslogPlace:
    trust = None if section.unsafe_plain else _trust(section.ca)
    if trust is not None and section.certificate is not None:
        try:
            trust.load_cert_chain(section.certificate.where, None if section.key is None else section.key.where)
        except OSError as error:
            text = f"{section.certificate} and its key cannot be used ({error}); name a certificate and its key, PEM"
            raise Astray(text) from error
    return SyslogPlace(section.address.host, section.address.port, trust, key)


def _keys(bucket: CheckpointBucket) -> Callable[[], Keys]:
    """Return what reads the keys anew each time: lent ones change within hours."""

    def keys() -> Keys:
        token = "" if bucket.session_token is None else resolve(bucket.session_token)
        return whole(Keys(resolve(bucket.access_key), resolve(bucket.secret_key), token))

    def told() -> Keys:
        try:
            return keys()
        except Unresolved as error:
            raise Astray(str(error)) from None
        except Unusable as error:
            raise Astray(f"{bucket.access_key} or {bucket.secret_key} is no key: {error}") from None

    return told


def _trust(authorities: Secret | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if authorities is None else authorities.where)
    except OSError as error:
        raise Astray(f"{authorities} has no authorities in PEM ({error}); name a file with certificates") from error
