"""How fast a server may talk: a flood is read as fast as others can bear it, and no faster."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from ostiary.core.errors import TimedOut

MESSAGES: Final = 250.0
"""Messages in a second that may come before one answer, in the long run: each costs others a tenth of a millisecond."""
BURST: Final = 512.0
"""Messages that may come at once."""
TOGETHER: Final = 400.0
"""Messages in a second that may come before all answers of one server, in the long run: a twentieth of a processor."""
CROWD: Final = 64.0
"""Messages of all of them that may come at once: ten milliseconds of everybody's time."""
BYTES: Final = 128.0 * 1024 * 1024
"""Bytes of long answers that are read from one server in a second."""
SHORT: Final = 1024 * 1024
"""What an answer may have before it counts as long."""
TICK: Final = 0.001
"""No event loop is asked to wait less than this."""


class Pace:
    """The messages of all answers of one server. Pure: time comes in as an argument."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due = -math.inf

    def due(self, now: float) -> float:
        """Count a message, and return when it may be handled."""
        self._due = max(self._due, now - CROWD / TOGETHER) + 1 / TOGETHER
        return self._due


class Talk:
    """The messages of one answer."""

    __slots__ = ("_due", "_heard", "_pace")

    def __init__(self, pace: Pace) -> None:
        """Share the pace of whoever answers: many answers that talk a little are a flood as well."""
        self._due, self._heard, self._pace = -math.inf, False, pace

    async def turn(self, deadline: float) -> None:
        """Wait until one more message may be handled; raise `TimedOut` where that is after the deadline."""
        if not self._heard:
            self._heard = True
            return
        now = asyncio.get_running_loop().time()
        if now >= deadline:
            # What was read before the deadline may still wait in memory, and handling it all would take its time.
            raise TimedOut("the server was still talking at the deadline")
        self._due = max(self._due, now - BURST / MESSAGES) + 1 / MESSAGES
        due = max(self._due, self._pace.due(now))
        await asyncio.sleep(max(0.0, min(due, deadline) - now))


class Reading:
    """The bytes of one server's long answers. Pure: time comes in as an argument."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due = 0.0

    def wait(self, size: int, now: float) -> float:
        """Return for how many seconds nobody should read on, now that so many bytes were read."""
        self._due = max(now, self._due) + size / BYTES
        left = self._due - now
        return left if left > TICK else 0.0
