"""The shortest way to one tool of a modern server over HTTP: a call is written at once, and its answer told.

It is the way of `Server.carry` for that one case, without what waits: no coroutine and no future. What cannot be told
at once, a stream or a refusal that may mean another era, is told as a rest that a task has to hear.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec

from ostiary.adapters.upstream import modern
from ostiary.adapters.upstream.connection import Connection
from ostiary.adapters.upstream.health import Health
from ostiary.adapters.upstream.places import Places
from ostiary.adapters.upstream.pool import Pool, Response
from ostiary.adapters.upstream.wire import Heard, HTTPWire, complete, parsed
from ostiary.core.errors import GatewayError
from ostiary.core.model import Caller, Era, Json, Order, Target
from ostiary.core.ports import Back
from ostiary.protocol.jsonrpc import encode, request

_REFUSALS: Final = 400
METHOD: Final = "tools/call"
_HOLE: Final = b"\x00"
"""JSON has no such character."""

Rest = Callable[[Order, Back], Awaitable[Json]]


class Told(Protocol):
    """Hears how it went: one of the three, once."""

    @property
    def caller(self) -> Caller:
        """Who called."""

    def answered(self, raw: Json, /) -> None:
        """Take the answer."""

    def failed(self, error: GatewayError, /) -> None:
        """Take why there is none."""

    def slow(self, rest: Rest, /) -> None:
        """Take over an answer that has begun and takes its time."""


class Holder(Protocol):
    """The server that a line leads to."""

    era: Era | None
    health: Health
    places: Places

    async def carry(self, order: Order, back: Back) -> Json:
        """Carry an order out in the way that waits."""

    async def reconsidered(self, heard: Heard, order: Order, back: Back) -> Heard:
        """Return the answer, or the one in the other era."""


class Line:
    """The way to one tool."""

    __slots__ = (
        "_current", "after", "before", "end", "lines", "middle", "pool", "server", "size", "wire",
    )  # fmt: skip

    def __init__(self, server: Holder, pool: Pool, wire: HTTPWire, target: Target, current: Callable[[], bool]) -> None:
        """Lead to a tool for as long as `current` says that its server is configured as it was."""
        self.server, self.wire, self.pool, self._current = server, wire, pool, current
        self.lines = modern.fields(METHOD, target.name)
        said = {"name": target.name, "arguments": msgspec.Raw(_HOLE), "_meta": modern.envelope("")}
        message = {**request(0, METHOD, said), "id": msgspec.Raw(_HOLE)}
        start, self.middle, self.end = encode(message).split(_HOLE)
        self.before, after = wire.around(self.lines)
        self.after, self.size = after + start, len(start) + len(self.middle) + len(self.end)
        """What comes after the length of the body, and how long the body is without an id and arguments."""

    def hold(self) -> Exchange | None:
        """Keep a connection and a place for one call, if it could be written at this moment."""
        server = self.server
        if server.era is not Era.MODERN or server.health.shut or not self._current() or not server.places.entered():
            return None
        connection = self.pool.hold()
        if connection is None:
            server.places.leave()
            return None
        return Exchange(self, connection)


class Exchange:
    """One call on its way, where the connection expects a future."""

    __slots__ = ("_ident", "_line", "_over", "_sent", "_told", "connection")

    def __init__(self, line: Line, connection: Connection) -> None:
        self._line, self.connection, self._over, self._sent = line, connection, False, False

    def send(self, arguments: bytes, deadline: float, told: Told) -> None:
        """Write the call, with the client's arguments and everything else in words of our own."""
        line, connection, self._told = self._line, self.connection, told
        if not connection.alive:
            # It was closed while the intent was written. Nothing has left, so another one may be opened for the call.
            self._over = True
            line.server.places.leave()
            told.slow(line.server.carry)
            return
        self._ident, self._sent = line.wire.mint(), True
        ident = b"%d" % self._ident
        size = line.size + len(ident) + len(arguments)
        whole = b"%b%d%b%b%b%b%b" % (line.before, size, line.after, ident, line.middle, arguments, line.end)
        connection.send(whole, b"", deadline, self)

    def abandon(self) -> None:
        """Drop the connection, for nobody waits any more, or give it back if nothing was written."""
        if self._over:
            return
        self._over = True
        self._line.server.places.leave()
        if self._sent:
            self.connection.abandon(self)
        elif self.connection.alive:
            self._line.pool.freed(self.connection)

    # What the connection says.

    def done(self) -> bool:
        """Say whether nobody waits any more."""
        return self._over

    def set_result(self, response: Response) -> None:
        """Take the answer, or the head of its stream."""
        self._over = True
        if response._stream is not None or response.status >= _REFUSALS:  # noqa: SLF001 - a property would be a call
            self._told.slow(lambda order, back: self._rest(response, order, back))
            return
        server = self._line.server
        server.places.leave()
        try:
            message = parsed(response.body)
            if message.get("id") != self._ident:
                message = complete(response, False, self._ident).message
        except GatewayError as error:
            self._failed(error)
            return
        if server.health.failing:
            server.health.well()
        self._told.answered(message)

    def set_exception(self, error: GatewayError) -> None:
        """Take why there is no answer."""
        self._over = True
        self._line.server.places.leave()
        self._failed(error)

    def _failed(self, error: GatewayError) -> None:
        self._line.server.health.ended(error, self._told.caller)
        self._told.failed(error)

    async def _rest(self, response: Response, order: Order, back: Back) -> Json:
        line, server = self._line, self._line.server

        async def hear(message: dict[str, Any]) -> None:
            await modern.passed_on(message, order, back)

        try:
            heard = await line.wire.heard(response, self._ident, line.lines, order.deadline, hear)
            if heard.status >= _REFUSALS:
                heard = await server.reconsidered(heard, order, back)
            server.health.well()
        except BaseException as error:
            server.health.ended(error, order.caller)
            raise
        finally:
            server.places.leave()
        return heard.message
