"""Budgets: windows of a calendar, and an account that never holds more than there is."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.costs import Budget, Cost, Price
from ostiary.policy.budgets import Account, booked, current, patience, settled, told, warns, window

DAY = Budget(100, "USD", "day", UTC)
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia")


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("period", "zone", "now", "begins", "ends"),
    [
        ("day", "UTC", "2026-01-05T13:00:00Z", "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"),
        ("day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("month", "UTC", "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("month", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("h", "UTC", "2026-01-05T13:59:59Z", "2026-01-05T13:00:00Z", "2026-01-05T14:00:00Z"),
        ("h", "America/St_Johns", "2026-01-05T13:10:00Z", "2026-01-05T12:30:00Z", "2026-01-05T13:30:00Z"),
    ],
)
def test_a_window_is_the_calendars(period: str, zone: str, now: str, begins: str, ends: str) -> None:
    budget = Budget(1, "USD", period, ZoneInfo(zone))
    assert window(budget, at(now)) == (at(begins), at(ends))


@given(st.floats(0.0, 4e9), st.sampled_from(ZONES), st.sampled_from(["h", "day", "month"]))
def test_every_moment_lies_in_its_window(now: float, zone: str, period: str) -> None:
    begins, ends = window(Budget(1, "USD", period, ZoneInfo(zone)), now)
    assert begins <= now + 1e-3
    assert now < ends


def test_an_account_begins_anew_with_its_window_and_not_because_a_clock_steps_back() -> None:
    first = current(None, DAY, at("2026-01-05T13:00:00Z"))
    spent, _ = booked(first, DAY, 60)
    assert current(spent, DAY, at("2026-01-05T23:59:59Z")) == spent
    assert current(spent, DAY, at("2026-01-03T00:00:00Z")) == spent
    assert current(spent, DAY, at("2026-01-06T00:00:00Z")).held == 0


def test_what_is_held_is_there() -> None:
    account = Account(0.0, 10.0, spent=50, held=30)
    assert booked(account, DAY, 20) == (Account(0.0, 10.0, 50, 50), 20)
    assert booked(account, DAY, 21) == (account, None)
    assert booked(account, DAY, 0) == (account, 0)
    assert booked(account, DAY, None) == (Account(0.0, 10.0, 50, 50), 20)
    assert booked(Account(0.0, 10.0, 100), DAY, None) == (Account(0.0, 10.0, 100), None)
    assert settled(account, 30, 5) == Account(0.0, 10.0, 55, 0)


def test_a_budget_warns_once() -> None:
    assert not warns(Account(0.0, 9.0, 79), DAY, 80)
    assert warns(Account(0.0, 9.0, 80), DAY, 80)
    assert not warns(Account(0.0, 9.0, 80), DAY, 0)
    assert not warns(told(Account(0.0, 9.0, 80)), DAY, 80)


def test_who_is_refused_is_told_when_it_makes_sense_to_come_back() -> None:
    assert patience(Account(0.0, 9.0, 90), DAY, 20, 4.0) == 5.0
    assert patience(Account(0.0, 9.0, 10, 90), DAY, 20, 4.0) == 1.0
    assert patience(Account(0.0, 9.0, 10, 90), DAY, None, 4.0) == 1.0
    assert patience(Account(0.0, 9.0, 100, 1), DAY, None, 4.0) == 5.0
    assert patience(Account(0.0, 9.0, 100), DAY, 1, 11.0) == 0.0


@given(st.lists(st.tuples(st.integers(0, 40) | st.none(), st.integers(0, 40)), max_size=40))
def test_whatever_is_booked_the_account_never_holds_more_than_the_budget(calls: list[tuple[int | None, int]]) -> None:
    account, open_ = Account(0.0, 10.0), []
    for wanted, pick in calls:
        account, held = booked(account, DAY, wanted)
        if held is not None:
            open_.append(held)
        elif open_:
            held = open_.pop(pick % len(open_))
            account = settled(account, held, min(held, pick))
        assert 0 <= account.spent + account.held <= DAY.micros
        assert account.held == sum(open_)


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0 USD"), (20_000, "0.02 USD"), (1_000_000, "1 USD"), (-1_500_000, "-1.5 USD")]
)
def test_money_is_written_as_people_write_it(micros: int, text: str) -> None:
    assert str(Cost(micros, "USD")) == text


def test_what_is_reserved_is_the_most_that_a_call_may_cost() -> None:
    assert Price("USD", 5).reserve == 5
    assert Price("USD", 5, most=9).reserve == 9
    assert Price("USD", 5, per_mb=1).reserve is None
    assert Price("USD", 5, per_second=1).reserve is None
    assert Price("USD", reported=True).reserve is None
