"""Times at which a rule holds, by the clock on the wall."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.windows import Window, border, within

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


# When it turns

EARLY = Window(frozenset({6}), 2 * 60 + 15, 2 * 60 + 45, BERLIN)
"""Sundays in the half hour that is left out in spring, and comes twice in autumn."""
ALWAYS = Window(frozenset(range(7)), 0, 24 * 60, BERLIN)


@pytest.mark.parametrize(
    ("window", "now", "turn"),
    [
        (OFFICE, "2026-01-05T07:59:59", "2026-01-05T08:00:00"), (OFFICE, "2026-01-05T08:00:00", "2026-01-05T18:00:00"),
        (OFFICE, "2026-01-09T18:00:00", "2026-01-12T08:00:00"), (NIGHT, "2026-01-09T22:00:00", "2026-01-10T06:00:00"),
        (NIGHT, "2026-01-10T06:00:00", "2026-01-16T22:00:00"), (FRIDAY, "2026-01-10T00:00:00", "2026-01-16T00:00:00"),
        (FRIDAY, "2026-01-09T00:00:00", "2026-01-10T00:00:00"), (EARLY, "2026-03-28T12:00:00", "2026-04-05T02:15:00"),
        (OFFICE, "2026-03-27T18:00:00", "2026-03-30T08:00:00"), (EARLY, "2026-10-25T01:00:00", "2026-10-25T02:15:00"),
        (EARLY, "2026-10-25T02:15:00", "2026-10-25T02:45:00"),
    ],
)  # fmt: skip
def test_it_turns_where_its_hours_begin_or_end(window: Window, now: str, turn: str) -> None:
    assert border(window, at(now)) == at(turn)


def test_an_hour_that_comes_twice_opens_it_twice() -> None:
    closed = at("2026-10-25T02:45:00")
    assert border(EARLY, closed) == closed + 30 * 60
    assert border(EARLY, closed + 30 * 60) == closed + 60 * 60


def test_a_window_opens_when_clocks_are_set_over_its_beginning() -> None:
    early = Window(frozenset({6}), 2 * 60 + 15, 4 * 60, BERLIN)
    assert border(early, at("2026-03-29T01:00:00")) == at("2026-03-29T03:00:00")


def test_what_is_always_open_never_turns() -> None:
    assert border(ALWAYS, at("2026-01-05T08:00:00")) == math.inf
    assert border(Window(frozenset(), 0, 60, BERLIN), at("2026-01-05T08:00:00")) == math.inf


ZONES = [
    BERLIN,
    ZoneInfo("UTC"),
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("America/St_Johns"),
    ZoneInfo("Asia/Kolkata"),
]


@given(
    st.frozensets(st.integers(0, 6), min_size=1), st.integers(0, 95), st.integers(1, 95), st.sampled_from(ZONES),
    st.sampled_from(["2026-03-27", "2026-04-03", "2026-10-01", "2026-10-23", "2026-06-01"]), st.integers(0, 4 * 1440),
)  # fmt: skip
def test_no_minute_before_it_differs_from_now(
    days: frozenset[int], begin: int, length: int, zone: ZoneInfo, date: str, later: int
) -> None:
    window = Window(days, begin * 15, (begin + length) * 15 % 1440 or 1440, zone)
    now = at(f"{date}T00:00:00", zone) + later * 60
    turn, inside = border(window, now), within(window, now)
    until = min(turn, now + 8 * 86_400)
    assert all(within(window, now + step * 60) == inside for step in range(int(until - now) // 60))
    assert turn == math.inf or within(window, turn) != inside
