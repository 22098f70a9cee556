"""The index keeps up with calls as long as these are few enough, and lets a flood pass."""

from __future__ import annotations

import pytest

from ostiary.entry.indexing import share


@pytest.mark.parametrize(("came", "expected"), [(0, 0.5), (100, 0.5), (101, 0.12), (2_500, 0.12)])
def test_it_keeps_up_while_calls_are_few(came: int, expected: float) -> None:
    assert [share(came, turn) for turn in range(10)] == [expected] * 10


def test_in_a_flood_it_has_a_turn_now_and_then() -> None:
    assert [turn for turn in range(20) if share(50_000, turn)] == [0, 5, 10, 15]
