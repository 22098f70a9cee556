"""One call that is carried the swift way, from its limits to its outcome; and those that leave or land together.

What came in one turn of the event loop leaves at its end: one write of the ledger for the intents of all, then one
call after the other. Answers land in the same way. The system is asked less often so, and whoever sleeps on the other
side of a connection is woken once for many; the calls of a turn would have waited for each other anyway.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from typing import Final

import structlog

from ostiary.core.errors import Fault, GatewayError
from ostiary.core.model import Answer, Caller, Json, Order
from ostiary.core.ports import Reply, Settle
from ostiary.core.trail import Trail
from ostiary.pipeline import costing, steps
from ostiary.pipeline.again import FINDING, repeatable
from ostiary.pipeline.conversation import Conversation
from ostiary.pipeline.plan import Exchange as Exchange
from ostiary.pipeline.plan import Land, Plan
from ostiary.pipeline.plan import Rest as Rest
from ostiary.pipeline.plan import Told as Told
from ostiary.pipeline.world import World
from ostiary.protocol.answers import refused

log: Final = structlog.get_logger(__name__)

Soon = Callable[[Callable[[], None]], object]
"""Call something at the end of the event loop's turn, like `call_soon`."""
Together = Callable[[list[Trail]], None]
"""Write the intents of calls, all or none, or raise."""


class Turn:
    """The calls of one turn of the event loop."""

    def __init__(self, world: World) -> None:
        """Wait for nothing, until there is a loop."""
        self.world = world
        self._soon: Soon | None = None
        self._together: Together | None = None
        self._leaving: list[Flight] = []
        self._landing: list[Flight] = []

    def gather(self, soon: Soon, together: Together) -> None:
        """Let calls leave and land together from now on."""
        self._soon, self._together = soon, together

    def leaves(self, flight: Flight) -> None:
        """Let a call leave at the end of this turn, when its intent is written."""
        if self._soon is None:
            flight.depart()
            return
        if not (self._leaving or self._landing):
            self._soon(self.end)
        self._leaving.append(flight)

    def lands(self, flight: Flight) -> None:
        """Let a call land at the end of this turn."""
        if self._soon is None:
            flight.land()
            return
        if not (self._leaving or self._landing):
            self._soon(self.end)
        self._landing.append(flight)

    def end(self) -> None:
        """Let everything leave, and then land, that came in this turn."""
        leaving, landing, self._leaving, self._landing = self._leaving, self._landing, [], []
        if leaving:
            self._depart([flight for flight in leaving if not flight.over])
        for flight in landing:
            if not flight.over:
                flight.land()

    def _depart(self, flights: list[Flight]) -> None:
        try:
            if self._together is not None:
                self._together([flight.trail for flight in flights])
        except Exception:  # noqa: BLE001 - nothing was written: each asks for itself now, and hears why
            for flight in flights:
                flight.depart()
        else:
            for flight in flights:
                flight.go()


