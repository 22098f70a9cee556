"""The ledger's index: what is searched for, built from the segments and worth nothing without them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Self

from msgspec import Struct
from sqlalchemy import Connection, Engine, select

from ostiary.adapters.store import ledger_search, ledger_tables
from ostiary.adapters.store.ledger_filling import Filling
from ostiary.adapters.store.ledger_read import Entry, Wanted, ledger_directory, segment_path, segments
from ostiary.adapters.store.ledger_rows import Glance, glances
from ostiary.adapters.store.ledger_search import Page
from ostiary.adapters.store.ledger_tables import position

# Small enough that a thread building the index gives the event loop its turn often, and holds little at a time.
_BATCH: Final = 500
_CACHE: Final = 500
_MUCH: Final = 128 * 1024 * 1024
"""Bytes of records that are to be indexed: so many are taken in at once, and not between others."""


class _Position(Struct, frozen=True):
    """How far the ledger was read, and by whose count."""

    epoch: str
    segment: int
    offset: int


class LedgerIndex:
    """Answers searches over a ledger. Use it from one thread at a time; every call may take a while."""

    def __init__(self, data: Path, *, engine: Engine | None = None, cache: int = _CACHE, batch: int = _BATCH) -> None:
        """Open or make `ledger-index.sqlite` in a data directory, or use the database of an engine.

        `cache` (in KiB) and `batch` (in records) make it faster and the process larger.
        """
        self._directory, self._batch = ledger_directory(data), batch
        if engine is not None:
            ledger_tables.ready(engine)
        self._engine = engine or ledger_tables.opened(data / "ledger-index.sqlite", cache)
        self._filling = Filling()

    @classmethod
    def of_command(cls, data: Path) -> Self:
        """Open the index for a command, which may use more memory than a gateway that has calls to carry."""
        return cls(data, cache=64 * 1024, batch=5000)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def update(self, most: int | None = None, *, cpu_seconds: float = math.inf) -> int:
        """Index what came since the last time, at most `most` records, and return how many there were.

        `cpu_seconds` is about what this thread may use: where calls are flowing, an index must not slow them down.
        """
        if most is not None or cpu_seconds < math.inf or self.behind() < _MUCH:
            return self._update(most, cpu_seconds)
        ledger_tables.scatter(self._engine)
        try:
            return self._update(most, cpu_seconds)
        finally:
            ledger_tables.gather(self._engine)

    def _update(self, most: int | None, cpu_seconds: float) -> int:
        count, until = 0, time.thread_time() + cpu_seconds
        while (place := self._resumed()) is not None:
            fresh = islice(glances(self._directory, place.segment, place.offset), most and most - count)
            while time.thread_time() < until and (batch := list(islice(fresh, self._batch))):
                after = self._take(place, batch)
                if after is None:
                    # Another process indexed meanwhile: go on where it is now.
                    break
                place, count = after, count + len(batch)
            else:
                break
        return count

    def rebuild(self) -> int:
        """Forget everything and read the ledger from its beginning."""
        with self._engine.begin() as connection:
            ledger_tables.forget(connection)
        return self.update()

    def search(self, wanted: Wanted, *, limit: int = 100, before: int | None = None) -> list[Entry]:
        """Return matching calls and events, newest first; only those whose number is below `before`."""
        with self._engine.connect() as connection:
            return ledger_search.found(connection, wanted, limit, before)

    def page(self, wanted: Wanted, *, limit: int = 100, token: str = "") -> Page:
        """Return a page of what matches, newest first; raise `ValueError` for a token that was none of ours."""
        with self._engine.connect() as connection:
            return ledger_search.page(connection, wanted, limit, token)

    def run(self, ident: str, *, limit: int = 1000, after: int = 0) -> list[Entry]:
        """Return what a trace, session, task, run or reference is the mark of, oldest first, above a number."""
        with self._engine.connect() as connection:
            return ledger_search.marked(connection, ident, limit, after)

    def count(self, wanted: Wanted) -> int:
        """Return how many calls and events match. It looks at each of them."""
        with self._engine.connect() as connection:
            return ledger_search.count(connection, wanted)

    def behind(self) -> int:
        """Return how many bytes of the ledger are not indexed yet."""
        place = self._resumed()
        sizes = ((number, path.stat().st_size) for number, path in segments(self._directory))
        return sum(size for number, size in sizes if number >= place.segment) - place.offset

    def _take(self, place: _Position, batch: Sequence[Glance]) -> _Position | None:
        """Take in a batch that begins at a position; None: it was somebody else's already."""
        last = batch[-1]
        moved = (
            position.update()
            .where(position.c.epoch == place.epoch, position.c.segment == place.segment)
            .where(position.c.offset == place.offset)
            .values(segment=last.segment, offset=last.end, start=last.offset, hash=last.hash)
        )
        try:
            with self._engine.begin() as connection:
                # The first thing to write: whoever moves the position has the database to themselves until it ends.
                if not connection.execute(moved).rowcount:
                    return None
                self._filling.take(connection, place.epoch, batch)
        except BaseException:
            self._filling.forget()
            raise
        return _Position(place.epoch, last.segment, last.end)

    def _resumed(self) -> _Position:
        """Return where to go on. An index of another ledger, or of one that was cut, begins anew."""
        with self._engine.begin() as connection:
            row = connection.execute(select(position)).one()
            place = _Position(row.epoch, row.segment, row.offset)
            if not row.segment:
                return place
            if _last_hash(segment_path(self._directory, row.segment), row.start, row.offset) == row.hash:
                return place
            return self._anew(connection)

    @staticmethod
    def _anew(connection: Connection) -> _Position:
        ledger_tables.forget(connection)
        return _Position(connection.execute(select(position.c.epoch)).scalar_one(), 0, 0)


def _last_hash(path: Path, start: int, end: int) -> str:
    """Return the hash of the line that lies there, or nothing if none does."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            raw = file.read(end - start)
    except FileNotFoundError:
        return ""
    return raw[-67:-3].decode("ascii", "replace") if len(raw) == end - start else ""
