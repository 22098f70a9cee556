"""One request on a connection and the answer to it: what an application receives and sends (ASGI 3.0).

Written for the way of a call: a body that has come already is waited for without an event, and an answer that is whole
leaves in one write. What an application may not do is an error here as well, and ends the connection.
"""

from __future__ import annotations

import asyncio
import http
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, Protocol
from urllib.parse import unquote

import httptools
import structlog
from uvicorn.protocols.http.flow_control import FlowControl

from ostiary.core.model import Answer

log: Final = structlog.get_logger()

App = Callable[..., Any]
Fields = tuple[tuple[bytes, bytes], ...]

WHOLE: Final = "io.ostiary/whole"
"""An extension of ASGI: sends an answer that is complete, at once. False: it must be sent as ASGI has it."""

# Up to here one joined write is cheaper than a second one.
_JOINED: Final = 64 * 1024
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE: Final = b"connection: close\r\n"
_CHUNKED: Final = b"transfer-encoding: chunked\r\n"
_BODILESS: Final = frozenset({204, 304})
_EMPTY: Final[Fields] = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_PLAIN: Final[Fields] = ((b"content-type", b"application/json"), *_EMPTY)
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_IN_VALUES: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Shared(Protocol):
    """What all connections of a server share."""

    date: bytes
    tasks: set[asyncio.Task[None]]


class Cycle:
    """One request, its body as it comes, and its answer."""

    __slots__ = (
        "_chunked", "_ended", "_fresh", "_head", "_left", "_news", "_shared", "_task", "body", "disconnected", "flow",
        "keep_alive", "more_body", "response_complete", "response_started", "scope", "transport",
        "waiting_for_100_continue",
    )  # fmt: skip

    def __init__(
        self, scope: dict[str, Any], transport: asyncio.Transport, flow: FlowControl, shared: Shared, *,
        keep_alive: bool, expect_100_continue: bool,
    ) -> None:  # fmt: skip
        """Begin with the head; the body is fed as it comes."""
        self.scope, self.transport, self.flow, self._shared = scope, transport, flow, shared
        scope["extensions"][WHOLE] = self.answer
        self.keep_alive, self.waiting_for_100_continue = keep_alive, expect_100_continue
        self.disconnected = self.response_started = self.response_complete = False
        self.body: bytes | bytearray = b""
        self.more_body = True
        self._fresh = self._chunked = False
        self._news: asyncio.Event | None = None
        """Made only for an application that asks before there is something to tell."""
        self._head = b""
        """The answer's head, until the first part of its body takes it along."""
        self._left = 0
        self._ended: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None

    # What the connection says.

    def start(self, app: App, loop: asyncio.AbstractEventLoop, ended: Callable[[], None]) -> None:
        """Run the application in a task of its own; `ended` is called when its answer is complete."""
        self._ended = ended
        self._task = task = loop.create_task(self._run(app))
        self._shared.tasks.add(task)

    def feed(self, data: bytes) -> None:
        """Take a part of the body."""
        if not self.body:
            self.body = data
        else:
            if not isinstance(self.body, bytearray):
                self.body = bytearray(self.body)
            self.body += data
        self.wake()

    def forget(self) -> None:
        """Let go of a request that never began: its scope leads back to it, and its body would wait with them."""
        self.scope, self.body, self.disconnected = _NO_SCOPE, b"", True

    def wake(self) -> None:
        """Say that there is something to tell: more body, its end, or the client's."""
        self._fresh = True
        if self._news is not None:
            self._news.set()

    # What the application does.

    async def _run(self, app: App) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException:
            # Whoever handles what nobody else did (the loop's handler) logs it; the client is told here.
            await self._unfinished()
            raise
        else:
            if not (self.response_complete or self.disconnected):
                log.error("an application returned without a whole answer")
                await self._unfinished()
        finally:
            if self._task is not None:
                self._shared.tasks.discard(self._task)
            self._task = self._ended = None
            self.scope = _NO_SCOPE

    async def _unfinished(self) -> None:
        if self.response_started:
            self.transport.close()
            return
        body, self.keep_alive = b"Internal Server Error", False
        length = (b"content-length", b"%d" % len(body))
        await self.send({"type": "http.response.start", "status": 500, "headers": [length]})
        await self.send({"type": "http.response.body", "body": body})

    async def receive(self) -> dict[str, Any]:
        """Return the next part of the body, or that the client is gone."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(_CONTINUE)
            self.waiting_for_100_continue = False
        if not (self.disconnected or self.response_complete):
            self.flow.resume_reading()
            if not self._fresh:
                await self._told()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        self._fresh = False
        body, self.body = self.body, b""
        return {"type": "http.request", "body": bytes(body), "more_body": self.more_body}

    async def _told(self) -> None:
        if self._news is None:
            self._news = asyncio.Event()
        self._news.clear()
        await self._news.wait()

    async def send(self, message: Any) -> None:
        """Begin the answer, or send a part of its body."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        wanted = "http.response.body" if self.response_started else "http.response.start"
        if message["type"] != wanted or self.response_complete:
            raise RuntimeError(f"the application sent {message['type']} where that has no place")
        if not self.response_started:
            self._begin(message["status"], message.get("headers", ()))
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        self._write(self._framed(body, more))
        if more:
            return
        if self._left:
            raise RuntimeError("the answer is shorter than its Content-Length")
        self._finish()

    def answer(self, status: int, fields: Fields, body: bytes) -> bool:
        """Send a whole answer; `fields` come without a length."""
        if self.flow.write_paused or self.response_started or self.scope["method"] == "HEAD":
            return False
        self.response_started, self.waiting_for_100_continue = True, False
        if self.disconnected:
            return True
        block, closes = head(status, fields)
        if closes or not self.keep_alive:
            self.keep_alive = False
            block = block if closes else block + CLOSE
        self._head = b"%b%bcontent-length: %d\r\n\r\n" % (block, self._shared.date, len(body))
        self._write(body)
        self._finish()
        return True

    def _finish(self) -> None:
        self.response_complete = True
        if self._news is not None:
            self._news.set()
        if not self.keep_alive:
            self.transport.close()
        if self._ended is not None:
            self._ended()

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        length, others = b"", []
        for field in headers:
            if field[0] == b"content-length":
                length = field[1]
            else:
                others.append(field)
        block, closes = head(status, tuple(others))
        if closes:
            self.keep_alive = False
        elif not self.keep_alive:
            block += CLOSE
        if length:
            self._left = int(length) if self.scope["method"] != "HEAD" else 0
            block += b"content-length: %d\r\n" % int(length)
        elif self.scope["method"] != "HEAD" and status not in _BODILESS:
            self._chunked = True
            block += _CHUNKED
        self._head = b"%b%b\r\n" % (block, self._shared.date)
        self.response_started, self.waiting_for_100_continue = True, False

    def _framed(self, body: bytes, more: bool) -> bytes:
        if self.scope["method"] == "HEAD":
            return b""
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        self._left -= len(body)
        if self._left < 0:
            raise RuntimeError("the answer is longer than its Content-Length")
        return body

    def _write(self, part: bytes) -> None:
        head, self._head = self._head, b""
        try:
            if len(part) <= _JOINED:
                self.transport.write(head + part)
                return
            self.transport.write(head)
            self.transport.write(part)
        except RuntimeError:
            # uvloop closes a handle before it says that the connection is lost: the client went away in between.
            if not self.transport.is_closing():
                raise


