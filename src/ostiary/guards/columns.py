"""Tables in a text: rows on lines, columns apart by comma, tab, bar or semicolon, and what their heads say. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import re2

_HEADS, _WIDEST = 2000, 64
_MARKS: Final = (b",", b"\t", b"|", b";")
_EDGES: Final = b" \t\r\n\"'`"
_NAME: Final = re2.compile(r"^[\p{L}][\p{L}\p{N} ._\-/#]*$")


class Cell(NamedTuple):
    """One cell under its head, in bytes and without quotes."""

    head: str
    start: int
    end: int


class _Block(NamedTuple):
    start: int
    mark: bytes
    heads: Sequence[bytes]


class Columns:
    """The tables of a text: lines in a row that have as many marks as the line before are one."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._blocks: list[_Block] = []
        place, mark, count = 0, b"", 0
        for line in raw.splitlines(keepends=True):
            if not count or line.count(mark) != count:
                mark = max(_MARKS, key=line[:_HEADS].count)
                count = line.count(mark) if len(line) < _HEADS else 0
                self._blocks.append(_Block(place, mark, _heads(line, mark) if count else ()))
            place += len(line)

    def head(self, start: int) -> str:
        """Return the head of the column that a place is in; empty where there is no table."""
        block = self._blocks[bisect_right(self._blocks, start, key=lambda each: each.start) - 1]
        line = self._raw.rfind(b"\n", max(0, start - _HEADS), start) + 1
        if not block.heads or line == block.start or start - line >= _HEADS:
            return ""
        return _name(block.heads[self._raw.count(block.mark, line, start)])

    def cells(self) -> Iterator[Cell]:
        """Yield every cell below a head."""
        ends = [*(each.start for each in self._blocks[1:]), len(self._raw)]
        for block, end in zip(self._blocks, ends, strict=True):
            if block.heads:
                yield from self._rows(block, end)

    def _rows(self, block: _Block, end: int) -> Iterator[Cell]:
        names = [_name(each) for each in block.heads]
        place = self._raw.find(b"\n", block.start) + 1 or end
        for line in self._raw[place:end].splitlines(keepends=True):
            for name, cell in zip(names, line.split(block.mark), strict=True):
                bare = cell.strip(_EDGES)
                start = place + len(cell) - len(cell.lstrip(_EDGES))
                yield Cell(name, start, start + len(bare))
                place += len(cell) + len(block.mark)
            place -= len(block.mark)


def _heads(line: bytes, mark: bytes) -> Sequence[bytes]:
    """Return a line's cells if they can be heads: all are names, but for the edges of a row between bars."""
    cells = line.split(mark)
    inner = cells[1:-1] if mark == b"|" else cells
    return cells if all(map(_name, inner)) else ()


def _name(head: bytes) -> str:
    """Return a head that can be one: lines of code have commas too, but names of columns have no brackets."""
    name = head.strip(_EDGES)[:_WIDEST].decode("utf-8", "ignore")
    return name if _NAME.search(name) else ""
