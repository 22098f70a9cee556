"""Days, hours, zones and instants as people write them."""

from __future__ import annotations

from datetime import UTC

import pytest

from ostiary.config import moments
from ostiary.config.problems import Unfit
from ostiary.config.values import fixed


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (("mon",), {0}),
        (("mon-fri",), {0, 1, 2, 3, 4}),
        (("sat-mon", "wed"), {5, 6, 0, 2}),
        (("mon-sun",), set(range(7))),
    ],
)
def test_days_go_from_the_first_to_the_last(written: tuple[str, ...], expected: set[int]) -> None:
    assert moments.listed(written) == expected


@pytest.mark.parametrize("value", ["monday", "mon-", "mon-x", "x-mon", ""])
def test_what_is_no_day_is_refused(value: str) -> None:
    with pytest.raises(Unfit):
        moments.days(value)


def test_hours_are_minutes_after_midnight() -> None:
    assert moments.minutes("08:00-18:30") == (480, 1110)
    assert moments.minutes("22:00-24:00") == (1320, 1440)
    assert moments.hours("22:00-06:00") == "22:00-06:00"


@pytest.mark.parametrize(
    "value", ["8-18", "08:00", "08:00-08:00", "24:00-06:00", "10:00-24:01", "25:00-26:00", "10:60-11:00"]
)
def test_what_are_no_hours_is_refused(value: str) -> None:
    with pytest.raises(Unfit):
        moments.hours(value)


def test_a_zone_is_one_that_the_machine_knows() -> None:
    assert moments.zone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(Unfit) as refused:
        moments.zone("Europe/Berln")
    assert "Europe/Berlin" in refused.value.suggestion
    with pytest.raises(Unfit) as refused:
        moments.zone("../../etc/passwd")
    assert refused.value.suggestion == "write UTC"


def test_utc_needs_no_database() -> None:
    assert moments.zone("UTC") == "UTC"
    assert moments.clock("UTC") is UTC
    assert str(moments.clock("Europe/Berlin")) == "Europe/Berlin"


def test_an_instant_says_its_zone() -> None:
    assert moments.instant("2026-01-05T10:00:00+01:00") == moments.instant("2026-01-05T09:00:00Z") == 1_767_603_600.0
    assert moments.as_instant(1_767_603_600.0) == "2026-01-05T09:00:00Z"
    for value in ("2026-01-05T09:00:00", "soon", 3):
        with pytest.raises(Unfit):
            moments.instant(value)


def test_a_fixed_argument_is_what_json_can_say() -> None:
    value = {"a": [1, 2.5, "x", None, True, {"b": []}]}
    assert fixed(value) is value
    for strange in ({1: 2}, [{"a": {3}}], object()):
        with pytest.raises(Unfit):
            fixed(strange)
