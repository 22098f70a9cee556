"""Where a call stands in a trace: W3C Trace Context and Baggage, as `_meta` and HTTP headers carry them. Pure.

`_meta` has the three names of the W3C without a prefix (2026-07-28, basic/index "Trace Context"); HTTP headers of the
same names count where `_meta` says nothing. All of it is what a client says of itself: it names, and proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.core.model import Call, Inbound

PARENT: Final = "traceparent"
STATE: Final = "tracestate"
BAGGAGE: Final = "baggage"
NAMES: Final = (PARENT, STATE, BAGGAGE)

_PARENT: Final = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")
_FIRST: Final = "00"
_SAMPLED: Final = 1
_STATE_MOST: Final = 512
"""Characters that everybody has to pass on (Trace Context, section 3.3.1.5); more is nobody's right."""
_STATE_MEMBERS: Final = 32
_MEMBER: Final = re.compile(r"[a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\--<>-~]{1,256}")
_BAGGAGE_MOST: Final = 8192
"""Bytes that everybody has to pass on (Baggage, section 3.3.2)."""
_OURS: Final = "mcp-session-id"
_PRINTABLE: Final = re.compile(r"[ -~]+")


class Context(Struct, frozen=True):
    """A place in a trace."""

    trace: str
    """32 hexadecimal digits."""
    span: str
    """16 hexadecimal digits."""
    sampled: bool
    state: str = ""
    """What tracing systems on the way added, as it came."""

    @property
    def parent(self) -> str:
        """The `traceparent` that says so."""
        return f"{_FIRST}-{self.trace}-{self.span}-{int(self.sampled):02x}"


def context(meta: object) -> Context | None:
    """Return the place that `_meta` names; what is malformed names none (Trace Context, section 3.2.2)."""
    if not isinstance(meta, Mapping) or PARENT not in meta:
        return None
    said = meta[PARENT]
    found = _PARENT.fullmatch(said) if isinstance(said, str) and len(said) <= _STATE_MOST else None
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if (more and version == _FIRST) or not trace.strip("0") or not span.strip("0"):
        return None
    return Context(trace, span, bool(int(flags, 16) & _SAMPLED), state(meta.get(STATE)))


def state(said: object) -> str:
    """Return a `tracestate` that may be passed on, or nothing."""
    if not isinstance(said, str) or not 0 < len(said) <= _STATE_MOST:
        return ""
    members = [each.strip(" \t") for each in said.split(",")]
    kept = [each for each in members if each]
    fit = len(kept) <= _STATE_MEMBERS and all(_MEMBER.fullmatch(each) for each in kept)
    return ",".join(kept) if fit else ""


def baggage(said: object) -> str:
    """Return baggage that may be passed on, or nothing."""
    fit = isinstance(said, str) and len(said) <= _BAGGAGE_MOST and _PRINTABLE.fullmatch(said) is not None
    return str(said) if fit else ""


def named(call: Call, inbound: Inbound) -> Call:
    """Return a request whose `_meta` names the place in a trace that only the headers named that it came with.

    Baggage is left out: HTTP libraries add it by themselves to whatever host they talk to, and it was never meant for
    the servers behind this one.
    """
    meta = call.params.get("_meta", {})
    if call.id is None or not isinstance(meta, Mapping) or any(name in meta for name in NAMES):
        # What the program says beats what its HTTP library, or somebody in between, added by itself.
        return call
    said = {name: inbound.headers[name] for name in (PARENT, STATE) if name in inbound.headers.keys() - inbound.doubled}
    if context(said) is None:
        return call
    return msgspec.structs.replace(call, params={**call.params, "_meta": {**meta, **said}})


def fields(meta: object) -> bytes:
    """Return the HTTP headers that say what `_meta` says of a trace; what is malformed makes no header."""
    found = context(meta)
    if found is None or not isinstance(meta, Mapping):
        return b""
    said = {PARENT: found.parent, STATE: found.state, BAGGAGE: baggage(meta.get(BAGGAGE))}
    # A client's words must not read like a header of ours to whoever looks for that one in all of them.
    kept = ((name, value) for name, value in said.items() if value and _OURS not in value.lower())
    return "".join(f"{name}: {value}\r\n" for name, value in kept).encode("ascii")
