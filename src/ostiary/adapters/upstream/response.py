"""What an exchange gives back: a whole answer, or the head of an event stream and its events."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

from msgspec import Struct

from ostiary.core.errors import Garbled, Lost, UpstreamFailure
from ostiary.protocol.sse import Event, EventTooLarge, Parser

# What an event costs beside its text, so that a flood of empty ones fills the buffer too.
EVENT_COST: Final = 64
PART: Final = 4096
"""Bytes that are parsed at a time."""
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
    """The events of one answer, between the connection that reads and the one task that consumes.

    What was read is parsed when somebody wants it, a part at a time: a flood of small events costs a hundred times what
    its bytes cost, and would have to be paid at once, before anybody else has a turn.
    """

    __slots__ = ("_bound", "_buffered", "_connection", "_error", "_events", "_parser", "_paused", "_raw", "_waiter")

    def __init__(self, connection: Source, max_event: int, max_buffered: int) -> None:
        """Pause the connection while more than `max_buffered` bytes wait for the reader."""
        self._connection: Source | None = connection
        """None once the connection has nothing more to give."""
        self._bound = max_buffered
        self._parser = Parser(max_event)
        self._events: deque[Event] | None = deque()
        """None once nobody wants them."""
        self._raw: deque[bytes] = deque()
        """What is not parsed yet."""
        self._buffered = 0
        """How many bytes that is, and what the events cost."""
        self._paused = False
        self._error: UpstreamFailure | None = None
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes from the connection; stop it while too much waits for the reader."""
        if self._events is None:
            return
        self._raw.extend([data[at : at + PART] for at in range(0, len(data), PART)] if len(data) > PART else (data,))
        self._buffered += len(data)
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
            if self._raw and self._events is not None:
                self._parse(self._events)
                if not self._events:
                    # Comments may be a flood as well.
                    await self._turn()
                continue
            if self._error is not None:
                raise self._error
            if self._connection is None:
                return None
            if self._events is None:
                raise Lost(CLOSED)
            await self._news()
        event = self._events.popleft()
        self._spent(len(event.data) + EVENT_COST)
        return event

    def _parse(self, events: deque[Event]) -> None:
        part = self._raw.popleft()
        try:
            found = self._parser.feed(part)
        except EventTooLarge as error:
            said = f"the stream has {error}"
            garbled = Garbled(said, hint=said)
            if self._connection is not None:
                self._connection.fail(garbled)
            self._drop()
            raise garbled from None
        events.extend(found)
        self._buffered += sum(len(event.data) + EVENT_COST for event in found)
        self._spent(len(part))

    def _spent(self, size: int) -> None:
        self._buffered -= size
        if self._paused and self._buffered <= self._bound // 2:
            self._resume()

    async def _turn(self) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.close()
            raise

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
        self._raw.clear()
        self._wake()

    def _resume(self) -> None:
        if self._paused and self._connection is not None:
            self._paused = False
            self._connection.resume()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
