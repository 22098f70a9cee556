"""An address that fails again and again is asked last for a while, and never shut."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ostiary.policy import outliers
from ostiary.policy.outliers import Outliers, Place

ONE, TWO, THREE = ((ip_address(f"192.0.2.{number}"), 443) for number in (1, 2, 3))
ALL: list[Place] = [ONE, TWO, THREE]


def known(row: int = 2) -> Outliers:
    it = Outliers(row, 10.0, 25.0)
    assert it.ordered(ALL, 0.0) == ALL
    return it


def test_an_address_that_takes_no_connection_is_asked_last_at_once_and_first_again_after_its_rest() -> None:
    it = known()
    assert it.refused(ONE, 0.0)
    assert not it.refused(ONE, 1.0)
    assert it.ordered(ALL, 9.9) == [TWO, THREE, ONE]
    assert it.resting(9.9) == 1
    assert it.ordered(ALL, 10.0) == ALL
    assert it.resting(10.0) == 0


def test_an_address_that_answers_nothing_several_times_in_a_row_is_asked_last() -> None:
    it = known()
    assert [it.failed(TWO, 0.0) for _ in range(2)] == [False, True]
    assert it.ordered(ALL, 1.0) == [ONE, THREE, TWO]


def test_an_answer_makes_all_forgotten() -> None:
    it = known()
    it.failed(ONE, 0.0)
    it.well(ONE)
    it.well(TWO)
    assert not it.failed(ONE, 0.0)
    assert it.ordered(ALL, 0.0) == ALL


def test_each_rest_is_twice_as_long_as_the_one_before_within_a_bound() -> None:
    it, now, rests = known(), 0.0, []
    it.failed(ONE, now)
    for _ in range(4):
        assert it.failed(ONE, now)
        rests.append(it.marks[ONE].until - now)
        now = it.marks[ONE].until
    assert rests == [10.0, 20.0, 25.0, 25.0]


def test_where_all_fail_all_are_tried_in_their_order() -> None:
    it = known()
    for each in ALL:
        it.refused(each, 0.0)
    assert it.ordered(ALL, 1.0) == ALL


def test_the_only_address_of_a_name_is_the_business_of_its_breaker() -> None:
    it = Outliers(1)
    assert it.ordered([ONE], 0.0) == [ONE]
    assert not it.refused(ONE, 0.0)
    assert it.marks == {}


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outliers, "_MOST", 4)
    it = known(1)
    it.failed(ONE, 0.0)
    it.ordered([(ip_address("192.0.2.9"), number) for number in range(2)], 0.0)
    assert it.marks == {}
    assert not it.failed(ONE, 0.0)
