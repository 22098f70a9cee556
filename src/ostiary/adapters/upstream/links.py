"""The handshake-era sessions with one server over HTTP, by whom they serve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ostiary.adapters.upstream.handshake import Changed, Link
from ostiary.adapters.upstream.wire import Wire
from ostiary.core.errors import Overloaded, TimedOut

_MOST: Final = 4096
_IDLE: Final = 600.0
"""Seconds."""

Key = tuple[str, str, str]
"""The principal (empty: all of them), the client session it belongs to (empty: none), and the offer."""


class Links:
    """Opens a session when it is first needed, and ends it when nobody has used it for a while."""

    def __init__(self, server: str, wired: Callable[[], Wire], start_timeout: float, changed: Changed) -> None:
        self._server, self._wired, self._start_timeout, self._changed = server, wired, start_timeout, changed
        self._links: dict[Key, Link] = {}
        self._opening: dict[Key, asyncio.Task[Link]] = {}
        self._levels: dict[str, str] = {}

    async def session(self, key: Key, deadline: float) -> Link:
        """Return the open session for a key, opening it once for all who wait."""
        link = self._links.get(key)
        if link is not None and link.alive:
            return link
        task = self._opening.get(key)
        if task is None:
            task = self._opening[key] = asyncio.get_running_loop().create_task(self._opened(key))
            task.add_done_callback(lambda _: self._opening.pop(key, None))
        done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if not done:
            raise TimedOut(f"no session with {self._server} before the deadline")
        return task.result()

    async def _opened(self, key: Key) -> Link:
        wire = self._wired()
        self._make_room()
        link = Link(wire, key[2], self._changed, key[1])
        now = asyncio.get_running_loop().time()
        await link.open(now + self._start_timeout, self._levels.get(key[1], ""))
        link.used = now
        self._links[key] = link
        return link

    def _make_room(self) -> None:
        if len(self._links) < _MOST:
            return
        idle = sorted((link.used, key) for key, link in self._links.items() if not link.busy)
        if not idle:
            raise Overloaded(f"{self._server} has {_MOST} busy sessions")
        del self._links[idle[0][1]]

    def of(self, session: str) -> list[Link]:
        """Return the open sessions that serve a client session."""
        return [link for key, link in self._links.items() if key[1] == session and link.alive]

    def levelled(self, session: str, level: str) -> None:
        """Remember the log level of a client session, for sessions with the server that are opened later."""
        self._levels[session] = level
        if len(self._levels) > _MOST:
            del self._levels[next(iter(self._levels))]

    async def sweep(self, now: float) -> None:
        """End sessions that nobody used for a while."""
        idle = [key for key, link in self._links.items() if not link.busy and now - link.used > _IDLE]
        for link in [self._links.pop(key) for key in idle]:
            await link.close(now + 5)

    async def close(self) -> None:
        """End every session."""
        now = asyncio.get_running_loop().time()
        for link in self._links.values():
            await link.close(now + 2)
        self._links.clear()
