"""The MCP endpoints as one raw ASGI callable: admit, serve, reply.

Host and Origin are looked at before anything else (DNS rebinding: CVE-2025-66414 and its family); everything that
concerns the body is looked at when the body is asked for, which is after the caller is known.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import structlog

from ostiary.adapters.http.admitting import admit_host as admit_host
from ostiary.adapters.http.admitting import bearer as bearer
from ostiary.adapters.http.admitting import collected as collected
from ostiary.adapters.http.certificates import TLS
from ostiary.adapters.http.channel import beside, channeled
from ostiary.adapters.http.cycle import WHOLE, App, fields
from ostiary.adapters.http.lane import PIECE, Attending, Lane
from ostiary.core.errors import (
    Fault,
    GatewayError,
    Malformed,
    NoSuchPlace,
    NotAcceptable,
    Overloaded,
    TooLarge,
    WrongMedia,
)
from ostiary.core.model import HANDSHAKES, Answer, Inbound, Json, Snapshot
from ostiary.core.ports import Journal, Reply
from ostiary.core.trail import Trail
from ostiary.pipeline.swift import Swift
from ostiary.protocol import headers as routing
from ostiary.protocol.answers import refused
from ostiary.protocol.headers import accepts
from ostiary.protocol.jsonrpc import encode

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Serve = Callable[[Inbound, Reply], Awaitable[Trail | None]]

log: Final = structlog.get_logger()

WATCH_AFTER: Final = 0.05
"""Seconds into a call after which the gateway looks whether the client is still there (it may be twice as many);
most calls are over by then."""

RETRY: Final = 1000
"""Milliseconds after which a client whose stream ended early should come back."""

_STREAM: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_NO_EXTENSIONS: Final[Json] = {}
_ALLOW: Final = b"GET, POST, DELETE"


class Door:
    """Admits requests to the MCP endpoints; what is none of theirs goes to `pages`."""

    def __init__(
        self, serve: Serve, posted: Serve, current: Callable[[], Snapshot], pages: Callable[..., Awaitable[None]]
    ) -> None:
        """Carry what comes by Streamable HTTP with `serve`, and what comes by HTTP+SSE with `posted`."""
        self.lane: Lane | None = None
        """The way around this one for calls that are like an earlier one."""
        self.shed: Counter[str] = Counter(calls=0, connections=0, bodies=0)
        """What was turned away for want of room, by what there was too much of."""
        self._serve, self._posted, self._current, self._pages = serve, posted, current, pages
        self._flying: set[HTTPReply] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def in_flight(self) -> int:
        """How many calls have begun and not ended."""
        return len(self._flying) + (len(self.lane.flying) if self.lane is not None else 0)

    def open(self, swift: Swift) -> None:
        """Let calls that are like an earlier one be carried the swift way."""
        self.lane = Lane(swift, self._flying.__len__, self._slow)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3.0)."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        now, path = self._current(), scope["path"]
        endpoint = path if path in now.endpoints else beside(path)
        if endpoint not in now.endpoints:
            await self._pages(scope, receive, send)
            return
        reply = HTTPReply(receive, send, scope)
        await self._attended(reply, self._served(scope, now, endpoint, reply))

    async def _served(self, scope: Scope, now: Snapshot, endpoint: str, reply: HTTPReply) -> None:
        message = self._admitted(scope, now, reply)
        if endpoint != scope["path"]:
            await self._posted(channeled(message, endpoint, scope["query_string"], reply), reply)
            return
        trail = await self._serve(message, reply)
        piece = scope.get("extensions", _NO_EXTENSIONS).get(PIECE)
        if piece is not None and self.lane is not None and trail is not None and reply.json:
            connection, data = piece
            self.lane.learn(connection, data, trail)

    async def _attended(self, reply: HTTPReply, work: Awaitable[None]) -> None:
        """Let the work end in an answer, whatever becomes of it."""
        self._flying.add(reply)
        if self._sweeper is None:
            self._sweep()
        try:
            await work
        except GatewayError as error:
            await reply.finish(refused(error, None, "", ""))
        except asyncio.CancelledError:
            await self._abandon(reply)
        except Exception:
            # One of the two places that catch everything: whatever broke, the client gets words and no traceback.
            log.exception("a call failed inside the gateway")
            await reply.finish(refused(Fault(), None, "", ""))
        finally:
            self._flying.discard(reply)
            reply.over()

    def _slow(self, rest: Attending) -> App:
        """Return what attends to a call that went out the swift way, and whose answer takes its time."""

        async def attending(scope: Scope, receive: Receive, send: Send) -> None:
            reply = HTTPReply(receive, send, scope)
            reply.attends(asyncio.current_task(self._loop))
            await self._attended(reply, rest(reply))

        return attending

    def _sweep(self) -> None:
        """Look after the clients of all calls that last, with one timer instead of one for each call."""
        self._loop = asyncio.get_running_loop()
        for reply in self._flying:
            reply.aged()
        self._sweeper = self._loop.call_later(WATCH_AFTER, self._sweep) if self._flying else None

    async def _abandon(self, reply: HTTPReply) -> None:
        """End the response of a call that was cancelled by its client, without an answer."""
        if reply.gone:
            return
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        await reply.finish(Answer(None, 202))

    def _admitted(self, scope: Scope, now: Snapshot, reply: HTTPReply) -> Inbound:
        found, doubled = collected(scope["headers"])
        if "authorization" in doubled or "host" in doubled:
            # Two readers of two copies may each believe another one.
            raise Malformed(hint="Host or Authorization came more than once")
        admit_host(found, now)
        # Whether the verb means anything here is told to those who say who they are (`handshake.bare`).
        verb = scope["method"]
        if self.in_flight > now.bounds.in_flight:
            self.shed["calls"] += 1
            raise Overloaded(f"{self.in_flight} calls in flight", retry_after=1.0)
        reply.json, reply.stream = accepts(found.get("accept"))
        version = found.get(routing.VERSION)
        # Closing the stream cancels a modern call (2026-07-28, "Cancellation") and ends a GET; it does not cancel a
        # handshake-era call (2025-11-25, "Disconnection").
        if verb == "GET" or (version is not None and version not in HANDSHAKES):
            reply.task = asyncio.current_task(self._loop)
        peer = scope.get("client")
        return Inbound(
            verb,
            scope["path"],
            found,
            doubled,
            bearer(found.get("authorization")),
            peer[0] if peer else "",
            lambda: reply.body(found, now.bounds.body, verb),
            scope.get("extensions", _NO_EXTENSIONS).get(TLS),
        )


class HTTPReply:
    """One response: JSON when the first word is the last, otherwise an event stream."""

    __slots__ = (
        "_aged", "_cut", "_ended", "_journal", "_receive", "_send", "_streaming", "_watcher", "_whole",
        "allow", "gone", "json", "stream", "task",
    )  # fmt: skip

    def __init__(self, receive: Receive, send: Send, scope: Scope) -> None:
        """Use the server's own way to send a whole answer, where it has one."""
        self._receive, self._send, self._whole = receive, send, scope.get("extensions", _NO_EXTENSIONS).get(WHOLE)
        self.json = self.stream = True
        self.allow = _ALLOW
        self.gone = self._streaming = self._cut = self._ended = False
        self.task: asyncio.Task[Any] | None = None
        """The call's own, if the client may end it by going away."""
        self._aged: bool | None = None
        """None: the body is not read yet. True: a sweep has found this call before."""
        self._journal: Journal | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def body(self, found: Json, limit: int, verb: str) -> bytes:
        """Return the request's body, refusing what is not JSON, too long, or could not be answered."""
        self._acceptable(verb, found)
        length = found.get("content-length")
        if length is not None and (not length.isdigit() or int(length) > limit):
            raise TooLarge(hint=f"a body has at most {limit} bytes")
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            body = await self._rest(body, limit)
        if len(body) > limit:
            raise TooLarge(hint=f"a body has at most {limit} bytes")
        self._aged = False
        return body

    def attends(self, task: asyncio.Task[Any] | None) -> None:
        """Take over for a call whose body was read, and that this task carries out."""
        self.task, self._aged = task, False

    async def _rest(self, body: bytes, limit: int) -> bytes:
        parts, size, more = [body], len(body), True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                raise asyncio.CancelledError
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            if size > limit:
                raise TooLarge(hint=f"a body has at most {limit} bytes")
            more = message.get("more_body", False)
        return b"".join(parts)

    def _acceptable(self, verb: str, found: Json) -> None:
        if verb == "POST":
            media = found.get("content-type", "")
            if media != "application/json" and media.partition(";")[0].strip().lower() != "application/json":
                raise WrongMedia(hint="send Content-Type: application/json")
        if not (self.stream if verb == "GET" else self.json or self.stream or verb == "DELETE"):
            raise NotAcceptable(hint="accept application/json and text/event-stream")

    def aged(self) -> None:
        """Watch the client, if this call was there at an earlier sweep."""
        if self._aged and self._watcher is None and self.task is not None:
            self._watcher = asyncio.get_running_loop().create_task(self._cancel_when_gone(self.task))
        elif self._aged is False:
            self._aged = True

    async def _cancel_when_gone(self, task: asyncio.Task[Any]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        task.cancel()

    def over(self) -> None:
        """Stop watching: the response is complete."""
        self.task = None
        if self._watcher is not None:
            self._watcher.cancel()
        if self._journal is not None:
            self._journal.finish()

    async def keep(self, journal: Journal, prime: bool) -> None:
        """Make this answer a stream that can be taken up again."""
        if not self.stream:
            return
        self._journal = journal
        if prime:
            ident = journal.append(b"")
            await self.open()
            await self._write(f"id: {ident}\nretry: {RETRY}\ndata: \n\n".encode())

    async def interlude(self) -> None:
        """End the response but not the call, where the client can come back for the rest."""
        if self._journal is not None and self._streaming and not self._ended:
            self._ended = True
            await self._send({"type": "http.response.body", "body": b""})

    async def replay(self, ident: str, data: bytes) -> None:
        """Send an event of another stream again."""
        if data:
            await self._write(b"id: %b\nevent: message\ndata: %b\n\n" % (ident.encode(), data))

    async def _write(self, data: bytes) -> None:
        if not self._ended:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def open(self) -> None:
        """Begin the event stream."""
        if not self._streaming and self.stream:
            self._streaming = True
            await self._send({"type": "http.response.start", "status": 200, "headers": _STREAM})
            await self._send({"type": "http.response.body", "body": b"", "more_body": True})

    async def put(self, message: Json) -> None:
        """Send a message before the answer; a client that reads no streams gets none, and one that has its answer."""
        if not self._cut:
            await self._event(message)

    async def event(self, name: str, data: bytes) -> None:
        """Send an event of any name."""
        await self.open()
        await self._write(b"event: %b\ndata: %b\n\n" % (name.encode(), data))

    async def pulse(self) -> None:
        """Send a comment."""
        if self._streaming:
            await self._write(b": still here\n\n")

    async def _event(self, message: Json) -> int:
        if not self.stream:
            return 0
        await self.open()
        data = encode(message)
        if self._journal is None:
            await self._write(b"event: message\ndata: %b\n\n" % data)
        else:
            await self.replay(self._journal.append(data), data)
        return len(data)

    async def finish(self, answer: Answer) -> int:
        """Send the last word, and return its size; later ones are dropped."""
        if self._cut:
            return 0
        self._cut = True
        streams = self._journal is not None or not self.json
        if self._streaming or (streams and answer.payload is not None and answer.status == 200):  # noqa: PLR2004
            size = 0 if answer.payload is None else await self._event(answer.payload)
            if not self._ended:
                await self._send({"type": "http.response.body", "body": b""})
            return size
        body = b"" if answer.payload is None else encode(answer.payload)
        said = fields(answer, body, self.allow)
        if self._whole is not None and self._whole(answer.status, said, body):
            return len(body)
        length = (b"content-length", str(len(body)).encode())
        await self._send({"type": "http.response.start", "status": answer.status, "headers": [length, *said]})
        await self._send({"type": "http.response.body", "body": body})
        return len(body)


def no_such_place() -> NoSuchPlace:
    """Return the refusal for an address that is nobody's."""
    return NoSuchPlace(hint="the endpoints are /mcp, /servers/NAME/mcp and /views/NAME/mcp; for HTTP+SSE, …/sse")
