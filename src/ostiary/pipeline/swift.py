"""The twelve steps for a call that has to wait for its server only: without a coroutine, a task or a future.

Most calls are like an earlier one but for their id and their arguments: same caller, same tool, same snapshot. What
`serve` said to that one, wherever it follows from nothing else, is kept as a `Plan`; all the rest is done anew, in the
order of `serve` and by the same functions. Whatever no plan covers is declined before anything has happened, and then
`serve` carries it. So this page knows one kind of call, and need not know the others.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec
import structlog
from msgspec import Struct

from ostiary.core.errors import Fault, GatewayError
from ostiary.core.model import (
    Allow,
    Answer,
    Call,
    Caller,
    Charge,
    Check,
    Client,
    Era,
    Inbound,
    Json,
    Kind,
    Order,
    Snapshot,
    Target,
)
from ostiary.core.ports import Back, Release, Reply
from ostiary.core.trail import Trail
from ostiary.pipeline import steps
from ostiary.pipeline.conversation import Conversation
from ostiary.pipeline.world import World
from ostiary.protocol import modern
from ostiary.protocol.answers import refused
from ostiary.protocol.jsonrpc import read as parsed

log: Final = structlog.get_logger(__name__)

Still = Callable[[], Caller | None]
"""Who a credential speaks for at this moment; None: somebody has to be asked, or it is good no more."""
Rest = Callable[[Order, Back], Awaitable[Json]]
"""What is left to be heard of an answer that is not whole yet."""


class Told(Protocol):
    """Hears how an exchange with a server went: one of the three, once."""

    def answered(self, raw: Json, /) -> None:
        """Take the answer: `{"result": …}` or `{"error": …}`."""

    def failed(self, error: GatewayError, /) -> None:
        """Take why there is none."""

    def slow(self, rest: Rest, /) -> None:
        """Take over an answer that has begun and takes its time."""


class Exchange(Protocol):
    """One call at a server."""

    def abandon(self) -> None:
        """Tell the server that nobody waits any more; nothing is told after that."""


class Line(Protocol):
    """The way to one tool of one server that can be called without waiting for the way itself."""

    def ready(self) -> bool:
        """Say whether `send` would find a way at this moment."""

    def send(self, params: Json, deadline: float, told: Told, /) -> Exchange:
        """Send a call, its parameters in the client's words; `told` may hear of it at once."""


class Land(Protocol):
    """The way back to one client, which waits for nothing."""

    def finish(self, answer: Answer, /) -> int:
        """Send the last word, and return its size in bytes."""

    def linger(self, rest: Callable[[Reply], Awaitable[None]], /) -> None:
        """Let a task of its own do the rest, with a reply that can stream."""


class Plan(Struct, frozen=True):
    """What was said to one caller about one tool, and will be said again."""

    client: Client
    meta: Json
    """`_meta` of the requests that it is for."""
    target: Target
    check: Check
    """The target's own."""
    allow: Allow
    pay: Callable[[], Release]
    """Pays the rule's charges."""
    line: Line
    told: bytes
    """What the ledger says of all of these calls."""


class Regular:
    """A caller at an endpoint, with what `serve` said to them before."""

    __slots__ = ("caller", "message", "plans", "snapshot", "still")

    def __init__(self, message: Inbound, snapshot: Snapshot, caller: Caller, still: Still) -> None:
        self.message, self.snapshot, self.caller, self.still = message, snapshot, caller, still
        self.plans: dict[str, Plan | None] = {}
        """By the tool's name, as the client says it; None for one that `serve` has to carry each time."""


METHOD: Final = "tools/call"
_MESSAGE: Final = {"jsonrpc", "id", "method", "params"}
_PARAMS: Final = {"name", "arguments", "_meta"}
_ENVELOPE: Final = frozenset({modern.VERSION, modern.CAPABILITIES, modern.INFO})
_IDENTS: Final = frozenset({str, int})
_ANSWERED: Final = frozenset({"answered", "tool_error", "rpc_error"})
"""Outcomes of calls that walked every step."""
_BROKEN: Final = "a call failed inside the gateway"


class Swift:
    """Carries what is planned."""

    def __init__(
        self,
        world: World,
        acquainted: Callable[[Inbound], Still | None],
        owing: Callable[[tuple[Charge, ...], Caller], Callable[[], Release]],
        line: Callable[[Target], Line | None],
        constant: Callable[[Trail], bytes],
    ) -> None:
        """Take the ports `Identify`, `Spend` and `Send` as they are where they need not wait.

        `constant` returns what the ledger will say of each call like one that it was told of.
        """
        self.world, self._owing = world, owing
        self._acquainted, self._line, self._constant = acquainted, line, constant

    # What is kept.

    def regular(self, trail: Trail) -> Regular | None:
        """Return what will be kept of the caller of a message that `serve` has just carried."""
        still = self._acquainted(trail.message)
        if still is None or trail.caller is None or still() is not trail.caller or trail.outcome not in _ANSWERED:
            return None
        # The way to the body leads to the connection that it came by, which must not live as long as this.
        message = msgspec.structs.replace(trail.message, body=_read_before)
        return Regular(message, self.world.current(), trail.caller, still)

    def holds(self, regular: Regular) -> bool:
        """Say whether what is kept is still true."""
        return regular.snapshot is self.world.current() and regular.still() is regular.caller

    def plan(self, regular: Regular, trail: Trail) -> None:
        """Keep what `serve` said to a message that it has just carried, if it can be said again."""
        call, target, allow = trail.call, trail.target, trail.decision
        if call is None or call.name is None or trail.outcome not in _ANSWERED:
            return
        if trail.revision != regular.snapshot.revision:
            return
        regular.plans[call.name] = None
        if target is None or target.check is None or not isinstance(allow, Allow):
            return
        line = self._line(target) if _plain(call) and _unguarded(target) else None
        if line is not None:
            pay, said = self._owing(allow.charges, regular.caller), self._constant(trail)
            regular.plans[call.name] = Plan(
                call.client, call.params["_meta"], target, target.check, allow, pay, line, said
            )

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
        if plan is None or not plan.line.ready():
            return None
        call = _again(body, now.bounds.depth, name, plan)  # 2 parse
        if call is None:
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
        flight = Flight(self, land, trail, order)
        flight.leave(plan)
        return flight


