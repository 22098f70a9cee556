"""The twelve steps for a call that has to wait for its server only: without a coroutine, a task or a future.

Most calls are like an earlier one but for their id and their arguments: same caller, same tool, same snapshot. What
`serve` said to that one, wherever it follows from nothing else, is kept as a `Plan`; all the rest is done anew, in the
order of `serve` and by the same functions. Whatever no plan covers is declined before anything has happened, and then
`serve` carries it. So this page knows one kind of call, and need not know the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from ostiary.core.errors import GatewayError
from ostiary.core.model import Allow, Call, Caller, Era, Inbound, Kind, Order, Snapshot, Target
from ostiary.core.ports import Owing
from ostiary.core.trail import Trail
from ostiary.pipeline import steps
from ostiary.pipeline.flight import Flight, Soon, Together, Turn
from ostiary.pipeline.plan import Land, Line, Plan
from ostiary.pipeline.world import World
from ostiary.protocol import modern
from ostiary.protocol.frames import filled, framed
from ostiary.protocol.jsonrpc import encode
from ostiary.protocol.jsonrpc import read as parsed

T = TypeVar("T")
Still = Callable[[], Caller | None]
"""Who a credential speaks for at this moment; None: somebody has to be asked, or it is good no more."""


class Regular:
    """A caller at an endpoint, with what `serve` said to them before."""

    __slots__ = ("caller", "latest", "message", "plans", "snapshot", "still")

    def __init__(self, message: Inbound, snapshot: Snapshot, caller: Caller, still: Still) -> None:
        self.message, self.snapshot, self.caller, self.still = message, snapshot, caller, still
        self.plans: dict[str, Plan | None] = {}
        """By the tool's name, as the client says it; None for one that `serve` has to carry each time."""
        self.latest: Plan | None = None
        """The plan that was made last, with which the next one shares what it can."""


METHOD: Final = "tools/call"
_MESSAGE: Final = {"jsonrpc", "id", "method", "params"}
_PARAMS: Final = {"name", "arguments", "_meta"}
_ENVELOPE: Final = frozenset({modern.VERSION, modern.CAPABILITIES, modern.INFO})
_IDENTS: Final = frozenset({str, int})
_ANSWERED: Final = frozenset({"answered", "tool_error", "rpc_error"})
"""Outcomes of calls that walked every step."""


class Swift:
    """Carries what is planned."""

    def __init__(
        self,
        world: World,
        acquainted: Callable[[Inbound], Still | None],
        owing: Owing,
        line: Callable[[Target], Line | None],
        constant: Callable[[Trail], bytes],
    ) -> None:
        """Take the ports `Identify`, `Spend` and `Send` as they are where they need not wait.

        `constant` returns what the ledger will say of each call like one that it was told of.
        """
        self.world, self._owing, self._turn = world, owing, Turn(world)
        self._acquainted, self._line, self._constant = acquainted, line, constant

    def gather(self, soon: Soon, together: Together) -> None:
        """Let the calls of one turn of the event loop leave together, and land together, from now on."""
        self._turn.gather(soon, together)

    # What is kept.

    def regular(self, trail: Trail) -> Regular | None:
        """Return what will be kept of the caller of a message that `serve` has just carried."""
        still = self._acquainted(trail.message)
        if still is None or trail.caller is None or still() is not trail.caller or trail.outcome not in _ANSWERED:
            return None
        # The way to the body leads to the connection that it came by, which must not live as long as this.
        message = replace(trail.message, body=_read_before)
        return Regular(message, self.world.current(), trail.caller, still)

    def holds(self, regular: Regular) -> bool:
        """Say whether what is kept is still true."""
        return regular.snapshot is self.world.current() and regular.still() is regular.caller

    def plan(self, regular: Regular, trail: Trail, body: bytes) -> None:
        """Keep what `serve` said to a message that it has just carried, if it can be said again."""
        call, target, allow = trail.call, trail.target, trail.decision
        if call is None or call.name is None or trail.outcome not in _ANSWERED:
            return
        if trail.revision != regular.snapshot.revision:
            return
        regular.plans[call.name] = None
        if target is None or target.check is None or not isinstance(allow, Allow) or allow.capture is not None:
            return
        line = self._line(target) if _plain(call) and _unguarded(target) else None
        if line is not None:
            pay, said = self._owing(allow.charges, regular.caller, regular.message), self._constant(trail)
            way, meta = self.world.pacing.way(call, regular.caller, target), call.params["_meta"]
            plan = Plan(call.client, meta, framed(body), target, target.check, allow, pay, line, said, way)
            regular.plans[call.name] = regular.latest = _sharing(plan, regular.latest)

    # What is carried.

    def begin(self, regular: Regular, name: str, body: bytes, land: Land) -> Flight | None:
        """Carry a message as `serve` would, or return None: then nothing has happened, and `serve` has to."""
        world = self.world
        reference, started, now = world.reference(), world.clock(), world.current()
        marks: list[float] | None = [] if steps.sampled(reference) else None
        if regular.still() is not regular.caller or now is not regular.snapshot:  # 1 identify
            return None
        if marks is not None:
            marks += [world.clock()] * 2
        plan = regular.plans.get(name)
        exchange = plan.line.hold() if plan is not None else None
        if plan is None or exchange is None:
            return None
        found = _again(body, now.bounds.depth, name, plan)  # 2 parse
        if found is None:
            exchange.abandon()
            return None
        call, arguments = found
        if plan.way and not world.pacing.quiet(plan.way, call, (regular.caller, plan.target), arguments, started):
            exchange.abandon()
            return None
        if marks is not None:
            marks += [world.clock()] * 3
        trail = Trail(
            regular.message, reference, now.revision, started, world.time(),
            regular.caller, call, plan.target, plan.allow,  # 3 resolve, 4 decide: as before
            marks=marks, request_bytes=len(body), told=plan.told,
        )  # fmt: skip
        target = plan.target
        order = Order(call, target, regular.caller, started + target.timeout, reference, regular.message.endpoint)
        flight = Flight(self._turn, land, exchange, order, arguments)
        if not flight.leave(plan, trail):
            exchange.abandon()
            return None
        return flight


