"""Times at which a rule holds: days of the week and hours of the day in a zone. Pure: the caller says the time."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Final

from msgspec import Struct

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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
