"""What is said to a client of HTTP+SSE (2024-11-05): answers, requests and notifications, all on its one stream."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from ostiary.core.errors import GatewayError
from ostiary.core.model import Answer, Json, Order, Surface
from ostiary.core.ports import Journal, Reply
from ostiary.pipeline.channels import Channel
from ostiary.pipeline.listen import PULSE, stream
from ostiary.pipeline.world import World
from ostiary.protocol import headers

OPENING: Final = 30.0
"""Seconds that a channel without a session stays open."""
_STREAMABLE, _OLDEST = "/mcp", "/sse"


async def channel(order: Order, surface: Surface, reply: Reply, world: World) -> Answer:
    """Open a channel, tell its client where to post, and say what is to be said until the client goes.

    This transport knows no other end of a session than the end of its stream (2024-11-05, "HTTP with SSE").
    """
    with world.sessions.channels.opened(order.caller, order.endpoint) as line:
        try:
            # A path from the root: what resolves it against something else than the stream's address finds it, too.
            place = f"{order.endpoint.removesuffix(_STREAMABLE)}{_OLDEST}?channel={line.token}"
            await reply.event("endpoint", place.encode())
            async with asyncio.timeout(order.caller.expires - world.time()), asyncio.TaskGroup() as tasks:
                saying = tasks.create_task(_said(line, reply))
                await _followed(line, order, surface, world)
                saying.cancel()
        except TimeoutError:
            return Answer(None, 200)
        finally:
            _ended(line, order, world)
    return Answer(None, 200)


async def _said(line: Channel, reply: Reply) -> None:
    while True:
        try:
            async with asyncio.timeout(PULSE):
                data = await line.following()
        except TimeoutError:
            await reply.pulse()
            continue
        await reply.event("message", data)
        line.said(data)


async def _followed(line: Channel, order: Order, surface: Surface, world: World) -> None:
    """Tell the session what changes, until the gateway closes; then let what is asked be answered."""
    try:
        async with asyncio.timeout(OPENING):
            await line.begun.wait()
    except TimeoutError:
        return
    try:
        client = world.sessions.recall(line.session, order.caller, order.endpoint)
        surface = world.current().surfaces.get((order.endpoint, client.offer), surface)
        here = msgspec.structs.replace(order, call=msgspec.structs.replace(order.call, client=client))
        await stream(here, surface, Voice(None, line), world)
    except GatewayError:
        return
    await line.rest()


def _ended(line: Channel, order: Order, world: World) -> None:
    if not line.session:
        return
    try:
        client = world.sessions.recall(line.session, order.caller, order.endpoint)
    except GatewayError:
        return
    world.sessions.end(client.session or "")


class Voice:
    """A reply to one message that was posted: until it is accepted, by HTTP; then on the stream of its channel."""

    stream = True

    def __init__(self, post: Reply | None, line: Channel | None = None) -> None:
        """Answer a POST; None: speak without having been asked."""
        self._post, self._line = post, line
        self._ident: str | int | None = None
        self._asked = False

    async def accept(self, line: Channel, ident: str | int | None, *, asked: bool) -> None:
        """Answer the POST, and go on on the stream, under the id of its message; `asked`: it waits for an answer."""
        self._line, self._ident, self._asked = line, ident, asked
        if self._post is not None:
            await self._post.finish(Answer(None, 202))

    async def keep(self, journal: Journal, prime: bool) -> None:  # noqa: ARG002 - the port's shape
        """Keep nothing: no stream of this transport can be taken up again."""
        journal.finish()

    async def interlude(self) -> None:
        """Go on: the stream is everyone's."""

    async def replay(self, ident: str, data: bytes) -> None:
        """Send nothing: no stream of this transport can be taken up again."""

    async def open(self) -> None:
        """Begin nothing: the stream is open."""

    async def pulse(self) -> None:
        """Say nothing: the stream has a pulse of its own."""

    async def event(self, name: str, data: bytes) -> None:
        """Say nothing: on this stream, everything is a message."""

    async def put(self, message: Json) -> None:
        """Say a message on the stream."""
        if self._line is not None:
            self._line.say(message)

    async def finish(self, answer: Answer) -> int:
        """Say the answer on the stream; a POST that was not accepted is refused by its status."""
        if self._line is None:
            return await self._post.finish(answer) if self._post is not None else 0
        session = answer.headers.get(headers.SESSION)
        if session:
            self._line.begin(session)
        if answer.payload is None or not self._asked:
            return 0
        # A refusal that came before the message was read does not know its id.
        return self._line.say(answer.payload if self._ident is None else {**answer.payload, "id": self._ident})
