"""Checkpoints as time goes by: when there is one, where it goes, and what happens where it does not arrive."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.store import anchoring
from ostiary.adapters.store.anchoring import Checkpoints, Ended, Origin, beside
from ostiary.adapters.store.ledger import Ledger
from ostiary.adapters.store.ledger_durable import Holding
from ostiary.adapters.store.ledger_read import ledger_directory
from ostiary.adapters.store.second_place import Astray
from ostiary.config.ledger import Checkpoints as Section
from ostiary.config.ledger import Ledger as LedgerSection
from ostiary.core.errors import LedgerStopped
from ostiary.entry.anchoring import Anchor, opened
from tests.contract.tampered import Anchored
from tests.contract.test_ledger import call, trail


class Away:
    """A second place that is told to be there, away, or astray."""

    name = "elsewhere"

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.got = b""

    def agreed(self, source: Path) -> None:
        """Know nothing."""

    def deliver(self, source: Path, end: int) -> None:
        """Take it, if it is there."""
        if self.error is not None:
            raise self.error
        self.got = source.read_bytes()[:end]


class Hung:
    """Threads that do not come back until told."""

    def __init__(self) -> None:
        self.works: list[Callable[[], None]] = []

    def spawn(self, work: Callable[[], None]) -> Ended:
        """Begin it, and not end it."""
        self.works.append(work)
        return lambda _: work not in self.works

    def end(self) -> None:
        """Let all of them come to their end."""
        while self.works:
            self.works[0]()
            self.works.pop(0)


@pytest.fixture
def house(tmp_path: Path) -> Anchored:
    return Anchored(tmp_path)


def told(house: Anchored) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in house.checkpoints.read_bytes().splitlines()]


def test_there_is_one_at_the_start_one_a_minute_while_there_is_news_and_one_at_the_end(house: Anchored) -> None:
    ledger, checkpoints = house.start()
    for _ in range(200):
        house.tick(ledger, checkpoints)
    assert [each["cause"] for each in told(house)] == ["start"]
    call(ledger, trail("one"))
    house.tick(ledger, checkpoints)
    assert [each["cause"] for each in told(house)] == ["start", "minute"]
    for at in range(12):
        call(ledger, trail(f"more-{at}"))
    house.tick(ledger, checkpoints)
    assert [each["cause"] for each in told(house)] == ["start", "minute", "seal"]
    call(ledger, trail("last"))
    house.stop(ledger, checkpoints)
    found = told(house)
    assert [each["cause"] for each in found] == ["start", "minute", "seal", "stop"]
    assert (found[-1]["records"], found[-1]["head"]) == (ledger.head.n, ledger.head.hash)
    assert house.second.read_bytes() == house.checkpoints.read_bytes()


def test_a_gateway_without_a_second_place_writes_them_next_to_its_ledger(tmp_path: Path) -> None:
    ledger, anchor = opened(LedgerSection(), tmp_path, tmp_path / "ostiary.yaml")
    anchor.checkpoints.tick()
    ledger.close()
    anchor.checkpoints.close()
    assert (tmp_path / "ledger" / "checkpoints.log").read_bytes().count(b"\n") >= 1
    assert anchor.checkpoints.arriving() == {"the data folder": True}


def test_what_a_second_place_missed_it_gets_when_it_is_back(house: Anchored) -> None:
    place = house.place = Away()
    ledger, checkpoints = house.start()
    place.error = OSError(5, "Input/output error")
    house.write(ledger, checkpoints, 12)
    assert checkpoints.arriving() == {"the data folder": True, "elsewhere": False}
    assert "Input/output error" in checkpoints.notes()[0]
    assert len(told(house)) > 1
    assert place.got.count(b"\n") == 1
    assert checkpoints.behind()["elsewhere"] > 0
    place.error = None
    house.write(ledger, checkpoints, 2)
    assert checkpoints.failing() == {}
    assert checkpoints.behind()["elsewhere"] == 0.0
    assert place.got == house.checkpoints.read_bytes()
    house.stop(ledger, checkpoints)


async def test_an_alarm_is_written_down_once_and_so_is_its_end(house: Anchored) -> None:
    place = house.place = Away()
    events: list[tuple[str, Any]] = []
    ledger, checkpoints = house.start()
    anchor = Anchor(checkpoints, lambda kind, facts: events.append((kind, dict(facts))))
    place.error = Astray("it has another past")
    for _ in range(3):
        house.write(ledger, checkpoints, 7)
        await anchor.anchor()
    place.error = None
    for _ in range(3):
        house.write(ledger, checkpoints, 7)
        await anchor.anchor()
    assert events == [
        ("checkpoints_failed", {"place": "elsewhere", "reason": "it has another past"}),
        ("checkpoints_recovered", {"place": "elsewhere"}),
    ]
    house.stop(ledger, checkpoints)


def test_a_disk_that_does_not_answer_counts_as_away_and_holds_up_nothing(house: Anchored) -> None:
    ledger, hung = house.world.open(), Hung()
    checkpoints = Checkpoints(
        house.data, lambda: ledger.head, Origin(1, "x"), places=[Away()], monotonic=house.world.time, spawn=hung.spawn
    )
    checkpoints.tick()
    assert checkpoints.failing() == {}
    house.world.time.now += 31
    checkpoints.tick()
    assert len(hung.works) == 1
    assert "has not answered for 31 seconds" in checkpoints.failing()["the data folder"]
    checkpoints.close()
    hung.end()
    checkpoints.close()
    hung.end()
    assert checkpoints.failing() == {}
    ledger.close()


def test_what_nobody_thought_of_counts_as_a_failure(house: Anchored) -> None:
    place = house.place = Away()
    ledger, checkpoints = house.start()
    place.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        house.write(ledger, checkpoints, 8)
    assert checkpoints.failing() == {"elsewhere": "ZeroDivisionError"}
    place.error = None
    house.write(ledger, checkpoints, 8)
    assert checkpoints.failing() == {}
    house.stop(ledger, checkpoints)


# Required


def test_calls_stop_where_a_required_place_is_behind_for_two_minutes_and_go_on_when_it_is_back(tmp_path: Path) -> None:
    house = Anchored(tmp_path, required=True)
    place = house.place = Away()
    ledger, checkpoints = guarded(house)
    house.write(ledger, checkpoints, 4)
    place.error = OSError(5, "Input/output error")
    house.write(ledger, checkpoints, 8)
    house.world.time.now += 130
    house.tick(ledger, checkpoints)
    with pytest.raises(LedgerStopped, match=r"do not arrive at elsewhere: .*Input/output error"):
        ledger.begin(trail("no"))
    assert "do not arrive" in (ledger.stopped or "")
    place.error = None
    for _ in range(2):
        house.world.time.now += 10
        house.tick(ledger, checkpoints)
    ledger.begin(trail("again"))
    assert ledger.stopped is None
    house.stop(ledger, checkpoints)
    assert house.proof().ok


def test_no_call_leaves_where_a_required_place_was_never_reached(tmp_path: Path) -> None:
    house = Anchored(tmp_path, required=True)
    house.place = Away()
    house.place.error = OSError(2, "No such file or directory")
    ledger, checkpoints = guarded(house)
    house.tick(ledger, checkpoints)
    with pytest.raises(LedgerStopped, match="elsewhere"):
        ledger.begin(trail("no"))
    house.stop(ledger, checkpoints)


def guarded(house: Anchored) -> tuple[Ledger, Checkpoints]:
    holding = Holding(ledger_directory(house.data), power=False)
    house.world.disk = holding  # type: ignore[assignment]  # writes and syncs as the disk does
    made = house.start()
    holding.obstacle = made[1].obstacle
    return made


def test_where_nothing_is_required_nothing_stops(house: Anchored) -> None:
    house.place = Away()
    house.place.error = OSError(5, "Input/output error")
    ledger, checkpoints = house.start()
    house.world.time.now += 1000
    house.tick(ledger, checkpoints)
    assert checkpoints.failing()
    assert checkpoints.obstacle() == ""
    house.stop(ledger, checkpoints)


# Files of checkpoints


def test_what_a_crash_left_at_the_end_is_taken_back(house: Anchored) -> None:
    house.run(2)
    before = house.checkpoints.read_bytes()
    house.checkpoints.write_bytes(before + before[:40])
    house.run(2)
    assert house.checkpoints.read_bytes().startswith(before + b'{"cause":"start"')
    assert house.proof(elsewhere=True).ok


def test_what_nobody_wrote_at_the_end_is_not_built_upon(house: Anchored) -> None:
    house.run(2)
    ledger = house.world.open()
    before = house.checkpoints.read_bytes()
    house.checkpoints.write_bytes(before + b'{"cause":"mine"}\n')
    checkpoints = Checkpoints(
        house.data, lambda: ledger.head, Origin(1, "x"), monotonic=house.world.time, spawn=lambda work: done(work)
    )
    call(ledger, trail("more"))
    checkpoints.tick()
    assert "does not end as it was written" in checkpoints.failing()["the data folder"]
    ledger.close()


def done(work: Callable[[], None]) -> Ended:
    work()
    return lambda _: True


def test_another_process_that_still_writes_its_last_is_waited_for(house: Anchored) -> None:
    house.run(2)
    other = os.open(house.checkpoints, os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    ledger, checkpoints = house.start()
    assert "still writes" in checkpoints.failing()["the data folder"]
    os.close(other)
    house.world.time.now += 6
    house.tick(ledger, checkpoints)
    assert checkpoints.failing() == {}
    house.stop(ledger, checkpoints)
    assert house.proof(elsewhere=True).ok


def test_a_full_disk_leaves_no_half_a_checkpoint(house: Anchored, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, checkpoints = house.start()
    whole = house.checkpoints.read_bytes()
    real = os.write
    for at in range(6):
        call(ledger, trail(f"r-{at}"))
    monkeypatch.setattr(os, "write", lambda fd, text: real(fd, text[:9] if text.startswith(b'{"cause"') else text))
    house.world.time.now += 60
    house.tick(ledger, checkpoints)
    assert "full" in checkpoints.failing()["the data folder"]
    assert house.checkpoints.read_bytes() == whole
    monkeypatch.undo()
    house.world.time.now += 6
    house.tick(ledger, checkpoints)
    assert checkpoints.failing() == {}
    house.stop(ledger, checkpoints)
    assert house.proof(elsewhere=True).ok


def test_a_second_place_that_is_full_gets_the_rest_of_the_line_later(
    house: Anchored, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, checkpoints = house.start()
    real, second = os.write, str(house.second)
    for at in range(6):
        call(ledger, trail(f"r-{at}"))

    def little(descriptor: int, text: bytes) -> int:
        there = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        return real(descriptor, text[:50] if there == second else text)

    monkeypatch.setattr(os, "write", little)
    house.world.time.now += 60
    house.tick(ledger, checkpoints)
    house.tick(ledger, checkpoints)
    assert "full" in checkpoints.failing()[second]
    monkeypatch.undo()
    house.world.time.now += 6
    house.tick(ledger, checkpoints)
    assert house.second.read_bytes() == house.checkpoints.read_bytes()
    house.stop(ledger, checkpoints)


def test_work_is_done_beside_the_loop_and_may_be_waited_for() -> None:
    seen: list[int] = []
    assert beside(lambda: seen.append(1))(5.0)
    assert seen == [1]


# Configured


def test_a_required_place_is_asked_before_each_write(tmp_path: Path) -> None:
    section = LedgerSection(checkpoints=Section(file="other/checkpoints.jsonl", required=True), durability="power")
    (tmp_path / "other").mkdir()
    ledger, anchor = opened(section, tmp_path / "data", tmp_path / "ostiary.yaml")
    anchor.checkpoints.tick()
    anchor.checkpoints._far[0].errand.ended(5.0)
    call(ledger, trail("one"))
    ledger.close()
    anchor.checkpoints.close()
    assert (tmp_path / "other" / "checkpoints.jsonl").read_bytes().count(b"\n") >= 1
    assert anchoring._PATIENCE > 60


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the recipe is for a machine with openssl")
def test_the_recipe_for_a_checkpoint_with_tools_of_others_works(house: Anchored) -> None:
    house.run(4)
    page = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()
    commands = page.split("```sh\n")[2].split("```")[0]
    ran = subprocess.run(
        ["bash", "-c", commands], check=False, capture_output=True, text=True, timeout=60,
        env={**os.environ, "DATA": str(house.data)},
    )  # fmt: skip
    assert "Signature Verified Successfully" in ran.stdout + ran.stderr
    assert ran.stdout.endswith("\n1\n")
