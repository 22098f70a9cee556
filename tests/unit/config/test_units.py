"""Durations, sizes and rates: what is read, what is refused and how, and back again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.config import units
from ostiary.config.problems import Unfit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("400ms", 0.4), ("1ms", 0.001), ("30s", 30.0), ("15m", 900.0), ("24h", 86_400.0), ("7d", 604_800.0)],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, seconds: float) -> None:
    assert units.seconds(text) == seconds


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        ("30", 'did you mean "30s"?'),
        (30, 'did you mean "30s"?'),
        ("30 s", 'did you mean "30s"?'),
        ("5 Minutes", 'did you mean "5m"?'),
        ("5M", "write it like 30s"),
        ("1.5h", "write it like 30s"),
        ("1h30m", "write it like 30s"),
        ("-1s", "write it like 30s"),
        ("\u0663s", "write it like 30s"),
        ("9" * 5000 + "s", "write it like 30s"),
        (True, "write it like 30s"),
        (None, "write it like 30s"),
        (1.5, "write it like 30s"),
        (["30s"], "write it like 30s"),
        ("0s", "write more than 0, such as 30s"),
        ("99999d", "write a shorter duration, such as 30d"),
    ],
)
def test_anything_else_is_not_a_duration_and_says_what_to_write(value: object, suggestion: str) -> None:
    with pytest.raises(Unfit) as caught:
        units.seconds(value)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("1B", 1),
        ("64KB", 64_000),
        ("64KiB", 65_536),
        ("4MiB", 4_194_304),
        ("2MB", 2_000_000),
        ("1GiB", 1_073_741_824),
        ("1GB", 10**9),
    ],
)
def test_a_size_is_a_whole_number_and_a_unit(text: str, octets: int) -> None:
    assert units.octets(text) == octets


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        ("4mb", 'did you mean "4MB"?'),
        ("4 MiB", 'did you mean "4MiB"?'),
        (64, 'did you mean "64B"?'),
        ("4x", "write it like 4MiB"),
        ("0B", "write more than 0, such as 4MiB"),
    ],
)
def test_anything_else_is_not_a_size(value: object, suggestion: str) -> None:
    with pytest.raises(Unfit) as caught:
        units.octets(value)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "count", "seconds"), [("10/s", 10, 1), ("60/min", 60, 60), ("1000/h", 1000, 3600), ("5/day", 5, 86_400)]
)
def test_a_rate_is_so_many_in_a_period(text: str, count: int, seconds: int) -> None:
    rate = units.rate(text)
    assert (rate.count, rate.seconds, rate.per_second) == (count, seconds, count / seconds)


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        ("60/m", 'did you mean "60/min"?'),
        ("60 / min", 'did you mean "60/min"?'),
        ("5 per minute", 'did you mean "5/min"?'),
        ("5/fortnight", "write it like 60/min"),
        ("5 per fortnight", "write it like 60/min"),
        ("60", "write it like 60/min"),
        (60, "write it like 60/min"),
        ("0/s", "use a deny rule to refuse every call"),
    ],
)
def test_anything_else_is_not_a_rate(value: object, suggestion: str) -> None:
    with pytest.raises(Unfit) as caught:
        units.rate(value)
    assert caught.value.suggestion == suggestion


@given(st.integers(1, 10**11))
def test_a_duration_reads_back_as_it_was(milliseconds: int) -> None:
    assert units.seconds(units.as_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(1, 10**12 - 1))
def test_a_size_reads_back_as_it_was(octets: int) -> None:
    assert units.octets(units.as_size(octets)) == octets


@given(st.integers(1, 10**9 - 1), st.sampled_from(["s", "min", "h", "day"]))
def test_a_rate_reads_back_as_it_was(count: int, period: str) -> None:
    assert units.rate(str(units.Rate(count, period))) == units.Rate(count, period)


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans())
def test_nothing_but_unfit_is_ever_raised(value: object) -> None:
    for read in (units.seconds, units.octets, units.rate):
        try:
            read(value)
        except Unfit:
            continue
