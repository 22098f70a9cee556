"""One keep-alive HTTP/1.1 connection to an upstream: bytes out, one answer or one event stream in.

This is the hot path. llhttp (through httptools) does the parsing and stays as strict as it comes; what it leaves
open is decided here. A connection that saw anything unexpected is never used again.
"""

from __future__ import annotations

import asyncio
import math
from ipaddress import ip_address
from typing import Final, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ostiary.adapters.upstream.heads import Heads, is_event_stream, promised_idle
from ostiary.adapters.upstream.response import Response, Stream
from ostiary.adapters.upstream.steady import SHORT, Reading
from ostiary.adapters.upstream.values import Head, Limits
from ostiary.core.errors import Garbled, Lost, TimedOut, UpstreamFailure
from ostiary.policy.outliers import Place

# Up to here one joined write is cheaper than a second system call.
JOINED: Final = 64 * 1024
# How long a stream that was released may take to end, before its connection is dropped instead of kept.
LINGER: Final = 1.0
# Loops count in milliseconds.
TICK: Final = 0.001
PLAIN: Final = 200
FIRST_INTERIM: Final = 100
FIRST_FINAL: Final = 200
BODILESS: Final = (204, 304)
ABSENT: Final = (502, 503, 504)
"""What a balancer says of a server that does not answer it, and a server of itself that cannot."""
_MORE: Final = " of more than "
"""What is over a limit, in words that whoever called may read."""


class Owner(Protocol):
    """Whom a connection tells what becomes of it."""

    heads: Heads
    """What was read in its answers before."""
    reading: Reading
    """How fast its long answers are read."""

    def opened(self, connection: Connection, /) -> None:
        """Count it: it is connected."""

    def freed(self, connection: Connection, /) -> None:
        """Use it again: its exchange is over."""

    def failed(self, connection: Connection, /) -> None:
        """Hear that its exchange got no answer, or one that says that nobody is there."""

    def gone(self, connection: Connection, /) -> None:
        """Forget it: its socket is closed."""


class Awaited(Protocol):
    """Gets the answer: a future, or what does without one."""

    def done(self) -> bool:
        """Say whether nobody waits any more."""

    def set_result(self, response: Response, /) -> None:
        """Take a whole answer, or the head of a stream."""

    def set_exception(self, error: UpstreamFailure, /) -> None:
        """Take why there is none."""


