"""Let other calls have their turn while a guard reads: what is long is read beside the event loop."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from ostiary.guards.pace import PAUSE

TURN: Final = 1_024
"""Characters after which other calls have their turn; what is longer is read beside the event loop."""
_PAUSE: Final = 0.001
"""Seconds after which what is read beside it pauses where it can."""
_BRIEFLY: Final = 0.000_02
SWITCH: Final = 0.000_5
"""Seconds after which a thread hands the interpreter on. The loop wants it back after each system call, and would wait
5 ms for it every time, whatever other thread is at work."""
# One thread: the engine of patterns lets go of the interpreter, and of the rest two at a time would take turns only.
_T = TypeVar("_T")


class _Breath:
    """Pauses that the thread makes in which texts are read."""

    def __init__(self) -> None:
        self._since = 0.0

    def __call__(self) -> None:
        """Wait for a moment if it was some time since the last one: then whoever is ready runs, also on one core."""
        if time.perf_counter() - self._since >= _PAUSE:
            time.sleep(_BRIEFLY)
            self._since = time.perf_counter()

    def over(self, work: Callable[[], _T]) -> _T:
        """Do some work, and pause in it."""
        self._since = time.perf_counter()
        return work()


_BREATH: Final = _Breath()


def _begun() -> None:
    sys.setswitchinterval(SWITCH)
    PAUSE.set(_BREATH)


_READER: Final = ThreadPoolExecutor(1, "guards", _begun)


class Turns:
    """The turns of one guard at one payload."""

    def __init__(self) -> None:
        self._spent = 0

    async def over(self, length: int, work: Callable[[], _T]) -> _T:
        """Return what some work over so many characters gives; whoever waits for it gets all of it, or an error.

        The work may be done in another thread, so it changes nothing that others see. Work that nobody waits for any
        more is not begun.
        """
        if length > TURN:
            self._spent = 0
            return await asyncio.get_running_loop().run_in_executor(_READER, _BREATH.over, work)
        self._spent += length
        if self._spent > TURN:
            self._spent = length
            await asyncio.sleep(0)
        return work()

    async def past(self) -> None:
        """Let others have their turn now."""
        self._spent = 0
        await asyncio.sleep(0)
