"""The ledger's index is built beside calls: at once while they are few, and in quieter times where they are many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from ostiary.adapters.store.ledger_index import LedgerIndex

EVERY: Final = 2
"""Seconds between two turns of the index."""
_CALM: Final = 100
_FLOWING: Final = 2_500
"""Records since the last turn, up to which the ledger is at rest, and up to which the index keeps up with it."""
_REST: Final = 5
"""In a flood the index has one turn of so many."""


def share(came: int, turn: int) -> float:
    """Return the seconds of processor time that a turn of the index may take, after so many records.

    Whether a call is in flight at this moment would say little: most are over within a millisecond. In a flood each
    call would wait for the index; a search reads by itself what is missing then.
    """
    if came <= _CALM:
        return 0.5
    if came <= _FLOWING:
        return 0.12
    return 0.0 if turn % _REST else 0.02


class Indexing:
    """Builds the index in turns."""

    def __init__(self, index: LedgerIndex, newest: Callable[[], int]) -> None:
        """`newest` is the number of the ledger's newest record."""
        self._index, self._newest, self._seen, self._turns = index, newest, newest(), 0
        # A database keeps its cache for each thread that ever used it: one thread, and one cache.
        self._worker = ThreadPoolExecutor(1, "ledger-index")

    async def turn(self) -> None:
        """Go on with the index for a while: a chore."""
        now = self._newest()
        came, self._seen, self._turns = now - self._seen, now, self._turns + 1
        seconds = share(came, self._turns)
        if seconds:
            take = partial(self._index.update, cpu_seconds=seconds)
            await asyncio.get_running_loop().run_in_executor(self._worker, take)

    async def close(self) -> None:
        """Let the turn that goes on come to its end, and the index be closed."""
        await asyncio.to_thread(self._worker.shutdown)
        self._index.close()
