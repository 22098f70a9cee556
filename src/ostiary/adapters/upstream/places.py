"""A bound on calls in flight, and on those that wait: callers take turns, and each caller's calls go in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

_Waiter = asyncio.Future[bool]
"""True: it has a place. False: it had to make room for others."""


class Places:
    """So many calls at a time. A place that is left goes to the caller whose turn it is, and nobody comes in between.

    Where all waiting places are taken too, whoever takes most of them gives way: a caller who sends more than everybody
    else waits longer, and is turned away sooner, than those who do not.
    """

    __slots__ = ("_line", "_most", "_turns", "shed", "taken", "waiting")

    def __init__(self, most: int, line: int = 1024) -> None:
        """Let so many in at a time, and let `line` wait."""
        self._most, self._line, self.taken = most, line, 0
        self.shed = 0
        """How many got none."""
        self.waiting = 0
        """How many wait for a place."""
        self._turns: dict[str, deque[_Waiter]] = {}
        """Those who wait, by caller; it is the first one's turn."""

    @property
    def free(self) -> bool:
        """Whether `entered` would take one."""
        return self.taken < self._most and not self.waiting

    def entered(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self.taken >= self._most or self.waiting:
            return False
        self.taken += 1
        return True

    async def waited(self, deadline: float, who: str = "") -> bool:
        """Wait for a place, by the loop's clock. False: none was left in time, or too many wait."""
        if self.waiting >= self._line and not self._room(who):
            return False
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._turns.setdefault(who, deque()).append(waiter)
        self.waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except TimeoutError:
            self._given_up(who, waiter)
            return False
        except asyncio.CancelledError:
            self._given_up(who, waiter)
            raise

    def _room(self, who: str) -> bool:
        """Turn the last call of the greediest caller away, if that one has more waiting than this one would have."""
        greedy = max(self._turns, key=lambda each: len(self._turns[each]), default=who)
        if len(self._turns.get(greedy, ())) <= len(self._turns.get(who, ())) + 1:
            return False
        waiter = self._turns[greedy].pop()
        self.waiting -= 1
        if not waiter.done():
            waiter.set_result(False)
        return True

    def _given_up(self, who: str, waiter: _Waiter) -> None:
        """Leave the line; a place that was given in that very moment is passed on."""
        if waiter.done() and not waiter.cancelled():
            if waiter.result():
                self.leave()
            return
        with suppress(KeyError, ValueError):
            queue = self._turns[who]
            queue.remove(waiter)
            self.waiting -= 1
            if not queue:
                del self._turns[who]

    def leave(self) -> None:
        """Give a place back."""
        while self._turns:
            who = next(iter(self._turns))
            queue = self._turns.pop(who)
            waiter = queue.popleft()
            self.waiting -= 1
            if queue:
                # Behind all others, for this caller has had its turn.
                self._turns[who] = queue
            if not waiter.done():
                waiter.set_result(True)
                return
        self.taken -= 1
