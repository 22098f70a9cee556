"""Somebody who is not themselves is told with reasons, and somebody who only changes is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ostiary.behaviour.habits import DAY, HOUR, Habit, Seen, new, slot
from ostiary.behaviour.judging import Anomaly, Watcher
from ostiary.behaviour.measures import LATELY, Lately, Share

MONDAY = 1_767_571_200.0
"""2026-01-05, 00:00 UTC."""
ANA = {"subject": "ana", "tool": "crm.search", "client": "tok_1", "program": "ide", "address": "10.0.0.0"}


def seen(at: float, **more: Any) -> Seen:
    return Seen(at, **{**ANA, "sent": 200, "got": 2_000, **more})


def at(day: int, hour: float) -> float:
    return MONDAY + day * DAY + hour * HOUR


def settled_in(weeks: int = 3) -> Watcher:
    """Return a watcher that knows somebody who works from nine to five, thirty calls an hour."""
    watcher = Watcher()
    for day in range(7 * weeks):
        if day % 7 < 5:
            for hour in range(9, 17):
                for call in range(30):
                    tool = ("crm.search", "crm.read")[call % 2]
                    assert watcher.observe(seen(at(day, hour + call / 31), tool=tool)) is None
    return watcher


def told(watcher: Watcher, *calls: Seen) -> Anomaly:
    found = [each for each in map(watcher.observe, calls) if each is not None]
    assert found, "nothing was told"
    return found[-1]


def quiet(watcher: Watcher, *calls: Seen) -> None:
    found = [each for each in map(watcher.observe, calls) if each is not None]
    assert not found, found


TODAY = 21
"""A Monday after three weeks."""


def test_usual_work_is_never_told() -> None:
    watcher = settled_in()
    quiet(watcher, *(seen(at(TODAY, 9 + call / 61), tool=("crm.search", "crm.read")[call % 2]) for call in range(60)))


def test_many_more_calls_than_ever_are_told_with_what_is_usual() -> None:
    found = told(settled_in(), *(seen(at(TODAY, 10 + call / 4_000)) for call in range(400)))
    assert "rate" in found.kinds
    assert "usually 30, and never more than 30" in found.reasons[0]


@pytest.mark.parametrize(("side", "kind"), [("got", "volume_read"), ("sent", "volume_sent")])
def test_much_more_data_than_ever_is_told(side: str, kind: str) -> None:
    found = told(settled_in(), *(seen(at(TODAY, 10 + call / 99), **{side: 200_000}) for call in range(20)))
    assert kind in found.kinds


def test_trying_what_one_may_not_use_is_told_as_a_scan() -> None:
    calls = [seen(at(TODAY, 10 + call / 99), tool=f"x.t{call}", denied=True) for call in range(12)]
    found = told(settled_in(), *calls)
    assert {"scanning", "denials"} <= {*found.kinds}


def test_denials_of_one_thing_are_a_mistake_and_below_an_alarm() -> None:
    quiet(settled_in(), *(seen(at(TODAY, 10 + call / 99), denied=True) for call in range(20)))


def test_denials_beside_much_that_is_allowed_are_usual() -> None:
    watcher = settled_in()
    quiet(watcher, *(seen(at(TODAY, 10 + call / 99), denied=call % 9 == 0) for call in range(99)))


def test_failures_are_a_sign_and_no_alarm() -> None:
    watcher = settled_in()
    quiet(watcher, *(seen(at(TODAY, 10 + call / 99), failed=True) for call in range(30)))
    assert "failures" in watcher.habits["ana"].hour.signs
    quiet(watcher, *(seen(at(TODAY, 11 + call / 99), failed=call < 22, got=1) for call in range(99)))


def test_what_is_much_and_fails_often_is_usual_for_whoever_always_does_so() -> None:
    watcher = Watcher()
    for day in range(10):
        for hour in range(9, 13):
            calls = (seen(at(day, hour + call / 300), got=2_000, failed=call % 3 == 0) for call in range(200))
            quiet(watcher, *calls)
    assert not watcher.habits["ana"].hour.signs


def test_one_new_thing_is_no_alarm_and_several_at_once_are() -> None:
    watcher = settled_in()
    quiet(watcher, seen(at(TODAY, 10), address="10.9.9.0"))
    found = told(watcher, seen(at(TODAY, 10.1), address="203.0.113.0", program="curl"))
    assert set(found.kinds) == {"new_address", "new_program"}
    assert "never seen with them" in found.reasons[0]


def test_what_is_new_says_nothing_of_somebody_who_is_new() -> None:
    watcher = Watcher()
    for day in range(4):
        quiet(
            watcher, seen(at(day, 10), address=f"10.{day}.0.0", client=f"tok_{day}", program=f"p{day}", tool=f"t{day}")
        )


def test_coming_by_night_for_the_first_time_is_told_once_there_is_more_than_a_glance() -> None:
    watcher = settled_in()
    quiet(watcher, *(seen(at(TODAY, 2 + call / 99)) for call in range(11)))
    found = told(watcher, seen(at(TODAY, 2.5)))
    assert found.kinds == ("hours",)
    assert "around 02:00 UTC on a working day" in found.reasons[0]


def test_a_new_shift_is_usual_after_some_days() -> None:
    watcher = settled_in()
    alarms = [
        sum(watcher.observe(seen(at(TODAY + day, 2 + call / 99))) is not None for call in range(20)) for day in range(5)
    ]
    assert alarms == [1, 1, 1, 0, 0]


def test_coming_at_a_weekend_for_the_first_time_is_told() -> None:
    found = told(settled_in(), *(seen(at(TODAY + 5, 10 + call / 99)) for call in range(25)))
    assert "at a weekend" in found.reasons[0]


def test_tools_and_turns_that_are_new_add_to_what_else_is_wrong() -> None:
    watcher = settled_in()
    quiet(watcher, *(seen(at(TODAY, 10 + call / 99), tool=f"new.{call}") for call in range(5)))
    signs = watcher.habits["ana"].hour.signs
    assert signs["new_tool"][0] == 0.6
    quiet(watcher, *(seen(at(TODAY, 10.2 + call / 99), tool=f"new.{4 - call}") for call in range(5)))
    assert signs["sequence"][0] == pytest.approx(0.3)


def test_an_hour_is_told_again_only_when_it_gets_much_worse() -> None:
    watcher = settled_in()
    rate = [seen(at(TODAY, 10 + call / 4_000)) for call in range(400)]
    assert len([each for each in map(watcher.observe, rate) if each is not None]) == 1
    scan = [seen(at(TODAY, 10.5 + call / 999), tool=f"x.t{call}", denied=True) for call in range(400)]
    assert len([each for each in map(watcher.observe, scan) if each is not None]) == 1
    assert len(watcher.habits["ana"].hour.refused) == 64


def test_nobody_teaches_by_attacking() -> None:
    watcher = settled_in()
    for hour in range(9, 17):
        told(watcher, *(seen(at(TODAY, hour + call / 4_000)) for call in range(400)))
    assert max(watcher.habits["ana"].calls.values) == 30


def test_the_memory_for_all_is_bounded_and_the_quietest_is_forgotten_first() -> None:
    watcher = Watcher(most=2)
    for who in ("a", "b", "a", "c"):
        watcher.observe(seen(MONDAY, subject=who))
    assert list(watcher.habits) == ["a", "c"]


def test_what_was_learnt_survives_being_written_down() -> None:
    watcher = settled_in(1)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(watcher), type=Watcher)
    assert again == watcher


def test_names_that_were_longest_unused_are_forgotten_first() -> None:
    known: dict[str, int] = {}
    assert all(new(known, str(day), day, most=3) for day in range(4))
    assert not new(known, "3", 9, most=3)
    assert set(known) == {"1", "2", "3"}


@pytest.mark.parametrize(("day", "hour", "expected"), [(0, 0, 0), (4, 23, 23), (5, 0, 24), (6, 23, 47), (7, 5, 5)])
def test_slots_are_hours_of_working_days_and_of_weekends(day: int, hour: int, expected: int) -> None:
    assert slot(at(day, hour)) == expected


def test_a_bound_is_not_moved_by_one_loud_hour() -> None:
    lately = Lately([10.0] * 20)
    before = lately.bound(8.0, 0.0)
    lately.add(10_000.0)
    assert lately.bound(8.0, 0.0) == before
    assert Lately().bound(8.0, 2.0) == Lately().middle == 0.0
    for value in range(LATELY * 2):
        lately.add(float(value))
    assert len(lately.values) == LATELY


def test_a_share_follows_slowly() -> None:
    share = Share()
    share.add(0.5)
    assert share.value == 0.5
    share.add(1.0)
    assert 0.5 < share.value < 0.6


def test_an_hour_without_calls_is_no_hour() -> None:
    assert Habit(MONDAY).days == 0
