"""Searching the ledger's index: a page of what matches, newest first, without counting or skipping what was before.

A search first finds the combinations (`kinds`) and the words that fit, which are few, and then reads the calls of
these from the newest on: in order, where they are frequent, or from each combination its newest, where they are rare.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, CompoundSelect, Connection, Row, Select, and_, false, func, or_, select, text

from ostiary.adapters.store.ledger_read import Entry, Wanted
from ostiary.adapters.store.ledger_rows import FACTS, NAMED, SEARCHED, key, millis, unusual, written
from ostiary.adapters.store.ledger_tables import FINDER, SLOT, calls, finding, kinds, links, spans, words

_TRIGRAM: Final = 3
_LONGEST: Final = 1000
"""Characters of a text that is searched for."""
_FEW_KINDS: Final = 1000
"""So many combinations are asked one by one, whatever else would be faster: it takes milliseconds at most."""
_MANY_KINDS: Final = 20_000
_NEAR: Final = 50_000
"""Numbers of records among which what is frequent is found at once."""
_AT_ONCE: Final = 500
_FEW_LINKS: Final = 20_000
_MOST: Final = 10_000
"""Entries of one page."""
_SHOWN: Final = frozenset({"detail", "peer", *NAMED})
_EXACT: Final = ("subject", "client", "server", "outcome", "decision", "rule", "reason")
_ALL: Final = 1 << 62

_Ids = Select[tuple[int]] | CompoundSelect[tuple[int]]


class Page(Struct, frozen=True):
    """Some of what a search found, and how to ask for what follows."""

    entries: list[Entry]
    next: str = ""
    """Empty: nothing follows."""


class _Range(Struct, frozen=True):
    """What bounds a search by number and by time."""

    low: int
    high: int
    """Not included."""
    since: int | None
    until: int | None

    def holds(self) -> list[ColumnElement[bool]]:
        """Return the conditions that a call has to fulfil."""
        found = [calls.c.n < self.high, calls.c.n >= self.low]
        found += [calls.c.time >= self.since] if self.since is not None else []
        return found + ([calls.c.time < self.until] if self.until is not None else [])


def page(connection: Connection, wanted: Wanted, limit: int, token: str) -> Page:
    """Return a page of what matches, newest first; raise `ValueError` for a token that was none of ours."""
    if token and not (token.isascii() and token.isdigit() and len(token) < len(str(_ALL))):
        raise ValueError("it is not the token of a page; use what the search before this one printed")
    limit = max(1, min(limit, _MOST))
    entries = found(connection, wanted, limit + 1, int(token) if token else None)
    more = len(entries) > limit
    return Page(entries[:limit], str(entries[limit - 1].n) if more else "")


def found(connection: Connection, wanted: Wanted, limit: int, before: int | None) -> list[Entry]:
    """Return matching calls and events, newest first; only those whose number is below `before`."""
    bounds = _range(connection, wanted, before)
    if bounds.low >= bounds.high:
        return []
    if wanted.reference:
        # One of them at most, or as many as chance made: whatever else is asked for is looked at there.
        rows = _read(connection, _calls().where(*_every(connection, wanted, bounds)), limit)
    else:
        branches = [_by_kind(connection, wanted, bounds, limit)]
        if wanted.text:
            branches.append(_by_word(connection, wanted, bounds, limit))
        rows = _newest(branches, limit)
    return entries(connection, rows)


def marked(connection: Connection, ident: str, limit: int, after: int) -> list[Entry]:
    """Return what a trace, session, task, run or reference is the mark of, oldest first, above a number."""
    linked = select(links.c.n).where(links.c.word.in_(_named(ident, NAMED)), links.c.n > after)
    first = linked.order_by(links.c.n).limit(limit).subquery()
    query = _calls().where(or_(calls.c.n.in_(select(first.c.n)), and_(calls.c.reference == ident, calls.c.n > after)))
    return entries(connection, connection.execute(query.order_by(calls.c.n).limit(limit)).all())


def count(connection: Connection, wanted: Wanted) -> int:
    """Return how many calls and events match."""
    whole = _every(connection, wanted, _range(connection, wanted, None))
    joined = calls.join(kinds, calls.c.kind == kinds.c.id)
    return int(connection.execute(select(func.count()).select_from(joined).where(*whole)).scalar_one())


def entries(connection: Connection, rows: Iterable[Row[Any]]) -> list[Entry]:
    """Return what rows of calls stand for, with all that is said of them."""
    made = {row.n: _entry(row) for row in rows}
    names = list(made)
    for some in _parts(names):
        query = select(links.c.n, words.c.field, words.c.text).join(words, words.c.id == links.c.word)
        for n, field, said in connection.execute(query.where(links.c.n.in_(some))):
            entry = made[n]
            if field == "finding":
                entry.findings = "; ".join(sorted({*entry.findings.split("; "), said} - {""}))
            elif field in _SHOWN:
                setattr(entry, field, said)
    return list(made.values())


# Which way


def _by_kind(connection: Connection, wanted: Wanted, bounds: _Range, limit: int) -> list[Row[Any]]:
    """Return the newest calls whose facts fit, with the text among these facts if one is asked for."""
    fits = [*_facts(wanted, connection), *([_in_facts(connection, wanted.text)] if wanted.text else [])]
    marks = _marks(wanted)
    if marks:
        return _linked(connection, marks[0], [*bounds.holds(), *fits, *map(_says, marks[1:])], limit)
    if not fits:
        return _read(connection, _calls().where(*bounds.holds()), limit)
    known = connection.execute(select(kinds.c.id).where(*fits).limit(_MANY_KINDS + 1)).scalars().all()
    if len(known) <= _FEW_KINDS:
        return _each(connection, known, bounds, limit)
    listed = unusual(wanted.outcome, wanted.decision)
    if listed and not wanted.text:
        # What failed or was denied has a list of its own, which is walked from its newest on.
        return _listed(connection, listed[0], select(kinds.c.id).where(*fits), bounds, limit)
    # What has many combinations is mostly frequent, too: then the newest calls are enough to look at. The planner must
    # walk these in their order, and not collect and sort all calls of each combination.
    kind, near = calls.c.kind + 0, max(bounds.low, bounds.high - _NEAR)
    within = kind.in_(select(kinds.c.id).where(*fits).scalar_subquery())
    rows = _read(connection, _calls().where(*bounds.holds(), calls.c.n >= near, within), limit)
    if len(rows) == limit or near == bounds.low:
        return rows
    if len(known) <= _MANY_KINDS:
        return _each(connection, known, bounds, limit)
    return _read(connection, _calls().where(*bounds.holds(), within), limit)


def _listed(
    connection: Connection, fact: tuple[str, str], fitting: Select[tuple[int]], bounds: _Range, limit: int
) -> list[Row[Any]]:
    """Return the newest calls with an unusual fact, of those combinations that fit."""
    word = select(words.c.id).where(words.c.key == key(*fact)).scalar_subquery()
    joined = links.join(calls, calls.c.n == links.c.n)
    within = [links.c.n < bounds.high, links.c.n >= bounds.low, *bounds.holds()]
    numbers = select(links.c.n).select_from(joined).where(links.c.word == word, *within)
    query = numbers.where((calls.c.kind + 0).in_(fitting.scalar_subquery())).order_by(links.c.n.desc()).limit(limit)
    return _numbered(connection, connection.execute(query).scalars().all(), limit)


def _each(connection: Connection, numbers: Sequence[int], bounds: _Range, limit: int) -> list[Row[Any]]:
    """Return the newest calls of some combinations, asking each: there are no more in it than in the newest of them."""
    own = calls.alias("own")
    inside = [own.c.kind == kinds.c.id, own.c.n < bounds.high, own.c.n >= bounds.low]
    inside += [own.c.time >= bounds.since] if bounds.since is not None else []
    inside += [own.c.time < bounds.until] if bounds.until is not None else []
    ordered = select(own.c.n).where(*inside).order_by(own.c.n.desc()).limit(1).correlate(kinds)
    newest, last = ordered.scalar_subquery(), ordered.offset(limit - 1).scalar_subquery()
    found = [
        row
        for some in _parts(numbers)
        for row in connection.execute(select(kinds.c.id, newest).where(kinds.c.id.in_(some)))
    ]
    # A combination with a newer call than `limit` others have at all has all that they could add.
    best = heapq.nlargest(limit, (row for row in found if row[1] is not None), key=lambda row: int(row[1]))
    chosen = select(calls.c.n).join(kinds, calls.c.kind == kinds.c.id).order_by(calls.c.n.desc()).limit(limit)
    chosen = chosen.where(calls.c.n >= func.coalesce(last, bounds.low), *bounds.holds())
    parts = _parts([row[0] for row in best])
    numbers = [n for some in parts for n in connection.execute(chosen.where(kinds.c.id.in_(some))).scalars()]
    return _numbered(connection, heapq.nlargest(limit, numbers), limit)


def _by_word(connection: Connection, wanted: Wanted, bounds: _Range, limit: int) -> list[Row[Any]]:
    """Return the newest calls with the text in what is said of them alone."""
    texts, marks = _texts(connection, wanted.text), _marks(wanted)
    rest = [*bounds.holds(), *_facts(wanted, connection)]
    if marks:
        return _linked(connection, marks[0], [*rest, _says(texts), *map(_says, marks[1:])], limit)
    some = select(links.c.n).where(links.c.word.in_(texts)).limit(_FEW_LINKS + 1).subquery()
    uses = connection.execute(select(func.count()).select_from(some)).scalar_one()
    return _linked(connection, texts, rest, limit, walk=uses > _FEW_LINKS) if uses else []


def _linked(
    connection: Connection, ids: _Ids, rest: list[ColumnElement[bool]], limit: int, *, walk: bool = False
) -> list[Row[Any]]:
    """Return the newest calls that say some of these words: by word, or where they are many by walking from the end."""
    word = links.c.word + 0 if walk else links.c.word
    joined = links.join(calls, calls.c.n == links.c.n).join(kinds, kinds.c.id == calls.c.kind)
    numbers = select(links.c.n).select_from(joined).where(word.in_(ids), *rest)
    found = connection.execute(numbers.distinct().order_by(links.c.n.desc()).limit(limit)).scalars().all()
    return _numbered(connection, found, limit)


def _numbered(connection: Connection, numbers: Sequence[int], limit: int) -> list[Row[Any]]:
    rows = [_read(connection, _calls().where(calls.c.n.in_(some)), limit) for some in _parts(numbers)]
    return _newest(rows, limit)


def _parts(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    """Yield numbers, as many at a time as one query may name."""
    return (numbers[at : at + _AT_ONCE] for at in range(0, len(numbers), _AT_ONCE))


def _read(connection: Connection, query: Select[Any], limit: int) -> list[Row[Any]]:
    return list(connection.execute(query.order_by(calls.c.n.desc()).limit(limit)))


def _newest(branches: list[list[Row[Any]]], limit: int) -> list[Row[Any]]:
    """Return the newest of what several ways found, each once."""
    found: dict[int, Row[Any]] = {}
    for row in heapq.merge(*branches, key=lambda row: -int(row.n)):
        found.setdefault(row.n, row)
        if len(found) == limit:
            break
    return list(found.values())


# What is asked


def _calls() -> Select[Any]:
    joined = calls.join(kinds, calls.c.kind == kinds.c.id)
    return select(calls, *(kinds.c[name] for name in FACTS)).select_from(joined)


def _every(connection: Connection, wanted: Wanted, bounds: _Range) -> list[ColumnElement[bool]]:
    """Return all that a call has to fulfil."""
    whole = [*bounds.holds(), *map(_says, _marks(wanted)), *_facts(wanted, connection)]
    if wanted.reference:
        whole.append(calls.c.reference == wanted.reference)
    if wanted.text:
        whole.append(or_(_in_facts(connection, wanted.text), _says(_texts(connection, wanted.text))))
    return whole


def _facts(wanted: Wanted, connection: Connection) -> list[ColumnElement[bool]]:
    found = [kinds.c[name] == value for name in _EXACT if (value := getattr(wanted, name))]
    if wanted.tool:
        found.append(_like(wanted.tool, connection))
    return found


def _like(pattern: str, connection: Connection) -> ColumnElement[bool]:
    """Say that a label fits a pattern, in which a bracket means itself, as it does when scanning."""
    if "*" not in pattern and "?" not in pattern:
        return kinds.c.tool == pattern
    if connection.dialect.name == "sqlite":
        return kinds.c.tool.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))
    plain = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return kinds.c.tool.like(plain.replace("*", "%").replace("?", "_"), escape="\\")


def _in_facts(connection: Connection, said: str) -> ColumnElement[bool]:
    """Say that a text occurs in one of the facts: first in which values of each, which are few."""
    ids = _holding(connection, said, FACTS[1:])
    fields = connection.execute(select(words.c.field).where(words.c.id.in_(ids)).distinct()).scalars().all()
    found = [
        kinds.c[field].in_(select(words.c.text).where(words.c.id.in_(ids), words.c.field == field)) for field in fields
    ]
    return or_(false(), *found)


def _marks(wanted: Wanted) -> list[_Ids]:
    """Return the words that calls have to be marked with, each as those that may be meant."""
    asked = [(getattr(wanted, name), (name,)) for name in NAMED] + [(wanted.mark, NAMED)]
    return [_named(value, fields) for value, fields in asked if value]


def _says(ids: _Ids) -> ColumnElement[bool]:
    return calls.c.n.in_(select(links.c.n).where(links.c.word.in_(ids)))


def _named(value: str, fields: tuple[str, ...]) -> Select[tuple[int]]:
    return select(words.c.id).where(words.c.key.in_([key(field, value) for field in fields]))


def _texts(connection: Connection, said: str) -> _Ids:
    """Return the numbers of the words of calls in which a text occurs, or that are the whole of it."""
    return _holding(connection, said, SEARCHED).union(_named(said, NAMED))


def _holding(connection: Connection, said: str, fields: Iterable[str]) -> Select[tuple[int]]:
    low = _low(said)
    holds = func.coalesce(words.c.low, words.c.text).contains(low, autoescape=True)
    query = select(words.c.id).where(words.c.field.in_(fields), holds)
    if len(low) < _TRIGRAM or not finding(connection):
        return query
    phrase = '"' + low.replace('"', '""') + '"'
    match = text(f"SELECT rowid FROM {FINDER} WHERE {FINDER} MATCH :phrase").bindparams(phrase=phrase)  # noqa: S608
    return query.where(words.c.id.in_(match.columns(words.c.id)))


def _low(said: str) -> str:
    return said.replace("\0", "")[:_LONGEST].lower()


def _range(connection: Connection, wanted: Wanted, before: int | None) -> _Range:
    since = millis(wanted.since) if wanted.since else None
    until = millis(wanted.until) if wanted.until else None
    low, high = 0, _ALL if before is None else before
    if since is not None:
        first = connection.execute(select(func.min(spans.c.first)).where(spans.c.slot >= since // SLOT)).scalar()
        low = _ALL if first is None else first
    if until is not None:
        last = connection.execute(select(func.max(spans.c.last)).where(spans.c.slot <= until // SLOT)).scalar()
        high = min(high, 0 if last is None else last + 1)
    if high == _ALL:
        newest = connection.execute(select(func.max(calls.c.n))).scalar()
        high = 0 if newest is None else newest + 1
    return _Range(low, high, since, until)


def _entry(row: Row[Any]) -> Entry:
    facts = {name: getattr(row, name) for name in FACTS[1:]}
    return Entry(row.n, written(row.time), row.reference, row.type, row.segment, row.offset, ms=row.ms, **facts)
