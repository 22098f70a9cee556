"""Where payloads and their keys lie: apart, so that a backup can have the payloads and not the keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ostiary.core.capturing import Half
from ostiary.integrity.sealing import is_ident


def captures_folder(data: Path) -> Path:
    """Return where everything is that was kept of calls."""
    return data / "captures"


def keys_folder(data: Path) -> Path:
    """Return where sealed keys lie, in a folder for each class."""
    return captures_folder(data) / "keys"


def gone_folder(data: Path) -> Path:
    """Return where it is noted what is to be destroyed, until the ledger says so."""
    return captures_folder(data) / "gone"


def key_file(data: Path, name: str, key: str) -> Path:
    """Return the file of a key of a class."""
    return keys_folder(data) / name / f"{key}.json"


def payload_folder(data: Path, name: str, key: str) -> Path:
    """Return where everything lies that a key sealed."""
    return captures_folder(data) / "sealed" / name / key


def payload_file(data: Path, name: str, key: str, reference: str, half: Half) -> Path:
    """Return the file of a payload."""
    return payload_folder(data, name, key) / f"{reference}.{half}"


def kept_keys(data: Path) -> Iterator[tuple[str, str]]:
    """Yield the class and the id of every key that there is."""
    for path in sorted(keys_folder(data).glob("*/*.json")):
        if is_ident(path.stem):
            yield path.parent.name, path.stem


def written(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read, and bring it to the disk; half a file is none."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