_NO_SCOPE: Final[dict[str, Any]] = {"method": ""}
"""What is left of a request that is over: its own scope leads back to its cycle."""


@lru_cache(maxsize=256)
def head(status: int, fields: Fields) -> tuple[bytes, bool]:
    """Return a head's status line and fields, and whether one of them closes the connection; few are different."""
    phrase = http.HTTPStatus(status).phrase.encode()
    lines, closes = [b"HTTP/1.1 %d %b\r\n" % (status, phrase)], False
    for given, value in fields:
        name = given.lower()
        if not _NAME.fullmatch(name) or _NOT_IN_VALUES.search(value):
            raise RuntimeError("the application sent a header that would be read as something else")
        if name in {b"content-length", b"transfer-encoding"}:
            raise RuntimeError("the length of an answer is said once, in lower case, and its coding by the server")
        if name == b"connection":
            closes = closes or b"close" in {token.strip().lower() for token in value.split(b",")}
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines), closes


def fields(answer: Answer, body: bytes, allow: bytes) -> Fields:
    """Return the fields of an answer that is whole; `allow` is what would be allowed where its verb is not."""
    found = _PLAIN if body else _EMPTY
    if answer.status == 405:  # noqa: PLR2004 - RFC 9110 section 15.5.6: it says what would be allowed
        found += ((b"allow", allow),)
    if answer.headers:
        found += tuple((name.encode(), value.encode("latin-1")) for name, value in answer.headers.items())
    return found


def addressed(url: bytes) -> dict[str, Any]:
    """Return what a scope says because of the target, and what every scope says."""
    return _addressed(url) if len(url) <= _SHORT else _addressed.__wrapped__(url)


@lru_cache(maxsize=1024)
def _addressed(url: bytes) -> dict[str, Any]:
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": parsed.path,
        "query_string": parsed.query or b"",
    }


_SHORT: Final = 256
"""A longer target is none of ours, and not remembered."""
