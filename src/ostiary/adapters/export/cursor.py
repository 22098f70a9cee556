"""How far an export has come: one small file for each, written anew and synced after each acknowledgement."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from ostiary.adapters.durable import replaced


class Cursor(Struct, frozen=True):
    """The last record of the ledger that the receiver has acknowledged, or that there was nothing to send of."""

    segment: int = 0
    start: int = 0
    end: int = 0
    """Where its line lies in the segment."""
    n: int = 0
    hash: str = ""
    size: int = 0
    """Of a file that is appended to: how long it was then."""


class CursorFile:
    """Where a cursor is kept."""

    def __init__(self, folder: Path, name: str) -> None:
        """Keep it in a folder that only the gateway can read."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{name}.json"

    def read(self) -> Cursor:
        """Return the cursor, which begins where the ledger does; raise `ValueError` for a broken file."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return Cursor()
        try:
            return msgspec.json.decode(raw, type=Cursor)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{self.path} does not say how far the export has come; delete it to send the whole ledger again"
            ) from error

    def write(self, cursor: Cursor) -> None:
        """Keep a cursor, so that it is there after a power cut."""
        replaced(self.path, msgspec.json.encode(cursor))
