"""Which of many names are a slip or two away from one: letters left out, added, exchanged or swapped. Pure.

All names are compared at the same time. Each has its own bit in integers that say which names have a letter at a place,
and the search walks over the letters of one name while it keeps, for each number of slips so far and each shift between
the two, the names for which that is how it went. How many integers it combines depends on the length of the one name
only, not on how many names there are or how much they resemble each other. (The automaton is that of Wu and Manber,
"Fast text searching allowing errors", 1992, turned around: there one text and the bits of one pattern.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_PLACES: Final = 128
"""Places that are told apart; what lies beyond counts as at the beginning again, so that memory is bounded."""
_ASCII: Final = 128
_OTHERS: Final = 127
"""Groups of all other letters."""
_FEW: Final = 4
"""So many that are left are better looked at one by one."""
_OFTEN: Final = 4
"""Letters between two looks at how many are left."""
States = list[list[int]]
"""By slips so far and by shift: the names that are still in."""


class Near:
    """Names, and which of them a slip or two leads to."""

    def __init__(self) -> None:
        self._count = 0
        self._letters: dict[int, int] = {}
        self._lengths: dict[int, int] = {}
        self.combined = 0
        """Integers that all searches combined so far: what they cost."""

    def add(self, text: str) -> int:
        """Know one more name, and return its number: that of its bit."""
        number, self._count = self._count, self._count + 1
        bit = 1 << number
        for place, letter in enumerate(text):
            key = _key(letter, place)
            self._letters[key] = self._letters.get(key, 0) | bit
        self._lengths[len(text)] = self._lengths.get(len(text), 0) | bit
        return number

    def within(self, text: str, most: int, among: int) -> int:
        """Return the bits of those `among` these that may be at most so many slips away from a text: none is left out.

        Some may be further away, for letters and places are told apart in groups.
        """
        among &= self._long(len(text), most)
        width = 2 * most + 1
        before = [[0] * width for _ in range(most + 1)]
        now = [[among if most <= shift <= most + slips else 0 for shift in range(width)] for slips in range(most + 1)]
        last = [0] * (width + 1)
        for place, letter in enumerate(text):
            here = [self._at(letter, place + shift) for shift in range(-most - 1, most + 1)]
            before, now = now, self._step(before, now, last, here)
            last = here
            if place % _OFTEN == _OFTEN - 1 and (left := _any(now)).bit_count() <= _FEW:
                return left
        ends = [self._lengths.get(len(text) + shift, 0) for shift in range(-most, most + 1)]
        return _any([[found & end for found, end in zip(row, ends, strict=True)] for row in now])

    def _long(self, length: int, most: int) -> int:
        return _any([[self._lengths.get(length + shift, 0) for shift in range(-most, most + 1)]])

    def _at(self, letter: str, place: int) -> int:
        return self._letters.get(_key(letter, place), 0) if place >= 0 else 0

    def _step(self, before: States, now: States, last: list[int], here: list[int]) -> States:
        """Return the states after one more letter."""
        most = len(now) - 1
        made: States = []
        for slips, row in enumerate(now):
            new = [0] * len(row)
            for shift in range(most - slips, most + slips + 1):
                new[shift] = row[shift] & here[shift + 1]
                if slips:
                    new[shift] |= _slipped(before[slips - 1], now[slips - 1], made[slips - 1], last, here, shift)
            made.append(new)
        self.combined += len(now) ** 2
        return made


def _slipped(before: list[int], now: list[int], made: list[int], last: list[int], here: list[int], shift: int) -> int:
    """Return the names for which this letter is one slip more: exchanged, left out, after one too many, or swapped."""
    found = now[shift]
    if shift + 1 < len(now):
        # At one place further left in a name, this letter stands where the one before it should, and the other way.
        found |= now[shift + 1] | (before[shift] & here[shift] & last[shift + 2])
    return found | made[shift - 1] if shift else found


def _any(states: States) -> int:
    found = 0
    for row in states:
        for each in row:
            found |= each
    return found


def _key(letter: str, place: int) -> int:
    code = ord(letter)
    group = code if code < _ASCII else _ASCII + code % _OTHERS
    return group * _PLACES + place % _PLACES


def numbers(bits: int) -> Iterator[int]:
    """Yield the numbers of bits, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