class Connection(asyncio.Protocol):
    """One connection and the exchange that is on it, if any."""

    def __init__(self, owner: Owner, peer: str, limits: Limits) -> None:
        """Report to `owner`; `peer` is how messages name the other side."""
        self.alive = False
        """Whether a request may be written: connected, and no sign of an end yet."""
        self.idle = limits.idle
        """Seconds this side, or the other one if it said so, keeps the connection without work."""
        self.place: Place | None = None
        """Where it leads, if that makes a difference."""
        self.since = 0.0
        """When it was freed last."""
        self._owner, self._peer, self._limits = owner, peer, limits
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = self._due = math.inf
        """When the exchange has to be over, and when the timer looks whether it is."""
        self._reply: Awaited | None = None
        self._parsed = False
        """Whether the parser has read any of the answer."""
        self._begin()

    def _begin(self) -> None:
        self._status, self._parsed = 0, False
        self._fields: dict[bytes, bytes] = {}
        self._head: dict[bytes, bytes] | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._slack = 0
        self._until_close = self._keep = self._done = False
        self._fault: str | None = None
        self._stream: Stream | None = None

    # What the pool does.

    def send(self, head: bytes, body: bytes, deadline: float, reply: Awaited) -> None:
        """Write a request; `reply` gets its answer, or fails at the deadline."""
        if self._parsed:
            self._begin()
        self._reply = reply
        if deadline < self._due:
            self._bound(deadline)
        else:
            self._deadline = deadline
        if len(body) <= JOINED:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    def usable(self, now: float) -> bool:
        """Say whether a request may be written, as far as can be known."""
        return self.alive and now - self.since < self.idle and not self._transport.is_closing()

    def located(self) -> None:
        """Find out where it leads."""
        peer = self._transport.get_extra_info("peername")
        if peer:
            self.place = (ip_address(peer[0].partition("%")[0]), peer[1])

    @property
    def absent(self) -> bool:
        """Say whether its last answer was that nobody is there."""
        return self._status in ABSENT

    def abandon(self, reply: Awaited) -> None:
        """Drop the connection if it still works for this reply, whose reader is gone."""
        if self._reply is reply:
            self.fail(Lost("nobody waits for the answer any more"))

    def abort(self) -> None:
        """Drop the connection now."""
        self.alive = False
        self._unbound()
        self._transport.abort()

    def fail(self, error: UpstreamFailure) -> None:
        """Drop the connection and end its exchange, if it has one, with this error."""
        self.abort()
        reply, self._reply = self._reply, None
        # The parser leads back here, so all this would wait for the collector of garbage: megabytes of a flood.
        self._chunks = []
        if self._stream is not None:
            self._stream.finish(error)
        elif reply is not None and not reply.done():
            reply.set_exception(error)

    # What a stream does.

    def pause(self) -> bool:
        """Stop reading; say whether that was possible."""
        if self._transport.is_closing():
            return False
        self._transport.pause_reading()
        return True

    def resume(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def linger(self) -> None:
        """Wait for the end of the answer, but not for long."""
        self._bound(self._loop.time() + LINGER)

    # What the event loop does.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Become usable."""
        self._transport = cast("asyncio.Transport", transport)
        self.alive = True
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """Parse, and settle the exchange when its answer is whole."""
        if self._reply is None:
            self.abort()  # Nobody asked: whatever this is, it must not become the answer to the next request.
            return
        first = not self._parsed
        if first and self._known(data):
            return
        self._parsed, size = True, self._size
        self._slack += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self._fault = self._fault or f"not HTTP: {error}"
        except HttpParserUpgrade:
            self._fault = "it switched protocols, unasked"
        if self._size != size:
            self._slack = 0
        elif self._slack > self._limits.head and not self._done:
            # Heads, chunk headers and trailers: llhttp holds them without a bound of its own.
            self._fault = self._fault or self._heavy()
        self._settle(data, first)

    def _settle(self, data: bytes, first: bool) -> None:
        """End the exchange where what was just read ends it; otherwise read on, in time."""
        if self._fault is not None:
            hint = self._fault if _MORE in self._fault else ""
            self.fail(Garbled(f"{self._peer}: {self._fault}", hint=hint))
        elif self._done:
            if first:
                self._learn(data)
            self._finish()
        elif self._size > SHORT and self._stream is None:
            self._rest(len(data))

    def _rest(self, size: int) -> None:
        """Let others have their turn before more of a long answer is read."""
        wait = self._owner.reading.wait(size, self._loop.time())
        if wait and self.pause():
            self._loop.call_later(wait, self.resume)

    def _learn(self, data: bytes) -> None:
        """Remember the head of a plain answer that came in one piece, and leaves the connection usable."""
        if self._keep and self._status == PLAIN and self._stream is None and self._head is not None:
            self._owner.heads.learn(data, Head(self._status, self._head, self.idle))

    def _known(self, data: bytes) -> bool:
        """Take an answer whose head came before: it was plain, and left the connection usable."""
        found = self._owner.heads.find(data, self._limits.body)
        if found is None:
            return False
        head, body = found
        reply, self._reply, self.idle, self._keep = self._reply, None, head.idle, True
        if reply is None or reply.done():
            self._leave(False)
        else:
            reply.set_result(Response(head.status, head.fields, body))
            self._leave(True)
        return True

    def eof_received(self) -> None:
        """End an answer that ends with the connection; any other one is lost."""
        if self._reply is not None and self._until_close:
            self._finish()
        elif self._reply is not None:
            self._lose(None)
        self.alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody."""
        self.alive = False
        self._unbound()
        if self._reply is not None:
            self._lose(exc)
        # It leads back here: what it still holds of an answer would wait for the collector of cycles.
        self._parser = None  # type: ignore[assignment]
        self._owner.gone(self)

    # What the HTTP parser does.

    def on_message_begin(self) -> None:
        """Refuse a second message: we never ask twice on one connection before the first answer."""
        if self._done:
            self._fault = "bytes after the end of the answer"

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field."""
        name = name.lower()
        fields = self._fields
        fields[name] = fields[name] + b", " + value if name in fields else value

    def on_headers_complete(self) -> None:
        """Decide how to read the rest."""
        if self._fault is not None:
            return
        self._status = status = self._parser.get_status_code()
        if status < FIRST_FINAL:
            self._fault = None if status >= FIRST_INTERIM else f"status {status}"
            return
        self._head, self._fields = self._fields, {}  # Trailers go to the second one, and nowhere else.
        self._keep = self._parser.should_keep_alive()
        self._fault = self._judge(self._head)
        media = self._head.get(b"content-type")
        if self._fault is None and media is not None and is_event_stream(media):
            self._start(status, self._head)

    def on_body(self, data: bytes) -> None:
        """Collect a part of the body, or events."""
        self._size += len(data)
        if self._stream is not None:
            self._stream.feed(data)
        elif self._size > self._limits.body:
            self._fault = f"a body of more than {self._limits.body} bytes"
        else:
            self._chunks.append(data)

    def on_message_complete(self) -> None:
        """Note the end; an interim answer (1xx) is none."""
        if self._status < FIRST_FINAL:
            self._fields = {}
        else:
            self._done = True

    # How it ends.

    def _judge(self, head: dict[bytes, bytes]) -> str | None:
        """Return what is wrong with a head that llhttp accepts."""
        if self._slack > self._limits.head and sum(map(len, head)) + sum(map(len, head.values())) > self._limits.head:
            return self._heavy()
        coding = head.get(b"transfer-encoding")
        if coding is not None and coding.strip().lower() != b"chunked":
            return "a transfer coding other than chunked"
        if head.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            return "a compressed body, which nobody asked for"
        length = head.get(b"content-length")
        if length is not None and int(length) > self._limits.body and self._status not in BODILESS:
            return f"a body of more than {self._limits.body} bytes"
        self._until_close = coding is None and length is None
        if b"keep-alive" in head:
            self.idle = min(self._limits.idle, promised_idle(head[b"keep-alive"]))
        return None

    def _heavy(self) -> str:
        return f"a head of more than {self._limits.head} bytes"

    def _start(self, status: int, head: dict[bytes, bytes]) -> None:
        reply = self._reply
        if reply is not None and not reply.done():
            self._stream = Stream(self, self._limits.event, self._limits.buffered)
            reply.set_result(Response(status, head, b"", self._stream))

    def _finish(self) -> None:
        if self._status in ABSENT:
            self._owner.failed(self)
        reply, self._reply = self._reply, None
        wanted = True
        if self._stream is not None:
            self._stream.finish(None)
        elif reply is None or reply.done():
            wanted = False
        else:
            reply.set_result(Response(self._status, self._head or {}, b"".join(self._chunks)))
        self._leave(wanted)

    def _leave(self, wanted: bool) -> None:
        """Serve others, if that can be done."""
        # An answer that came before our request was out leaves the rest of it behind.
        if wanted and self._keep and self.alive and not self._transport.get_write_buffer_size():
            self.since = self._loop.time()
            self._owner.freed(self)
        else:
            self.abort()

    def _lose(self, error: Exception | None) -> None:
        heard = bool(self._slack or self._size)
        when, why = "within the answer" if heard else "before any byte of the answer", f" ({error})" if error else ""
        lost = Lost(f"{self._peer} closed the connection {when}{why}")
        lost.heard = heard
        self._owner.failed(self)
        self.fail(lost)

    # How long it may take: one timer serves many exchanges. It is not stopped when one ends, and looks when it fires.

    def _bound(self, deadline: float) -> None:
        self._deadline = deadline
        if deadline < self._due:
            self._unbound()
            self._due, self._timer = deadline, self._loop.call_at(deadline, self._expire)

    def _unbound(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = math.inf, None

    def _expire(self) -> None:
        self._due, self._timer = math.inf, None
        if self._reply is None:
            return
        if self._deadline - self._loop.time() > TICK:
            self._bound(self._deadline)
            return
        if self._stream is None:
            # Who talks is there; and how long a stream is, callers decide as well.
            self._owner.failed(self)
        self.fail(TimedOut(f"{self._peer} had not finished its answer at the deadline"))
