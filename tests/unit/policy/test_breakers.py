"""When a server, or a provider of guards, is left alone, and when it is asked again: time comes in as an argument."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.breakers import Breaker, Fuse, Pace, State

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


def fuse(row: int = 3) -> Fuse:
    return Fuse(row, 10.0, 60.0)


def shaken(it: Fuse, who: str, times: int, *, unreachable: bool = False) -> list[bool]:
    return [it.failed(who, 0.0, "why", unreachable=unreachable) for _ in range(times)]


def test_a_server_that_fails_two_callers_is_shut_for_all_and_one_call_goes_out_to_see() -> None:
    it = fuse()
    assert shaken(it, "ann", 2) + shaken(it, "ben", 1) == [False, False, True]
    assert (it.shut, it.everybody, it.state, it.reason) == (True, True, State.OPEN, "why")
    assert it.wait("cem", 4.0) == 6.0
    assert it.wait("cem", 10.0) == 0.0
    assert it.wait("ann", 10.0) > 0.0
    assert it.well()
    assert (it.shut, it.wait("ann", 10.0), it.state) == (False, 0.0, State.CLOSED)


def test_what_fails_for_one_caller_alone_is_shut_for_that_caller_alone_until_another_fares_no_better() -> None:
    it = fuse()
    assert shaken(it, "ann", 3)[-1]
    assert it.shut
    assert not it.everybody
    assert it.wait("ann", 1.0) == 9.0
    assert it.wait("ben", 1.0) == 0.0
    it.failed("ben", 1.0, "why", unreachable=False)
    assert it.everybody
    assert it.wait("ben", 1.0) == 9.0


def test_a_server_that_nobody_can_reach_is_shut_for_all_whoever_found_that_out() -> None:
    it = fuse()
    assert shaken(it, "ann", 3, unreachable=True)[-1]
    assert it.wait("ben", 1.0) == 9.0


def test_a_probe_that_fails_rests_longer_and_one_that_tells_nothing_leaves_its_turn_to_the_next() -> None:
    it = fuse()
    shaken(it, "ann", 3, unreachable=True)
    assert it.wait("ann", 10.0) == 0.0
    it.released(10.0)
    assert it.wait("ben", 10.0) == 0.0
    assert not it.failed("ben", 10.0, "again", unreachable=True)
    assert it.wait("ben", 10.0) == 20.0
    for now in (30.0, 70.0, 200.0):
        assert it.wait("ben", now) == 0.0
        it.failed("ben", now, "again", unreachable=True)
    assert it.wait("ben", 200.0) == 60.0


def test_a_fuse_that_may_never_blow_does_not() -> None:
    it = fuse(0)
    assert not any(shaken(it, "ann", 50, unreachable=True))
    assert (it.shut, it.wait("ann", 0.0)) == (False, 0.0)
