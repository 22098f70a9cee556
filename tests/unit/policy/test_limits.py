"""Token buckets: nobody gets more than rate and burst allow, and waiting as told is enough."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.limits import Bucket, corrected, drawn, filled, full, peer_network, poured, taken, wait

RATES = st.floats(0.01, 1000.0)
BURSTS = st.floats(1.0, 1000.0)
TIMES = st.floats(0.0, 1e6)


def test_a_bucket_fills_at_its_rate_up_to_its_burst() -> None:
    assert filled(Bucket(0.0, 10.0), 2.0, 5.0, 11.0) == Bucket(2.0, 11.0)
    assert filled(Bucket(0.0, 10.0), 2.0, 5.0, 99.0) == Bucket(5.0, 99.0)


def test_a_clock_that_steps_back_changes_nothing() -> None:
    assert filled(Bucket(1.0, 10.0), 2.0, 5.0, 3.0) == Bucket(1.0, 10.0)


@pytest.mark.parametrize(("level", "expected"), [(1.0, 0.0), (2.0, 0.0), (0.5, 0.25), (0.0, 0.5), (-1.0, 1.0)])
def test_the_wait_is_until_enough_has_come(level: float, expected: float) -> None:
    assert wait(Bucket(level, 0.0), 2.0, 1.0) == expected


def test_taking_leaves_the_rest() -> None:
    assert taken(Bucket(3.0, 1.0), 1.0) == Bucket(2.0, 1.0)


@given(st.floats(0.0, 1000.0), RATES, BURSTS, TIMES, TIMES)
def test_a_bucket_never_overflows_and_never_drains_by_itself(
    level: float, rate: float, burst: float, at: float, now: float
) -> None:
    bucket = Bucket(min(level, burst), at)
    after = filled(bucket, rate, burst, now)
    assert bucket.level <= after.level <= burst
    assert after.at >= bucket.at


@given(st.floats(0.0, 1.0), RATES, BURSTS)
def test_who_waits_as_told_gets_in(level: float, rate: float, burst: float) -> None:
    bucket = Bucket(level, 0.0)
    seconds = wait(bucket, rate, 1.0)
    again = filled(bucket, rate, burst, seconds)
    assert wait(again, rate, 1.0) <= 1e-9 or math.isclose(again.level, 1.0)


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=50), RATES, BURSTS)
def test_nobody_gets_more_than_burst_and_rate(gaps: list[float], rate: float, burst: float) -> None:
    bucket, now, got = Bucket(burst, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        bucket = filled(bucket, rate, burst, now)
        if not wait(bucket, rate, 1.0):
            bucket, got = taken(bucket, 1.0), got + 1
    assert got <= burst + rate * now + 1e-6


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "", True),
        ("unix", "192.0.2.1", False),
    ],
)
def test_a_peer_is_an_address_or_a_network_that_one_subscriber_has(one: str, other: str, same: bool) -> None:
    assert (peer_network(one) == peer_network(other)) is same


def test_drawing_takes_what_is_there_or_says_when_it_will_be() -> None:
    terms = (2.0, 4.0)
    assert drawn(None, terms, 5.0, 1.0) == (Bucket(3.0, 5.0), 0.0)
    assert drawn(Bucket(0.0, 5.0), terms, 5.5, 1.0) == (Bucket(0.0, 5.5), 0.0)
    assert drawn(Bucket(0.0, 5.0), terms, 5.0, 1.0) == (Bucket(0.0, 5.0), 0.5)


def test_what_a_call_took_more_is_owed_and_what_it_took_less_is_given_back() -> None:
    terms = (2.0, 4.0)
    assert corrected(Bucket(1.0, 5.0), terms, 5.0, 3.0) == Bucket(-2.0, 5.0)
    assert corrected(Bucket(1.0, 5.0), terms, 5.0, -9.0) == Bucket(4.0, 5.0)
    assert corrected(None, terms, 5.0, 1.0) == Bucket(3.0, 5.0)


def test_a_full_bucket_says_nothing_that_a_missing_one_would_not() -> None:
    assert full(Bucket(0.0, 5.0), (2.0, 4.0), 7.0)
    assert not full(Bucket(0.0, 5.0), (2.0, 4.0), 6.9)


@given(st.floats(0.0, 50.0), st.floats(0.0, 100.0), st.floats(0.001, 10.0), st.floats(0.0, 200.0))
def test_what_is_poured_is_what_is_drawn(level: float, at: float, rate: float, now: float) -> None:
    bucket = Bucket(level, at)
    after, seconds = drawn(bucket, (rate, 50.0), now, 1.0)
    assert poured(bucket, rate, 50.0, now) == (None if seconds else after)
