"""What is usual for each caller, kept in a file: a gateway that starts again need not learn it again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
import structlog

from ostiary.behaviour.judging import Watcher

log: Final = structlog.get_logger(__name__)

_MOST: Final = 512 * 1024 * 1024


def habits_file(data: Path) -> Path:
    """Return where it is kept."""
    return data / "habits.msgpack"


def remembered(data: Path) -> Watcher:
    """Return what was learnt before; nothing, where the file is missing or not to be read, and then the log says so."""
    path = habits_file(data)
    try:
        with path.open("rb") as file:
            return msgspec.msgpack.decode(file.read(_MOST), type=Watcher)
    except FileNotFoundError:
        return Watcher()
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        log.warning("what is usual for callers is learnt anew", file=path.name, reason=str(error))
        return Watcher()


def keep(data: Path, watcher: bytes) -> None:
    """Write it down, so that only its owner may read it: who works when, and with what, is nobody else's business."""
    path = habits_file(data)
    beside = path.with_suffix(".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(watcher)
    beside.replace(path)
