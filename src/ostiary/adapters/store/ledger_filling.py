"""Filling the ledger's index: one batch of records in one transaction, by the driver's own fast way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Dialect, Table, bindparam, func, select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from ostiary.adapters.store.ledger_rows import FACTS, NAMED, Glance, Line, key, merged, told
from ostiary.adapters.store.ledger_tables import FINDER, SLOT, calls, finding, kinds, links, spans, words

_KEPT: Final = 1024
_AT_ONCE: Final = 500
"""Values in one `IN`: older SQLite takes 999."""

Facts = tuple[str, ...]
Word = tuple[str, str]
_T = TypeVar("_T")

_NEW_CALL: Final = calls.insert()
_NEW_KIND: Final = kinds.insert()
_NEW_WORD: Final = words.insert()
_NEW_LINK: Final = links.insert()
_NEW_SPAN: Final = spans.insert()
_ENDED: Final = calls.update().where(calls.c.n == bindparam("_n")).values(kind=bindparam("_kind"), ms=bindparam("_ms"))


class Filling:
    """Knows which combinations and words the index has. What it remembers is dropped when the index is made anew."""

    def __init__(self) -> None:
        self._epoch = ""
        self.forget()

    def forget(self) -> None:
        """Forget what was remembered: a transaction did not end well."""
        self._kinds: dict[Facts, int] = {}
        self._words: dict[Word, int] = {}

    def take(self, connection: Connection, epoch: str, batch: Iterable[Glance]) -> None:
        """Write what a batch says, within a transaction."""
        if epoch != self._epoch or max(len(self._kinds), len(self._words)) > _KEPT:
            self.forget()
            self._epoch = epoch
        lines = told(batch)
        begun = [line for line in lines if line.new]
        ended = _Ended(connection, [line for line in lines if not line.new])
        lines = begun + ended.strangers
        ids = self._kinds_of(connection, [line.facts for line in lines] + list(ended.facts.values()))
        said = self._words_of(connection, [word for line in [*lines, *ended.lines] for word in line.words])
        _write(connection, _NEW_CALL, _rows(lines, ids))
        ended.write(connection, ids)
        _link(connection, [(line.n, said[word]) for line in lines for word in dict.fromkeys(line.words)])
        _link(connection, ended.fresh(connection, said))
        _span(connection, lines)

    def _kinds_of(self, connection: Connection, wanted: Sequence[Facts]) -> Mapping[Facts, int]:
        known = self._kinds
        missing = {key(*facts): facts for facts in dict.fromkeys(wanted) if facts not in known}
        fresh = [(at, mark, missing[mark]) for at, mark in _numbered(connection, kinds, missing, known)]
        _write(connection, _NEW_KIND, [(at, mark, *facts) for at, mark, facts in fresh])
        values = (word for _, _, facts in fresh for word in zip(FACTS[1:], facts[1:], strict=True) if word[1])
        self._words_of(connection, list(dict.fromkeys(values)))
        return known

    def _words_of(self, connection: Connection, wanted: Sequence[Word]) -> Mapping[Word, int]:
        known = self._words
        missing = {key(*word): word for word in dict.fromkeys(wanted) if word not in known}
        fresh = _numbered(connection, words, missing, known)
        rows = [(at, mark, *missing[mark], _low(missing[mark][1])) for at, mark in fresh]
        _write(connection, _NEW_WORD, rows)
        if finding(connection):
            searched = [(at, missing[mark][1]) for at, mark in fresh if missing[mark][0] not in NAMED]
            _driven(connection, f"INSERT INTO {FINDER} (rowid, text) VALUES (?, ?)", searched)  # noqa: S608 - our own name
        return known


class _Ended:
    """The ends of calls that began in an earlier batch."""

    def __init__(self, connection: Connection, lines: list[Line]) -> None:
        found: dict[str, Any] = {}
        wanted = [line.reference for line in lines]
        for some in _parts(wanted):
            query = select(calls.c.reference, calls.c.n, calls.c.kind, calls.c.ms).where(calls.c.reference.in_(some))
            for row in connection.execute(query.order_by(calls.c.n)):
                found[row.reference] = row
        self.lines = [line for line in lines if line.reference in found]
        # What only the end is known of (its beginning was archived away, say) is told as far as it is known. An
        # interruption tells of many calls in one record, and has a number for none of them.
        self.strangers = [
            line for line in lines if line.reference not in found and line.facts[9] != "interrupted"
        ]  # fmt: skip
        self._rows = found
        old = self._facts_of(connection, {row.kind for row in found.values()})
        self.facts = {line.reference: merged(old[found[line.reference].kind], line.facts) for line in self.lines}

    @staticmethod
    def _facts_of(connection: Connection, wanted: set[int]) -> dict[int, Facts]:
        query = select(kinds.c.id, *(kinds.c[name] for name in FACTS))
        rows = (row for some in _parts(list(wanted)) for row in connection.execute(query.where(kinds.c.id.in_(some))))
        return {row[0]: tuple(row[1:]) for row in rows}

    def write(self, connection: Connection, ids: Mapping[Facts, int]) -> None:
        """Say how the calls ended."""
        rows = [(line, self._rows[line.reference]) for line in self.lines]
        _write(
            connection, _ENDED,
            [
                {"_n": row.n, "_kind": ids[self.facts[line.reference]], "_ms": row.ms if line.ms is None else line.ms}
                for line, row in rows
            ],
        )  # fmt: skip

    def fresh(self, connection: Connection, said: Mapping[Word, int]) -> list[tuple[int, int]]:
        """Return the links that the ends add."""
        wanted = dict.fromkeys((self._rows[line.reference].n, said[word]) for line in self.lines for word in line.words)
        for some in _parts([n for n, _ in wanted]):
            for row in connection.execute(select(links).where(links.c.n.in_(some))):
                wanted.pop((row.n, row.word), None)
        return list(wanted)


def _rows(lines: list[Line], ids: Mapping[Facts, int]) -> list[tuple[Any, ...]]:
    return [(line.n, line.time, ids[line.facts], line.reference, line.segment, line.offset, line.ms) for line in lines]


def _numbered(
    connection: Connection, table: Table, missing: Mapping[bytes, _T], known: dict[_T, int]
) -> list[tuple[int, bytes]]:
    """Note the numbers of what is missing in `known`, and return what is new with the numbers it gets."""
    if not missing:
        return []
    for mark, at in _of(connection, table.c.key, table.c.id, list(missing)):
        known[missing[bytes(mark)]] = at
    first = (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
    fresh = [(first + at, mark) for at, mark in enumerate(each for each in missing if missing[each] not in known)]
    known.update({missing[mark]: at for at, mark in fresh})
    return fresh


def _of(connection: Connection, named: Any, value: Any, wanted: list[Any]) -> list[tuple[Any, Any]]:
    query = select(named, value)
    return [(row[0], row[1]) for some in _parts(wanted) for row in connection.execute(query.where(named.in_(some)))]


def _link(connection: Connection, rows: list[tuple[int, int]]) -> None:
    _write(connection, _NEW_LINK, rows)


def _span(connection: Connection, lines: list[Line]) -> None:
    found: dict[int, tuple[int, int]] = {}
    for line in lines:
        slot = line.time // SLOT
        first, last = found.get(slot, (line.n, line.n))
        found[slot] = min(first, line.n), max(last, line.n)
    for row in connection.execute(select(spans).where(spans.c.slot.in_(found))):
        first, last = found[row.slot]
        found[row.slot] = min(first, row.first), max(last, row.last)
    connection.execute(spans.delete().where(spans.c.slot.in_(found)))
    _write(connection, _NEW_SPAN, [(slot, *both) for slot, both in found.items()])


def _low(said: str) -> str | None:
    low = said.lower()
    return low if low != said else None


def _parts(wanted: list[_T]) -> Iterable[list[_T]]:
    return (wanted[at : at + _AT_ONCE] for at in range(0, len(wanted), _AT_ONCE))


def _write(connection: Connection, statement: UpdateBase, rows: Sequence[Any]) -> None:
    """Run a statement of ours for many rows: tuples in the order of its columns, or mappings."""
    if not rows:
        return
    compiled = _compiled(statement, connection.dialect)
    if not compiled.positional:
        names = [column.name for column in statement.table.columns]
        connection.execute(
            statement, [row if isinstance(row, dict) else dict(zip(names, row, strict=True)) for row in rows]
        )
        return
    if isinstance(rows[0], dict):
        order = compiled.positiontup or []
        rows = [tuple(row[name] for name in order) for row in rows]
    # By the driver itself: SQLAlchemy would spend five times as long on each row as SQLite does.
    _driven(connection, str(compiled), rows)


@lru_cache(maxsize=32)
def _compiled(statement: UpdateBase, dialect: Dialect) -> SQLCompiler:
    return statement.compile(dialect=dialect)


def _driven(connection: Connection, statement: str, rows: Sequence[Any]) -> None:
    if rows:
        connection.exec_driver_sql(statement, list(rows))
