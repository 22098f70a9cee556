"""The shortest way to one tool of a modern server over HTTP: a call is written at once, and its answer told.

It is the way of `Server.carry` for that one case, without what waits: no coroutine and no future. What cannot be told
at once, a stream or a refusal that may mean another era, is told as a rest that a task has to hear.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from ostiary.adapters.upstream import modern
from ostiary.adapters.upstream.connection import Connection
from ostiary.adapters.upstream.places import Places
from ostiary.adapters.upstream.pool import Pool, Response
from ostiary.adapters.upstream.wire import Heard, HTTPWire, complete
from ostiary.core.errors import GatewayError, UpstreamFailure
from ostiary.core.model import Era, Json, Order, Target
from ostiary.core.ports import Back
from ostiary.protocol.jsonrpc import encode, request

_REFUSALS: Final = 400
METHOD: Final = "tools/call"

Rest = Callable[[Order, Back], Awaitable[Json]]


class Told(Protocol):
    """Hears how it went: one of the three, once."""

    def answered(self, raw: Json, /) -> None:
        """Take the answer."""

    def failed(self, error: GatewayError, /) -> None:
        """Take why there is none."""

    def slow(self, rest: Rest, /) -> None:
        """Take over an answer that has begun and takes its time."""


class Holder(Protocol):
    """The server that a line leads to."""

    era: Era | None
    failing: str
    places: Places

    async def reconsidered(self, heard: Heard, order: Order, back: Back) -> Heard:
        """Return the answer, or the one in the other era."""


class Line:
    """The way to one tool."""

    __slots__ = ("_after", "_before", "_current", "_name", "_pool", "_said", "lines", "server", "wire")

    def __init__(self, server: Holder, pool: Pool, wire: HTTPWire, target: Target, current: Callable[[], bool]) -> None:
        """Lead to a tool for as long as `current` says that its server is configured as it was."""
        self.server, self.wire, self._pool, self._current = server, wire, pool, current
        self.lines = modern.fields(METHOD, target.name)
        self._before, self._after = wire.around(self.lines)
        self._name = target.name
        self._said = modern.envelope("")

    def ready(self) -> bool:
        """Say whether a call could be written at this moment."""
        return self.server.era is Era.MODERN and self.server.places.free and self._pool.ready() and self._current()

    def send(self, params: Json, deadline: float, told: Told) -> Exchange:
        """Write a call, its parameters in the client's words but for the tool's name and `_meta`."""
        ident, places = self.wire.mint(), self.server.places
        body = encode(request(ident, METHOD, {**params, "name": self._name, "_meta": self._said}))
        exchange = Exchange(self, ident, told)
        connection = exchange.connection = self._pool.take()
        places.entered()
        try:
            connection.send(b"%b%d%b" % (self._before, len(body), self._after), body, deadline, exchange)
        except BaseException:
            places.leave()
            raise
        return exchange


class Exchange:
    """One call on its way, where the connection expects a future."""

    __slots__ = ("_ident", "_line", "_over", "_told", "connection")

    connection: Connection

    def __init__(self, line: Line, ident: int, told: Told) -> None:
        self._line, self._ident, self._told, self._over = line, ident, told, False

    def abandon(self) -> None:
        """Drop the connection: nobody waits any more."""
        if not self._over:
            self._over = True
            self._line.server.places.leave()
            self.connection.abandon(self)

    # What the connection says.

    def done(self) -> bool:
        """Say whether nobody waits any more."""
        return self._over

    def set_result(self, response: Response) -> None:
        """Take the answer, or the head of its stream."""
        self._over = True
        if response.streaming or response.status >= _REFUSALS:
            self._told.slow(lambda order, back: self._rest(response, order, back))
            return
        server = self._line.server
        server.places.leave()
        try:
            heard = complete(response, False, self._ident)
        except GatewayError as error:
            self._failed(error)
            return
        server.failing = ""
        self._told.answered(heard.message)

    def set_exception(self, error: GatewayError) -> None:
        """Take why there is no answer."""
        self._over = True
        self._line.server.places.leave()
        self._failed(error)

    def _failed(self, error: GatewayError) -> None:
        if isinstance(error, UpstreamFailure):
            self._line.server.failing = error.public
        self._told.failed(error)

    async def _rest(self, response: Response, order: Order, back: Back) -> Json:
        line, server = self._line, self._line.server

        async def hear(message: dict[str, Any]) -> None:
            await modern.passed_on(message, order, back)

        try:
            heard = await line.wire.heard(response, self._ident, line.lines, order.deadline, hear)
            if heard.status >= _REFUSALS:
                heard = await server.reconsidered(heard, order, back)
            server.failing = ""
        except UpstreamFailure as error:
            server.failing = error.public
            raise
        finally:
            server.places.leave()
        return heard.message
