"""Which calls are traced, and what servers hear of it. Nothing here runs for a gateway that traces nothing.

It is decided when a call leaves, or else when it has ended: by a caller who is trusted with it, else by chance. The
spans are made of the trail of the call afterwards, so that a call that is not traced pays for a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.adapters.telemetry.spans import Place, Span, Who, spans
from ostiary.core.model import Caller, Json, Order
from ostiary.core.ports import Back
from ostiary.core.trail import Trail
from ostiary.protocol import tracing
from ostiary.protocol.tracing import BAGGAGE, NAMES, PARENT, STATE, Context

Send = Callable[[Order, Back], Coroutine[Any, Any, Json]]
Told = Callable[[str], str]
"""A server → what it is told of traces: `none`, `trace` or `all`."""

Sink = Callable[[Trail, Place, tuple[Span, ...]], None]

ANYBODY: Final = "*"
_OPEN: Final = 4096
"""Calls whose place is remembered while they are under way; the door lets no more than that in."""
_WHOLE: Final = 1 << 32
_LOW: Final = 0xF
_HIGH: Final = 28
_REST: Final = (1 << _HIGH) - 1


class Sampling(Struct, frozen=True):
    """Who decides whether a call is traced."""

    share: float = 0.0
    """Of the calls that nobody trusted has decided about."""
    trusted: frozenset[str] = frozenset()
    """Roles whose callers decide about their own calls; `*`: everybody."""


class Tracer:
    """Traces some of the calls."""

    def __init__(
        self,
        sampling: Sampling,
        sink: Sink,
        random: Callable[[int], bytes],
        who: Who,
    ) -> None:
        """`sink` takes the spans of a traced call and neither waits nor raises; `random` makes so many bytes."""
        self._least, self._trusted = int(sampling.share * _WHOLE), sampling.trusted
        self._sink, self._random, self._who = sink, random, who
        self._open: dict[str, Place] = {}

    def chosen(self, reference: str) -> bool:
        """Say whether chance has this call traced; those whose steps are timed come first."""
        drawn = hash(reference)
        return ((drawn & _LOW) << _HIGH | (drawn >> 4) & _REST) < self._least

    def place(self, reference: str, caller: Caller | None, meta: object) -> Place | None:
        """Return where a call stands in a trace; None: it is not traced."""
        parent = tracing.context(meta)
        continued = parent is not None and caller is not None and self._trusts(caller)
        if continued and parent is not None:
            return self._made(parent.trace, parent, continued=True) if parent.sampled else None
        return self._made(self._random(16).hex(), parent, continued=False) if self.chosen(reference) else None

    def leaving(self, order: Order) -> Place | None:
        """Return the same for a call on its way to a server, and remember it until the call has ended."""
        found = self._open.get(order.reference)
        if found is None:
            found = self.place(order.reference, order.caller, order.call.params.get("_meta"))
        if found is not None:
            while len(self._open) >= _OPEN:
                del self._open[next(iter(self._open))]
            self._open[order.reference] = found
        return found

    def ended(self, trail: Trail) -> None:
        """Hand on the spans of a call that has ended, if it is traced."""
        found = self._open.pop(trail.reference, None) if self._open else None
        if found is None:
            meta = trail.call.params.get("_meta") if trail.call is not None else None
            if not (meta and self._trusted) and not self.chosen(trail.reference):
                return
            found = self.place(trail.reference, trail.caller, meta)
        if found is not None:
            self._sink(trail, found, tuple(spans(trail, found, self._who)))

    def _trusts(self, caller: Caller) -> bool:
        return ANYBODY in self._trusted or not self._trusted.isdisjoint(caller.roles)

    def _made(self, trace: str, parent: Context | None, *, continued: bool) -> Place:
        # A place of sixteen zeros is none (Trace Context, section 3.2.2.4); the last bit is set instead of drawn anew.
        drawn = self._random(16)
        span, below = (int.from_bytes(part) | 1 for part in (drawn[:8], drawn[8:]))
        return Place(trace, f"{span:016x}", f"{below:016x}", parent, continued)


def carrying(send: Send, told: Told, tracer: Tracer | None) -> Send:
    """Return the port `Send` with the policy about what servers hear of traces."""

    def sent(order: Order, back: Back) -> Coroutine[Any, Any, Json]:
        meta = order.call.params.get("_meta")
        place = tracer.leaving(order) if tracer is not None else None
        if place is None and not (type(meta) is dict and any(name in meta for name in NAMES)):
            return send(order, back)
        said = outgoing(meta if isinstance(meta, Mapping) else {}, told(order.target.server), place)
        params = {key: value for key, value in order.call.params.items() if key != "_meta"}
        if said:
            params["_meta"] = said
        call = msgspec.structs.replace(order.call, params=params)
        return send(msgspec.structs.replace(order, call=call), back)

    return sent


def outgoing(meta: Mapping[str, Any], told: str, place: Place | None) -> dict[str, Any]:
    """Return `_meta` with what a server is told of the trace: nothing of ours or the client's that is malformed."""
    said = {key: value for key, value in meta.items() if key not in NAMES}
    if told == "none":
        return said
    found = _here(tracing.context(meta), place)
    if found is not None:
        said[PARENT] = found.parent
        if found.state:
            said[STATE] = found.state
    if told == "all" and (carried := tracing.baggage(meta.get(BAGGAGE))):
        said[BAGGAGE] = carried
    return said


def _here(context: Context | None, place: Place | None) -> Context | None:
    if place is None:
        return context
    state = context.state if context is not None and place.continued else ""
    return Context(place.trace, place.below, sampled=True, state=state)
