"""An HTTP+SSE server (2024-11-05) over real sockets, which says exactly what a test wants said."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn

Json = dict[str, Any]

PATIENCE = 20.0
STREAM = [(b"content-type", b"text/event-stream; charset=utf-8")]
TOOLS = [
    {"name": name, "inputSchema": {"type": "object"}}
    for name in ("echo", "steps", "hold", "drop", "ask", "log", "quick", "late")
]
CAPABILITIES: Json = {"tools": {"listChanged": True}, "logging": {}, "resources": {"subscribe": True}}


@dataclass(frozen=True)
class Seen:
    """One HTTP request that arrived."""

    verb: str
    target: str
    headers: dict[str, str]
    message: Json


@dataclass
class Old:
    """The server: an ASGI application and the handles by which a test moves it."""

    endpoint: str = "/messages?session={session}"
    first: str = ""
    """What the stream begins with, before the endpoint event."""
    status: int = 200
    media: bytes = b"text/event-stream"
    posting: Callable[[Json], int] = lambda _: 202
    """The status for a message."""
    mute: bool = False
    """Accept messages and answer none."""
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    streams: dict[str, asyncio.Queue[bytes | None]] = field(default_factory=dict)
    opened: int = 0
    _answers: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _idents: Iterator[int] = field(default_factory=itertools.count)

    # What a test does.

    def release(self) -> None:
        """Let every held call answer."""
        self._released.set()

    def say(self, message: Json, session: str = "") -> None:
        """Send a message on one stream, or on all."""
        for queue in [self.streams[session]] if session else self.streams.values():
            queue.put_nowait(b"event: message\r\ndata: " + json.dumps(message).encode() + b"\r\n\r\n")

    def write(self, text: str) -> None:
        """Write this on every stream, as it is."""
        for queue in self.streams.values():
            queue.put_nowait(text.encode())

    def drop(self) -> None:
        """End every stream, and forget its session."""
        for queue in self.streams.values():
            queue.put_nowait(None)
        self.streams.clear()

    def heard(self, method: str) -> list[Json]:
        """Return the messages with this method."""
        return [each.message for each in self.seen if each.message.get("method") == method]

    async def until(self, true: Callable[[], Any]) -> None:
        """Return when something is true, looking whenever something arrived or a stream ended."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(true)

    # The application.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request (ASGI 3.0)."""
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        message = json.loads(body) if body else {}
        target = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        self.seen.append(Seen(scope["method"], target, headers, message))
        await self._notify()
        if scope["method"] == "GET":
            await self._stream(receive, send)
            return
        session = parse_qs(scope["query_string"].decode()).get("session", [""])[0]
        await self._posted(session, message, send)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _stream(self, receive: Any, send: Any) -> None:
        self.opened += 1
        session = f"s{self.opened}"
        queue = self.streams[session] = asyncio.Queue[bytes | None]()
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-type", self.media)]})
        if self.status != 200 or self.media != b"text/event-stream":
            await send({"type": "http.response.body", "body": b"{}"})
            return
        said = f"event: endpoint\r\ndata: {self.endpoint.format(session=session)}\r\n\r\n" if self.endpoint else ""
        await send({"type": "http.response.body", "body": (self.first + said).encode(), "more_body": True})
        gone = asyncio.create_task(_hung_up(receive, queue))
        try:
            while (data := await queue.get()) is not None:
                await send({"type": "http.response.body", "body": data, "more_body": True})
        finally:
            gone.cancel()
            self.streams.pop(session, None)
            with suppress(OSError):
                await send({"type": "http.response.body", "body": b""})
            await self._notify()

    async def _posted(self, session: str, message: Json, send: Any) -> None:
        status = self.posting(message) if session in self.streams else 404
        answer = self._answer(session, message)
        quick = message.get("params", {}).get("name") == "quick"
        if quick and status == 202:
            await answer
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"whatever"})
        if status == 202 and not quick:
            await answer
        answer.close()

    async def _answer(self, session: str, message: Json) -> None:
        if "method" not in message:
            self._answers[message["id"]].set_result(message)
            return
        if "id" not in message or self.mute:
            return
        params = message.get("params", {})
        match message["method"]:
            case "initialize":
                about = {"name": "old", "version": "1"}
                result: Json = {"protocolVersion": "2024-11-05", "capabilities": CAPABILITIES, "serverInfo": about}
            case "tools/list":
                result = {"tools": TOOLS}
            case "resources/list":
                result = {"resources": []}
            case "resources/templates/list":
                result = {"resourceTemplates": []}
            case "tools/call":
                said = await self._called(session, params)
                result = {"content": [{"type": "text", "text": json.dumps(said)}]}
            case _:
                result = {}
        if session in self.streams:
            self.say({"jsonrpc": "2.0", "id": message["id"], "result": result}, session)

    async def _called(self, session: str, params: Json) -> Any:
        match params["name"]:
            case "steps":
                for step in (1, 2):
                    about = {"progressToken": params["_meta"]["progressToken"], "progress": step}
                    self.say({"jsonrpc": "2.0", "method": "notifications/progress", "params": about}, session)
            case "log":
                about = {"level": "warning", "data": "careful"}
                self.say({"jsonrpc": "2.0", "method": "notifications/message", "params": about}, session)
            case "hold":
                await self._released.wait()
            case "drop":
                self.drop()
            case "ask":
                return await self.ask(session, "elicitation/create", {"message": "who?", "requestedSchema": {}})
        return params.get("arguments", {})

    async def ask(self, session: str, method: str, params: Json) -> Json:
        """Ask the client of a session something, and return its answer."""
        ident = f"q{next(self._idents)}"
        answer = self._answers[ident] = asyncio.get_running_loop().create_future()
        self.say({"jsonrpc": "2.0", "id": ident, "method": method, "params": params}, session)
        return {key: value for key, value in (await answer).items() if key in ("result", "error")}


async def _hung_up(receive: Any, queue: asyncio.Queue[bytes | None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    queue.put_nowait(None)


class Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the test."""
        yield


@asynccontextmanager
async def running(double: Old) -> AsyncIterator[Old]:
    """Run the double on a free loopback port."""
    config = uvicorn.Config(double, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = Quiet(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:
            await asyncio.sleep(0.01)
    double.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/sse"
    try:
        yield double
    finally:
        double.drop()
        server.should_exit = True
        await task
