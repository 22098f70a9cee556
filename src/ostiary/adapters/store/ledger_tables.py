"""The tables of the ledger's index, and its file. Everything in them can be made again from the segments.

What calls have in common (who, what, how it ended) is kept once for each combination, in `kinds`; a call holds its
number. What is said besides (details, findings, addresses, traces) is kept once in `words`, with a link from each call
that says it. So ten million records fit, and a search looks at a few thousand combinations before it looks at calls.
"""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError

from ostiary.adapters.store.ledger_rows import FACTS

LAYOUT: Final = 3
"""Of the tables below; an index of another layout is made anew."""
_STATEMENTS: Final = 16
"""What a connection keeps ready; the driver's 128 are megabytes, for some have a value for each record of a batch."""

meta: Final = MetaData()

calls: Final = Table(
    "calls", meta,
    Column("n", Integer().with_variant(BigInteger, "postgresql"), primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("reference", String, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("ms", Float),
    # Not unique: a reference is told to one client, but two processes may by chance have made the same.
    Index("calls_reference", "reference"),
    Index("calls_kind", "kind", "n"),
)  # fmt: skip

kinds: Final = Table(
    "kinds", meta,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary(16), nullable=False, unique=True),
    *(Column(name, String, nullable=False) for name in FACTS),
    *(Index(f"kinds_{name}", name) for name in ("subject", "client", "server", "tool", "outcome", "rule")),
)  # fmt: skip

words: Final = Table(
    "words", meta,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary(16), nullable=False, unique=True),
    Column("field", String, nullable=False),
    Column("text", String, nullable=False),
    Column("low", String),
)  # fmt: skip
"""What calls say, and every value of a fact, once. `low` is the text in lower case, where that is something else."""

links: Final = Table(
    "links", meta,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("word", Integer, primary_key=True, autoincrement=False),
    Index("links_word", "word", "n"),
    sqlite_with_rowid=False,
)  # fmt: skip

spans: Final = Table(
    "spans", meta,
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
)  # fmt: skip
"""Which numbers calls have that came within ten minutes: times do not grow strictly with numbers."""

SLOT: Final = 600_000
"""Milliseconds."""

position: Final = Table(
    "position", meta,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("layout", Integer, nullable=False),
    Column("epoch", String, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
)  # fmt: skip
"""How far the ledger was read. The epoch is another one whenever everything was forgotten."""

FINDER: Final = "words_text"
"""SQLite's index of every three letters in a row (FTS5); PostgreSQL does without, or has `pg_trgm`."""


def opened(path: Path, cache: int) -> Engine:
    """Open or make an index in a file, with a cache of so many KiB; a file that is none is replaced."""
    engine = _engine(path, cache)
    try:
        ready(engine)
    except DatabaseError:
        # Torn by a power cut, or of another layout: it holds nothing that the segments do not.
        engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        engine = _engine(path, cache)
        ready(engine)
    return engine


def ready(engine: Engine) -> None:
    """Make the tables, if these are not there as this version wants them."""
    with engine.begin() as connection:
        if _layout(connection) != LAYOUT:
            forget(connection)
    # A process that was killed while it took in much may have left some out.
    gather(engine)


_SCATTERED: Final = tuple(
    index for table in (calls, links) for index in table.indexes if index.name in ("calls_kind", "links_word")
)
"""What each call writes somewhere else in: for millions of calls it is a hundred times faster made at once, sorted."""


def scatter(engine: Engine) -> None:
    """Do without some indices until `gather`: searches are slow until then, and right."""
    with engine.begin() as connection:
        for index in _SCATTERED:
            index.drop(connection, checkfirst=True)


def gather(engine: Engine) -> None:
    """Make the indices that are missing."""
    with engine.begin() as connection:
        for index in _SCATTERED:
            index.create(connection, checkfirst=True)


def forget(connection: Connection) -> None:
    """Make all tables anew, empty."""
    if _sqlite(connection):
        connection.execute(text(f"DROP TABLE IF EXISTS {FINDER}"))
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name in {*meta.tables, "calls", "position"})
    found.drop_all(connection)
    meta.create_all(connection)
    if _sqlite(connection) and _finds():
        connection.execute(text(f"CREATE VIRTUAL TABLE {FINDER} USING fts5(text, content='', tokenize='trigram')"))
    start = {"id": 1, "layout": LAYOUT, "epoch": secrets.token_hex(8), "segment": 0, "offset": 0, "start": 0}
    connection.execute(position.insert().values(**start, hash=""))


def finding(connection: Connection) -> bool:
    """Say whether there is an index of what is said."""
    return _sqlite(connection) and _finds()


def _finds() -> bool:
    # FTS5 has trigrams since 3.34; without them a search by text reads every word once.
    return sqlite3.sqlite_version_info >= (3, 34)


def _sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _layout(connection: Connection) -> int:
    found = inspect(connection)
    if not found.has_table("position") or "layout" not in {each["name"] for each in found.get_columns("position")}:
        return 0
    return connection.execute(select(position.c.layout)).scalar() or 0


def _engine(path: Path, cache: int) -> Engine:
    # Subjects and tools are nobody else's business: the file is there, private, before SQLite opens it.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"cached_statements": _STATEMENTS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # It can be rebuilt, so it need not survive a power cut.
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("PRAGMA busy_timeout=5000")
        # Written pages are moved into the file less often, so that pages which change again are moved once.
        cursor.execute("PRAGMA wal_autocheckpoint=4000")
        # The system caches the file; what SQLite keeps of it besides (2 MB by default) is the gateway's own memory.
        cursor.execute(f"PRAGMA cache_size=-{cache:d}")
        cursor.close()

    return engine
