"""A second place for checkpoints: a file on another disk, which gets every line once, also after it was away."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.adapters.durable import synced
from ostiary.adapters.store.checkpoint_files import Tail, since, tail


class Astray(Exception):
    """A second place tells another past than the data folder: says how, and what to do."""


class Place(Protocol):
    """Somewhere else that checkpoints are brought to. Slow, and called in a thread of its own."""

    name: str

    def agreed(self, source: Path) -> None:
        """Raise `Astray` if it knows checkpoints that `source` does not; one that is away says nothing."""

    def deliver(self, source: Path, end: int) -> None:
        """Bring it every checkpoint of `source` before `end` that it does not have, or raise OSError or `Astray`."""


def reached(name: str, found: Tail, source: Path) -> int:
    """Return how much of the source a place has, or raise where it has something else."""
    if found.wrong is not None and found.wrong.kind in ("foreign", "version"):
        raise Astray(
            f"{name} ends with a checkpoint that is not this ledger's: {found.wrong.text}; if a new ledger was begun "
            "on purpose, give it another place, and keep that one"
        )
    if found.last is None:
        return 0
    offset = 0
    if source.exists():
        with source.open("rb") as file:
            for raw in file:
                offset += len(raw)
                if raw == found.raw:
                    return offset
    raise Astray(
        f"{name} has the checkpoint n={found.n} of {found.last.time} (record n={found.last.records}), which this data "
        "folder does not know: it was put back to an older state, or changed; run `ostiary audit verify` with the "
        "checkpoints from there; if a backup was restored on purpose, move those away and keep them"
    )


class FilePlace:
    """A file that is only appended to, so that a mount or an attribute (`chattr +a`) may forbid everything else."""

    def __init__(self, path: Path, key: Ed25519PublicKey) -> None:
        """`key` is the ledger's public key."""
        self.name = str(path)
        self._path, self._key = path, key
        self._size, self._offset = -1, 0
        """How long the file was after the last delivery, and how much of the source was delivered."""

    def agreed(self, source: Path) -> None:
        """Raise `Astray` if the place knows checkpoints that `source` does not; one that is away says nothing."""
        try:
            reached(self.name, tail(self._path, self._key), source)
        except OSError:
            return

    def deliver(self, source: Path, end: int) -> None:
        """Bring it every checkpoint of `source` before `end` that it does not have, or raise OSError or `Astray`."""
        fresh = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._append(descriptor, source, end)
        finally:
            os.close(descriptor)
        if fresh:
            synced(self._path.parent)

    def _append(self, descriptor: int, source: Path, end: int) -> None:
        offset = self._offset
        if os.fstat(descriptor).st_size != self._size:
            found = tail(self._path, self._key)
            offset = reached(self.name, found, source)
            offset += self._mended(descriptor, found.rest, source, offset)
        self._size = -1
        for piece in since(source, offset, end):
            if os.write(descriptor, piece) != len(piece):
                raise OSError(28, "only a part of it could be written: is the disk full?")
            offset += len(piece)
        os.fsync(descriptor)
        self._size, self._offset = os.fstat(descriptor).st_size, offset

    def _mended(self, descriptor: int, rest: bytes, source: Path, offset: int) -> int:
        """Deal with half a line at the end of the file, and return how many bytes of the next one are there already."""
        if rest and self._begins(source, offset, rest):
            return len(rest)
        if rest and not rest.endswith(b"\n"):
            # It cannot be taken back in a file that is only appended to, so it becomes a line that says nothing.
            os.write(descriptor, b"\n")
        return 0

    @staticmethod
    def _begins(source: Path, offset: int, rest: bytes) -> bool:
        with source.open("rb") as file:
            file.seek(offset)
            return file.read(len(rest)) == rest
