"""Days, hours and zones as a configuration writes them: `mon-fri`, `08:00-18:00`, `Europe/Berlin`. Pure.

The time-zone database of the machine is read here, when a configuration is, and never for a call.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from ostiary.config.problems import Unfit, did_you_mean
from ostiary.policy.windows import DAYS

_HOURS: Final = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_DAY: Final = 24 * 60


def days(value: str) -> str:
    """Return a day such as `mon`, or days such as `mon-fri`."""
    first, dash, last = value.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise Unfit("is not a day", did_you_mean(first, DAYS) or "write mon, or mon-fri")
    return value


def listed(written: tuple[str, ...]) -> frozenset[int]:
    """Return the days that a list of days names; Monday is 0, and `sat-mon` goes on over Sunday."""
    found: set[int] = set()
    for each in written:
        first, _, last = each.partition("-")
        begin = DAYS.index(first)
        count = (DAYS.index(last or first) - begin) % len(DAYS)
        found.update((begin + step) % len(DAYS) for step in range(count + 1))
    return frozenset(found)


def hours(value: str) -> str:
    """Return hours such as `08:00-18:00`; `22:00-06:00` goes on into the next day."""
    begin, end = minutes(value)
    if begin == end:
        raise Unfit("begins and ends at the same time", "leave hours out to mean the whole day")
    return value


def minutes(value: str) -> tuple[int, int]:
    """Return where hours begin and end, in minutes after midnight."""
    found = _HOURS.fullmatch(value)
    if found is None:
        raise Unfit("are not hours", 'write them like "08:00-18:00"')
    first, second, third, fourth = (int(each) for each in found.groups())
    begin, end = first * 60 + second, third * 60 + fourth
    if begin >= _DAY or end > _DAY:
        raise Unfit("are not hours of a day", "a day ends at 24:00")
    return begin, end


def zone(value: str) -> str:
    """Return the name of a time zone that this machine knows; `UTC` needs no database."""
    if value != "UTC" and value not in _known():
        raise Unfit("is not a time zone of this machine", did_you_mean(value, _known()) or "write UTC")
    return value


def clock(name: str) -> tzinfo:
    """Return a time zone by its name."""
    return UTC if name == "UTC" else ZoneInfo(name)


# Looking through the database takes milliseconds, and a policy may have hundreds of rules.
_known: Final = lru_cache(maxsize=1)(available_timezones)


def instant(value: object) -> float:
    """Return a time such as `2026-01-05T09:00:00+01:00` in seconds since the epoch."""
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Unfit("is not a time", "write it like 2026-01-05T09:00:00Z") from None
    if found.tzinfo is None:
        raise Unfit("does not say its time zone", f"write {value}Z, or its offset")
    return found.timestamp()


def as_instant(seconds: float) -> str:
    """Return a time as it is written."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
