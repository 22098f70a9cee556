"""What a server may say to a client in the middle of a call, and how the client's answers find their way back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ostiary.core.errors import TimedOut
from ostiary.core.model import Era, Json, Order
from ostiary.core.ports import Reply
from ostiary.pipeline.world import World
from ostiary.protocol.jsonrpc import notification, request
from ostiary.protocol.methods import INTERLUDE
from ostiary.protocol.questions import objection, refusal, unanswered


class Conversation:
    """The way back for one call."""

    # Most calls are over without a question; what only questions need is not made for each of them.
    _limit: asyncio.Timeout | None = None
    _asking, _left = 0, 0.0

    def __init__(self, order: Order, reply: Reply, world: World) -> None:
        self._order, self._reply, self._world = order, reply, world
        self._open: dict[asyncio.Future[Json], str]
        """The questions without an answer, and what each one asks."""

    async def notify(self, method: str, params: Json) -> None:
        """Pass a notification on to the client, on this call's stream; an interlude is one, too."""
        if method == INTERLUDE:
            await self._reply.interlude()
            return
        await self._reply.put(notification(method, params))

    async def ask(self, method: str, params: Json) -> Json:
        """Put a server's request to the client on this call's stream, and wait for the answer it posts."""
        client, world = self._order.call.client, self._world
        reason = objection(client, method, params)
        if reason:
            return refusal(reason)
        if client.era is Era.MODERN or client.session is None:
            return refusal("a client of this revision is not asked by requests")
        if not self._reply.stream:
            return refusal("the client accepts no event stream, so it cannot be asked")
        ident = f"ostiary-{world.reference()}"
        with world.sessions.asking(client.session, ident) as answer, self._paused(), self._kept(answer, method):
            await self._reply.put(request(ident, method, params))
            try:
                async with asyncio.timeout(world.current().timeouts.answer):
                    return await answer
            except TimeoutError:
                raise TimedOut(f"the client did not answer {method}") from None

    @contextmanager
    def pausing(self, limit: asyncio.Timeout) -> Iterator[None]:
        """Let `limit` stand still while the client is asked: a person who thinks is no slow server."""
        self._limit, self._open = limit, {}
        try:
            yield
        finally:
            self._limit = None
            for answer, method in self._open.items():
                # The call is over: a server that asked all the same is not answered by anybody.
                if not answer.done():
                    answer.set_result(unanswered(method))

    @contextmanager
    def _kept(self, answer: asyncio.Future[Json], method: str) -> Iterator[None]:
        if self._limit is None:
            yield
            return
        self._open[answer] = method
        try:
            yield
        finally:
            del self._open[answer]

    @contextmanager
    def _paused(self) -> Iterator[None]:
        loop, limit = asyncio.get_running_loop(), self._limit
        self._asking += 1
        if limit is not None and self._asking == 1:
            self._left = (limit.when() or loop.time()) - loop.time()
            limit.reschedule(None)
        try:
            yield
        finally:
            self._asking -= 1
            # A question may outlive its call, and then there is nothing left to go on.
            if self._limit is not None and not self._asking:
                self._limit.reschedule(loop.time() + self._left)
