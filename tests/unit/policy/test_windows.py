"""Times at which a rule holds, by the clock on the wall."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ostiary.policy.windows import Window, within

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Window(frozenset(range(5)), 8 * 60, 18 * 60, BERLIN)
NIGHT = Window(frozenset({4}), 22 * 60, 6 * 60, BERLIN)
FRIDAY = Window(frozenset({4}), 0, 24 * 60, BERLIN)


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("window", "time", "expected"),
    [
        (OFFICE, "2026-01-05T08:00:00", True),
        (OFFICE, "2026-01-05T07:59:59", False),
        (OFFICE, "2026-01-05T17:59:59", True),
        (OFFICE, "2026-01-05T18:00:00", False),
        (OFFICE, "2026-01-10T12:00:00", False),
        (NIGHT, "2026-01-09T21:59:59", False),
        (NIGHT, "2026-01-09T22:00:00", True),
        (NIGHT, "2026-01-10T05:59:59", True),
        (NIGHT, "2026-01-10T06:00:00", False),
        (NIGHT, "2026-01-09T05:00:00", False),
        (NIGHT, "2026-01-10T23:00:00", False),
        (FRIDAY, "2026-01-09T00:00:00", True),
        (FRIDAY, "2026-01-09T23:59:59", True),
        (FRIDAY, "2026-01-10T00:00:00", False),
    ],
)
def test_a_window_is_open_when_it_says(window: Window, time: str, expected: bool) -> None:
    assert within(window, at(time)) is expected


def test_the_zone_decides_what_time_it_is() -> None:
    assert within(OFFICE, at("2026-07-06T06:30:00", ZoneInfo("UTC")))
    assert not within(OFFICE, at("2026-01-05T06:30:00", ZoneInfo("UTC")))
