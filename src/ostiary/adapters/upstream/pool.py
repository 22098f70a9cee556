"""A pool of keep-alive connections to one upstream: the HTTP hop of every call.

Nothing is sent twice. A request goes out once, on a connection that showed no sign of closing when it was
written; if that one breaks, nobody can know what the server did, and the caller hears `Lost`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from ostiary.adapters.upstream.connection import Connection
from ostiary.adapters.upstream.heads import Heads
from ostiary.adapters.upstream.response import Response
from ostiary.adapters.upstream.steady import Pace, Reading
from ostiary.adapters.upstream.values import Limits, Stats
from ostiary.core.errors import Fault, Lost, Overloaded, TimedOut, Unreachable
from ostiary.policy.egress import Origin
from ostiary.policy.outliers import Outliers

__all__ = ["Dial", "Limits", "Pool", "Response", "Stats"]

log: Final = structlog.get_logger(__name__)

METHODS: Final = frozenset({b"POST", b"GET", b"DELETE", b"PUT", b"PATCH", b"OPTIONS"})
_WITHOUT_BODY: Final = frozenset({b"GET", b"DELETE"})
_KEPT: Final = 4096
"""Heads remembered."""
PATH: Final = re.compile(rb"/[!-~]*")
CLOSED: Final = "the connections to this server were closed: it was removed, or the gateway is stopping"


class Dial(Protocol):
    """Connect to an origin, or raise `Unreachable`."""

    async def __call__(
        self, origin: Origin, factory: Callable[[], Connection], tls: ssl.SSLContext | None, /
    ) -> Connection:
        """Return what `factory` made, connected."""


class Pool:
    """Exchange requests for answers with one origin."""

    def __init__(
        self,
        origin: Origin,
        *,
        dial: Dial,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        outliers: Outliers | None = None,
    ) -> None:
        """Connect with `dial` when a connection is first needed, and tell `outliers` what becomes of exchanges."""
        self._outliers = outliers
        self._marks = outliers.marks if outliers is not None else {}
        self._origin, self._dial, self._tls, self._limits = origin, dial, tls, limits or Limits()
        self._host = origin.authority.encode()
        self.heads, self.reading, self.pace = Heads(), Reading(), Pace()
        self._connections: set[Connection] = set()
        self._free: list[Connection] = []
        self._dialing = 0
        self._starts: dict[tuple[bytes, bytes, bytes], bytes] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        """Asking for it costs a system call each time (Python 3.11)."""
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def stats(self) -> Stats:
        """Connections by what they do, and the exchanges that wait for one."""
        connections, idle = len(self._connections), len(self._free)
        waiting = sum(not waiter.done() for waiter in self._waiters)
        return Stats(connections, idle, connections - idle, waiting)

    async def exchange(self, method: bytes, path: bytes, headers: bytes, body: bytes, deadline: float) -> Response:
        """Send one request and return its answer, or the head of its event stream, by `deadline` (the loop's clock).

        `headers` is a finished block of lines, without Host and Content-Length. Cancelling drops the connection.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        if now >= deadline:
            raise TimedOut("the deadline had passed before the request was sent")
        head = self._head(method, path, headers, body)
        connection = self._idle(now) or await self._acquire(deadline)
        reply: asyncio.Future[Response] = self._loop.create_future()
        connection.send(head, body, deadline, reply)
        try:
            return await reply
        except asyncio.CancelledError:
            connection.abandon(reply)
            raise

    def hold(self) -> Connection | None:
        """Return a connection that is free at this moment; it comes back when its exchange is over, or by `freed`."""
        free = self._free
        if not free:
            return None
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return free.pop() if free[-1].usable(self._loop.time()) else None

    def around(self, method: bytes, path: bytes, headers: bytes) -> tuple[bytes, bytes]:
        """Return what the head of a request says before the length of its body, and after it."""
        return self._start(method, path, headers) + b"content-length: ", b"\r\n%b\r\n" % headers

    def _head(self, method: bytes, path: bytes, headers: bytes, body: bytes) -> bytes:
        start = self._starts.get((method, path, headers)) or self._start(method, path, headers)
        if body or method not in _WITHOUT_BODY:
            return b"%bcontent-length: %d\r\n%b\r\n" % (start, len(body), headers)
        return b"%b%b\r\n" % (start, headers)

    async def close(self) -> None:
        """Drop every connection, end every exchange, and return when all sockets are closed."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(Unreachable(CLOSED))
        self._waiters.clear()
        for connection in tuple(self._connections):
            connection.fail(Lost(CLOSED))
        await self._empty.wait()

    def _start(self, method: bytes, path: bytes, headers: bytes) -> bytes:
        """Return the first two lines of a request, and remember that the rest is well-formed: most calls are alike."""
        lines = headers.count(b"\n")
        if (
            method not in METHODS
            or not PATH.fullmatch(path)
            or headers.count(b"\r") != lines
            or headers.count(b"\r\n") != lines
            or b"\r\n\r\n" in headers
            or headers.startswith(b"\r")
            or (headers and not headers.endswith(b"\n"))
        ):
            # Somebody's text became structure. Better no request than one that the server reads as two.
            raise Fault("a request to an upstream was not well-formed")
        start = b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method, path, self._host)
        if len(self._starts) >= _KEPT:
            self._starts.clear()
        self._starts[method, path, headers] = start
        return start

    # Getting a connection.

    def _idle(self, now: float) -> Connection | None:
        """Take the connection used last: it is the warmest, and the others may age out."""
        while self._free:
            connection = self._free.pop()
            if connection.usable(now):
                return connection
            connection.abort()
        return None

    async def _acquire(self, deadline: float) -> Connection:
        try:
            async with asyncio.timeout_at(deadline if deadline < math.inf else None):
                return await self._wait_or_dial()
        except TimeoutError as error:
            raise TimedOut(f"no connection to {self._origin.host} before the deadline") from error

    async def _wait_or_dial(self) -> Connection:
        while True:
            if self._closed:
                raise Unreachable(CLOSED)
            if len(self._connections) + self._dialing >= self._limits.connections:
                connection = await self._wait()
                if connection is None:
                    return await self._open()
                if connection.alive:
                    return connection
            else:
                self._dialing += 1
                return await self._open()

    async def _wait(self) -> Connection | None:
        """Return a connection that another exchange has finished with, or None for the right to dial one."""
        if len(self._waiters) >= self._limits.waiting:
            raise Overloaded(f"{len(self._waiters)} exchanges wait for {self._origin.host}", retry_after=1.0)
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._pass_on(waiter)
            raise

    def _pass_on(self, waiter: asyncio.Future[Connection | None]) -> None:
        """Undo a wait that was cancelled, perhaps just after it had been granted."""
        with contextlib.suppress(ValueError):
            self._waiters.remove(waiter)
        if waiter.cancelled() or waiter.exception() is not None:
            return
        connection = waiter.result()
        if connection is None:
            self._dialing -= 1
            self._offer()
        elif connection.alive:
            self.freed(connection)

    async def _open(self) -> Connection:
        """Dial; the place for it has been counted already."""
        made: list[Connection] = []

        def make() -> Connection:
            made.append(Connection(self, self._origin.host, self._limits))
            return made[-1]

        try:
            connection = await self._dial(self._origin, make, self._tls)
        except BaseException:
            for connection in made:
                # uvloop closes a socket whose dialling is cancelled late, but never tells its protocol.
                if connection.alive:
                    connection.abort()
                self.gone(connection)
            raise
        finally:
            self._dialing -= 1
            self._offer()
        if self._closed:
            connection.abort()
            raise Unreachable(CLOSED)
        if not connection.alive:
            raise Unreachable(f"{self._origin.host} closed the connection at once; check what listens there")
        return connection

    def _offer(self) -> None:
        """Let waiters dial while there is room."""
        while self._waiters and len(self._connections) + self._dialing < self._limits.connections:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._dialing += 1
                waiter.set_result(None)

    # What connections report.

    def opened(self, connection: Connection) -> None:
        """Count a connection."""
        self._connections.add(connection)
        self._empty.clear()
        if self._outliers is not None:
            connection.located()

    def failed(self, connection: Connection) -> None:
        """Count what got no answer against the address, and use no connection to it that waits if it was too much."""
        place, outliers = connection.place, self._outliers
        if place is None or outliers is None or not outliers.failed(place, asyncio.get_running_loop().time()):
            return
        log.warning("address is tried last for a while", host=self._origin.host, address=str(place[0]))
        for each in self._free:
            if each.place == place:
                each.abort()
        self._free = [each for each in self._free if each.alive]

    def freed(self, connection: Connection) -> None:
        """Hand a connection to whoever waits longest, or keep it."""
        if self._marks and not self._fit(connection):
            connection.abort()
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if self._closed:
            connection.abort()
            return
        self._free.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._limits.idle, self._sweep)

    def _fit(self, connection: Connection) -> bool:
        """Forgive an address that answered; say whether it may be asked again, now that some address failed."""
        place, outliers = connection.place, self._outliers
        if place is None or outliers is None:
            return True
        if not connection.absent:
            outliers.well(place)
            return True
        return not outliers.out(place, asyncio.get_running_loop().time())

    def gone(self, connection: Connection) -> None:
        """Forget a connection, and let a waiter dial in its place."""
        self._connections.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if not self._connections:
            self._empty.set()
        self._offer()

    def _sweep(self) -> None:
        """Drop what was idle for too long, so that a quiet pool becomes an empty one."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        stale = [connection for connection in self._free if not connection.usable(now)]
        self._free = [connection for connection in self._free if connection not in stale]
        for connection in stale:
            connection.abort()
        self._sweeper = loop.call_later(self._limits.idle, self._sweep) if self._free else None