class Flight:
    """One call that is carried, and how it ends. Its trail is written whatever happens."""

    __slots__ = ("_arguments", "_exchange", "_land", "_order", "_raw", "_settle", "_turn", "over", "trail")

    def __init__(self, turn: Turn, land: Land, exchange: Exchange, order: Order, arguments: bytes) -> None:
        self._turn, self._land, self._order, self._arguments = turn, land, order, arguments
        self._settle: Settle = steps.unpaid
        self._exchange: Exchange | None = exchange
        self.over = False

    @property
    def caller(self) -> Caller:
        """Who called."""
        return self._order.caller

    def leave(self, plan: Plan, trail: Trail) -> bool:
        """Go out at the end of this turn, unless something speaks against it; False: limits would have it wait."""
        self.trail, marks, clock = trail, trail.marks, self._turn.world.clock
        try:
            settle = plan.pay()  # 5 limit
            if settle is None:
                return False
            self._settle = settle
            if marks is not None:
                marks.append(clock())
            plan.check(self._order.call.params["arguments"])  # 6 validate
            if marks is not None:
                marks += [clock()] * 2  # 7 guard: whoever has guards has no plan
        except Exception as error:  # noqa: BLE001 - nobody could be raised to but the event loop that brought the news
            self._fail(error)
        else:
            self._turn.leaves(self)
        return True

    def depart(self) -> None:
        """Go out when the intent is written."""
        try:
            self._turn.world.audit.begin(self.trail)  # 8 record the intent: from here on it may leave
        except Exception as error:  # noqa: BLE001 - nobody could be raised to but the event loop that brought the news
            self._fail(error)
        else:
            self.go()

    def go(self) -> None:
        """Go out: the intent is written."""
        trail, exchange = self.trail, self._exchange
        trail.sent = self._turn.world.clock()
        if trail.marks is not None:
            trail.marks.append(trail.sent)
        try:
            if exchange is not None:
                exchange.send(self._arguments, self._order.deadline, self)  # 9 forward
        except Exception as error:  # noqa: BLE001 - nobody could be raised to but the event loop that brought the news
            self._fail(error)

    def answered(self, raw: Json) -> None:
        """Give the client the server's answer, at the end of this turn."""
        self.trail.answered = self._turn.world.clock()
        self._exchange, self._raw = None, raw
        self._turn.lands(self)

    def land(self) -> None:
        """Give the client the server's answer."""
        trail, world = self.trail, self._turn.world
        try:
            answer = self._settled()  # 10 check, 11 guard the answer
            if trail.marks is not None:
                trail.marks.append(world.clock())
            trail.answer_bytes = self._land.finish(answer)
            if trail.marks is not None:
                trail.marks.append(world.clock())
        except Exception as error:  # noqa: BLE001 - nobody could be raised to but the event loop that brought the news
            self._fail(error)
        else:
            self._over()

    def _settled(self) -> Answer:
        """Return what `steps.settled` would, with less to look at: a plan is for a tool that nothing guards."""
        raw, order, trail, world = self._raw, self._order, self.trail, self._turn.world
        if order.target.price is not None:
            costing.heard(raw, trail, order.target.price)
        result = raw.get("result")
        if (
            type(result) is not dict
            or result.get("resultType") != "complete"
            or "error" in raw
            or order.target.results is not None
        ):
            return steps.settled(order, raw, world, trail)
        content, error = result.get("content"), result.get("isError")
        block = content[0] if type(content) is list and len(content) == 1 else None
        # One text, these two and `resultType`, and nothing else: no links are handed over.
        if type(block) is not dict or block.get("type") != "text" or len(result) != (2 if error is None else 3):
            world.links.remember(order, raw)
        trail.outcome = "tool_error" if error is True else "answered"
        return Answer({"jsonrpc": "2.0", "id": order.call.id, "result": result})

    def failed(self, error: GatewayError) -> None:
        """Tell the client that there is no answer."""
        world, trail = self._turn.world, self.trail
        trail.answered = world.clock()
        if repeatable(error, self._order, trail.answered):
            trail.findings.append(FINDING)
            self.slow(world.send)
            return
        self._refuse(error)

    def slow(self, rest: Rest) -> None:
        """Let a task hear the rest of the answer."""
        self._land.linger(lambda reply: self._attended(reply, rest))

    def abandon(self) -> None:
        """End the call, for the client went away."""
        self.trail.outcome = "abandoned"
        self._over()

    async def _attended(self, reply: Reply, rest: Rest) -> None:
        order, trail, world = self._order, self.trail, self._turn.world
        try:
            try:
                raw = await rest(order, Conversation(order, reply, world))
            finally:
                trail.answered = world.clock()
            if order.target.price is not None:
                costing.heard(raw, trail, order.target.price)
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

    def _fail(self, error: Exception) -> None:
        if isinstance(error, GatewayError):
            self._refuse(error)
            return
        log.error("a call failed inside the gateway", exc_info=error)
        self.trail.outcome, self.trail.detail = "fault", type(error).__name__
        try:
            self._land.finish(refused(Fault(), None, "", ""))
        finally:
            self._over()

    def _refusal(self, error: GatewayError) -> Answer:
        trail = self.trail
        trail.refuse(error)
        challenge = self._turn.world.challenge(trail.message.endpoint)
        return refused(error, trail.call, trail.reference, challenge)

    def _over(self) -> None:
        # It refers to this flight: memory would wait for the collector of reference cycles.
        exchange, self._exchange, self.over = self._exchange, None, True
        if exchange is not None:
            exchange.abandon()
        steps.over(self.trail, self._settle, self._turn.world)  # 12 record the outcome
