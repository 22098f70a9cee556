"""An MCP server over HTTP that a test holds in its hands: what it offers, when it answers, what it was asked.

It runs in the test's own process and speaks both eras, so that a test can change a definition, hold an answer back, or
look at what arrived without waiting for anything but events.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tests.e2e.searched import RUN

Json = dict[str, Any]

MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
PATIENCE = 30.0
"""Seconds that a test waits for something that has to happen."""
_HANG_UP: Json = {}


def tool(name: str, description: str = "", **properties: str) -> Json:
    """Return a tool's definition; properties are given by their JSON type, and all of them are optional."""
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"name": name, "description": description or name, "inputSchema": schema}


TOOLS = (
    tool("note", "Note a key.", key="string"),
    tool("hold", "Answer when the test says so.", key="string"),
    tool("steps", "Tell progress, then wait like hold.", key="string"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One message that arrived."""

    method: str
    params: Json
    era: str
    session: str
    capabilities: Json


@dataclass
class Session:
    """One session of the handshake era."""

    ident: str
    capabilities: Json
    outbox: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)
    running: dict[Any, asyncio.Task[None]] = field(default_factory=dict)
    subscribed: set[str] = field(default_factory=set)


class Upstream:
    """The server: an ASGI application and the handles by which a test moves it."""

    def __init__(self, eras: Iterable[str] = ("modern", "handshake")) -> None:
        self.eras = set(eras)
        self.tools: list[Json] = [dict(each) for each in TOOLS]
        self.more: dict[str, list[Json]] = {}
        """Tools offered only to clients that declare a capability, by its name."""
        self.resources: list[Json] = []
        self.broken = False
        """Answer every request with 500."""
        self.mute = False
        """Answer nothing."""
        self.credential = ""
        """The Authorization header that came last."""
        self.asked: list[Asked] = []
        self.noted: list[str] = []
        self.cancelled: list[str] = []
        self.sessions: dict[str, Session] = {}
        self.streams: dict[int, asyncio.Queue[Json]] = {}
        self.listens: dict[int, Json] = {}
        """What each open listen of the modern era asked for: list changes by their key, resources by their URI."""
        self.url = ""
        self._released: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._changed = asyncio.Condition()
        self._count = 0

    # What a test does.

    def release(self, key: str) -> None:
        """Let the held call with this key answer."""
        self._released[key].set()

    async def announce(self, what: str) -> None:
        """Tell everyone who listens that a list has changed."""
        message = {"jsonrpc": "2.0", "method": f"notifications/{what}/list_changed"}
        self._broadcast(message)

    async def updated(self, uri: str) -> None:
        """Tell every session that subscribed to it that a resource was updated."""
        message = {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}}
        for session in self.sessions.values():
            if uri in session.subscribed:
                session.outbox.put_nowait(message)
        for key, wanted in self.listens.items():
            if uri in wanted and key in self.streams:
                self.streams[key].put_nowait(message)

    async def until_noted(self, key: str) -> None:
        """Return once a call with this key has arrived."""
        await self._until(lambda: key in self.noted)

    async def until_cancelled(self, key: str) -> None:
        """Return once the held call with this key was cancelled."""
        await self._until(lambda: key in self.cancelled)

    async def until_listened(self, streams: int = 1) -> None:
        """Return once somebody listens to what changes."""
        await self._until(lambda: len(self.streams) >= streams)

    async def until_watched(self, uri: str, times: int) -> None:
        """Return once so many subscriptions to a resource are open."""
        async with asyncio.timeout(PATIENCE):
            while self.watchers(uri) != times:
                await asyncio.sleep(0.02)

    def watchers(self, uri: str) -> int:
        """Return how many subscriptions to a resource are open, in both eras."""
        return sum(uri in each.subscribed for each in self.sessions.values()) + sum(
            uri in wanted for wanted in self.listens.values()
        )

    def hang_up(self) -> None:
        """Break every stream on which somebody hears what changes."""
        for queue in self.streams.values():
            queue.put_nowait(_HANG_UP)

    async def until_asked(self, method: str, times: int = 1) -> None:
        """Return once a method was asked so many times."""
        await self._until(lambda: self.count(method) >= times)

    def count(self, method: str) -> int:
        """Return how often a method was asked."""
        return sum(each.method == method for each in self.asked)

    async def _until(self, true: Any) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(true)

    async def _note(self, where: list[Any], what: Any) -> None:
        async with self._changed:
            where.append(what)
            self._changed.notify_all()

    def _broadcast(self, message: Json) -> None:
        what = f"{message['method'].split('/')[1]}ListChanged"
        for key, queue in self.streams.items():
            if key not in self.listens or what in self.listens[key]:
                queue.put_nowait(message)

    # The application.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request (ASGI 3.0)."""
        sent = {name.decode(): value.decode() for name, value in scope["headers"]}
        head = [scope["raw_path"] + b"?" + scope["query_string"], *(b"%b: %b" % pair for pair in scope["headers"])]
        RUN.heard("upstream", "request's head to the double", b"\n".join(head))
        session = self.sessions.get(sent.get("mcp-session-id", ""))
        exchange = Exchange(receive, send)
        self.credential = sent.get("authorization", "")
        if self.broken:
            await exchange.bare(500)
        elif scope["method"] == "GET":
            await self._stream(session, exchange)
        elif scope["method"] == "DELETE":
            self.sessions.pop(sent.get("mcp-session-id", ""), None)
            await exchange.bare(204)
        else:
            await self._message(await exchange.message(), "mcp-session-id" in sent, session, exchange)

    async def _message(self, message: Json, in_session: bool, session: Session | None, exchange: "Exchange") -> None:
        params = message.get("params") or {}
        meta = params.get("_meta") or {}
        modern = META + "protocolVersion" in meta
        capabilities = meta.get(META + "clientCapabilities", {}) if modern else session.capabilities if session else {}
        asked = Asked(
            message.get("method", ""), params, "modern" if modern else "handshake",
            session.ident if session else "", capabilities,
        )  # fmt: skip
        await self._note(self.asked, asked)
        if self.mute:
            await exchange.gone()
        elif ("modern" if modern else "handshake") not in self.eras:
            await exchange.error(message.get("id"), -32601, 404 if modern else 400)
        elif in_session and session is None:
            await exchange.bare(404)
        elif "id" not in message or "method" not in message:
            self._notified(asked, session)
            await exchange.bare(202)
        else:
            await self._request(message["id"], asked, session, exchange)

    def _notified(self, asked: Asked, session: Session | None) -> None:
        if asked.method == "notifications/cancelled" and session is not None:
            task = session.running.get(asked.params.get("requestId"))
            if task is not None:
                task.cancel()

    async def _request(self, ident: Any, asked: Asked, session: Session | None, exchange: "Exchange") -> None:
        match asked.method:
            case "initialize":
                await self._initialize(ident, asked, exchange)
            case "subscriptions/listen":
                await self._listen(ident, asked.params.get("notifications", {}), exchange)
            case "tools/call":
                await self._call(ident, asked, session, exchange)
            case _:
                result = self._result(asked, session)
                if result is None:
                    await exchange.error(ident, -32601, 404 if asked.era == "modern" else 200)
                else:
                    await exchange.result(ident, result)

    def _result(self, asked: Asked, session: Session | None) -> Json | None:
        cached: Json = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        fresh: Json = cached if asked.era == "modern" else {}
        match asked.method:
            case "server/discover":
                return {"supportedVersions": [MODERN], "capabilities": self._capabilities(), **fresh}
            case "tools/list":
                return {"tools": self.offered(asked.capabilities), **fresh}
            case "resources/list":
                return {"resources": self.resources, **fresh}
            case "resources/templates/list":
                return {"resourceTemplates": [], **fresh}
            case "resources/read":
                return {"contents": [{"uri": asked.params["uri"], "text": "text"}], **fresh}
            case "resources/subscribe" if session is not None:
                session.subscribed.add(asked.params["uri"])
                return {}
            case "resources/unsubscribe" if session is not None:
                session.subscribed.discard(asked.params["uri"])
                return {}
            case "ping" | "logging/setLevel":
                return {}
        return None

    def offered(self, capabilities: Json) -> list[Json]:
        """Return the tools that a client with these capabilities is offered."""
        return self.tools + [each for name, extra in self.more.items() if name in capabilities for each in extra]

    def _capabilities(self) -> Json:
        return {
            "tools": {"listChanged": True},
            **({"resources": {"subscribe": True, "listChanged": True}} if self.resources else {}),
        }

    async def _initialize(self, ident: Any, asked: Asked, exchange: "Exchange") -> None:
        self._count += 1
        session = Session(f"session-{self._count}", asked.params.get("capabilities", {}))
        self.sessions[session.ident] = session
        result = {
            "protocolVersion": asked.params["protocolVersion"],
            "capabilities": self._capabilities(),
            "serverInfo": {"name": "double", "version": "1"},
        }
        await exchange.result(ident, result, session.ident)

    async def _call(self, ident: Any, asked: Asked, session: Session | None, exchange: "Exchange") -> None:
        name, key = asked.params.get("name"), str(asked.params.get("arguments", {}).get("key", ""))
        await self._note(self.noted, key)
        if name == "steps":
            token = asked.params.get("_meta", {}).get("progressToken")
            await exchange.open()
            for done in (1, 2):
                params = {"progressToken": token, "progress": done, "message": key}
                await exchange.put({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
        if name in {"hold", "steps"} and not await self._held(ident, key, session, exchange):
            return
        meta: Json = {"resultType": "complete"} if asked.era == "modern" else {}
        await exchange.result(ident, {"content": [{"type": "text", "text": f"{name} {key}"}], **meta})

    async def _held(self, ident: Any, key: str, session: Session | None, exchange: "Exchange") -> bool:
        """Wait for the release of a key; False where the call was cancelled, by word or by hanging up."""
        waits = [asyncio.create_task(self._waiting(key)), asyncio.create_task(exchange.gone())]
        if session is not None:
            # Hanging up cancels nothing in the handshake era, so only the word counts there.
            session.running[ident] = waits[0]
        try:
            await asyncio.wait(waits[: 1 if session is not None else 2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits[1:]:
                task.cancel()
        if waits[0].done() and not waits[0].cancelled():
            return True
        waits[0].cancel()
        await self._note(self.cancelled, key)
        if session is not None:
            await exchange.bare(202)
        return False

    async def _waiting(self, key: str) -> None:
        await self._released[key].wait()

    async def _stream(self, session: Session | None, exchange: "Exchange") -> None:
        if session is None:
            await exchange.bare(405)
            return
        await exchange.open()
        await self._relayed(session.outbox, exchange, {})

    async def _listen(self, ident: Any, wanted: Json, exchange: "Exchange") -> None:
        mark = {"_meta": {META + "subscriptionId": ident}}
        await exchange.open()
        params = {"notifications": {key: value for key, value in wanted.items() if value}, **mark}
        acknowledged = "notifications/subscriptions/acknowledged"
        await exchange.put({"jsonrpc": "2.0", "method": acknowledged, "params": params})
        self.listens[id(exchange)] = {**wanted, **dict.fromkeys(wanted.get("resourceSubscriptions", ()), True)}
        try:
            await self._relayed(asyncio.Queue(), exchange, mark)
        finally:
            del self.listens[id(exchange)]

    async def _relayed(self, queue: asyncio.Queue[Json], exchange: "Exchange", mark: Json) -> None:
        async with self._changed:
            self.streams[id(exchange)] = queue
            self._changed.notify_all()
        ends = asyncio.create_task(exchange.gone())
        try:
            while not ends.done():
                following = asyncio.create_task(queue.get())
                await asyncio.wait({following, ends}, return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    message = following.result()
                    if message is _HANG_UP:
                        await exchange.end()
                        return
                    await exchange.put({**message, "params": {**message.get("params", {}), **mark}})
                following.cancel()
        finally:
            ends.cancel()
            self.streams.pop(id(exchange), None)


class Exchange:
    """One HTTP exchange: JSON, or a stream once it was opened."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive, self._send, self._streaming = receive, send, False

    async def message(self) -> Json:
        """Return the request's body."""
        body, more = b"", True
        while more:
            part = await self._receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        RUN.heard("upstream", "request's body to the double", body)
        return dict(json.loads(body))

    async def gone(self) -> None:
        """Return when the other side has hung up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def bare(self, status: int) -> None:
        """Answer with a status alone."""
        await self._whole(status, b"", ())

    async def error(self, ident: Any, code: int, status: int) -> None:
        """Answer with a JSON-RPC error."""
        error = {"code": code, "message": "no"}
        await self._whole(status, json.dumps({"jsonrpc": "2.0", "id": ident, "error": error}).encode(), ())

    async def result(self, ident: Any, result: Json, session: str = "") -> None:
        """Answer with a result."""
        message = {"jsonrpc": "2.0", "id": ident, "result": result}
        if self._streaming:
            await self.put(message)
            await self._send({"type": "http.response.body", "body": b""})
            return
        more = ((b"mcp-session-id", session.encode()),) if session else ()
        await self._whole(200, json.dumps(message).encode(), more)

    async def end(self) -> None:
        """End the stream, without an answer."""
        await self._send({"type": "http.response.body", "body": b""})

    async def open(self) -> None:
        """Begin an event stream."""
        self._streaming = True
        headers = [(b"content-type", b"text/event-stream")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": b": open\n\n", "more_body": True})

    async def put(self, message: Json) -> None:
        """Send one event."""
        data = b"event: message\ndata: " + json.dumps(message).encode() + b"\n\n"
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def _whole(self, status: int, body: bytes, more: Iterable[tuple[bytes, bytes]]) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *more]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the test."""
        yield


@asynccontextmanager
async def upstream(double: Upstream, port: int = 0) -> AsyncIterator[Upstream]:
    """Run the double on a free loopback port, or on one that is known already."""
    config = uvicorn.Config(double, port=port, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = _Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:
            await asyncio.sleep(0.01)
    double.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    try:
        yield double
    finally:
        server.should_exit = True
        await running
