"""Patterns over the bytes of a text, tried only where a first pass over all hints saw something. Pure.

Bytes, because the engine reads bytes: a text is encoded once however many patterns look at it, and offsets become
those of characters only for what was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import re2

from ostiary.guards.engine import encoded
from ostiary.guards.found import Found
from ostiary.guards.pace import breathe

_REGULAR: Final = "utf-8"


class Hit(NamedTuple):
    """Where a pattern matched, in bytes: the whole match, and the part that counts."""

    whole: int
    head: int
    """Where the first group ends."""
    start: int
    end: int
    group: int
    """The last group that took part; the part that counts is what it holds."""


class Candidate(NamedTuple):
    """What passed its checks: where, in bytes, what it is called, and how sure that is."""

    start: int
    end: int
    slug: str
    score: float


class Hints:
    """One automaton of all hints: it says in one pass which rows of a table may match a text."""

    def __init__(self, rows: Iterable[tuple[str, int]]) -> None:
        self._rows: list[list[int]] = []
        places: dict[str, int] = {}
        self._set = re2.Set.SearchSet()
        for hint, row in rows:
            if hint not in places:
                places[hint] = len(self._rows)
                self._rows.append([])
                self._set.Add(hint)
            self._rows[places[hint]].append(row)
        self._set.Compile()

    def rows(self, raw: bytes) -> list[int]:
        """Return the rows whose hints are in the text, in the table's order."""
        seen = self._set.Match(raw)
        return sorted(row for place in seen for row in self._rows[place]) if seen else []


@cache
def compiled(pattern: str) -> Any:
    """Return a pattern over bytes, compiled when it is first needed: most texts need none of them."""
    return re2.compile(pattern.encode())


def hits(pattern: str, raw: bytes) -> Iterator[Hit]:
    """Yield matches from left to right; the next may begin where the last one's group ended, not its whole."""
    regex, place = compiled(pattern), 0
    breathe()
    while (found := regex.search(raw, place)) is not None:
        group = found.lastindex or 0
        start, end = found.span(group)
        yield Hit(found.start(), found.end(1) if group else end, start, end, group)
        place = max(end, found.start() + 1)
        breathe()


def characters(raw: bytes, places: Iterable[int]) -> Mapping[int, int]:
    """Return for each place in the bytes the place among the characters, in one walk over the text."""
    if raw.isascii():
        return {place: place for place in places}
    known, last, count = {}, 0, 0
    for place in sorted(set(places)):
        count += len(raw[last:place].decode(_REGULAR, "replace"))
        last = place
        known[place] = count
    return known


def told(raw: bytes, passed: Iterable[Candidate], kind: str, before: str) -> tuple[Found, ...]:
    """Return what is to be told of candidates, from left to right: none inside another, offsets behind `before`."""
    base, reach = len(encoded(before)), -1
    kept: list[Candidate] = []
    # Of equal spans the surest is told, of equally sure ones the first by name: the order found does not matter.
    for each in sorted(passed, key=lambda one: (one.start, -one.end, -one.score, one.slug)):
        if each.start >= base and each.end > reach:
            kept.append(each)
            reach = each.end
    at = characters(raw, (place for each in kept for place in (each.start, each.end)))
    shift = len(before)
    return tuple(
        Found(
            at[each.start] - shift,
            at[each.end] - shift,
            kind,
            f"{kind}.{each.slug}",
            each.score,
            words=each.slug.replace("-", " "),
        )
        for each in kept
    )
