"""Let other calls have their turn while a guard reads: what is long is read beside the event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

TURN: Final = 2_048
"""Characters after which other calls have their turn; what is longer is read beside the event loop."""
# One thread: the engine of patterns lets go of the interpreter, and of the rest two at a time would take turns only.
# The loop wants the interpreter back after each system call, for which it would wait 5 ms every time.
_READER: Final = ThreadPoolExecutor(1, "guards", partial(sys.setswitchinterval, 0.000_5))
_T = TypeVar("_T")


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
            return await asyncio.get_running_loop().run_in_executor(_READER, work)
        self._spent += length
        if self._spent > TURN:
            self._spent = length
            await asyncio.sleep(0)
        return work()

    async def past(self) -> None:
        """Let others have their turn now."""
        self._spent = 0
        await asyncio.sleep(0)
