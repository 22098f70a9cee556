"""Files that are there after a power cut: replaced whole, and their names brought to the disk."""

from __future__ import annotations

import os
from pathlib import Path


def replaced(path: Path, content: bytes) -> None:
    """Give a file this content, or leave it as it is: nobody ever sees half of it, and only its owner reads it.

    `OSError` where that is impossible. Whoever calls it at the same time for the same file, gets in its way.
    """
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    synced(path.parent)


def synced(path: Path) -> None:
    """Bring a file, or a folder's names, to the disk (fsync(2): a name is kept by the folder it stands in)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
