"""Several strings read as one text, so that what was split over them is found, and cut out of each of them. Pure.

A model reads adjacent content blocks, and the strings of one object, as one text. Words are split over blocks with or
without something between them, so both joints are worth a look; where the strings themselves were looked at already,
the joints alone are enough.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

_BREAK: Final = "\n"
_WORDS: Final = (2, 3)
"""Blocks over which one word may be split while others stand beside it without a blank."""


class Span(Struct, frozen=True):
    """A part of one of the strings."""

    leaf: int
    """Which of them, in the order in which they were given."""
    start: int
    end: int


class Joined(Struct, frozen=True):
    """Strings as one text; it knows what came from where."""

    text: str
    at: Sequence[int]
    """Where each part begins in the text."""
    parts: Sequence[Span]

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """Return what [start, end) of the text is made of, string by string; joints belong to none."""
        found = []
        for index in range(max(0, bisect_right(self.at, start) - 1), len(self.at)):
            at, part = self.at[index], self.parts[index]
            if at >= end:
                break
            low = part.start + max(0, start - at)
            high = min(part.end, part.start + end - at)
            if low < high:
                found.append(Span(part.leaf, low, high))
        return tuple(found)


def joined(leaves: Iterable[str], glue: str = "") -> Joined:
    """Return all of some strings as one text, `glue` between them."""
    return _joined(((leaf, ((0, len(leaf)),)) for leaf in leaves), glue)


def seams(leaves: Iterable[str], reach: int, glue: str | Sequence[str] = "") -> Joined:
    """Return only what lies within `reach` of where two strings meet; the middle of a longer one is a line end.

    `glue` is what stands between all of them, or between the first and the second, the second and the third, ...
    """
    return _joined(((leaf, _ends(len(leaf), reach)) for leaf in leaves), glue)


def glues(leaves: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the ways to join some strings that are worth a look: as one word, as lines, as lines of two or three.

    Where a letter meets a letter nobody can say whether a word goes on: `see this|AKIA…|…XYZ|and more` holds a key only
    if the second and the third are one word, and the others are not of it.
    """
    joints = range(len(leaves) - 1)
    unsure = [at for at in joints if leaves[at][-1:].isalnum() and leaves[at + 1][:1].isalnum()]
    ways = {("",) * len(joints): None, (_BREAK,) * len(joints): None}
    for words in _WORDS if len(unsure) > 1 else ():
        for first in range(words):
            apart = {at for count, at in enumerate(unsure) if count % words == first}
            ways[tuple(_BREAK if at in apart else "" for at in joints)] = None
    return tuple(ways)


def redacted(leaves: Sequence[str], cuts: Iterable[Span], mark: str) -> tuple[str, ...]:
    """Return the strings with every cut replaced by `mark`; cuts that touch become one, so their order is nothing."""
    wanted: dict[int, list[tuple[int, int]]] = {}
    for cut in cuts:
        wanted.setdefault(cut.leaf, []).append((cut.start, cut.end))
    return tuple(_cut(leaf, sorted(wanted.get(index, ())), mark) for index, leaf in enumerate(leaves))


def _ends(length: int, reach: int) -> tuple[tuple[int, int], ...]:
    return ((0, length),) if length <= 2 * reach else ((0, reach), (length - reach, length))


def _joined(leaves: Iterable[tuple[str, Sequence[tuple[int, int]]]], glue: str | Sequence[str]) -> Joined:
    texts: list[str] = []
    at: list[int] = []
    parts: list[Span] = []
    length = 0
    for index, (leaf, ranges) in enumerate(leaves):
        for count, (start, end) in enumerate(ranges):
            between = _BREAK if count else _between(glue, index)
            at.append(length + len(between))
            parts.append(Span(index, start, end))
            texts += (between, leaf[start:end])
            length += len(between) + end - start
    return Joined("".join(texts), at, parts)


def _between(glue: str | Sequence[str], index: int) -> str:
    if not index:
        return ""
    return glue if isinstance(glue, str) else glue[index - 1]


def _cut(leaf: str, cuts: Sequence[tuple[int, int]], mark: str) -> str:
    kept: list[str] = []
    done = -1
    for start, end in cuts:
        if start > done:
            kept += (leaf[max(0, done) : start], mark)
        done = max(done, end)
    return "".join((*kept, leaf[max(0, done) :]))
