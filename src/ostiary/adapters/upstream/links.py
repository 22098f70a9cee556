"""The handshake-era sessions with one server over HTTP, or HTTP+SSE, by whom they serve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog

from ostiary.adapters.upstream.channel import Channel
from ostiary.adapters.upstream.handshake import Changed, Link
from ostiary.adapters.upstream.wire import SessionGone, Wire
from ostiary.core.errors import Overloaded, TimedOut, Unreachable

log: Final = structlog.get_logger(__name__)

MOST: Final = 4096
STREAMS: Final = 256
"""Sessions of the 2024-11-05 transport with one server: each keeps a connection for itself."""
_IDLE: Final = 600.0
"""Seconds."""
_CLOSED: Final = "the sessions with this server were closed: it was removed, or the gateway is stopping"

Key = tuple[str, str, str]
"""The principal (empty: all of them), the client session it belongs to (empty: none), and the offer."""


class Links:
    """Opens a session when it is first needed, and ends it when nobody has used it for a while."""

    def __init__(
        self, server: str, wired: Callable[[], Wire], start_timeout: float, changed: Changed, most: int = MOST
    ) -> None:
        """Have at most `most` sessions at a time; the one that was not used for longest gives way to a new one."""
        self._server, self._wired, self._start_timeout, self._changed = server, wired, start_timeout, changed
        self._most = most
        self._links: dict[Key, Link] = {}
        self._opening: dict[Key, asyncio.Task[Link]] = {}
        self._levels: dict[str, str] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = self._flooded = False

    async def session(self, key: Key, deadline: float) -> Link:
        """Return the open session for a key, opening it once for all who wait."""
        link = self._links.get(key)
        if link is not None and link.alive:
            link.used = asyncio.get_running_loop().time()
            return link
        if self._closed:
            raise Unreachable(_CLOSED)
        task = self._opening.get(key)
        if task is None:
            task = self._opening[key] = asyncio.get_running_loop().create_task(self._opened(key))
            task.add_done_callback(lambda task: self._settled(key, task))
        done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if not done:
            raise TimedOut(f"no session with {self._server} before the deadline")
        if task.cancelled():
            raise Unreachable(_CLOSED)
        return task.result()

    def _settled(self, key: Key, task: asyncio.Task[Link]) -> None:
        self._opening.pop(key, None)
        if not task.cancelled():
            # Looked at, for everyone who waited may have given up by now.
            task.exception()

    async def _opened(self, key: Key) -> Link:
        self._make_room()
        wire = self._wired()
        link = Link(wire, key[2], self._changed)
        until = asyncio.get_running_loop().time() + self._start_timeout
        try:
            if isinstance(wire, Channel):
                await wire.open(until, partial(self._strayed, link))
            await link.open(until, self._levels.get(key[1], ""))
        except BaseException as error:
            if isinstance(wire, Channel):
                wire.close()
            if isinstance(error, SessionGone):
                raise Unreachable("the server forgets its sessions at once") from None
            raise
        link.used = asyncio.get_running_loop().time()
        self._links[key] = link
        return link

    def _strayed(self, link: Link, message: dict[str, Any]) -> None:
        # Each is handled in its own time, some by asking people: a server that floods us must not fill the memory.
        if not link.crowded:
            link.stray(message)
            return
        if not self._flooded:
            log.warning("a server says more than can be handled; the rest is dropped", server=self._server)
        self._flooded = True

    def _make_room(self) -> None:
        self._links = {key: link for key, link in self._links.items() if link.alive or link.busy}
        if len(self._links) + len(self._opening) <= self._most:
            return
        idle = sorted((link.used, key) for key, link in self._links.items() if not link.busy)
        if not idle:
            raise Overloaded(f"{self._server} has {self._most} busy sessions")
        until = asyncio.get_running_loop().time() + 5
        task = asyncio.get_running_loop().create_task(self._links.pop(idle[0][1]).close(until))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def of(self, session: str) -> list[Link]:
        """Return the open sessions that serve a client session."""
        return [link for key, link in self._links.items() if key[1] == session and link.alive]

    def level(self, session: str) -> str:
        """Return the log level that a client session asked for, or nothing."""
        return self._levels.get(session, "")

    def levelled(self, session: str, level: str) -> None:
        """Remember the log level of a client session, for sessions with the server that are opened later."""
        self._levels[session] = level
        if len(self._levels) > MOST:
            del self._levels[next(iter(self._levels))]

    async def sweep(self, now: float) -> None:
        """End sessions that nobody used for a while."""
        idle = [key for key, link in self._links.items() if not link.busy and now - link.used > _IDLE]
        for link in [self._links.pop(key) for key in idle]:
            await link.close(now + 5)

    async def close(self) -> None:
        """End every session, and open no more."""
        self._closed = True
        for task in (*self._opening.values(), *self._closing):
            task.cancel()
        now = asyncio.get_running_loop().time()
        for link in self._links.values():
            await link.close(now + 2)
        self._links.clear()
