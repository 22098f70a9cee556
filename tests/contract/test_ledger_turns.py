"""The ledger within an event loop's turn: intents at once, outcomes together, nothing lost or out of order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostiary.adapters.store.ledger_index import LedgerIndex
from ostiary.adapters.store.ledger_read import Wanted, verify
from ostiary.core.errors import LedgerStopped
from tests.contract.test_ledger import World, call, trail


class Turn:
    """The end of a loop's turn, when the test says so."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def __call__(self, what: Callable[[], None]) -> None:
        self.due.append(what)

    def end(self) -> None:
        due, self.due = self.due, []
        for what in due:
            what()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.disk.room = None
    for ledger in made.opened:
        ledger.close()


def test_an_intent_is_written_when_begin_returns_whatever_waits(world: World) -> None:
    ledger, turn = world.open(), Turn()
    ledger.gather(turn)
    call(ledger, trail("r1"))
    assert [record["reference"] for record in world.told("intent", "outcome")] == ["r1"]
    ledger.begin(trail("r2"))
    told = [(record["type"], record["reference"]) for record in world.told("intent", "outcome")]
    assert told == [("intent", "r1"), ("intent", "r2")]
    turn.end()
    assert [record["reference"] for record in world.told("outcome")] == ["r1"]
    assert verify(world.data).ok


def test_the_outcomes_of_a_turn_are_one_write(world: World) -> None:
    ledger, turn = world.open(), Turn()
    ledger.gather(turn)
    trails = [trail(f"r{number}") for number in range(5)]
    for each in trails:
        ledger.begin(each)
    before = world.disk.writes
    for each in trails:
        ledger.end(each)
    assert (world.disk.writes, len(turn.due), ledger.queued) == (before, 1, 5)
    turn.end()
    assert (world.disk.writes, ledger.queued) == (before + 1, 0)
    assert [record["reference"] for record in world.told("outcome")] == [each.reference for each in trails]
    assert verify(world.data).ok


def test_the_intents_of_a_turn_are_one_write(world: World) -> None:
    ledger, trails = world.open(), [trail(f"r{number}") for number in range(5)]
    before = world.disk.writes
    ledger.begin_all(trails)
    assert world.disk.writes == before + 1
    assert [record["reference"] for record in world.told("intent")] == [each.reference for each in trails]
    assert all(each.intended for each in trails)
    for each in trails:
        ledger.end(each)
    assert len(world.told("outcome")) == len(trails)
    assert verify(world.data).ok


def test_of_intents_that_do_not_fit_the_disk_none_is_written(world: World) -> None:
    ledger, trails = world.open(), [trail(f"r{number}") for number in range(5)]
    world.disk.room = 700
    with pytest.raises(LedgerStopped):
        ledger.begin_all(trails)
    assert not any(each.intended for each in trails)
    world.disk.room = None
    assert world.told("intent") == []
    assert verify(world.data).ok


def test_outcomes_of_a_turn_survive_a_disk_that_fills_within_it(world: World) -> None:
    ledger, turn = world.open(), Turn()
    ledger.gather(turn)
    for number in range(3):
        call(ledger, trail(f"r{number}"))
    world.disk.room = 200
    with pytest.raises(LedgerStopped):
        ledger.begin(trail("refused"))
    turn.end()
    assert ledger.stopped
    world.disk.room = None
    world.time.now += 1
    ledger.begin(trail("later"))
    told = [(record["type"], record.get("reference", "")) for record in world.told("intent", "outcome", "event")]
    assert told[-2:] == [("event", ""), ("intent", "later")]
    assert [reference for kind, reference in told if kind == "outcome"] == ["r0", "r1", "r2"]
    assert verify(world.data).ok


def test_closing_within_a_turn_writes_what_waits_and_the_turn_then_does_nothing(world: World) -> None:
    ledger, turn = world.open(), Turn()
    ledger.gather(turn)
    call(ledger, trail("r1"))
    ledger.close()
    turn.end()
    assert len(world.told("outcome")) == 1
    assert verify(world.data).ok


def test_a_kill_within_a_turn_leaves_an_interrupted_call_and_a_whole_chain(world: World) -> None:
    ledger, turn = world.open(), Turn()
    ledger.gather(turn)
    call(ledger, trail("r1"))
    world.die(ledger)
    world.open()
    assert [record["references"] for record in world.told("event") if record["kind"] == "interrupted"] == [["r1"]]
    assert verify(world.data).ok


def test_an_index_without_time_does_nothing_and_goes_on_later(world: World) -> None:
    call(world.open(), trail("r1"))
    index = LedgerIndex(world.data)
    assert index.update(cpu_seconds=0.0) == 0
    assert index.update() > 0
    assert [entry.reference for entry in index.search(Wanted())] == ["r1"]
    index.close()
