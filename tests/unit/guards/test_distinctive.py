"""Short values that tell a record: found however they are grouped, and nothing that everybody writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.guards.distinctive import LONGEST, SHORTEST, values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("write to Ana.Weber+x@Corp-Mail.com today", "anaweberxcorpmailcom"),
        ("customer K-77123.", "k77123"),
        ("order AB_12_34_56", "ab123456"),
        ("card 4111 1111 1111 1111 12/27", "4111111111111111"),
        ("+49 (30) 1234 567", "49301234567"),
        ("case 4711089", "4711089"),
        ("iban DE89370400440532013000", "de89370400440532013000"),
        ("in 'prefix-K77123x'", "k77123x"),
        ("born 1980-02-03, id 884412", "884412"),
    ],
)
def test_a_value_is_found_as_it_is_compared(text: str, value: str) -> None:
    assert value in set(values(text))


@pytest.mark.parametrize(
    "text",
    [
        "nothing of that kind",
        "on 2026-11-23T08:54:59Z and 23.11.2026, 8:54",
        "1000000 people, 111111 or 123456 or 987654",
        "sha256, RFC7231, windows11, x86",
        "12 apples and 34 pears",
        "a@b.co",
        "9" * 100,
        "v1.2.3",
        "a" * 70 + "1234",
        "mail " + "a1" * 40 + "@example-corp.com",
        "123456 abcdef",
    ],
)
def test_what_tells_nobody_apart_is_none(text: str) -> None:
    assert set(values(text)) == set()


@given(st.text("0123456789 .-/()ab@", max_size=300))
def test_values_are_of_bounded_length(text: str) -> None:
    assert all(SHORTEST <= len(each) <= LONGEST for each in values(text))
