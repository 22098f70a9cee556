"""Files of checkpoints: where they lie, how they end, and how one more line is brought to the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from ostiary.integrity.chain import Anchor, Problem
from ostiary.integrity.checkpoints import FIRST, Checkpoint, digest, genuine

_CHUNK: Final = 1 << 18
"""How much of a file's end is looked at: some five hundred checkpoints, where a crash tears one."""


class Tail(Struct, frozen=True):
    """How a file of checkpoints ends."""

    last: Checkpoint | None = None
    """The newest genuine one in it."""
    raw: bytes = b""
    """Its line."""
    end: int = 0
    """The offset behind it."""
    rest: bytes = b""
    """What follows it."""
    wrong: Problem | None = None
    """Why the first whole line in `rest` is no checkpoint of this ledger."""

    @property
    def n(self) -> int:
        """The number of the newest, or 0."""
        return self.last.n if self.last is not None else 0

    @property
    def link(self) -> str:
        """What the next checkpoint calls its predecessor."""
        return digest(self.raw) if self.raw else FIRST

    @property
    def unwritten(self) -> bool:
        """What follows is what a crash or a power cut leaves: half a line, or a page of zeros that was never filled."""
        return self.wrong is None or b"\0" in self.rest


def checkpoint_file(directory: Path) -> Path:
    """Return where a ledger's own checkpoints lie, in the directory of its segments."""
    # Not .jsonl: programs that read every segment by that ending must not meet lines that are no records.
    return directory / "checkpoints.log"


def tail(path: Path, key: Ed25519PublicKey) -> Tail:
    """Return how a file ends; one that does not exist is empty."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - _CHUNK)
            file.seek(start)
            # What begins in the middle of a line is not looked at, unless the whole file is.
            start += len(file.readline()) if start else 0
            return ended(file.read(size - start), key, start)
    except FileNotFoundError:
        return Tail()


def ended(content: bytes, key: Ed25519PublicKey, start: int = 0) -> Tail:
    """Return how content ends that begins at an offset."""
    end, wrong = len(content), None
    for raw in reversed(content.splitlines(keepends=True)):
        read = genuine(key, raw) if raw.endswith(b"\n") else None
        if isinstance(read, Checkpoint):
            return Tail(read, raw, start + end, content[end:], wrong)
        wrong = read or wrong
        end -= len(raw)
    return Tail(rest=content, wrong=wrong)


def newest(path: Path, key: Ed25519PublicKey) -> Anchor | None:
    """Return what the newest checkpoint in a file says of the ledger."""
    found = tail(path, key).last
    return None if found is None else found.anchor(f"the checkpoint n={found.n} in {path.name}")


def appended(descriptor: int, content: bytes) -> None:
    """Write whole content to the end of a file and bring it to the disk, or raise and leave the file as it was."""
    size = os.fstat(descriptor).st_size
    try:
        if os.write(descriptor, content) != len(content):
            raise OSError(28, "only a part of it could be written: is the disk full?")  # noqa: TRY301
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def since(path: Path, offset: int, end: int) -> Iterator[bytes]:
    """Yield the whole lines between two offsets, in pieces of bounded size."""
    with path.open("rb") as file:
        file.seek(offset)
        while offset < end:
            piece = file.read(min(_CHUNK, end - offset))
            piece = piece[: piece.rfind(b"\n") + 1]
            if not piece:
                return
            yield piece
            offset += len(piece)
            file.seek(offset)
