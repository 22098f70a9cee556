"""Payloads that nobody can open any more: their keys are overwritten and removed, for a person or because it is time.

What is to be destroyed is noted first, and forgotten when the ledger says that it was: a crash in between destroys it
again, which changes nothing, and leaves no payload of which nobody knows why it cannot be opened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from ostiary.adapters.durable import synced
from ostiary.adapters.store.captures_places import (
    captures_folder,
    gone_folder,
    kept_keys,
    key_file,
    payload_folder,
    written,
)
from ostiary.integrity.sealing import Sealed, ends, is_class, is_ident, made

EVENTS: Final = {"erased": "payloads_erased", "expired": "payloads_expired"}
_LISTED: Final = 200
"""Keys that one event of the ledger names."""


class Gone(Struct, frozen=True):
    """Keys that are destroyed, and why."""

    id: str
    kind: Literal["erased", "expired"]
    time: float
    keys: tuple[tuple[str, str], ...]
    """Class and id of each."""
    issuer: str = ""
    subject: str = ""
    payloads: int = 0
    """How many they sealed."""
    by: str = ""


def expired(data: Path, keep: Mapping[str, float], now: float) -> tuple[tuple[str, str], ...]:
    """Return the keys whose time is over; `keep` is how long classes are kept by now."""
    return tuple((name, key) for name, key in kept_keys(data) if ends(key, keep.get(name)) <= now)


def persons(data: Path, subject: str) -> dict[str, list[tuple[str, str]]]:
    """Return the keys of whoever is called so, by issuer."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, key in kept_keys(data):
        sealed = read_key(key_file(data, name, key))
        if sealed is not None and sealed.subject == subject:
            found.setdefault(sealed.issuer, []).append((name, key))
    return found


def read_key(path: Path) -> Sealed | None:
    """Return a key as its file holds it; None where there is none, or nothing that could be one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Sealed)
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def destroy(data: Path, gone: Gone) -> Gone:
    """Note what is to be destroyed, and destroy it; return it with how many payloads that were."""
    counted = sum(_count(payload_folder(data, *each)) for each in gone.keys)
    gone = msgspec.structs.replace(gone, payloads=max(gone.payloads, counted))
    folder = gone_folder(data)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = folder / f"{gone.id}.json"
    if not note.exists():
        beside = folder / f"{gone.id}.new"
        beside.unlink(missing_ok=True)
        written(beside, msgspec.json.encode(gone))
        beside.replace(note)
        synced(folder)
        synced(captures_folder(data))
    for each in gone.keys:
        _overwritten(key_file(data, *each))
        shutil.rmtree(payload_folder(data, *each), ignore_errors=True)
    return gone


def noted(data: Path) -> Iterator[Gone]:
    """Yield what was noted and is not in the ledger yet, oldest first."""
    for path in sorted(gone_folder(data).glob("*.json")):
        gone = msgspec.json.decode(path.read_bytes(), type=Gone)
        # Whole folders are removed by what it says.
        yield msgspec.structs.replace(gone, id=path.stem, keys=tuple(each for each in gone.keys if _is_key(*each)))


def _is_key(name: str, key: str) -> bool:
    return is_class(name) and is_ident(key)


def again(data: Path, gone: Gone) -> Gone:
    """Destroy what was noted once more, and what its person's last key sealed before it was forgotten."""
    if gone.kind == "erased":
        late = [each for each in persons(data, gone.subject).get(gone.issuer, ()) if made(each[1]) <= gone.time]
        gone = msgspec.structs.replace(gone, keys=tuple(dict.fromkeys((*gone.keys, *late))))
    return destroy(data, gone)


def told(gone: Gone, event: Callable[[str, Mapping[str, Any]], None]) -> None:
    """Write into the ledger what was destroyed, and for whom."""
    for at in range(0, max(len(gone.keys), 1), _LISTED):
        keys = [key for _, key in gone.keys[at : at + _LISTED]]
        facts: dict[str, Any] = {"keys": keys} if at else {"keys": keys, "payloads": gone.payloads}
        if gone.kind == "erased":
            facts = {"subject": gone.subject, "issuer": gone.issuer, "by": gone.by, **facts}
        event(EVENTS[gone.kind], facts)


def forget(data: Path, gone: Gone) -> None:
    """Forget what the ledger says by now."""
    (gone_folder(data) / f"{gone.id}.json").unlink(missing_ok=True)


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0


def _overwritten(path: Path) -> None:
    """Overwrite a file and remove it; what a disk or a snapshot keeps of the old bytes is beyond us."""
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            file.write(os.urandom(size))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)
    synced(path.parent)
