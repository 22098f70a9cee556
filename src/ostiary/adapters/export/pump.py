"""One export: reads the ledger where the receiver is, sends, and goes on when that is acknowledged.

Nothing is kept in memory that is not in the ledger, so an outage of any length costs no memory, and a gateway that is
killed goes on where it was. What was sent and not acknowledged is sent again, in the same batch and with the same ids.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec
import structlog
from msgspec import Struct

from ostiary.adapters.export.cursor import Cursor, CursorFile
from ostiary.adapters.export.receivers import Item, Receiver, Undelivered

log: Final = structlog.get_logger(__name__)

_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 60.0


class Astray(Exception):
    """The ledger is not the one that was exported so far: says what to do."""


class Source(Protocol):
    """Where records come from."""

    def resume(self, cursor: Cursor) -> None:
        """Go on after a cursor, or raise `Astray` where the ledger does not hold the record that it names."""

    def read(self, most: int) -> tuple[list[Item], Cursor]:
        """Return what is on the disk and was not read yet, at most so many, and the cursor after all of it."""


class Pace(Struct, frozen=True):
    """How much is sent at a time, and how often it is looked for something new."""

    batch: int = 500
    every: float = 1.0


class Pump:
    """Sends what a source has to a receiver. `run` it in a thread of its own; the rest may be asked from any."""

    def __init__(
        self, name: str, source: Source, receiver: Receiver, kept: CursorFile, pace: Pace,
        *, dice: Callable[[], float], monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`dice` returns numbers from 0 to 1: receivers that come back are not asked by everybody at once."""
        self.name, self._source, self._receiver, self._kept, self._pace = name, source, receiver, kept, pace
        self._dice, self._monotonic = dice, monotonic
        self._stop = threading.Event()
        self._size, self._wait = pace.batch, _FIRST_WAIT
        self.cursor = Cursor()
        self.failed, self.since = "", 0.0
        """Why nothing arrives, and since when (monotonic seconds)."""
        self.sent = 0

    @property
    def place(self) -> str:
        """Where it sends to."""
        return self._receiver.place

    def stop(self) -> None:
        """Have `run` end soon."""
        self._stop.set()

    def run(self) -> None:
        """Send until stopped. What goes wrong is told and tried again."""
        resumed = False
        while not self._stop.is_set():
            try:
                if not resumed:
                    self.cursor = self._kept.read()
                    self._source.resume(self.cursor)
                    resumed = True
                wait = self._round()
            except (OSError, ValueError, LookupError, msgspec.MsgspecError, Astray) as error:
                resumed = False
                wait = self._failing(str(error), 0.0)
            if wait:
                self._stop.wait(wait)
        self._receiver.close()

    def _round(self) -> float:
        """Send a batch, and return the seconds to wait until the next."""
        begun = self.cursor.n
        items, after = self._source.read(self._pace.batch)
        while items:
            part = items[: self._size]
            wait = self._delivered(part)
            if wait:
                if self._stop.wait(wait):
                    return 0.0
                continue
            items = items[len(part) :]
            self._size = min(self._pace.batch, self._size * 2)
        if after.n > self.cursor.n:
            self._note(after)
        # What follows at once is sent at once; what is new may wait for others.
        return 0.0 if self.cursor.n - begun >= self._pace.batch else self._pace.every

    def _delivered(self, part: Sequence[Item]) -> float:
        """Send some, and return the seconds to wait before they are sent again; 0.0: they arrived."""
        try:
            after = self._receiver.deliver(part, self.cursor)
        except Undelivered as error:
            if error.smaller:
                self._size = max(1, len(part) // 2)
                return _FIRST_WAIT * self._dice() + 0.01
            return self._failing(error.reason, error.wait)
        self._note(after)
        self.sent += len(part)
        if self.failed:
            log.info("an export arrives again", export=self.name, place=self.place)
        self.failed, self._wait = "", _FIRST_WAIT
        return 0.0

    def _note(self, after: Cursor) -> None:
        if not after.size and self.cursor.size:
            after = Cursor(after.segment, after.start, after.end, after.n, after.hash, self.cursor.size)
        self._kept.write(after)
        self.cursor = after

    def _failing(self, reason: str, asked: float) -> float:
        if not self.failed:
            log.warning("an export does not arrive; it is tried again", export=self.name, place=self.place,
                        reason=reason)  # fmt: skip
            self.since = self._monotonic()
        self.failed = reason
        wait, self._wait = self._wait, min(_LONGEST_WAIT, self._wait * 2)
        return max(asked, wait * (0.5 + self._dice() / 2))
