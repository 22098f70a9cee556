"""One way to put a message to an upstream and hear what comes back, over HTTP or over a process's pipes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from ostiary.adapters.upstream.pool import Pool, Response
from ostiary.adapters.upstream.process import Child
from ostiary.adapters.upstream.steady import Talk
from ostiary.adapters.upstream.values import Heard as Heard
from ostiary.core.errors import Garbled, GatewayError, Lost, NotJson, TooLarge, UpstreamRefused
from ostiary.core.model import Json
from ostiary.protocol import headers as routing
from ostiary.protocol.jsonrpc import encode, heard, notification
from ostiary.protocol.methods import INTERLUDE

Hear = Callable[[dict[str, Any]], Awaitable[None]]
"""Called with every message that arrives before the answer."""

_COMMON: Final = b"accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n"
_SESSION: Final = routing.SESSION.encode()
_LONGEST_PAUSE: Final = 10.0
_OK: Final = 200
_REFUSALS: Final = 400
_GONE: Final = 404


PAUSED: Final[dict[str, Any]] = {"method": INTERLUDE}
"""Not a message of the server's: it ended the stream early, and will be asked again."""


class SessionGone(Exception):
    """The upstream forgot our session (404): nothing was done, and a new one may be begun."""


class Wire(Protocol):
    """Requests out, messages in."""

    async def request(self, message: Json, fields: bytes, deadline: float, hear: Hear, /) -> Heard:
        """Send a request and return its answer. Cancelling it tells the upstream."""

    async def tell(self, message: Json, fields: bytes, deadline: float, /) -> None:
        """Send a notification or an answer."""

    def mint(self) -> int:
        """Return a request id that is in use nowhere else on this wire."""

    @property
    def alive(self) -> bool:
        """Say whether a request can still be sent."""


async def deaf(_message: dict[str, Any]) -> None:
    """Drop what arrives before the answer."""


class HTTPWire:
    """Streamable HTTP (2025-03-26 and later)."""

    def __init__(self, pool: Pool, path: bytes, fields: bytes) -> None:
        """Send `fields` (the upstream's own credential and headers) with every request."""
        self._pool, self._path, self._fields, self._count = pool, path, _COMMON + fields, 0

    @property
    def alive(self) -> bool:
        """Say whether a request can still be sent: each may open a connection of its own."""
        return True

    def mint(self) -> int:
        """Return a request id."""
        self._count += 1
        return self._count

    async def request(self, message: Json, fields: bytes, deadline: float, hear: Hear) -> Heard:
        """Send a request and return its answer; cancelling closes the stream."""
        response = await self._pool.exchange(b"POST", self._path, self._fields + fields, encode(message), deadline)
        return await self.heard(response, message["id"], fields, deadline, hear)

    def around(self, fields: bytes) -> tuple[bytes, bytes]:
        """Return what a request's head says before the length of its body, and after it."""
        return self._pool.around(b"POST", self._path, self._fields + fields)

    async def heard(self, response: Response, ident: Any, fields: bytes, deadline: float, hear: Hear) -> Heard:
        """Return the answer to a request, of which this response is the whole or the head."""
        if response.streaming:
            return await self._streamed(response, ident, fields, deadline, hear)
        return complete(response, b"mcp-session-id" in fields, ident)

    async def _streamed(self, response: Response, ident: Any, fields: bytes, deadline: float, hear: Hear) -> Heard:
        """Read a stream until the answer; one that the server ends early is taken up again (2025-11-25, polling)."""
        session, talk = response.headers.get(routing.SESSION, ""), Talk(self._pool.pace)
        while True:
            last, pause, whole = "", 0.0, False
            try:
                while (event := await response.next()) is not None:
                    await talk.turn(deadline)
                    last, pause = event.id or last, (event.retry or 0) / 1000 or pause
                    if not event.data:
                        continue
                    message = parsed(event.data.encode())
                    if "method" not in message and message.get("id") == ident:
                        whole = True
                        return Heard(message, response.status, session)
                    await hear(message)
            finally:
                # After the answer the stream ends by itself, and its connection can be kept.
                response.release() if whole else response.close()
            if not last:
                raise Lost("the event stream ended before the answer")
            await hear(PAUSED)
            left = max(0.0, deadline - asyncio.get_running_loop().time())
            await asyncio.sleep(min(pause, _LONGEST_PAUSE, left))
            try:
                response = await self.stream(fields + b"last-event-id: %b\r\n" % last.encode(), deadline)
            except Lost as error:
                # Not on this connection, but a part of the answer was heard on the one before.
                error.heard = True
                raise

    async def stream(self, fields: bytes, deadline: float) -> Response:
        """Open a GET stream."""
        response = await self._pool.exchange(b"GET", self._path, self._fields + fields, b"", deadline)
        if response.streaming and response.status == _OK:
            return response
        response.close()
        raise UpstreamRefused(f"GET was answered {response.status}")

    async def tell(self, message: Json, fields: bytes, deadline: float) -> None:
        """Send a notification or an answer."""
        response = await self._pool.exchange(b"POST", self._path, self._fields + fields, encode(message), deadline)
        response.close()
        if response.status == _GONE:
            raise SessionGone
        if response.status >= _REFUSALS:
            raise UpstreamRefused(f"a notification was answered {response.status}")

    async def end(self, fields: bytes, deadline: float) -> None:
        """Say that a session is over; a server that cannot be told loses it by itself."""
        try:
            response = await self._pool.exchange(b"DELETE", self._path, self._fields + fields, b"", deadline)
        except GatewayError:
            return
        response.close()


