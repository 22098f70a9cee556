"""How hard a record is held on to: with `power`, no call leaves before its intent is on the disk.

The default brings records to the disk once a second, beside the event loop. Here the loop waits: one sync for all the
intents of a turn, because they are one write.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ostiary.adapters.durable import synced

_BEGINS: Final = re.compile(rb'\{"n":\d{1,18},"prev":"[0-9a-f]{64}","type":"(?:intent|open)"')


class Holding:
    """The write(2) of a ledger that holds on to what it wrote, and that may be told to write nothing for now."""

    def __init__(
        self, directory: Path, *, power: bool, obstacle: Callable[[], str] = str,
        write: Callable[[int, bytes], int] = os.write, sync: Callable[[int], None] = os.fdatasync,
    ) -> None:  # fmt: skip
        """`directory` is where segments lie; `obstacle` says why nothing may be written, or nothing."""
        self._directory, self._power, self.obstacle = directory, power, obstacle
        self._write, self._sync = write, sync
        self._named = self._last = -1

    def sync(self, descriptor: int) -> None:
        """Bring a segment to the disk, and its name: the seal that is noted next must not outlive the file."""
        self._sync(descriptor)
        inode = os.fstat(descriptor).st_ino
        if inode != self._named:
            synced(self._directory)
            self._named = inode

    def __call__(self, descriptor: int, text: bytes) -> int:
        """Write records, and with `power` bring intents to the disk before they count as written."""
        if reason := self.obstacle():
            raise OSError(errno.EAGAIN, reason)
        written = self._write(descriptor, text)
        if self._power and written == len(text) and _BEGINS.match(text):
            if self._last not in (-1, descriptor):
                # What follows in a new segment is worth nothing without the end of the one before.
                self._sync(self._last)
            self.sync(descriptor)
            self._last = descriptor
        return written
