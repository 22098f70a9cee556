"""The ledger as a queue: records after a position that are on the disk, each with the position after it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ostiary.adapters.store.ledger_read import Placed, records, segment_path, segments
from ostiary.protocol.happening import Joining

_AHEAD = 4
"""Records that are read for each one that is to be sent: half of them are intents."""


class Queued(Struct, frozen=True):
    """A record to tell of, and where the ledger goes on after it."""

    record: Mapping[str, Any]
    placed: Placed


class LedgerQueue:
    """Reads a ledger from a position on. Use it from one thread."""

    def __init__(self, directory: Path, *, every: bool) -> None:
        """`every`: each record as it is; otherwise calls that ended, with what their intents said, and events."""
        self._directory, self._every = directory, every
        self._segment, self._end = 0, 0
        self._joining, self.chain = Joining(), ""

    def resume(self, segment: int, start: int, end: int, hash_: str) -> bool:
        """Go on after a record; False: the ledger does not hold it. Segment 0 is the beginning."""
        self._joining, self.chain = Joining(), ""
        self._segment, self._end = segment, end
        known = segments(self._directory)
        if not segment:
            # What was archived away before the first export began is not missed.
            self._segment = known[0][0] if known else 1
            return True
        if not self._holds(segment, start, end, hash_):
            return False
        # Calls in flight had their intents a little earlier; what came with them is known already.
        for placed in records(self._directory, segment=max(1, segment - 1)):
            if (placed.segment, placed.end) > (segment, end):
                break
            self._told(placed)
        return True

    def read(self, most: int) -> tuple[list[Queued], Placed | None]:
        """Return what there is to tell of, at most so much, and the last record that was read."""
        found: list[Queued] = []
        last: Placed | None = None
        for count, placed in enumerate(self._fresh(), 1):
            last = placed
            told = self._told(placed)
            if told is not None:
                found.append(Queued(told, placed))
            if len(found) >= most or count >= most * _AHEAD:
                break
        if last is not None:
            self._sync(last.segment)
            self._segment, self._end = last.segment, last.end
        return found, last

    def _fresh(self) -> Iterator[Placed]:
        """Yield what follows; stop at a gap, which only the archive can fill."""
        before = self._segment
        for placed in records(self._directory, segment=self._segment, offset=self._end):
            if placed.segment > before + 1:
                missing = segment_path(self._directory, before + 1)
                raise FileNotFoundError(2, "a segment that was not exported is missing; bring it back", str(missing))
            before = placed.segment
            yield placed

    def _told(self, placed: Placed) -> Mapping[str, Any] | None:
        if placed.record.get("type") == "open":
            self.chain = str(placed.record.get("chain", ""))
        whole = self._joining.whole(placed.record)
        return placed.record if self._every else whole

    def _sync(self, newest: int) -> None:
        """Bring to the disk what is about to be told: a power cut must not take back what others know already."""
        for number in range(self._segment, newest + 1):
            path = segment_path(self._directory, number)
            if path.exists():
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fdatasync(descriptor)
                finally:
                    os.close(descriptor)

    def _holds(self, segment: int, start: int, end: int, hash_: str) -> bool:
        try:
            with segment_path(self._directory, segment).open("rb") as file:
                file.seek(start)
                raw = file.read(end - start)
        except FileNotFoundError:
            return False
        return raw[-67:-3] == hash_.encode()
