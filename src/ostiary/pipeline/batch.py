"""JSON-RPC batches (2025-03-26): every message in one is carried as if it had come alone, by all twelve steps."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ostiary.core.errors import NotAcceptable
from ostiary.core.model import Answer, Inbound, Json, Order, Surface
from ostiary.core.ports import Journal, Reply
from ostiary.pipeline.world import World
from ostiary.protocol.jsonrpc import encode, is_id

_ABREAST: Final = 4
"""Requests of one batch carried at the same time: one POST must not be worth sixty-four."""


async def batch(order: Order, _surface: Surface, reply: Reply, world: World) -> Answer:
    """Carry out every message of a batch; the answers go on one stream, each as soon as it is there."""
    messages: list[Json] = order.call.params["messages"]
    asks = any("method" in each and "id" in each for each in messages)
    if asks and not reply.stream:
        raise NotAcceptable(hint="a batch is answered on a stream; accept text/event-stream")
    if asks:
        await reply.open()
    places = asyncio.Semaphore(_ABREAST)
    async with asyncio.TaskGroup() as tasks:
        for message, part in zip(messages, order.call.parts, strict=True):
            tasks.create_task(_carried(part, Part(reply, message.get("id")), world, places))
    return Answer(None, 200 if asks else 202)


async def _carried(part: Inbound, reply: Part, world: World, places: asyncio.Semaphore) -> None:
    if reply.ident is None:
        # Notifications and answers take no time of their own, and may be what a request waits for.
        await world.serve(part, reply, world)
        return
    async with places:
        await world.serve(part, reply, world)


class Part:
    """The way back for one message of a batch: all of it goes on the batch's own stream."""

    stream = True

    def __init__(self, whole: Reply, ident: Any) -> None:
        """Answer the message of this id; None where it is a notification."""
        self._whole, self.ident = whole, ident if is_id(ident) else None

    async def keep(self, journal: Journal, prime: bool) -> None:  # noqa: ARG002 - the port's shape
        """Keep nothing: what would be taken up again is the stream of the batch, which has no journal."""
        journal.finish()

    async def interlude(self) -> None:
        """Go on: other messages of the batch need the stream."""

    async def replay(self, ident: str, data: bytes) -> None:
        """Send nothing: no message of a batch takes up a stream."""

    async def open(self) -> None:
        """Begin the stream of the batch."""
        await self._whole.open()

    async def pulse(self) -> None:
        """Keep the stream of the batch alive."""
        await self._whole.pulse()

    async def event(self, name: str, data: bytes) -> None:
        """Send an event on the stream of the batch."""
        await self._whole.event(name, data)

    async def put(self, message: Json) -> None:
        """Send a message on the stream of the batch."""
        await self._whole.put(message)

    async def finish(self, answer: Answer) -> int:
        """Send the answer, under the id of its request even where the refusal came before that was read."""
        if answer.payload is None:
            return 0
        message = answer.payload if self.ident is None else {**answer.payload, "id": self.ident}
        await self._whole.put(message)
        return len(encode(message))
