"""What runs have read is remembered within bounds, and what is not remembered any more is known to be missing."""

from __future__ import annotations

import pytest

from ostiary.guards.commonplace import PHRASES
from ostiary.guards.flowing import hashed
from ostiary.guards.winnowing import grams, normal
from ostiary.pipeline.remembering import Memory, Room

SMALL = Room(prints=100, values=10, known=20, total=4_000, lost=4, grieved=10.0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def memory(clock: Clock | None = None) -> Memory:
    return Memory(b"salt", clock or Clock(), SMALL)


def run(number: int, whose: str = "ana") -> str:
    return f"issuer\n{whose}\nclient\nsession:{number}"


def source(kept: Memory, name: str, print_: int) -> int:
    known = kept.recalled(name, "").prints
    return known[print_ % len(known)].get(print_, -1)


def test_what_was_known_first_is_no_secret_and_what_was_private_first_is() -> None:
    kept = memory()
    kept.learn(run(1), "", [1, 2], ["k77123"])
    kept.learn(run(1), "crm.find", [2, 3], ["k77123", "4111222233334444"])
    kept.learn(run(1), "", [3], [])
    assert [source(kept, run(1), each) for each in (1, 2, 3, 4)] == [0, 0, 1, -1]
    known = kept.recalled(run(1), "code")
    assert known.values == {hashed("k77123", b"salt"): 0, hashed("4111222233334444", b"salt"): 1}
    assert known.anchors == {hashed("4111222233", b"salt"): 1 << 16}
    assert kept.sources(run(1), {1}) == ["crm.find"]
    assert kept.private(run(1))


def test_a_run_knows_nothing_of_another() -> None:
    kept = memory()
    kept.learn(run(1), "crm.find", [1], [])
    assert source(kept, run(2), 1) == -1
    assert not kept.private(run(2))
    assert kept.sources(run(2), {1}) == []
    assert kept.lacks(run(2)) == ""


@pytest.mark.parametrize(("prints", "values"), [(range(101), []), ([], [f"value{each:03d}" for each in range(11)])])
def test_a_run_that_read_more_than_there_is_room_for_is_known(prints: range, values: list[str]) -> None:
    kept = memory()
    kept.learn(run(1), "crm.find", list(prints)[:100], values[:10])
    assert kept.lacks(run(1)) == ""
    kept.learn(run(1), "crm.find", list(prints)[100:], values[10:])
    assert "more that is private" in kept.lacks(run(1))
    assert kept.weight < 700


def test_what_is_no_secret_takes_no_room_of_what_is() -> None:
    kept = memory()
    kept.learn(run(1), "", range(1000, 1100), [f"open{each:03d}" for each in range(40)])
    kept.learn(run(1), "crm.find", range(100), [f"value{each:03d}" for each in range(10)])
    assert kept.lacks(run(1)) == ""
    kept.learn(run(1), "crm.find", [5_000], [])
    assert kept.lacks(run(1)) != ""


def test_whoever_has_most_in_memory_loses_first_and_it_is_known() -> None:
    kept = memory()
    kept.learn(run(1, "eve"), "crm.find", [1], [])
    for number in range(40):
        kept.learn(run(number), "crm.find", [7], [])
    assert kept.weight <= SMALL.total
    assert kept.private(run(1, "eve"))
    assert kept.lacks(run(1, "eve")) == ""
    assert not kept.private(run(24))
    assert "make room" in kept.lacks(run(24))
    assert kept.lacks(run(39)) == ""
    kept.learn(run(24), "crm.find", [8], [])
    assert "make room" in kept.lacks(run(24))


def test_a_run_that_read_nothing_private_is_missed_by_nobody() -> None:
    kept = memory()
    for number in range(40):
        kept.learn(run(number), "", [7], [])
    assert [kept.lacks(run(number)) for number in range(40)] == [""] * 40


def test_callers_of_whom_more_was_forgotten_than_can_be_known_are_known_for_a_while() -> None:
    clock = Clock()
    kept = memory(clock)
    for number in range(40):
        kept.learn(run(number), "crm.find", [7], [])
    assert "make room" in kept.lacks(run(0))
    assert "make room" in kept.lacks(run(99))
    assert kept.lacks(run(39)) == ""
    assert kept.lacks(run(99, "eve")) == ""
    clock.now += 11.0
    assert kept.lacks(run(99)) == ""
    kept.learn(run(41), "crm.find", range(1, 90), [])
    assert kept.lacks(run(99)) == ""


def test_where_even_callers_are_too_many_nobody_is_trusted_for_a_while() -> None:
    clock = Clock()
    kept = memory(clock)
    for number in range(60):
        kept.learn(run(number, f"caller{number}"), "crm.find", [7], [])
    assert "make room" in kept.lacks(run(1, "new"))
    clock.now += 11.0
    assert kept.lacks(run(1, "new")) == ""


def test_a_run_alone_is_never_forgotten_for_itself() -> None:
    kept = Memory(b"salt", Clock(), Room(prints=100, values=10, known=20, total=10, lost=4))
    kept.learn(run(1), "crm.find", [1], [])
    kept.learn(run(1), "crm.find", [2], [])
    assert source(kept, run(1), 2) == 1


def test_only_some_sources_are_named() -> None:
    kept = memory()
    for number in range(70):
        kept.learn(run(1), f"crm.tool{number}", [number], [])
    assert kept.sources(run(1), {1, 65}) == ["crm.tool0", "other tools"]


def test_what_everybody_writes_is_not_remembered() -> None:
    kept = memory()
    kept.learn(run(1), "crm.find", grams(normal(PHRASES[0]), b"salt"), [])
    assert kept.weight == 256
