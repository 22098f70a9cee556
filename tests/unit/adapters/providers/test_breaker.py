"""When a provider is left alone, and when it is asked again: time comes in as an argument."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostiary.adapters.providers.breaker import Breaker, Pace, State

PACE = Pace(row=3, rest=1.0, longest=4.0, asked_for=60.0)


def failed(breaker: Breaker, now: float, times: int, retry_after: float = 0.0) -> list[bool]:
    return [breaker.take(now) and breaker.failed(now, "status 503", retry_after) for _ in range(times)]


def test_it_opens_after_some_failures_in_a_row_and_says_so_once() -> None:
    breaker = Breaker(PACE)
    assert failed(breaker, 0.0, 3) == [False, False, True]
    assert breaker.state is State.OPEN
    assert not breaker.take(0.99)
    assert breaker.reason == "status 503"


def test_an_answer_in_between_begins_the_row_anew() -> None:
    breaker = Breaker(PACE)
    for _ in range(5):
        failed(breaker, 0.0, 2)
        assert breaker.take(0.0)
        assert not breaker.well()
    assert breaker.state is State.CLOSED


def test_it_opens_when_half_of_the_last_twenty_failed_though_never_in_a_row() -> None:
    breaker = Breaker(Pace(row=100))
    for number in range(19):
        if number % 2:
            breaker.well()
        else:
            assert not breaker.failed(0.0, "x")
    assert breaker.failed(0.0, "x")


def test_one_goes_out_to_see_and_its_answer_closes_it() -> None:
    breaker = Breaker(PACE)
    failed(breaker, 0.0, 3)
    assert [breaker.take(1.0) for _ in range(3)] == [True, False, False]
    assert breaker.state is State.HALF_OPEN
    assert breaker.well()
    assert breaker.state is State.CLOSED
    assert all(breaker.take(1.0) for _ in range(3))
    assert not breaker.well(), "it was closed already"


def test_rests_double_up_to_a_bound_and_begin_small_again_once_it_was_well() -> None:
    breaker = Breaker(PACE)
    failed(breaker, 0.0, 3)
    now, rests = 0.0, []
    for _ in range(5):
        rests.append(breaker.until - now)
        now = breaker.until
        assert failed(breaker, now, 1) == [False], "it was open all the time"
    assert rests == [1.0, 2.0, 4.0, 4.0, 4.0]
    breaker.take(breaker.until)
    breaker.well()
    failed(breaker, now, 3)
    assert breaker.until == now + 1.0


def test_who_asks_for_time_gets_it_at_once_and_not_for_ever() -> None:
    breaker = Breaker(PACE)
    assert failed(breaker, 0.0, 1, retry_after=30.0) == [True]
    assert breaker.until == 30.0
    assert not breaker.failed(1.0, "status 429", 3600.0), "one that was under way may add to it"
    assert breaker.until == 61.0


def test_what_told_nothing_lets_the_next_one_see() -> None:
    breaker = Breaker(PACE)
    failed(breaker, 0.0, 3)
    assert breaker.take(1.0)
    breaker.released(1.0)
    assert breaker.take(1.0)
    assert not breaker.take(1.0)
    breaker.well()
    breaker.released(1.0)
    assert breaker.state is State.CLOSED


def test_one_that_never_comes_back_does_not_keep_it_shut_for_ever() -> None:
    breaker = Breaker(PACE)
    failed(breaker, 0.0, 3)
    assert breaker.take(1.0)
    assert not breaker.take(4.9)
    assert breaker.take(5.0)


@given(st.lists(st.tuples(st.sampled_from(["well", "failed", "released"]), st.floats(0, 100)), max_size=60))
def test_whatever_happens_it_is_asked_again_within_the_longest_rest(events: list[tuple[str, float]]) -> None:
    breaker, now = Breaker(PACE), 0.0
    for what, passed in events:
        now += passed
        if not breaker.take(now):
            assert breaker.until - now <= PACE.longest
            continue
        if what == "failed":
            breaker.failed(now, "x")
        elif what == "well":
            breaker.well()
        else:
            breaker.released(now)
    assert breaker.take(now + PACE.longest)
