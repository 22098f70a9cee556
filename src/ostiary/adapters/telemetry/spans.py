"""A finished call as spans, by the semantic conventions of OpenTelemetry for MCP and GenAI. Pure.

A span says what kind of call it was, what became of it and how long each part took. It never says what was asked or
answered, nor names a resource by its URI, a session by its token, or an address: those belong to the ledger. Names
that come from servers pass the same gate as log lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from ostiary.adapters.telemetry.logs import shown
from ostiary.adapters.telemetry.metrics import STEPS
from ostiary.core import errors
from ostiary.core.model import HANDSHAKES, MODERN, Allow, Caller, Kind, Target
from ostiary.core.trail import Trail
from ostiary.protocol.methods import METHODS, OWN
from ostiary.protocol.tracing import Context

SERVER: Final = 2
CLIENT: Final = 3
"""Kinds of spans, as OTLP numbers them."""
OTHER: Final = "_OTHER"
"""What conventions call a name that is not among the known ones."""

Value = str | int | float | bool | tuple[str, ...]
Attributes = Mapping[str, Value]
Who = Callable[[Caller], tuple[str, str] | None]
"""A caller → the attribute that says who it was, and what it says; None: nothing is said."""

_METHODS: Final = frozenset(METHODS) | OWN
_VERSIONS: Final = frozenset({MODERN, *HANDSHAKES})
_FINE: Final = frozenset({"answered", "input_required"})
_NAMES: Final = {Kind.TOOL: "gen_ai.tool.name", Kind.PROMPT: "gen_ai.prompt.name"}
_GUARDS: Final = 32


def _theirs() -> Iterator[str]:
    """Yield the codes of what servers do wrong."""
    todo = [errors.UpstreamFailure]
    while todo:
        each = todo.pop()
        todo += each.__subclasses__()
        if hasattr(each, "code"):
            yield each.code


_THEIRS: Final = frozenset(_theirs()) | {"tool_error", "rpc_error"}


class Span(Struct, frozen=True):
    """One span, ready to be sent."""

    trace: str
    span: str
    parent: str
    """Empty: the trace begins here."""
    state: str
    name: str
    kind: int
    start: int
    """Nanoseconds since the epoch, as are all times here."""
    end: int
    attributes: Attributes
    failed: bool
    events: tuple[tuple[int, str], ...] = ()
    link: Context | None = None
    """The place in a caller's trace that is not continued."""
    remote: bool = False
    """The parent is a caller's."""


class Place(Struct, frozen=True):
    """Where a call stands in a trace, and where its way to a server does."""

    trace: str
    span: str
    """Of the call."""
    below: str
    """Of its way to the server: what the server hears."""
    parent: Context | None = None
    continued: bool = False
    """The trace is the caller's."""


def spans(trail: Trail, place: Place, who: Who) -> Iterator[Span]:
    """Yield the span of a call, and that of its way to a server if it left."""
    start = int(trail.time * 1e9)

    def at(moment: float) -> int:
        return start + int((moment - trail.started) * 1e9)

    continued = place.parent if place.continued else None
    method, target = _method(trail), trail.target
    state = continued.state if continued is not None else ""
    yield Span(
        place.trace, place.span, continued.span if continued is not None else "", state,
        name=_named(method, target, exposed=True), kind=SERVER, start=start, end=at(trail.ended),
        attributes=dict(_attributes(trail, method, who)), failed=trail.outcome not in _FINE,
        events=tuple(_events(trail, at)), link=place.parent if continued is None else None,
        remote=continued is not None,
    )  # fmt: skip
    if target is not None and target.server and trail.sent:
        yield Span(
            place.trace, place.below, place.span, state,
            name=_named(method, target, exposed=False), kind=CLIENT, start=at(trail.sent),
            end=at(trail.answered or trail.ended), attributes=dict(_of_upstream(trail, method, target)),
            failed=trail.outcome in _THEIRS,
        )  # fmt: skip


def _method(trail: Trail) -> str:
    """Return the method, if it is one: what a client calls another is its own invention."""
    said = trail.call.method if trail.call is not None else ""
    return said if said in _METHODS else OTHER


def _named(method: str, target: Target | None, *, exposed: bool) -> str:
    if target is None or target.kind not in _NAMES:
        return method
    return f"{method} {shown(target.exposed if exposed else target.name)}"


def _attributes(trail: Trail, method: str, who: Who) -> Iterator[tuple[str, Value]]:
    yield from _common(trail, method)
    call, target, caller = trail.call, trail.target, trail.caller
    if call is not None and call.client.version in _VERSIONS:
        yield "mcp.protocol.version", call.client.version
    if target is not None:
        yield from _of_target(method, target, target.exposed)
    yield "network.transport", "tcp"
    yield "network.protocol.name", "http"
    if trail.outcome not in _FINE:
        yield "error.type", trail.outcome
    yield "ostiary.outcome", trail.outcome
    yield "ostiary.revision", trail.revision
    if trail.decision is not None and trail.decision.rule:
        yield "ostiary.rule", shown(trail.decision.rule)
        yield "ostiary.allowed", isinstance(trail.decision, Allow)
    if trail.looked:
        yield "ostiary.guards", tuple(f"{shown(each.guard)}:{each.verdict}" for each in trail.looked[:_GUARDS])
    named = who(caller) if caller is not None else None
    if named is not None:
        yield named


def _of_upstream(trail: Trail, method: str, target: Target) -> Iterator[tuple[str, Value]]:
    yield from _common(trail, method)
    yield from _of_target(method, target, target.name)
    if trail.outcome in _THEIRS:
        yield "error.type", trail.outcome


def _common(trail: Trail, method: str) -> Iterator[tuple[str, Value]]:
    yield "mcp.method.name", method
    yield "ostiary.reference", trail.reference


def _of_target(method: str, target: Target, name: str) -> Iterator[tuple[str, Value]]:
    if target.kind in _NAMES:
        yield _NAMES[target.kind], shown(name)
    if method == "tools/call":
        yield "gen_ai.operation.name", "execute_tool"
    if target.server:
        yield "ostiary.server", target.server


def _events(trail: Trail, at: Callable[[float], int]) -> Iterator[tuple[int, str]]:
    """Yield the end of each step, for calls whose steps were timed."""
    for step, mark in zip(STEPS, trail.marks or (), strict=False):
        yield at(mark), step
