"""Listen, and serve an application (ASGI 3.0) over HTTP/1.1, with or without TLS, until told to stop."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Final

import structlog
from uvicorn.config import Config

from ostiary.adapters.http.certificates import STRICT
from ostiary.adapters.http.certificates import CannotServe as CannotServe
from ostiary.adapters.http.certificates import tls_context as tls_context
from ostiary.adapters.http.connection import Connection, Limits, State
from ostiary.adapters.http.lane import Lane

log: Final = structlog.get_logger()

Address = tuple[str, int] | socket.socket
"""Where to listen: host and port (0: any free one), or a socket that is bound already."""

_BACKLOG: Final = 2048
_CUT_SECONDS: Final = 1.0
"""What cancelled calls get to write their last line."""


async def serve(  # noqa: PLR0913 - most have a default, and are given by name
    app: Callable[..., Any],
    address: Address,
    tls: ssl.SSLContext | None,
    shutdown_seconds: float,
    started: Callable[[int], None],
    *,
    stop: asyncio.Event | None = None,
    limits: Limits | None = None,
    shed: Counter[str] | None = None,
) -> None:
    """Serve until `stop` is set or the task is cancelled; then let calls in flight finish, and cut off the rest.

    `started` is called with the port once connections are accepted; `shed` counts what is turned away.
    """
    state = State(limits or Limits(), asyncio.get_running_loop().time())
    state.strict = STRICT if tls is not None else b""
    if shed is not None:
        state.shed = shed
    _dated(state)
    server = await _listening(app, address, tls, state)
    try:
        started(server.sockets[0].getsockname()[1])
        await _sweeping(state, stop or asyncio.Event())
    finally:
        server.close()
        await _drained(state, shutdown_seconds, getattr(app, "lane", None))


async def _listening(
    app: Callable[..., Any], address: Address, tls: ssl.SSLContext | None, state: State
) -> asyncio.base_events.Server:
    loop = asyncio.get_running_loop()
    config = _config(app)

    def connection() -> Connection:
        return Connection(config, state, {}, loop)

    where: dict[str, Any] = {"sock": address}
    if not isinstance(address, socket.socket):
        where = {"host": await _hosts(*address), "port": address[1]}
    if tls is not None:
        where |= {"ssl": tls, "ssl_handshake_timeout": state.limits.handshake_seconds}
    try:
        return await loop.create_server(connection, backlog=_BACKLOG, **where)
    except OSError as error:
        raise _cannot_listen(address, error) from error


def _config(app: Callable[..., Any]) -> Config:
    config = Config(
        app,
        interface="asgi3",
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    config.load()
    return config


async def _hosts(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _cannot_listen((host, port), error) from error
    hosts = list(dict.fromkeys(str(info[4][0]) for info in found))
    # A free port is asked for once: `localhost` has two addresses, and they would get two ports.
    return hosts if port else hosts[:1]


def _cannot_listen(address: Address, error: OSError) -> CannotServe:
    where = "the given socket" if isinstance(address, socket.socket) else f"{address[0]}:{address[1]}"
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or type(error).__name__
    return CannotServe(
        f"cannot listen on {where}: {why}; stop the program that uses the address, or choose another gateway.listen"
    )


async def _sweeping(state: State, stop: asyncio.Event) -> None:
    loop, pause = asyncio.get_running_loop(), state.limits.sweep_seconds
    while not stop.is_set():
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            state.now = loop.time()
            _dated(state)
            for connection in tuple(state.connections):
                if isinstance(connection, Connection):
                    connection.swept(state.now)


def _dated(state: State) -> None:
    state.date = b"date: %b\r\n%b" % (formatdate(usegmt=True).encode(), state.strict)


async def _drained(state: State, seconds: float, lane: Lane | None) -> None:
    """End every connection: the idle at once, the busy when their call is over or `seconds` have passed."""
    until = asyncio.get_running_loop().time() + seconds
    for connection in tuple(state.connections):
        connection.shutdown()
    late = await _landed(lane, seconds) if lane is not None else 0
    if state.tasks:
        left = max(0.0, until - asyncio.get_running_loop().time())
        _, busy = await asyncio.wait(tuple(state.tasks), timeout=left)
        for task in busy:
            task.cancel()
        late += len(busy)
        if busy:
            await asyncio.wait(busy, timeout=_CUT_SECONDS)
    if late:
        log.warning("calls were cut off at shutdown", calls=late)
    state.emptied.clear()
    for connection in tuple(state.connections):
        connection.transport.close()
    if state.connections:
        await _emptied(state)


async def _landed(lane: Lane, seconds: float) -> int:
    """Let the calls end that have no task, cut off those that do not, and return how many these were."""
    landed = asyncio.Event()
    lane.landed = landed.set
    if not lane.flying:
        return 0
    try:
        async with asyncio.timeout(seconds):
            await landed.wait()
    except TimeoutError:
        late = tuple(lane.flying)
        for passage in late:
            passage.cut()
        return len(late)
    return 0


async def _emptied(state: State) -> None:
    """Wait until every transport said that it is closed; one whose client reads nothing never does."""
    try:
        async with asyncio.timeout(_CUT_SECONDS):
            await state.emptied.wait()
    except TimeoutError:
        for connection in tuple(state.connections):
            connection.transport.abort()
