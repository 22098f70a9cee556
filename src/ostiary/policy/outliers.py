"""Which of several addresses of one name is asked last, because it failed again and again. Pure: time is an argument.

What is left out costs nobody anything while others serve, and it is only ever put behind them: where all of them fail,
all are tried. So whoever makes calls fail on purpose moves work from one address to another, and can shut none.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from msgspec import Struct

Place = tuple[IPv4Address | IPv6Address, int]
"""An address and a port."""

_MOST: Final = 4096
"""Places remembered."""


class Mark(Struct):
    """What is known of a place that failed."""

    row: int = 0
    """Failures in a row."""
    rest: float = 0.0
    """Seconds for which it was left out last."""
    until: float = 0.0
    """Until when it is left out."""


class Outliers:
    """What failed of late, of the places of names that have several."""

    def __init__(self, row: int = 5, rest: float = 10.0, longest: float = 60.0) -> None:
        """Leave a place out after so many failures in a row, for `rest` seconds first and `longest` at most."""
        self._row, self._rest, self._longest = row, rest, longest
        self._several: set[Place] = set()
        self.marks: dict[Place, Mark] = {}
        """By place; empty while all is well, so that whoever had an answer has nothing to look up."""

    def ordered(self, places: Sequence[Place], now: float) -> list[Place]:
        """Return the places of one name in the order to try them: those that are left out last."""
        if len(places) > 1:
            if len(self._several) + len(places) > _MOST:
                self._several.clear()
                self.marks.clear()
            self._several.update(places)
        return sorted(places, key=lambda place: self.out(place, now))

    def refused(self, place: Place, now: float) -> bool:
        """Note that a place took no connection, which leaves it out at once; say whether it was not already."""
        return self._failed(place, now, self._row)

    def failed(self, place: Place, now: float) -> bool:
        """Note an exchange that got no answer; say whether the place is left out from now on."""
        return self._failed(place, now, 1)

    def well(self, place: Place) -> None:
        """Forget what was known against a place: it answered."""
        self.marks.pop(place, None)

    def resting(self, now: float) -> int:
        """Return how many places are left out."""
        return sum(now < mark.until for mark in self.marks.values())

    def out(self, place: Place, now: float) -> bool:
        """Say whether a place is left out."""
        mark = self.marks.get(place)
        return mark is not None and now < mark.until

    def _failed(self, place: Place, now: float, weight: int) -> bool:
        if place not in self._several:
            return False
        mark = self.marks.setdefault(place, Mark())
        mark.row += weight
        if now < mark.until or mark.row < self._row:
            # What was under way when it was left out says nothing new.
            return False
        # One more failure after the rest is enough for the next, which is twice as long.
        mark.row, mark.rest = self._row, min(mark.rest * 2 or self._rest, self._longest)
        mark.until = now + mark.rest
        return True
