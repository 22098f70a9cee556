"""What `requestState` holds when it leaves us (2026-07-28, "Multi Round-Trip Requests"). Pure.

A client brings the state back with its answers, and could bring another's, an old one, or one of another call. A
server that knows only the gateway's credential cannot tell its users apart, so its own state travels inside ours,
which is sealed and says whose it is and for what.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.core.errors import BadParams, Garbled
from ostiary.core.model import Call, Caller, Target

_LONGEST: Final = 64 * 1024
_ASIDE: Final = frozenset({"_meta", "inputResponses", "requestState"})


class Way(StrEnum):
    """How the call goes on when its client comes back."""

    PASSED = "passed"
    """The server gets its own state back."""
    SUSPENDED = "suspended"
    """The call still runs at the server, and waits here."""
    AGAIN = "again"
    """The call is sent again: the server wanted something done elsewhere first."""


class State(Struct, frozen=True, array_like=True):
    """What the sealed token holds."""

    way: Way
    subject: str
    issuer: str
    endpoint: str
    label: str
    digest: str
    """Of what the call says."""
    expires: float
    """Seconds since the epoch."""
    content: str = ""
    """The server's own state, or the name of what is suspended."""


_encoder: Final = msgspec.json.Encoder(order="sorted")
_decoder: Final = msgspec.json.Decoder(State)


def state(way: Way, call: Call, caller: Caller, target: Target, endpoint: str) -> State:
    """Return the state of a call, without content and already expired."""
    return State(way, caller.subject, caller.issuer, endpoint, target.label, digest(call), 0.0)


def digest(call: Call) -> str:
    """Return the digest of what a call says: equal for the call and its retries."""
    said = {key: value for key, value in call.params.items() if key not in _ASIDE}
    return hashlib.sha256(_encoder.encode([call.method, said])).hexdigest()


def packed(fresh: State, content: str, expires: float) -> bytes:
    """Return the bytes to seal; `Garbled` where a server's state is too long to travel twice."""
    made = _encoder.encode(msgspec.structs.replace(fresh, content=content, expires=expires))
    if len(made) > _LONGEST:
        raise Garbled("its requestState is too long", hint=f"requestState takes more than {_LONGEST} bytes")
    return made


def opened(content: bytes, expected: State, now: float) -> State:
    """Return the state in opened bytes; `BadParams` where it is another's, another call's, or old."""
    try:
        found = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise unknown() from None
    if msgspec.structs.replace(found, way=expected.way, expires=0.0, content="") != expected:
        raise unknown()
    if now > found.expires:
        raise BadParams(hint="requestState expired; make the call again from the start")
    return found


def unknown() -> BadParams:
    """Return the one refusal for every state that is not this caller's for this call."""
    return BadParams(hint="requestState is not one of this call; make the call again from the start")
