"""Requests signed with AWS Signature Version 4. Pure.

AWS publishes the algorithm step by step (General Reference, "Create a signed AWS API request"); the names of the steps
here are the names there.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Unusable(ValueError):
    """What was given is no pair of keys. The text never has a part of it."""


class Keys(Struct, frozen=True):
    """An access key, and the token of the session that it was lent for, if it was."""

    access: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        """Name the access key only: it is what logs of AWS name as well."""
        return f"Keys({self.access})"


class Scope(Struct, frozen=True):
    """What a signature is good for, apart from its day."""

    region: str
    service: str


class _Lent(Struct, frozen=True):
    """Keys as programs lend them (AWS SDKs Reference Guide, "Process credential provider")."""

    access_key_id: str = msgspec.field(name="AccessKeyId")
    secret_access_key: str = msgspec.field(name="SecretAccessKey")
    session_token: str | None = msgspec.field(name="SessionToken", default=None)


def keys(text: str) -> Keys:
    """Read `ACCESS:SECRET`, `ACCESS:SECRET:TOKEN`, or the JSON that credential processes print."""
    if text.lstrip().startswith("{"):
        try:
            lent = msgspec.json.decode(text, type=_Lent)
        except msgspec.MsgspecError:
            raise Unusable("it is JSON, but has no AccessKeyId and SecretAccessKey") from None
        return _whole(Keys(lent.access_key_id, lent.secret_access_key, lent.session_token or ""))
    parts = text.strip().split(":")
    if len(parts) not in {2, 3}:
        raise Unusable("it is neither ACCESS:SECRET, nor ACCESS:SECRET:TOKEN, nor JSON of a credential process")
    return _whole(Keys(*parts))


def signed(keys: Keys, scope: Scope, url: str, headers: Mapping[str, str], body: bytes, now: float) -> dict[str, str]:
    """Return the headers of a POST with its signature; all that are given are covered by it.

    They must not be changed on the way, so only those that no proxy touches belong there.
    """
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    lent = {"X-Amz-Security-Token": keys.token} if keys.token else {}
    sent = {**headers, "X-Amz-Date": moment, **lent}
    names, canonical = _canonical(url, sent, body)
    place = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    to_sign = "\n".join((_ALGORITHM, moment, place, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_signing_key(keys, place), to_sign.encode(), hashlib.sha256).hexdigest()
    said = f"{_ALGORITHM} Credential={keys.access}/{place}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "Authorization": said}


def _whole(keys: Keys) -> Keys:
    # A control character would end the header that a part of it is put into.
    if not (keys.access and keys.secret) or not (keys.access + keys.secret + keys.token).isprintable():
        raise Unusable("a part of it is empty or cannot be printed")
    return keys


def _canonical(url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Return the names of the signed headers, and the canonical request."""
    parts = urlsplit(url)
    lowered = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    # Clients leave the port that a scheme has anyway out of the Host header.
    lowered["host"] = parts.netloc.removesuffix({"https": ":443", "http": ":80"}[parts.scheme])
    names = ";".join(sorted(lowered))
    lines = (
        "POST",
        # Every service but S3 wants what is escaped already to be escaped once more.
        quote(parts.path or "/", safe="/~"),
        "&".join(sorted(parts.query.split("&"))),
        *(f"{name}:{lowered[name]}" for name in sorted(lowered)),
        "",
        names,
        hashlib.sha256(body).hexdigest(),
    )
    return names, "\n".join(lines)


def _signing_key(keys: Keys, place: str) -> bytes:
    key = f"AWS4{keys.secret}".encode()
    for part in place.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
