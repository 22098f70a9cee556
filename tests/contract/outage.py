"""Lives of a gateway's ledger that end by a power cut at any moment, and what must be true when the power is back."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ostiary.adapters.store.anchoring import Checkpoints, Ended, Origin, Pace
from ostiary.adapters.store.checkpoint_files import checkpoint_file
from ostiary.adapters.store.ledger import Ledger, Sizes
from ostiary.adapters.store.ledger_durable import Holding
from ostiary.adapters.store.ledger_proof import Pinned, prove
from ostiary.adapters.store.ledger_read import ledger_directory, lines, segments
from ostiary.adapters.store.ledger_start import LedgerUnusable, ledger_keys
from ostiary.adapters.store.second_place import FilePlace
from tests.contract.powered import Disk, PowerCut
from tests.contract.test_ledger import trail

_LIVES: Final = 3
_STEPS: Final = 160


class Cut(Struct, frozen=True):
    """What one power cut showed."""

    written: int
    """Records that the gateway had written, and those that were certain to be on the disk."""
    certain: int
    kept: int
    acknowledged: int
    """Intents whose calls could leave, and those of them that are gone."""
    lost: int
    aside: int
    """Bytes that were moved aside."""
    problems: tuple[str, ...]


class Jobs:
    """What is done beside the event loop, when the story says so. Stands in for an executor and for threads."""

    def __init__(self) -> None:
        self.due: list[Callable[[], object]] = []

    def submit(self, work: Callable[..., None], *arguments: Any) -> Future[None]:
        """Do it later, in order."""
        future: Future[None] = Future()

        def do() -> None:
            try:
                work(*arguments)
            except OSError as error:
                future.set_exception(error)
            else:
                future.set_result(None)

        self.due.append(do)
        return future

    def spawn(self, work: Callable[[], None]) -> Ended:
        """Do it later; whoever waits for it makes it happen."""
        future = self.submit(work)

        def ended(seconds: float) -> bool:
            if seconds:
                self.run(len(self.due))
            return future.done()

        return ended

    def run(self, count: int) -> None:
        """Do the next so many."""
        for _ in range(min(count, len(self.due))):
            self.due.pop(0)()

    def shutdown(self, *, wait: bool) -> None:
        """Do all that is left."""
        assert wait
        self.run(len(self.due))


class Life:
    """One process: it starts, serves, and is stopped, killed, or cut off."""

    def __init__(self, house: House, dice: random.Random) -> None:
        self.house, self.dice = house, dice
        self.near, self.far = Jobs(), Jobs()
        self.now = 1000.0
        self.turn: list[Callable[[], None]] = []
        self.open: list[Any] = []
        self.ledger: Ledger | None = None
        self.checkpoints: Checkpoints | None = None

    def start(self) -> None:
        """Start as `serve` does."""
        house = self.house
        holding = Holding(
            ledger_directory(house.data), power=house.power, write=lambda fd, text: os.write(fd, text),
            sync=lambda fd: os.fdatasync(fd),
        )  # fmt: skip
        place = FilePlace(house.elsewhere, ledger_keys(house.data).public)
        place.agreed(checkpoint_file(ledger_directory(house.data)))
        ledger = self.ledger = Ledger(
            house.data, clock=lambda: 1_700_000_000.0 + house.clock, monotonic=lambda: house.clock, write=holding,
            sync=holding.sync, sizes=Sizes(segment_bytes=12_000, seal_every=5.0, seal_records=40),
        )  # fmt: skip
        ledger._worker.shutdown()
        ledger._worker = self.near  # type: ignore[assignment]  # the part of an executor that is used
        ledger.gather(self.turn.append)
        self.checkpoints = Checkpoints(
            house.data, lambda: ledger.head, Origin(1, "i"), places=[place], pace=Pace(5.0, 40),
            clock=lambda: 1_700_000_000.0 + house.clock, monotonic=lambda: house.clock, spawn=self.far.spawn,
        )  # fmt: skip

    def serve(self) -> None:
        """Do one of the things that a gateway does."""
        assert self.ledger is not None
        assert self.checkpoints is not None
        match self.dice.choices(("turn", "tick", "near", "far"), (6, 3, 3, 2))[0]:
            case "turn":
                self.calls(self.ledger)
            case "tick":
                self.house.clock += 1.0
                self.ledger.tick(self.house.clock)
                self.checkpoints.tick()
            case "near":
                self.near.run(self.dice.randint(1, 3))
            case "far":
                self.far.run(1)

    def calls(self, ledger: Ledger) -> None:
        """Let the calls of one turn leave, and some that left before end."""
        now = 1_700_000_000.0 + self.house.clock
        made = [trail(self.house.reference(), time=now) for _ in range(self.dice.randint(1, 6))]
        ledger.begin_all(made)
        self.house.acknowledged |= {each.reference for each in made}
        self.open += made
        self.dice.shuffle(self.open)
        for each in [self.open.pop() for _ in range(self.dice.randint(0, len(self.open)))]:
            ledger.end(each)
        turn, self.turn[:] = list(self.turn), []
        for each in turn:
            each()

    def stop(self) -> None:
        """End in order."""
        assert self.ledger is not None
        assert self.checkpoints is not None
        self.ledger.close()
        self.checkpoints.close()

    def drop(self) -> None:
        """End as kill -9 does: the kernel closes what is open, and nobody syncs anything."""
        handles = [self.checkpoints._descriptor] if self.checkpoints is not None else []
        if self.ledger is not None:
            handles += [self.ledger._fd, self.ledger._lock]
        for handle in handles:
            with suppress(OSError):
                if handle >= 0:
                    os.close(handle)


class House:
    """A data folder and its second place, through several lives."""

    def __init__(self, folder: Path, *, power: bool, dice: random.Random) -> None:
        self.data, self.power, self.dice = folder / "data", power, dice
        self.elsewhere = folder / "elsewhere" / "checkpoints.jsonl"
        self.clock, self.count = 1000.0, 0
        self.acknowledged: set[str] = set()
        self.elsewhere.parent.mkdir(parents=True, exist_ok=True)
        for name in ("keys", "ledger"):
            (self.data / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def reference(self) -> str:
        """Return a name for a call."""
        self.count += 1
        return f"r{self.count}"

    def outage(self) -> Cut:
        """Live until the power is cut, bring one legal state of the disk back, and say what is true of it."""
        disk = Disk(self.data, self.elsewhere.parent)
        disk.left = self.dice.randint(1, 350)
        with disk.mounted(), suppress(PowerCut):
            self._live(disk)
        before = self.records()
        certain = self._certain(disk)
        self._restore(disk)
        return self._judged(before, certain)

    def _live(self, disk: Disk) -> None:
        life = Life(self, self.dice)
        try:
            for _ in range(self.dice.randint(1, _LIVES)):
                life = Life(self, self.dice)
                life.start()
                for _ in range(self.dice.randint(0, _STEPS)):
                    life.serve()
                (life.stop if self.dice.random() < 0.4 else life.drop)()
        finally:
            disk.left = None
            life.drop()

    def records(self) -> dict[int, bytes]:
        """Return every whole record by its number."""
        found = (line.raw for number, path in segments(self.data / "ledger") for line in lines(number, path))
        return {json.loads(raw)["n"]: raw for raw in found if raw.endswith(b"\n") and b"\0" not in raw}

    def _certain(self, disk: Disk) -> int:
        """Return the last record up to which all were certain to be on the disk."""
        kept = set()
        for path, file in disk.durable.items():
            if disk.now.get(path) is file and path.endswith(".jsonl") and "checkpoints" not in path:
                kept |= {json.loads(raw)["n"] for raw in file.durable.splitlines(keepends=True) if raw.endswith(b"\n")}
        return next(n for n in range(len(kept) + 1) if n + 1 not in kept)

    def _restore(self, disk: Disk) -> None:
        state, other = disk.cut(self.dice), self.elsewhere.parent
        # The second place is on another machine, which may have had power all along.
        dark = self.dice.random() < 0.5
        present = self.elsewhere.read_bytes() if self.elsewhere.exists() else None
        for folder in (self.data / "keys", self.data / "ledger", other):
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
        for name, content in state.items():
            if dark or not name.startswith(str(other)):
                Path(name).write_bytes(content)
                Path(name).chmod(0o600)
        if not dark and present is not None:
            self.elsewhere.write_bytes(present)

    def _judged(self, before: dict[int, bytes], certain: int) -> Cut:
        """Start again as after any crash, and compare."""
        life, problems, after, aside = Life(self, self.dice), [], {}, 0
        # What is written from now on differs from all that was written before.
        self.clock += 1.0
        try:
            life.start()
            after = self.records()
            life.checkpoints.tick()  # type: ignore[union-attr]  # it has just been started
            life.far.run(9)
            life.checkpoints.tick()  # type: ignore[union-attr]
            life.far.run(9)
            problems += [str(each) for each in prove(self.data, Pinned(checkpoints=self.elsewhere)).problems]
            aside = sum(path.stat().st_size for path in (self.data / "ledger").glob("*.torn"))
        except LedgerUnusable as error:
            problems.append(f"it does not start: {error}")
        finally:
            life.drop()
        kept = next((n - 1 for n in range(1, max(after, default=0) + 2) if after.get(n) != before.get(n)), 0)
        told = _references(after)
        lost = self.acknowledged - told
        problems += self._broken(kept, certain, lost, after)
        seen = Cut(len(before), certain, kept, len(self.acknowledged), len(lost), aside, tuple(problems))
        self.acknowledged &= told
        return seen

    def _broken(self, kept: int, certain: int, lost: set[str], after: dict[int, bytes]) -> Iterator[str]:
        if kept < certain:
            yield f"records up to n={certain} were on the disk, and only those up to n={kept} are there"
        if self.power and lost:
            yield f"{len(lost)} calls left, and their intents are gone"
        news = [json.loads(after[n]) for n in sorted(after) if n > kept]
        if news and news[0]["type"] != "open":
            yield f"n={kept + 1} was not written by the gateway that started again: {news[0]['type']}"
        if _open(after):
            yield f"calls without an end are not told as interrupted: {sorted(_open(after))[:5]}"


def _references(after: dict[int, bytes]) -> set[str]:
    records = map(json.loads, after.values())
    return {each["reference"] for each in records if each["type"] == "intent"}


def _open(after: dict[int, bytes]) -> set[str]:
    intents, ends = set(), set()
    for each in map(json.loads, after.values()):
        intents |= {each["reference"]} if each["type"] == "intent" else set()
        ends |= {each["reference"]} if each["type"] == "outcome" else set()
        ends |= set(each["references"]) if each.get("kind") == "interrupted" else set()
    return intents - ends


def outages(folder: Path, seed: int, *, power: bool, cuts: int = 3) -> list[Cut]:
    """Return what so many power cuts in the life of one data folder showed."""
    house = House(folder, power=power, dice=random.Random(seed))
    found: list[Cut] = []
    while len(found) < cuts and not (found and found[-1].problems):
        found.append(house.outage())
    return found