async def _read_before() -> bytes:
    return b""


def _sharing(plan: Plan, other: Plan | None) -> Plan:
    """Return an equal plan that holds what is the same as another's only once: there are thousands of plans."""
    # As texts, for 1 and true are equal, and not the same.
    if other is None or encode(plan.meta) != encode(other.meta):
        return plan
    frame, like = plan.frame, other.frame
    if frame is not None and like is not None:
        frame = replace(frame, start=_same(frame.start, like.start), end=_same(frame.end, like.end))
    return replace(
        plan,
        client=_same(plan.client, other.client),
        meta=other.meta,
        frame=frame,
        allow=_same(plan.allow, other.allow),
        # What pays remembers nothing but whom to charge what: the same caller, and the same charges.
        pay=other.pay if plan.allow.charges == other.allow.charges else plan.pay,
        way=_same(plan.way, other.way),
    )


def _same(found: T, kept: T) -> T:
    return kept if found == kept else found


def _plain(call: Call) -> bool:
    """Say whether a call has nothing that the next one like it may have otherwise, but its id and its arguments."""
    return (
        call.method == METHOD
        and call.client.era is Era.MODERN
        and not call.client.offer
        and not call.client.capabilities
        and call.params.keys() == _PARAMS
        and call.params["_meta"].keys() <= _ENVELOPE
    )


def _unguarded(target: Target) -> bool:
    """Say whether nothing about a tool depends on what is said to it, but whether its schema admits that."""
    return (
        target.kind is Kind.TOOL
        and not (target.task or target.drops or target.mirrored or target.guards_in or target.guards_out)
        and not (target.careful or target.fixed or target.taints)
    )


def _again(body: bytes, depth: int, name: str, plan: Plan) -> tuple[Call, bytes] | None:
    """Return the call that `read` would return, for a body that is like an earlier one, and its arguments' JSON."""
    found = filled(plan.frame, body, depth) if plan.frame is not None else None
    if found is None:
        return _spelled(body, depth, name, plan)
    ident, arguments, text = found
    return Call(ident, METHOD, name, {"name": name, "arguments": arguments, "_meta": plan.meta}, plan.client), text


def _spelled(body: bytes, depth: int, name: str, plan: Plan) -> tuple[Call, bytes] | None:
    """Return the same for a body that is spelled in some other way."""
    try:
        message: Any = parsed(body, depth)
        if message.keys() != _MESSAGE or message["method"] != METHOD or message["jsonrpc"] != "2.0":
            return None
        ident, params = message["id"], message["params"]
        if params.keys() != _PARAMS or params["name"] != name or params["_meta"] != plan.meta:
            return None
    except (GatewayError, AttributeError):
        return None
    if type(ident) not in _IDENTS or type(params["arguments"]) is not dict:
        return None
    return Call(ident, METHOD, name, params, plan.client), encode(params["arguments"])
