"""What an exchange gives back: a whole answer, or the head of an event stream and its events."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

from msgspec import Struct

from ostiary.core.errors import Lost, UpstreamFailure
from ostiary.protocol.sse import Event, Parser

# What an event costs beside its text, so that a flood of empty ones fills the buffer too.
EVENT_COST: Final = 64
CLOSED: Final = "the gateway closed the stream"


class Source(Protocol):
    """The connection that a stream is read from."""

    def pause(self) -> bool:
        """Stop reading; say whether that was possible."""

    def resume(self) -> None:
        """Read on."""

    def linger(self) -> None:
        """Wait for the end of the answer, but not for long."""

    def fail(self, error: UpstreamFailure) -> None:
        """Drop the connection, and finish the stream with this error."""


class Response(Struct, eq=False):
    """An answer: whole, or the head of an event stream. Whoever gets a stream closes or releases it."""

    status: int
    _fields: dict[bytes, bytes]
    """As they were read; they become text when somebody asks."""
    body: bytes
    _stream: Stream | None = None
    _headers: dict[str, str] | None = None

    @property
    def streaming(self) -> bool:
        """Whether `next` has events to give; otherwise `body` is everything."""
        return self._stream is not None

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names; values of repeated names joined with a comma (RFC 9110, section 5.3)."""
        if self._headers is None:
            self._headers = {
                name.decode("latin-1"): value.strip().decode("latin-1") for name, value in self._fields.items()
            }
        return self._headers

    def field(self, name: bytes) -> str:
        """Return one of the headers, or nothing."""
        value = self._fields.get(name)
        return value.strip().decode("latin-1") if value is not None else ""

    async def next(self) -> Event | None:
        """Return the next event, or None after a clean end; raise `Lost`, `TimedOut` or `Garbled` after any other."""
        return None if self._stream is None else await self._stream.next()

    def close(self) -> None:
        """Drop the connection, unless the stream has ended already."""
        if self._stream is not None:
            self._stream.close()

    def release(self) -> None:
        """Ignore the rest: the connection is kept if the stream ends within a moment, and dropped if not."""
        if self._stream is not None:
            self._stream.release()


class Stream:
    """The events of one answer, between the connection that reads and the one task that consumes."""

    __slots__ = ("_bound", "_buffered", "_connection", "_error", "_events", "_parser", "_paused", "_waiter")

    def __init__(self, connection: Source, max_event: int, max_buffered: int) -> None:
        """Pause the connection while more than `max_buffered` bytes wait for the reader."""
        self._connection: Source | None = connection
        """None once the connection has nothing more to give."""
        self._bound = max_buffered
        self._parser = Parser(max_event)
        self._events: deque[Event] | None = deque()
        """None once nobody wants them."""
        self._buffered = 0
        self._paused = False
        self._error: UpstreamFailure | None = None
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes from the connection; stop it while too much waits for the reader."""
        events = self._parser.feed(data)
        if self._events is None or not events:
            return
        self._events.extend(events)
        self._buffered += sum(len(event.data) + EVENT_COST for event in events)
        if self._buffered > self._bound and not self._paused and self._connection is not None:
            self._paused = self._connection.pause()
        self._wake()

    def finish(self, error: UpstreamFailure | None) -> None:
        """Take the end from the connection, which may now serve others."""
        self._resume()
        self._connection, self._error = None, error
        self._wake()

    async def next(self) -> Event | None:
        """Return the next event, or None at the end."""
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._connection is None:
                return None
            if self._events is None:
                raise Lost(CLOSED)
            await self._news()
        event = self._events.popleft()
        self._buffered -= len(event.data) + EVENT_COST
        if self._paused and self._buffered <= self._bound // 2:
            self._resume()
        return event

    def close(self) -> None:
        """Drop the connection if it is still ours."""
        if self._connection is not None:
            self._connection.fail(Lost(CLOSED))
        self._drop()

    def release(self) -> None:
        """Let the connection read to the end, for a moment, for nobody."""
        self._drop()
        self._resume()
        if self._connection is not None:
            self._connection.linger()

    async def _news(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._waiter = None

    def _drop(self) -> None:
        self._events, self._buffered = None, 0
        self._wake()

    def _resume(self) -> None:
        if self._paused and self._connection is not None:
            self._paused = False
            self._connection.resume()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
