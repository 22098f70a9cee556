"""One counter that every process of a gateway maps into memory: it moves when what they keep in memory is out of date.

Revoking a token must count from the next call on, in every process, without asking the database at every call. So
whoever changes the database moves the counter, and whoever serves compares eight bytes.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from pathlib import Path
from typing import Final

NAME: Final = "generation"
_COUNTER: Final = struct.Struct("=Q")


class Generation:
    """The counter in the data folder."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(data / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._file).st_size < _COUNTER.size:
            os.pwrite(self._file, bytes(_COUNTER.size), 0)
        self._map = mmap.mmap(self._file, _COUNTER.size)
        self._view = memoryview(self._map).cast("Q")

    def __call__(self) -> int:
        """Return the present generation."""
        return self._view[0]

    def move(self) -> None:
        """Tell every process that the database changed."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            # Written, not stored through the map: where the disk is full that is an error, and not a fatal signal.
            os.pwrite(self._file, _COUNTER.pack(self._view[0] + 1), 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        self._view.release()
        self._map.close()
        os.close(self._file)
