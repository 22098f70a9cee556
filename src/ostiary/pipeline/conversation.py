"""What a server may say to a client in the middle of a call, and how the client's answers find their way back."""

from __future__ import annotations

import asyncio
from typing import Final

from ostiary.core.errors import TimedOut
from ostiary.core.model import Era, Json, Order
from ostiary.core.ports import Reply
from ostiary.pipeline.world import World
from ostiary.protocol.capabilities import covers
from ostiary.protocol.jsonrpc import notification, request
from ostiary.protocol.methods import INTERLUDE

_REFUSED: Final = -32601


class Conversation:
    """The way back for one call."""

    def __init__(self, order: Order, reply: Reply, world: World) -> None:
        self._order, self._reply, self._world = order, reply, world

    async def notify(self, method: str, params: Json) -> None:
        """Pass a notification on to the client, on this call's stream; an interlude is one, too."""
        if method == INTERLUDE:
            await self._reply.interlude()
            return
        await self._reply.put(notification(method, params))

    async def ask(self, method: str, params: Json) -> Json:
        """Put a server's request to the client on this call's stream, and wait for the answer it posts."""
        client, world = self._order.call.client, self._world
        if not covers(client.offer, method, params):
            return _error(f"the client did not declare what {method} needs")
        if client.era is Era.MODERN or client.session is None:
            return _error("a client of this revision is not asked by requests")
        ident = f"ostiary-{world.reference()}"
        with world.sessions.asking(client.session, ident) as answer:
            await self._reply.put(request(ident, method, params))
            try:
                async with asyncio.timeout(self._order.deadline - world.clock()):
                    return await answer
            except TimeoutError:
                raise TimedOut(f"the client did not answer {method}") from None


def _error(message: str) -> Json:
    return {"error": {"code": _REFUSED, "message": message}}
