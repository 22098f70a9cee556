"""What waits for a receiver of alerts, and what it was told lately, in a file that outlives the process."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from ostiary.adapters.durable import replaced
from ostiary.adapters.notify.forms import Told

log: Final = structlog.get_logger(__name__)


class Kept(Struct, frozen=True):
    """What one receiver is still to be told, oldest first, and the newest that it was told of each alert."""

    waiting: tuple[Told, ...] = ()
    lately: tuple[tuple[str, str, float], ...] = ()
    """Key, state, and when it arrived."""


NOTHING: Final = Kept()


class KeptFile:
    """Where that is kept: readable for the gateway only, because callers' names may be in it."""

    def __init__(self, folder: Path, name: str) -> None:
        """Keep it in a folder that only the gateway can read."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{name}.json"

    def read(self) -> Kept:
        """Return what is kept; of a file that cannot be read nothing, for new alerts are worth more than old ones."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return NOTHING
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning(
                "alerts that waited cannot be read and are left out", file=str(self.path), reason=str(error)[:200]
            )
            return NOTHING

    def write(self, kept: Kept) -> None:
        """Keep it, so that it is there after a power cut; raise `OSError` where that is impossible."""
        replaced(self.path, msgspec.json.encode(kept))
