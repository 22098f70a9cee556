"""The ledger's index: one SQLite row per call or event, built from the segments and worth nothing without them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    create_engine,
    delete,
    event,
    func,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection

from ostiary.adapters.store.ledger_read import (
    Entry,
    Placed,
    Wanted,
    entries,
    joined,
    ledger_directory,
    records,
    segment_path,
)

# Small enough that a thread building the index gives the event loop its turn often, and holds little at a time.
_BATCH: Final = 100

_meta = MetaData()

_calls = Table(
    "calls", _meta,
    Column("reference", String, primary_key=True),
    Column("n", Integer, nullable=False, index=True),
    Column("time", String, nullable=False, index=True),
    Column("type", String, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("offset", Integer, nullable=False),
    *(Column(name, String, nullable=False) for name in ("subject", "server", "tool", "method", "outcome", "decision")),
    Column("rule", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("ms", Float),
    Column("words", String, nullable=False),
    Index("calls_subject", "subject", "n"),
    Index("calls_tool", "tool", "n"),
    Index("calls_server", "server", "n"),
    Index("calls_outcome", "outcome", "n"),
)  # fmt: skip

_position = Table(
    "position", _meta,
    Column("id", Integer, primary_key=True),
    Column("segment", Integer, nullable=False),
    Column("offset", Integer, nullable=False),
    Column("hash", String, nullable=False),
    Column("start", Integer, nullable=False),
)  # fmt: skip

_FIELDS: Final = tuple(name for name in Entry.__struct_fields__)


class LedgerIndex:
    """Answers searches over a ledger. Use it from one thread at a time; every call may take a while."""

    def __init__(self, data: Path) -> None:
        """Open or make `ledger-index.sqlite` in a data directory."""
        self._directory = ledger_directory(data)
        self._engine = _engine(data / "ledger-index.sqlite")
        _meta.create_all(self._engine)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def update(self, most: int | None = None, *, cpu_seconds: float = math.inf) -> int:
        """Index what came since the last time, at most `most` records, and return how many there were.

        `cpu_seconds` is about what this thread may use: where calls are flowing, an index must not slow them down.
        """
        with self._engine.begin() as connection:
            segment, offset = self._resumed(connection)
        fresh = islice(records(self._directory, segment=segment, offset=offset), most)
        count, until = 0, time.thread_time() + cpu_seconds
        while time.thread_time() < until and (batch := list(islice(fresh, _BATCH))):
            with self._engine.begin() as connection:
                _take(connection, batch)
            count += len(batch)
        return count

    def rebuild(self) -> int:
        """Forget everything and read the ledger from its beginning."""
        with self._engine.begin() as connection:
            _forget(connection)
        return self.update()

    def search(self, wanted: Wanted, *, limit: int = 100, skip: int = 0) -> list[Entry]:
        """Return matching calls and events, newest first."""
        query = _asked(select(_calls), wanted).order_by(_calls.c.n.desc()).limit(limit).offset(skip)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def count(self, wanted: Wanted) -> int:
        """Return how many calls and events match."""
        query = _asked(select(func.count()).select_from(_calls), wanted)
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def _resumed(self, connection: Connection) -> tuple[int, int]:
        """Return where to go on. An index of another ledger, or of one that was cut, begins anew."""
        row = connection.execute(select(_position)).first()
        if row is None:
            return 0, 0
        if _last_hash(segment_path(self._directory, row.segment), row.start, row.offset) == row.hash:
            return row.segment, row.offset
        _forget(connection)
        return 0, 0


def _engine(path: Path) -> Engine:
    # Subjects and tools are nobody else's business: the file is there, private, before SQLite opens it.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # It can be rebuilt, so it need not survive a power cut.
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("PRAGMA busy_timeout=5000")
        # The system caches the file; what SQLite keeps of it besides (2 MB by default) is the gateway's own memory.
        cursor.execute("PRAGMA cache_size=-500")
        cursor.close()

    return engine


def _take(connection: Connection, batch: Sequence[Placed]) -> None:
    rows = [msgspec.structs.astuple(entry) for entry in _joined(batch)]
    if rows:
        # By the driver itself: SQLAlchemy would spend five times as long on each row as SQLite does.
        cursor = connection.connection.cursor()
        cursor.executemany(_UPSERT, rows)
        cursor.close()
    last = batch[-1]
    connection.execute(delete(_position))
    connection.execute(
        _position.insert().values(
            id=1, segment=last.segment, offset=last.end, start=last.offset, hash=str(last.record.get("hash", ""))
        )
    )


def _joined(batch: Sequence[Placed]) -> list[Entry]:
    """Return what a batch says, with one entry for a call that began and ended within it: most do."""
    found: dict[str, Entry] = {}
    for placed in batch:
        for entry in entries(placed):
            first = found.get(entry.reference)
            found[entry.reference] = entry if first is None else joined(first, entry)
    return list(found.values())


def _upsert() -> str:
    said = ("subject", "server", "tool", "method", "outcome", "decision", "rule", "detail")
    merged = [f"{name} = coalesce(nullif(excluded.{name}, ''), {name})" for name in said]
    merged += ["ms = coalesce(excluded.ms, ms)", "words = words || char(10) || excluded.words"]
    columns, places = ", ".join(f'"{name}"' for name in _FIELDS), ", ".join("?" * len(_FIELDS))
    insert = f"INSERT INTO calls ({columns}) VALUES ({places})"  # noqa: S608 - the names of our own columns
    return f"{insert} ON CONFLICT (reference) DO UPDATE SET {', '.join(merged)}"


_UPSERT: Final = _upsert()


def _entry(row: Row[Any]) -> Entry:
    return Entry(**{name: row._mapping[name] for name in _FIELDS})  # noqa: SLF001 - SQLAlchemy's public name for it


def _forget(connection: Connection) -> None:
    connection.execute(delete(_calls))
    connection.execute(delete(_position))


def _last_hash(path: Path, start: int, end: int) -> str:
    """Return the hash of the line that lies there, or nothing if none does."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            raw = file.read(end - start)
    except FileNotFoundError:
        return ""
    return raw[-67:-3].decode("ascii", "replace") if len(raw) == end - start else ""


def _asked(query: Select[Any], wanted: Wanted) -> Select[Any]:
    columns = _calls.c
    for name in ("subject", "server", "outcome", "decision", "reference"):
        value = getattr(wanted, name)
        if value:
            query = query.where(columns[name] == value)
    if wanted.tool:
        # SQLite's GLOB also knows [sets]; here a bracket means itself, as it does when scanning.
        query = query.where(columns.tool.op("GLOB")(wanted.tool.replace("[", "[[]")))
    if wanted.since:
        query = query.where(columns.time >= wanted.since)
    if wanted.until:
        query = query.where(columns.time < wanted.until)
    if wanted.text:
        query = query.where(func.instr(columns.words, wanted.text.lower()) > 0)
    return query