async def _read_before() -> bytes:
    return b""


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
        and not (target.careful or target.fixed)
    )


def _again(body: bytes, depth: int, name: str, plan: Plan) -> Call | None:
    """Return the call that `read` would return, for a body that is like an earlier one; None for any other body."""
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
    return Call(ident, METHOD, name, params, plan.client)


class Flight:
    """One call that is carried, and how it ends. Its trail is written whatever happens."""

    __slots__ = ("_exchange", "_land", "_order", "_release", "_swift", "trail")

    def __init__(self, swift: Swift, land: Land, trail: Trail, order: Order) -> None:
        self._swift, self._land, self.trail, self._order = swift, land, trail, order
        self._release: Release = steps.nothing
        self._exchange: Exchange | None = None

    def leave(self, plan: Plan) -> None:
        """Go out, unless something speaks against it."""
        trail, order, world = self.trail, self._order, self._swift.world
        marks = trail.marks
        try:
            self._release = plan.pay()  # 5 limit
            if marks is not None:
                marks.append(world.clock())
            plan.check(order.call.params["arguments"])  # 6 validate
            if marks is not None:
                marks += [world.clock()] * 2  # 7 guard: whoever has guards has no plan
            world.audit.begin(trail)  # 8 record the intent: from here on it may leave
            trail.sent = world.clock()
            if marks is not None:
                marks.append(trail.sent)
            self._exchange = plan.line.send(order.call.params, order.deadline, self)  # 9 forward
        except GatewayError as error:
            self._refuse(error)
        except Exception as error:
            # Here and below: nobody could be raised to but the event loop that brought the news.
            log.exception(_BROKEN)
            self._break(error)

    def answered(self, raw: Json) -> None:
        """Give the client the server's answer."""
        trail, world = self.trail, self._swift.world
        trail.answered = world.clock()
        try:
            answer = steps.settled(self._order, raw, world, trail)  # 10 check, 11 guard the answer
            if trail.marks is not None:
                trail.marks.append(world.clock())
            trail.answer_bytes = self._land.finish(answer)
            if trail.marks is not None:
                trail.marks.append(world.clock())
        except GatewayError as error:
            self._refuse(error)
        except Exception as error:
            log.exception(_BROKEN)
            self._break(error)
        else:
            self._over()

    def failed(self, error: GatewayError) -> None:
        """Tell the client that there is no answer."""
        self.trail.answered = self._swift.world.clock()
        self._refuse(error)

    def slow(self, rest: Rest) -> None:
        """Let a task hear the rest of the answer."""
        self._land.linger(lambda reply: self._attended(reply, rest))

    def abandon(self) -> None:
        """End the call, for the client went away."""
        if self._exchange is not None:
            self._exchange.abandon()
        self.trail.outcome = "abandoned"
        self._over()

    async def _attended(self, reply: Reply, rest: Rest) -> None:
        order, trail, world = self._order, self.trail, self._swift.world
        try:
            try:
                raw = await rest(order, Conversation(order, reply, world))
            finally:
                trail.answered = world.clock()
            trail.answer_bytes = await reply.finish(steps.settled(order, raw, world, trail))
        except GatewayError as error:
            trail.answer_bytes = await reply.finish(self._refusal(error))
        except CancelledError:
            trail.outcome = "abandoned"
            raise
        except Exception as error:
            trail.outcome, trail.detail = "fault", type(error).__name__
            raise
        finally:
            self._over()

    def _refuse(self, error: GatewayError) -> None:
        try:
            self.trail.answer_bytes = self._land.finish(self._refusal(error))
        finally:
            self._over()

    def _break(self, error: Exception) -> None:
        self.trail.outcome, self.trail.detail = "fault", type(error).__name__
        try:
            self._land.finish(refused(Fault(), None, "", ""))
        finally:
            self._over()

    def _refusal(self, error: GatewayError) -> Answer:
        trail = self.trail
        trail.refuse(error)
        challenge = self._swift.world.challenge(trail.message.endpoint)
        return refused(error, trail.call, trail.reference, challenge)

    def _over(self) -> None:
        self._exchange = None  # It refers to this flight: memory would wait for the collector of reference cycles.
        steps.over(self.trail, self._release, self._swift.world)  # 12 record the outcome
