"""A client of HTTP+SSE (2024-11-05) in front of a stage: one stream for all that it hears, one POST for each message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from ostiary.core.model import Answer, Inbound, Json
from ostiary.pipeline.post import posted
from tests.pipeline.stage import Heard, Stage, whole

PATIENCE = 10.0
EMPTY = whole(b"")
HELLO = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "tests"}}


def message(method: str, ident: Any = 1, **params: Any) -> dict[str, Any]:
    """Return a request, or with `ident=None` a notification."""
    return {"jsonrpc": "2.0", "method": method, "params": params} | ({} if ident is None else {"id": ident})


class Stream(Heard):
    """The reply to the GET; one that is stuck takes nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self.events: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.stuck: asyncio.Event | None = None
        self.pulses = 0

    async def event(self, name: str, data: bytes) -> None:
        if self.stuck is not None:
            await self.stuck.wait()
        self.events.put_nowait((name, data))

    async def pulse(self) -> None:
        self.pulses += 1


class Client:
    """A program that holds a channel open."""

    def __init__(self, stage: Stage, token: str, endpoint: str) -> None:
        self.stage, self.token, self.endpoint = stage, token, endpoint
        self.stream = Stream()
        self.channel = self.place = ""
        self.listening: asyncio.Task[None]
        self.posts: list[asyncio.Task[None]] = []

    def inbound(self, verb: str, channel: str = "", body: Callable[[], Awaitable[bytes]] = EMPTY) -> Inbound:
        """Return a request as the edge admits it."""
        return Inbound(verb, self.endpoint, {}, frozenset(), self.token, "127.0.0.1", body, channel=channel)

    async def next(self) -> tuple[str, bytes]:
        """Return the next event; where the stream broke, say how."""
        await until(lambda: not self.stream.events.empty() or self.listening.done())
        if self.stream.events.empty():
            raise AssertionError(f"the stream is over: {self.stream.answers}") from self.listening.exception()
        return self.stream.events.get_nowait()

    async def heard(self) -> dict[str, Any]:
        """Return the next message."""
        name, data = await self.next()
        assert name == "message"
        return dict(json.loads(data))

    async def send(self, said: Inbound) -> Answer:
        """Send one request, and return the answer of HTTP."""
        reply = Heard()
        task = asyncio.create_task(posted(said, reply, self.stage.world))
        self.posts.append(task)
        await until(lambda: bool(reply.answers) or task.done())
        return reply.answers[0]

    async def post(self, said: Any) -> Answer:
        """Post a message for the channel, and return the answer of HTTP."""
        return await self.send(self.inbound("POST", self.channel, whole(json.dumps(said).encode())))

    async def ask(self, method: str, ident: Any = 1, **params: Any) -> dict[str, Any]:
        """Post a request, and return the next message."""
        assert (await self.post(message(method, ident, **params))) == Answer(None, 202)
        return await self.heard()

    async def gone(self) -> None:
        """Return when the stream is over, whoever ended it."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self.listening])


@asynccontextmanager
async def client(
    stage: Stage, token: str = "ana-token", endpoint: str = "/mcp", hello: Json | None = HELLO
) -> AsyncIterator[Client]:
    """Open a channel and shake hands, unless `hello` is None; the stream is closed in the end."""
    here = Client(stage, token, endpoint)
    here.listening = asyncio.create_task(posted(here.inbound("GET"), here.stream, stage.world))
    name, data = await here.next()
    assert name == "endpoint"
    here.place, _, here.channel = data.decode().partition("?channel=")
    try:
        if hello is not None:
            assert "result" in await here.ask("initialize", 0, **hello)
            assert (await here.post(message("notifications/initialized", None))).status == 202
        yield here
    finally:
        here.listening.cancel()
        await here.gone()
        await asyncio.gather(*here.posts, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    """Let the others run until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0)
