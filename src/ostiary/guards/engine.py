"""Patterns in an engine that takes linear time whatever the text is (RE2). Pure.

The engine reads UTF-8, and offsets here are those of Python's characters. Lone surrogates have no UTF-8: each is read
as a question mark, which keeps every offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Final

import re2
from msgspec import Struct

# Enough that no text makes the fast engine give up and use the slow one, which is linear too.
_MEMORY: Final = 32 << 20
_SHORT: Final = 256
_SHARED: Final = 8_192


def compiled(pattern: str, *, raw: bool = False) -> Any:
    """Return a pattern that was read by the engine; `raw`: it reads bytes, each of them a character."""
    options = _options()
    if raw:
        options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode("latin-1") if raw else pattern, options)


class Patterns(Struct, frozen=True):
    """Patterns that are looked for in as many passes as there are groups of them."""

    sets: tuple[tuple[int, str, Any], ...]
    """The number of the first pattern of each, its marks, and what looks for them."""

    def within(self, text: str) -> int:
        """Return which patterns match anywhere in a text, a bit for each by its number."""
        data, plain = encoded(text), text.isascii()
        hits = 0
        for first, marks, each in self.sets:
            if plain and marks and not _any(marks, text):
                continue
            for at in each.Match(data) or ():
                hits |= 1 << first + at
        return hits


def encoded(text: str) -> bytes:
    """Return a text as UTF-8; a lone surrogate, which JSON allows and UTF-8 does not, becomes one other character."""
    # Copying ASCII costs nothing; of other texts each first pass would do the same work again.
    if text.isascii() or len(text) > _SHARED:
        return text.encode("utf-8", "replace")
    return _wide(text)


@lru_cache(maxsize=8)
def _wide(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _any(marks: str, text: str) -> bool:
    """Say whether a text has one of the marks; in a short one the engine is as fast, and may look for itself."""
    if len(text) < _SHORT:
        return True
    # A search for one character takes a hundredth of what the engine takes for any number of patterns.
    for mark in marks:  # noqa: SIM110 - a generator costs more than all of these searches
        if mark in text:
            return True
    return False


def together(*groups: Sequence[str], marks: Sequence[str] = ()) -> Patterns:
    """Return patterns to look for together, numbered in the order in which they stand here.

    The engine keeps a state for each combination of what it has seen the beginning of, so patterns that begin alike, or
    everywhere, are better in groups of their own. `marks` says for a group, where it has any, characters of which one
    is in every text of ASCII that a pattern of the group matches.
    """
    sets, first = [], 0
    for group, needed in zip_longest(groups, marks, fillvalue=""):
        found = re2.Set.SearchSet(_options())
        for each in group:
            found.Add(each)
        found.Compile()
        sets.append((first, needed, found))
        first += len(group)
    return Patterns(tuple(sets))


def readable(text: str) -> str:
    """Return a text as the engine takes it, each character in its place."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def spans(pattern: Any, text: str) -> Iterator[tuple[int, int]]:
    """Yield where a pattern matches, from left to right."""
    # Bytes of ASCII are its characters, and the engine counts nothing for them.
    for found in pattern.finditer(text.encode() if text.isascii() else readable(text)):
        yield found.span()


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    return options
