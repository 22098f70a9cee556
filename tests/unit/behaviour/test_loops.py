"""A run that goes in circles is told, with how often it did; one that makes progress is not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.behaviour.loops import Astray, Course, Courses, Kind, Watch, began, step, suggested


def watching(kind: Kind, most: int = 3, within: float = 60.0) -> tuple[Watch, ...]:
    return (Watch(kind, kind, most, within),)


def walked(
    watches: tuple[Watch, ...], calls: Iterable[str | int], *, pace: float = 1.0, course: Course | None = None
) -> list[Astray | None]:
    """Return what was found at each call: a text is a call of a tool, a number arguments of that size."""
    course = course or began(watches)
    found = []
    for at, call in enumerate(calls):
        tool, size = ("t", call) if isinstance(call, int) else (call, 1)
        found.append(step(course, watches, tool, hash(call), size, 1_000.0 + at * pace))
    return found


def times(found: list[Astray | None]) -> list[int]:
    return [each.times if each else 0 for each in found]


def test_the_same_call_again_and_again_is_counted() -> None:
    assert times(walked(watching("repeats"), "aaaab")) == [0, 0, 3, 4, 0]


@pytest.mark.parametrize(("circle", "period"), [("ab", 2), ("abc", 3), ("abcd", 4)])
def test_a_few_calls_in_turn_are_a_circle(circle: str, period: int) -> None:
    found = walked(watching("cycles"), circle * 4)
    assert not any(found[: 3 * period - 1])
    assert [each.times for each in found[3 * period - 1 :: period] if each] == [3, 4]


def test_a_circle_of_one_is_a_repetition_and_not_told_twice() -> None:
    assert not any(walked(watching("cycles"), "aaaaaaaaaaaa"))


def test_work_that_goes_on_is_no_circle() -> None:
    both = (*watching("repeats"), *watching("cycles"))
    assert not any(walked(both, [str(number) for number in range(200)]))


def test_a_storm_is_told_by_its_calls_within_the_time() -> None:
    storm = watching("calls", 5, 10.0)
    assert times(walked(storm, [str(number) for number in range(8)])) == [0, 0, 0, 0, 5, 5, 5, 5]
    assert not any(walked(storm, [str(number) for number in range(8)], pace=3.0))


def test_arguments_that_only_grow_are_told_once_they_have_grown_by_much() -> None:
    growth = watching("growth", 4)
    assert times(walked(growth, [10, 20, 30, 40, 80, 160])) == [0, 0, 0, 0, 4, 5]
    assert not any(walked(growth, [100, 101, 102, 103, 104, 105]))
    assert not any(walked(growth, [10, 20, 40, 20, 40, 80, 10, 20]))


def test_sizes_are_remembered_for_the_newest_tools_only() -> None:
    watches = watching("growth", 2)
    course = began(watches)
    for number in range(40):
        step(course, watches, f"tool-{number}", number, 1, 1_000.0)
    assert len(course.sizes) == 32
    assert "tool-0" not in course.sizes


def test_a_pause_ends_what_was_going_on() -> None:
    watches = watching("repeats", 3, 10.0)
    assert not any(walked(watches, "aaaa", pace=10.0))


@pytest.mark.parametrize(
    ("kind", "said"),
    [("repeats", "3 times in a row"), ("cycles", "in turn 3 times"), ("calls", "3 calls were made within 60 seconds"),
     ("growth", "have grown 3 times")],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words(kind: Kind, said: str) -> None:
    assert said in Astray(watching(kind)[0], 3, 60.0).said


def test_runs_do_not_know_each_other_and_the_quietest_is_forgotten_first() -> None:
    courses, watches = Courses(most=2), watching("repeats")
    for _ in range(2):
        assert courses.step(("a",), watches, "t", (1, 1), 0.0) is None
    for whose in "bcb":
        assert courses.step((whose,), watches, "t", (1, 1), 0.0) is None
    assert len(courses) == 2
    assert courses.step(("a",), watches, "t", (1, 1), 0.0) is None, "it began anew"
    assert courses.step(("b",), watches, "t", (1, 1), 0.0) is not None


def test_what_is_suggested_lies_above_what_was_honest() -> None:
    assert suggested({"repeats": [1, 4], "cycles": []}, 1.5) == {"repeats": 6, "cycles": 2}


@given(st.lists(st.sampled_from("abc"), max_size=60))
def test_repetitions_are_what_counting_by_hand_gives(calls: list[str]) -> None:
    row, expected = 0, []
    for at, call in enumerate(calls):
        row = row + 1 if at and calls[at - 1] == call else 1
        expected.append(row if row >= 3 else 0)
    assert times(walked(watching("repeats"), calls)) == expected
