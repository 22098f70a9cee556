"""What of private answers stands in a text that is to go outside. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from ostiary.core.screening import Path
from ostiary.guards.disguised import Reading, turned
from ostiary.guards.distinctive import ANYWHERE, LONGEST, values
from ostiary.guards.winnowing import FOUND, WINDOW, grams, normal, pieces

KNOWN: Final = 0
"""The source of what a caller knew before any private answer said it."""
SHARES: Final = 8
_NAMED: Final = 4
_SPAN: Final = (WINDOW + 1) // 2
_NAME: Final = re.compile("[A-Za-z_][A-Za-z_-]{0,31}")


class Recalled(Struct, frozen=True):
    """What is remembered of a run, by keyed hashes, each with the number of its source."""

    salt: bytes
    prints: Sequence[Mapping[int, int]]
    """In `SHARES` parts: a table that grows is copied, which keeps other calls waiting as long as it is large."""
    values: Mapping[int, int]
    anchors: Mapping[int, int]
    """Of long values, by how they begin: a bit for each length that there is of them."""
    code: str = ""
    """The string that is planted in this run; empty: none is."""


class Match(Struct, frozen=True):
    """What was found in one reading."""

    prints: frozenset[int] = frozenset()
    values: frozenset[int] = frozenset()
    sources: frozenset[int] = frozenset()
    code: bool = False

    def __bool__(self) -> bool:
        """Say whether anything was found."""
        return bool(self.sources) or self.code

    def __or__(self, other: Match) -> Match:
        """Return what was found in both."""
        return Match(
            self.prints | other.prints,
            self.values | other.values,
            self.sources | other.sources,
            self.code or other.code,
        )


NOTHING: Final = Match()


def hashed(value: str, salt: bytes) -> int:
    """Return the keyed hash of one value."""
    return hash((salt, value))


def matches(reading: Reading, known: Recalled) -> Iterator[tuple[str, Match]]:
    """Yield, a piece at a time, what a reading has in common with what is remembered, and how it was read."""
    yield reading.name, _words(reading.text, known)
    for turn, stream in turned(normal(reading.text), guess=reading.guess):
        name = "/".join(filter(None, (reading.name, turn)))
        if known.code and known.code in stream:
            yield name, Match(code=True)
        for piece in pieces(stream):
            yield name, _prints(piece, known)
        if known.anchors:
            for piece in pieces(stream, LONGEST - 1):
                yield name, _long(piece, known)


def _prints(piece: str, known: Recalled) -> Match:
    prints = known.prints
    found = {each: at for each in grams(piece, known.salt) if (at := prints[each % SHARES].get(each, KNOWN))}
    return Match(prints=frozenset(found), sources=frozenset(found.values())) if found else NOTHING


def _words(text: str, known: Recalled) -> Match:
    """Return the values that are words of their own here."""
    if not known.values:
        return NOTHING
    hashes = {hashed(each, known.salt) for each in values(text)}
    return _valued({each: source for each in hashes if (source := known.values.get(each, KNOWN))})


def _long(piece: str, known: Recalled) -> Match:
    """Return the long values that stand anywhere here, whatever stands around them."""
    found: dict[int, int] = {}
    for at, each in enumerate(grams(piece, known.salt, ANYWHERE)):
        lengths = known.anchors.get(each, 0)
        while lengths:
            size = lengths.bit_length() - 1
            lengths ^= 1 << size
            value = hashed(piece[at : at + size], known.salt)
            if source := known.values.get(value, KNOWN):
                found[value] = source
    return _valued(found)


def _valued(found: Mapping[int, int]) -> Match:
    return Match(values=frozenset(found), sources=frozenset(found.values())) if found else NOTHING


def told(match: Match, sources: Iterable[str], where: Sequence[str], ways: Collection[str]) -> str:
    """Return in a few words how much was found, whose it is, where it stands and how it was read; none of it itself."""
    amounts = []
    if match.prints:
        amounts.append(f"some {max(FOUND, len(match.prints) * _SPAN)} letters")
    if match.values:
        amounts.append("a value" if len(match.values) == 1 else "values")
    said = []
    if match.code:
        said.append("the string that was planted in what this run read")
    if amounts:
        said.append(f"{' and '.join(amounts)} first read from {listed(sources)}")
    way = min(ways, key=lambda each: (len(each), each), default="")
    return f"{', '.join(said)}, in {listed(where)}{f', read as {way}' if way else ''}"


def listed(names: Iterable[str]) -> str:
    """Return the first of some names."""
    every = list(dict.fromkeys(names))
    return ", ".join((*every[:_NAMED], *(("and more",) if len(every) > _NAMED else ())))


def place(path: Path) -> str:
    """Return which argument a text stands in; what may be a word of a caller's own instead of a name is not told."""
    if path[-1] == -1:
        return "a member's name"
    names = [step for step in path if isinstance(step, str)]
    name = names[1] if len(names) > 1 and names[0] == "arguments" else names[0] if names else ""
    return name if _NAME.fullmatch(name) else "an argument"


def named(path: Path) -> str:
    """Return the name of the member that a text stands under; a member's name stands under itself."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")
