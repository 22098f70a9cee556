"""The ledger's index is built beside calls, and mostly when there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ostiary.adapters.store.ledger_index import LedgerIndex

EVERY: Final = 2
"""Seconds between two turns of the index."""
_CALM: Final = 100
"""Records since the last turn with which the ledger is still at rest."""
_IDLE: Final = 0.5
_BUSY: Final = 0.03
"""Seconds of processor time for one turn, at rest and while calls come: a search reads what is missing by itself."""


class Indexing:
    """Builds the index in turns."""

    def __init__(self, index: LedgerIndex, newest: Callable[[], int]) -> None:
        """`newest` is the number of the ledger's newest record."""
        self._index, self._newest, self._seen = index, newest, newest()

    async def turn(self) -> None:
        """Go on with the index for a while: a chore."""
        # Whether a call is in flight at this moment says little: most are over within a millisecond.
        now = self._newest()
        calm, self._seen = now - self._seen < _CALM, now
        await asyncio.to_thread(self._index.update, cpu_seconds=_IDLE if calm else _BUSY)