def complete(response: Response, in_session: bool, ident: Any) -> Heard:
    """Return the answer that a whole response is."""
    status = response.status
    if status == _GONE and in_session:
        raise SessionGone
    try:
        message = parsed(response.body)
    except GatewayError:
        if status >= _REFUSALS:
            raise UpstreamRefused(f"the server answered {status}") from None
        raise
    if status >= _REFUSALS and "error" not in message:
        raise UpstreamRefused(f"the server answered {status}")
    if message.get("id") != ident and not ("error" in message and message.get("id") is None):
        # A server, or a proxy before it, that mixes answers up would hand one caller's to another.
        raise Garbled("the answer is to another request")
    return Heard(message, status, "" if in_session else response.field(_SESSION))


def parsed(data: bytes) -> dict[str, Any]:
    """Return one message, or raise `Garbled`."""
    try:
        message = heard(data)
    except TooLarge as error:
        raise Garbled(error.hint, hint=error.hint) from None
    except NotJson as error:
        raise Garbled(f"not JSON: {error.detail}") from None
    if not isinstance(message, dict):
        raise Garbled("a message is one JSON object")
    return message


class PipeWire:
    """A process's pipes (stdio)."""

    def __init__(self, child: Child) -> None:
        self.child = child

    @property
    def alive(self) -> bool:
        """Say whether a request can still be sent: the process runs."""
        return self.child.alive

    def mint(self) -> int:
        """Return a request id."""
        return self.child.mint()

    async def request(self, message: Json, fields: bytes, deadline: float, hear: Hear) -> Heard:  # noqa: ARG002 - HTTP's
        """Send a request and return its answer; cancelling, or giving up, tells the process."""
        arriving, talk = await self.child.open(message, deadline), Talk(self.child.pace)
        done = False
        try:
            while True:
                heard = await arriving.next()
                if "method" not in heard:
                    done = True
                    return Heard(heard)
                await talk.turn(deadline)
                await hear(heard)
        except Lost:
            done = True
            raise
        finally:
            arriving.close()
            if not done:
                soon(self.child.tell(cancellation(message["id"])))

    async def tell(self, message: Json, fields: bytes, deadline: float) -> None:  # noqa: ARG002 - HTTP's
        """Send a notification or an answer."""
        await self.child.tell(message)


def cancellation(ident: Any) -> Json:
    """Return what tells an upstream that nobody waits for an answer any more."""
    params = {"requestId": ident, "reason": "the client cancelled, or the deadline passed"}
    return notification("notifications/cancelled", params)


_TELLING: Final[set[asyncio.Task[None]]] = set()
"""Keeps what is told alive until it is written."""


def soon(told: Awaitable[None]) -> None:
    """Tell an upstream something without waiting: whoever tells may be in the middle of being cancelled."""
    task = asyncio.get_running_loop().create_task(_quietly(told))
    _TELLING.add(task)
    task.add_done_callback(_TELLING.discard)


async def _quietly(told: Awaitable[None]) -> None:
    try:
        await told
    except (GatewayError, SessionGone):
        return
