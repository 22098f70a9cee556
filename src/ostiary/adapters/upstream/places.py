"""A bound on calls in flight: first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque


class Places:
    """So many calls at a time. A place that is left goes to whoever waits longest, and nobody comes in between."""

    __slots__ = ("_most", "_waiting", "taken")

    def __init__(self, most: int) -> None:
        self._most, self.taken = most, 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def free(self) -> bool:
        """Whether `entered` would take one."""
        return self.taken < self._most and not self._waiting

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    def entered(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self.taken >= self._most or self._waiting:
            return False
        self.taken += 1
        return True

    async def waited(self, deadline: float) -> bool:
        """Wait for a place, by the loop's clock. False: none was left in time."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter
        except TimeoutError:
            self._given_up(waiter)
            return False
        except asyncio.CancelledError:
            self._given_up(waiter)
            raise
        return True

    def _given_up(self, waiter: asyncio.Future[None]) -> None:
        """Pass a place on that was given in the very moment in which it was given up."""
        if waiter.done() and not waiter.cancelled():
            self.leave()

    def leave(self) -> None:
        """Give a place back."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.taken -= 1
