"""Times at which a rule holds: days of the week and hours of the day in a zone. Pure: the caller says the time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Final

from msgspec import Struct

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 86_400.0
_AHEAD: Final = 9
"""Days that are looked ahead: a window of one day of the week turns within eight."""


class Window(Struct, frozen=True):
    """Days and hours. Hours that end before they begin go on into the next day, and belong to the day they began on."""

    days: frozenset[int]
    """Monday is 0."""
    begin: int
    """Minutes after midnight, by the clock on the wall: where clocks are set back, an hour comes twice."""
    end: int
    """Minutes after midnight, which are not part of it any more; 1440: the end of the day."""
    zone: tzinfo


def within(window: Window, now: float) -> bool:
    """Say whether a time, in seconds since the epoch, lies in the window."""
    there = datetime.fromtimestamp(now, window.zone)
    minute = there.hour * 60 + there.minute
    if window.begin < window.end:
        return there.weekday() in window.days and window.begin <= minute < window.end
    if minute >= window.begin:
        return there.weekday() in window.days
    return minute < window.end and (there - timedelta(days=1)).weekday() in window.days


def border(window: Window, now: float) -> float:
    """Return when the window opens or closes next, in seconds since the epoch; infinite: not in the coming week."""
    inside = within(window, now)
    found = (each for each in sorted(_turns(window, now)) if each > now and within(window, each) != inside)
    return next(found, math.inf)


def _turns(window: Window, now: float) -> Iterator[float]:
    """Yield every time at which the window may open or close: where its hours end, and where clocks are set."""
    today = datetime.fromtimestamp(now, window.zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for day in range(-1, _AHEAD):
        for minutes in (window.begin, window.end):
            there = today + timedelta(days=day, minutes=minutes)
            # Where clocks are set back an hour comes twice, and the second time counts as well.
            yield from (there.replace(tzinfo=window.zone, fold=fold).timestamp() for fold in (0, 1))
        yield from _set(window.zone, now + day * _DAY, now + (day + 1) * _DAY)


def _set(zone: tzinfo, early: float, late: float) -> Iterator[float]:
    """Yield when clocks are set in a zone between two times that are a day apart."""
    before = _offset(zone, early)
    if _offset(zone, late) == before:
        return
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if _offset(zone, middle) == before else (early, middle)
    yield late


def _offset(zone: tzinfo, time: float) -> timedelta | None:
    return datetime.fromtimestamp(time, zone).utcoffset()
