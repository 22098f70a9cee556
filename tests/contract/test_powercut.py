"""When the power is cut at any moment, what was on the disk is there, and nothing half written counts as whole.

`scripts/powercut.py` does the same some hundred times more often.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.store import ledger, ledger_durable, ledger_start
from ostiary.adapters.store.ledger_start import LedgerUnusable
from tests.contract.outage import outages
from tests.contract.powered import torn
from tests.contract.tampered import Anchored, edited
from tests.contract.test_ledger import call, trail


@pytest.mark.parametrize("power", [False, True], ids=["process", "power"])
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))])
def test_a_power_cut_takes_nothing_that_was_on_the_disk(tmp_path: Path, seed: int, *, power: bool) -> None:
    """With `durability: power` that holds every intent of a call that left."""
    for cut in outages(tmp_path, seed, power=power):
        assert cut.problems == ()
        assert cut.kept >= cut.certain
        assert not (power and cut.lost)


def nothing(*_: object) -> None:
    """Do nothing."""


ledger_synced: Callable[..., None] = ledger._synced
MUTANTS: dict[str, tuple[Any, str, Any, bool]] = {
    "what a killed process left is not brought to the disk": (ledger_start, "synced", nothing, False),
    "zeros are taken for somebody's work": (ledger_start, "_unwritten", lambda *_: False, False),
    "a segment's name is not brought to the disk": (ledger_durable, "synced", nothing, True),
    "the seal is noted before its records are on the disk": (
        ledger, "_synced", lambda sync, fd, *more: ledger_synced(nothing, fd, *more), False,
    ),
    "intents are not held on to": (ledger_durable, "_BEGINS", re.compile(rb"never"), True),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "name", "instead", "power"), MUTANTS.values(), ids=MUTANTS.keys())
def test_a_ledger_that_is_less_careful_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, instead: Any, *, power: bool
) -> None:
    """Ours: a simulation in which nothing can go wrong shows nothing."""
    monkeypatch.setattr(module, name, instead)
    assert any(wrong(tmp_path / str(seed), seed, power=power) for seed in range(60))


def wrong(folder: Path, seed: int, *, power: bool) -> bool:
    try:
        return any(cut.problems for cut in outages(folder, seed, power=power))
    except (LedgerUnusable, OSError):
        return True


def test_what_is_left_of_a_file_is_between_what_it_was_and_what_it_became() -> None:
    dice, old = random.Random(1), b"a" * 5000
    new = old + b"b" * 9000
    seen = {torn(old, new, dice) for _ in range(200)}
    assert all(len(old) <= len(each) <= len(new) and each.startswith(old) for each in seen)
    assert any(b"\0" in each for each in seen)
    assert new in seen


# What is moved aside, and what is not.


def crashed(folder: Path) -> Anchored:
    """Return a ledger whose newest segment was not synced to its end."""
    house = Anchored(folder)
    house.run(4)
    ledger, checkpoints = house.start()
    ledger.tick(house.world.time.now)
    house.write(ledger, checkpoints, 1)
    for at in range(4):
        call(ledger, trail(f"late-{at}"))
    house.world.die(ledger)
    return house


@pytest.mark.parametrize("lost", [1, 2, 4])
def test_a_page_of_zeros_where_records_were_is_moved_aside_with_all_that_follows(tmp_path: Path, lost: int) -> None:
    house = crashed(tmp_path)
    before = house.newest().read_bytes().splitlines(keepends=True)
    edited(house.newest(), lambda it: it.__setitem__(-lost, bytes(len(it[-lost]))))
    path = house.newest()
    house.run(1)
    assert path.read_bytes() == b"".join(before[:-lost])
    assert path.with_suffix(".torn").stat().st_size == sum(map(len, before[-lost:]))
    proof = house.proof(elsewhere=True)
    assert proof.ok, proof.problems
    assert any(".torn" in note for note in proof.notes)
    (event,) = [each for each in house.world.told("event") if each["kind"] == "torn"]
    assert event["bytes"] == sum(map(len, before[-lost:]))


def test_zeros_in_what_was_on_the_disk_are_somebodys_work(tmp_path: Path) -> None:
    house = crashed(tmp_path)
    edited(house.newest(), lambda it: it.__setitem__(1, bytes(len(it[1]))))
    with pytest.raises(LedgerUnusable, match="truncated"):
        house.start()


def test_a_change_without_zeros_is_somebodys_work_wherever_it_is(tmp_path: Path) -> None:
    house = crashed(tmp_path)
    edited(house.newest(), lambda it: it.__setitem__(-2, it[-2].replace(b"late", b"Late")))
    with pytest.raises(LedgerUnusable, match="changed"):
        house.start()


def test_a_power_cut_does_not_take_hours(tmp_path: Path) -> None:
    """Ours: otherwise zeros, and the loss of what remembers, would hide the work of a day among the crashes."""
    house = Anchored(tmp_path)
    for _ in range(3):
        house.run(4)
        house.world.time.now += 7200
    house.checkpoints.unlink()
    (house.data / "keys" / "ledger.sealed").unlink()
    edited(house.segment(1), lambda it: it.__setitem__(5, bytes(len(it[5]))))
    with pytest.raises(LedgerUnusable, match="more than a power cut"):
        house.start()


def test_what_was_moved_aside_before_stays(tmp_path: Path) -> None:
    house = crashed(tmp_path)
    path = house.newest()
    path.with_suffix(".torn").write_bytes(b"earlier")
    with path.open("ab") as file:
        file.write(b'{"n"')
    house.run(1)
    assert path.with_suffix(".torn").read_bytes() == b"earlier"
    assert path.with_suffix(".1.torn").read_bytes() == b'{"n"'
