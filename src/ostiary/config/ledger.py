"""What is kept of calls, how hard it is held on to, and where else it is vouched for. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo

from ostiary.config.fields import File, Folder, Listen, Octets, Reference, Seconds, Section, ServerURL, may, must
from ostiary.config.problems import Unfit
from ostiary.config.values import is_loopback


def _endpoint(value: str) -> str:
    if urlsplit(value).query:
        raise Unfit("must have no query", "write only https://host, and the path that buckets lie under, if any")
    return value.rstrip("/")


def _encrypted(value: bool, info: ValidationInfo) -> bool:
    parts = urlsplit(info.data.get("endpoint", "https://unknown"))
    if parts.scheme == "http" and not value and not is_loopback(parts.hostname or ""):
        raise Unfit("the endpoint is not encrypted and leads off this machine", "write https://..., or set it to true")
    return value


def _trusted(value: bool, info: ValidationInfo) -> bool:
    keys = [key for key in ("ca", "certificate", "key") if info.data.get(key) is not None]
    if value and keys:
        raise Unfit(f"nothing is encrypted then, and {keys[0]} means nothing", f"remove {keys[0]}, or set it to false")
    return value


def _pair(value: Any, info: ValidationInfo) -> Any:
    if (value is None) is not (info.data.get("certificate") is None):
        raise Unfit("a certificate and its key go together", "write both certificate and key, or neither")
    return value


def _somewhere(value: bool, info: ValidationInfo) -> bool:
    keys = ("file", "s3", "syslog")
    if all(key in info.data and info.data[key] is None for key in keys):
        raise Unfit("there is no second place", "write file, s3 or syslog")
    return value


BucketName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$")]
Prefix = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.=-]*/)*$", max_length=512)]
Region = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class CheckpointBucket(Section):
    """An S3-compatible object store, which gets what is new as an object of its own each time."""

    endpoint: Annotated[ServerURL, AfterValidator(_endpoint)] = must(
        "Where it is: `https://s3.eu-central-1.amazonaws.com`, `https://minio.example.com:9000`."
    )
    bucket: BucketName = must("The bucket, which must exist.")
    prefix: Prefix = may("ostiary/", "What names of objects begin with; it ends with a slash.")
    region: Region = may("us-east-1", "The region that requests are signed for; many stores take any.")
    access_key: Reference = must("Where the access key's id is kept.")
    secret_key: Reference = must("Where the secret of the access key is kept.")
    session_token: Reference | None = may(None, "Where the token of a lent access key is kept.")
    lock: Literal["governance", "compliance"] | None = may(
        None, "Objects are locked in this mode; the bucket must have object lock."
    )
    retain: Seconds = may("365d", "For how long objects are locked.")
    ca: File | None = may(None, "The authorities to trust instead of the system's, PEM.")
    unsafe_plain_http: Annotated[bool, AfterValidator(_encrypted)] = may(
        False, "Send checkpoints, which are signed and no secrets, without encryption."
    )


class CheckpointSyslog(Section):
    """A syslog receiver: RFC 5424 over TLS (RFC 5425). Nothing can be read back, so it is not compared at the start."""

    address: Listen = must("Its host and port; 6514 is the port of syslog over TLS.")
    ca: File | None = may(None, "The authorities to trust instead of the system's, PEM.")
    certificate: File | None = may(None, "Our client certificate, PEM.")
    key: Annotated[File | None, AfterValidator(_pair)] = may(None, "Its private key, PEM.")
    unsafe_plain: Annotated[bool, AfterValidator(_trusted)] = may(False, "Send over plain TCP (RFC 6587).")


class Checkpoints(Section):
    """Second places for the ledger's signed checkpoints, so that an older copy of the data folder is noticed."""

    file: Folder | None = may(
        None, "A file on another disk, or another machine's mount, which each checkpoint is appended to."
    )
    s3: CheckpointBucket | None = may(None, "An S3-compatible object store.")
    syslog: CheckpointSyslog | None = may(None, "A syslog receiver.")
    required: Annotated[bool, AfterValidator(_somewhere)] = may(
        False, "Calls stop while checkpoints do not arrive at all of them for two minutes."
    )


class Ledger(Section):
    """The audit ledger."""

    rotate: Octets = may("64MiB", "The size at which a segment is sealed and a new one begun.")
    seal_every: Seconds = may("60s", "How often what was written is signed in between.")
    arguments: Literal["masked", "digest"] = may(
        "masked", "What is kept of a call's arguments: their shape with values masked, or a digest."
    )
    durability: Literal["process", "power"] = may(
        "process",
        "What records of calls that left survive: the end of the process, or the loss of power too. Each turn of the "
        "event loop then waits for the disk once.",
    )
    checkpoints: Checkpoints | None = may(None, "Second places for what the newest record was, once a minute.")


def weakened(ledger: Ledger) -> tuple[str, ...]:
    """Return every `unsafe_` key of the ledger in force, by its path."""
    places = ledger.checkpoints
    return tuple(
        f"ledger.checkpoints.{name}.{key}"
        for name, section in (("s3", places and places.s3), ("syslog", places and places.syslog))
        if section is not None
        for key in type(section).model_fields
        if key.startswith("unsafe_") and getattr(section, key) is True
    )
