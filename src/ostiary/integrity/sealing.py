"""What a sealed payload is made of: a line that says what it is, and its words, which only its key opens. Pure.

A payload is a file: a line of JSON, then a nonce of 12 bytes, then AES-256-GCM (NIST SP 800-38D) over the words, with
that line as associated data, so that none can be passed off as another call's. Its key has a file as well, which holds
the key sealed for the auditors by HPKE (RFC 9180); who has neither that file nor the key itself opens nothing.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from ostiary.core.capturing import Half

NONCE: Final = 12
KEY: Final = 32
_DAY: Final = 86_400
_LONGEST_LINE: Final = 4096
_IDENT: Final = re.compile(r"(\d{8}T\d{6})Z-(\d{1,11})-[0-9a-f]{16}")
_REFERENCE: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{1,16}")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TIME: Final = "%Y%m%dT%H%M%S"


class Unopenable(ValueError):
    """A payload cannot be opened, and why."""


class Head(Struct, frozen=True):
    """What a payload says of itself in clear."""

    reference: str
    half: Half
    name: str
    """Its class."""
    key: str
    """The id of its key."""
    sealed: str
    """SHA-256 of the file that holds its key, so that another one shows."""
    size: int
    """Bytes of the whole payload in clear, of which fewer may be in it."""
    cut: bool = False
    v: int = 1


class Sealed(Struct, frozen=True):
    """A key, as its file holds it."""

    id: str
    name: str
    """The class of what it seals."""
    issuer: str
    subject: str
    """Whose words it seals."""
    to: str
    """Fingerprint of the auditors' key."""
    sealed: bytes = b""
    """HPKE (RFC 9180, base mode): the encapsulated key, then the sealed one."""
    v: int = 1

    def info(self) -> bytes:
        """Return what the sealed key is bound to."""
        return b"ostiary capture key 1\n" + msgspec.json.encode(msgspec.structs.replace(self, sealed=b""))


def ident(now: float, keep: float, chance: bytes) -> str:
    """Return the id of a key that is made now, for what is kept so long; `chance` is eight random bytes."""
    when = datetime.fromtimestamp(int(now), UTC).strftime(_TIME)
    return f"{when}Z-{int(keep)}-{chance.hex()}"


def is_ident(text: str) -> bool:
    """Say whether something is the id of a key."""
    return _IDENT.fullmatch(text) is not None


def is_class(text: str) -> bool:
    """Say whether something can be the name of a class."""
    return _NAME.fullmatch(text) is not None


def is_reference(text: str) -> bool:
    """Say whether something is the reference of a call, and so can be the name of a file."""
    return _REFERENCE.fullmatch(text) is not None


def made(key: str) -> float:
    """Return when a key was made, in whole seconds since the epoch."""
    found = _IDENT.fullmatch(key)
    return float(timegm(datetime.strptime(found[1], _TIME).timetuple())) if found else 0.0  # noqa: DTZ007 - UTC


def until(key: str) -> float:
    """Return until when a key seals: a day, or as long as what it seals is kept, if that is less."""
    found = _IDENT.fullmatch(key)
    return made(key) + min(_DAY, int(found[2])) if found else 0.0


def ends(key: str, keep: float | None) -> float:
    """Return when a key and all that it sealed are destroyed.

    `keep` is how long its class is kept by now: that may bring the end nearer, and never puts off what was promised.
    """
    found = _IDENT.fullmatch(key)
    if found is None:
        return 0.0
    promised = int(found[2])
    return until(key) + (promised if keep is None else min(promised, keep))


def fingerprint(public: bytes) -> str:
    """Return the name of a key of auditors that fits on a piece of paper."""
    return sha256(public).hexdigest()[:16]


def closed(key: bytes, nonce: bytes, head: Head, text: bytes) -> bytes:
    """Return the payload that holds a text; a nonce is never used twice with a key."""
    line = msgspec.json.encode(head)
    return line + b"\n" + nonce + AESGCM(key).encrypt(nonce, text, line)


def head(payload: bytes) -> Head:
    """Return what a payload says of itself; raise `Unopenable` where it is none."""
    line, newline, _ = payload[: _LONGEST_LINE + 1].partition(b"\n")
    try:
        found = msgspec.json.decode(line, type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Unopenable("it is not a payload, or its beginning was changed") from None
    if not newline or found.v != 1:
        raise Unopenable("it is cut off, or of a version that nobody knows")
    return found


def opened(key: bytes, payload: bytes) -> bytes:
    """Return the text of a payload; raise `Unopenable` where it was changed, cut off, or is another key's."""
    head(payload)
    line, _, rest = payload.partition(b"\n")
    try:
        return AESGCM(key).decrypt(rest[:NONCE], rest[NONCE:], line)
    except (InvalidTag, ValueError):
        raise Unopenable("it was changed, cut off, or put in another's place") from None


def digest(payload: bytes) -> str:
    """Return what the ledger vouches for a payload with."""
    return sha256(payload).hexdigest()
