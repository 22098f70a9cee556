"""How long a catalogue is current enough not to be asked for again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.entry.refresh import rest


@pytest.mark.parametrize(
    ("refresh", "ttl_ms", "expected"),
    [
        (60.0, 0, 60.0), (60.0, 20_000, 20.0), (60.0, 1, 5.0), (60.0, 86_400_000, 60.0), (1.0, 10, 1.0), (60.0, -5, 60.0),
        (60.0, 10**400, 60.0),
    ],
)  # fmt: skip
def test_a_server_s_word_shortens_what_the_operator_set_and_nothing_else(
    refresh: float, ttl_ms: int, expected: float
) -> None:
    """2026-07-28, caching: lists are fresh for `ttlMs`; checklist line 40."""
    assert rest(refresh, ttl_ms) == expected


@given(st.floats(1.0, 1e5), st.integers())
def test_nobody_is_asked_all_the_time_nor_less_often_than_the_operator_wants(refresh: float, ttl_ms: int) -> None:
    assert min(refresh, 5.0) <= rest(refresh, ttl_ms) <= refresh
