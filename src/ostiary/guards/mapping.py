"""A text that was rewritten, and where each part of it came from. Pure.

A layer keeps pieces, not characters: a run that was copied, or decoded at a steady rate, is one piece however long it
is, and a place is found by bisection.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

# Characters of a run take the same number of bytes, or of UTF-16 units, each.
_UTF8: Final = re.compile("([\x00-\x7f]+)|([\x80-\u07ff]+)|([\u0800-\uffff]+)|([\U00010000-\U0010ffff]+)")
_UTF16: Final = re.compile("([\x00-\uffff]+)|([\U00010000-\U0010ffff]+)")


class Piece(Struct, frozen=True):
    """A run of the new text, and the run of the old one that it was made of."""

    start: int
    end: int
    out: int = 0
    """So many bytes ..."""
    into: int = 0
    """... were written in so many characters; none: the piece is one whole, and cannot be divided."""
    phase: int = 0
    """Bytes between `start` and the first character of this run."""
    width: int = 1
    """Bytes that one character of this run takes."""

    def low(self, offset: int) -> int:
        """Return where the character at `offset` of this run begins in the old text."""
        if not self.out:
            return self.start
        return self.start + (self.phase + offset * self.width) // self.out * self.into

    def high(self, offset: int) -> int:
        """Return where the first `offset` characters of this run end in the old text."""
        if not self.out:
            return self.end
        return min(self.end, self.start - (-(self.phase + offset * self.width) // self.out) * self.into)


class Layer(Struct, frozen=True):
    """The way back from one text to the text it was made of."""

    size: int
    """The length of the old text."""
    at: Sequence[int]
    pieces: Sequence[Piece]
    backwards: bool = False

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the smallest span of the old text without which the new one loses all of [start, end)."""
        if self.backwards:
            return self.size - end, self.size - start
        if not self.pieces:
            return 0, self.size
        first = max(0, bisect_right(self.at, start) - 1)
        low = self.pieces[first].low(start - self.at[first])
        if end <= start:
            return low, low
        last = bisect_right(self.at, end - 1) - 1
        return low, self.pieces[last].high(end - self.at[last])


def backwards(text: str) -> Layer:
    """Return the way back from the reverse of a text."""
    return Layer(len(text), (), (), backwards=True)


class Draft:
    """A text being rewritten from its beginning to its end; what is not mentioned is copied."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.changed = False
        self._done = 0
        self._length = 0
        self._parts: list[str] = []
        self._at: list[int] = []
        self._pieces: list[Piece] = []

    def cut(self, start: int, end: int) -> None:
        """Leave [start, end) of the old text out."""
        self._copy(start)
        self._done = end
        self.changed = True

    def put(self, new: str, start: int, end: int) -> None:
        """Write `new` instead of [start, end), as one whole."""
        self._copy(start)
        self._add(new, Piece(start, end))
        self._done = end
        self.changed = True

    def evenly(self, new: str, start: int, end: int, rate: tuple[int, int]) -> None:
        """Write `new` instead of [start, end), every `rate[0]` characters of it for `rate[1]` old ones."""
        self.cut(start, end)
        self._add(new, Piece(start, end, *rate))

    def decoded(self, new: str, start: int, end: int, rate: tuple[int, int], *, first: int = 0, unit: int = 0) -> None:
        """Write the text of some bytes, every `rate[0]` of which were written as `rate[1]` characters from `start` on.

        `first` bytes of them are not part of the text. They are UTF-8, or UTF-16 in units of `unit` bytes each.
        """
        self._copy(start + first // rate[0] * rate[1])
        whole = Piece(start, end, *rate, first)
        if unit:
            self._runs(new, whole, _UTF16, (unit, 2 * unit))
        else:
            self._runs(new, whole, _UTF8, (1, 2, 3, 4))
        self._done = end

    def done(self) -> tuple[str, Layer]:
        """Return the new text and its way back."""
        self._copy(len(self.text))
        return "".join(self._parts), Layer(len(self.text), self._at, self._pieces)

    def _runs(self, new: str, whole: Piece, runs: re.Pattern[str], widths: Sequence[int]) -> None:
        phase = whole.phase
        for run in runs.finditer(new):
            width = widths[(run.lastindex or 1) - 1]
            self._add(run.group(), Piece(whole.start, whole.end, whole.out, whole.into, phase, width))
            phase += width * len(run.group())
        self.changed = True

    def _copy(self, until: int) -> None:
        if until > self._done:
            self._add(self.text[self._done : until], Piece(self._done, until, 1, 1))
            self._done = until

    def _add(self, new: str, piece: Piece) -> None:
        if not new:
            return
        self._at.append(self._length)
        self._pieces.append(piece)
        self._parts.append(new)
        self._length += len(new)
