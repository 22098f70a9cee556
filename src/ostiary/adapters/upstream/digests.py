"""Hash files, and remember the hash for as long as a file stays the one that it was."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import time
from pathlib import Path
from typing import Final

_KEPT: Final = 4_096
_LARGEST: Final = 4 * 1024 * 1024 * 1024
# A change within the clock's grain of the last one leaves no trace: what is this young is hashed again.
_YOUNG: Final = 2_000_000_000

Stamp = tuple[int, int, int, int, int]


class Digests:
    """SHA-256 of files. It blocks: ask in a thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Stamp, str]] = {}

    def of(self, path: Path) -> str:
        """Return the SHA-256 of a regular file in hex; empty where there is none that can be read."""
        try:
            # Opening a pipe would wait for somebody who writes to it.
            opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return ""
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            os.close(opened)
            return ""
        with io.FileIO(opened, "rb") as file:
            return self._hashed(str(path), file, found)

    def _hashed(self, name: str, file: io.FileIO, found: os.stat_result) -> str:
        stamp = _stamp(found)
        known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""
        still = _stamp(os.fstat(file.fileno())) == stamp
        if still and time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > _YOUNG:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[name] = stamp, digest
        return digest


def _stamp(found: os.stat_result) -> Stamp:
    # The time of the last change of the inode is in it because nobody can set it back, as touch(1) sets the other one.
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
