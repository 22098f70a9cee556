"""A file as receiver: what was written is synced before it counts, and half a batch that a crash left is completed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ostiary.adapters.export.cursor import Cursor
from ostiary.adapters.export.posting import of_lines
from ostiary.adapters.export.receivers import Item, Undelivered


class Appending:
    """Appends lines to one file, each once."""

    def __init__(self, path: Path) -> None:
        """Append to this file; one that was moved away or emptied, as log rotation does, is begun anew."""
        self._path, self.place = path, str(path)

    def deliver(self, items: Sequence[Item], cursor: Cursor) -> Cursor:
        """Append these, and return the cursor after them, which knows the size that the file has then."""
        try:
            size = self._appended(of_lines(items), cursor.size)
        except OSError as error:
            raise Undelivered(f"{error.strerror or error}") from error
        return replace(items[-1].after, size=size)

    def close(self) -> None:
        """Nothing is kept open."""

    def _appended(self, said: bytes, known: int) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            size = os.fstat(descriptor).st_size
            there = 0
            if size > known:
                # We may have died between writing and noting it.
                file.seek(known)
                rest = file.read(len(said))
                there = len(rest) if said.startswith(rest) else 0
            if written := said[there:]:
                self._whole(descriptor, written)
            os.fsync(descriptor)
            return known + len(said) if there else os.fstat(descriptor).st_size

    @staticmethod
    def _whole(descriptor: int, said: bytes) -> None:
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, said) != len(said):
            os.ftruncate(descriptor, size)
            raise OSError(28, "only a part of it could be written: is the disk full?")
