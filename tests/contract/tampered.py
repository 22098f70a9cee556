"""A real ledger with several segments, seals and checkpoints at two places, for tests that tamper with a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostiary.adapters.store.anchoring import Checkpoints, Ended, Origin, Pace
from ostiary.adapters.store.checkpoint_files import checkpoint_file
from ostiary.adapters.store.ledger import Ledger
from ostiary.adapters.store.ledger_proof import Pinned, Proof, prove
from ostiary.adapters.store.ledger_read import ledger_directory, public_key, segment_path, segments
from ostiary.adapters.store.ledger_start import ledger_keys
from ostiary.adapters.store.second_place import FilePlace
from tests.contract.test_ledger import World, call, trail


def at_once(work: Callable[[], None]) -> Ended:
    """Do it now, where tests want no thread."""
    work()
    return lambda _: True


class Anchored:
    """A data folder that is written by one gateway after the other, and its second place."""

    def __init__(self, folder: Path, name: str = "data", **changes: Any) -> None:
        self.data, self.second = folder / name, folder / f"{name}-elsewhere" / "checkpoints.jsonl"
        self.second.parent.mkdir(parents=True, exist_ok=True)
        self.world = World(self.data)
        self.place: Any = None
        self.changes = changes
        self.runs = 0

    def start(self, **sizes: Any) -> tuple[Ledger, Checkpoints]:
        """Start a gateway."""
        self.runs += 1
        ledger = self.world.open(**{"segment_bytes": 4000, **sizes})
        self.place = self.place or FilePlace(self.second, ledger_keys(self.data).public)
        checkpoints = Checkpoints(
            self.data, lambda: ledger.head, Origin(7, f"run-{self.runs}"), places=[self.place], pace=Pace(60.0, 20),
            clock=lambda: 1_700_000_000.0 + self.world.time(), monotonic=self.world.time, spawn=at_once, **self.changes,
        )  # fmt: skip
        self.tick(ledger, checkpoints)
        return ledger, checkpoints

    def tick(self, ledger: Ledger, checkpoints: Checkpoints) -> None:
        """Let a second go by."""
        self.world.time.now += 1
        ledger.tick(self.world.time.now)
        checkpoints.tick()

    def write(self, ledger: Ledger, checkpoints: Checkpoints, count: int = 16) -> None:
        """Serve so many calls, one each ten seconds."""
        for at in range(count):
            call(ledger, trail(f"r{self.runs}-{at}"))
            self.world.time.now += 9
            self.tick(ledger, checkpoints)

    def stop(self, ledger: Ledger, checkpoints: Checkpoints) -> None:
        """Stop a gateway."""
        ledger.close()
        checkpoints.close()

    def run(self, count: int = 16) -> None:
        """Start a gateway, serve calls, and stop it."""
        made = self.start()
        self.write(*made, count)
        self.stop(*made)

    def copy(self, folder: Path) -> Anchored:
        """Return a copy of both places."""
        shutil.copytree(self.data, folder / self.data.name)
        shutil.copytree(self.second.parent, folder / self.second.parent.name)
        return Anchored(folder, self.data.name)

    # Looking and tampering

    @property
    def checkpoints(self) -> Path:
        """The file of checkpoints in the data folder."""
        return checkpoint_file(ledger_directory(self.data))

    def segment(self, number: int) -> Path:
        """Return a segment's file."""
        return segment_path(ledger_directory(self.data), number)

    def newest(self) -> Path:
        """Return the newest segment's file."""
        return segments(ledger_directory(self.data))[-1][1]

    def proof(self, *, elsewhere: bool = False, **pinned: Any) -> Proof:
        """Verify, with the second place or without it."""
        return prove(self.data, Pinned(checkpoints=self.second if elsewhere else None, **pinned))

    def key(self) -> Any:
        """Return the public key as the data folder has it."""
        return public_key(self.data)


def edited(path: Path, change: Callable[[list[bytes]], object]) -> None:
    """Change the lines of a file."""
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))
