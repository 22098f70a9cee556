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
_S3: Final = "s3"


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


class Request(Struct, frozen=True):
    """What is signed: every header that is given, and every byte of the body."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


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
        return whole(Keys(lent.access_key_id, lent.secret_access_key, lent.session_token or ""))
    parts = text.strip().split(":")
    if len(parts) not in {2, 3}:
        raise Unusable("it is neither ACCESS:SECRET, nor ACCESS:SECRET:TOKEN, nor JSON of a credential process")
    return whole(Keys(*parts))


def signed(keys: Keys, scope: Scope, request: Request, now: float) -> dict[str, str]:
    """Return the headers of a request with its signature; all that are given are covered by it.

    They must not be changed on the way, so only those that no proxy touches belong there.
    """
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {**request.headers, "X-Amz-Date": moment}
    if keys.token:
        sent["X-Amz-Security-Token"] = keys.token
    if scope.service == _S3:
        # S3 wants the digest of the body in a header of its own, and covers it.
        sent["X-Amz-Content-SHA256"] = hashlib.sha256(request.body).hexdigest()
    names, canonical = _canonical(request, sent, twice=scope.service != _S3)
    place = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    to_sign = "\n".join((_ALGORITHM, moment, place, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_signing_key(keys, place), to_sign.encode(), hashlib.sha256).hexdigest()
    said = f"{_ALGORITHM} Credential={keys.access}/{place}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "Authorization": said}


def whole(keys: Keys) -> Keys:
    """Return keys of which every part can be sent, or raise `Unusable`."""
    # A control character would end the header that a part of it is put into, and headers are ASCII.
    text = keys.access + keys.secret + keys.token
    if not (keys.access and keys.secret and text.isascii() and text.isprintable()):
        raise Unusable("a part of it is empty, not ASCII, or cannot be printed")
    return keys


def _canonical(request: Request, headers: Mapping[str, str], *, twice: bool) -> tuple[str, str]:
    """Return the names of the signed headers, and the canonical request."""
    parts = urlsplit(request.url)
    lowered = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    # Clients leave the port that a scheme has anyway out of the Host header.
    lowered["host"] = parts.netloc.removesuffix({"https": ":443", "http": ":80"}[parts.scheme])
    names = ";".join(sorted(lowered))
    path = parts.path or "/"
    lines = (
        request.method,
        # Every service but S3 wants what is escaped already to be escaped once more.
        quote(path, safe="/~") if twice else path,
        "&".join(sorted(parts.query.split("&"))),
        *(f"{name}:{lowered[name]}" for name in sorted(lowered)),
        "",
        names,
        hashlib.sha256(request.body).hexdigest(),
    )
    return names, "\n".join(lines)


def _signing_key(keys: Keys, place: str) -> bytes:
    key = f"AWS4{keys.secret}".encode()
    for part in place.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
