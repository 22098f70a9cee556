"""Anchors the head of the ledger: once a minute in a signed checkpoint here, and in every one at a second place.

Nothing here waits for a disk in the event loop. A checkpoint is written once what it covers is on the disk, so it never
outlives its records; a second place that is away gets what it missed when it is back.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Thread
from typing import Final

from msgspec import Struct

from ostiary.adapters.durable import synced
from ostiary.adapters.store.checkpoint_files import Tail, appended, checkpoint_file, tail
from ostiary.adapters.store.ledger_read import ledger_directory, segments
from ostiary.adapters.store.ledger_start import ledger_keys
from ostiary.adapters.store.second_place import Astray, Place
from ostiary.integrity.chain import Anchor, chain_id
from ostiary.integrity.checkpoints import VERSION, Checkpoint, canonical, digest, signed

Ended = Callable[[float], bool]
"""Waits so many seconds for something to end, and says whether it did."""
Spawn = Callable[[Callable[[], None]], Ended]

_AGAIN: Final = 5.0
"""Seconds until what failed is tried again."""
_HUNG: Final = 30.0
"""Seconds after which a place that does not come back counts as away."""
_PATIENCE: Final = 120.0
"""Seconds that a place which is required may be behind before calls stop."""
_LEAVING: Final = 5.0
"""Seconds that the end waits for each disk."""


class Pace(Struct, frozen=True):
    """How often there is a checkpoint while there is something new, in seconds and in records."""

    every: float = 60.0
    records: int = 10_000


class Origin(Struct, frozen=True):
    """Which process writes: its number and a random name."""

    pid: int
    instance: str


def beside(work: Callable[[], None]) -> Ended:
    """Run something in a thread that does not keep the process from ending, whatever a dead mount does to it."""
    thread = Thread(target=work, daemon=True, name="ledger-checkpoints")
    thread.start()

    def ended(seconds: float) -> bool:
        thread.join(seconds)
        return not thread.is_alive()

    return ended


class _Errand:
    """Something that is done beside the event loop, by one thread at a time, and tried again where it fails."""

    def __init__(self, spawn: Spawn, monotonic: Callable[[], float]) -> None:
        self._spawn, self._monotonic = spawn, monotonic
        self._ended: Ended | None = None
        self._begun = self._again = 0.0
        self.failed = ""
        """Why the last attempt failed."""

    @property
    def idle(self) -> bool:
        """Nothing is under way, and it is time to try."""
        return self.ended(0.0) and self._monotonic() >= self._again

    @property
    def reason(self) -> str:
        """Why it does not succeed; empty: it does."""
        if not self.ended(0.0) and self._monotonic() - self._begun >= _HUNG:
            return f"the disk has not answered for {self._monotonic() - self._begun:.0f} seconds"
        return self.failed

    def ended(self, seconds: float) -> bool:
        """Wait for what is under way, and say whether it is over."""
        return self._ended is None or self._ended(seconds)

    def begin(self, work: Callable[[], None]) -> None:
        """Do it."""
        self._begun = self._monotonic()

        def attempt() -> None:
            try:
                work()
            except (OSError, Astray) as error:
                self.failed, self._again = str(error), self._monotonic() + _AGAIN
            except BaseException as error:
                # What nobody thought of must not look like a success; the thread tells the rest.
                self.failed, self._again = type(error).__name__, self._monotonic() + _AGAIN
                raise
            else:
                self.failed = ""

        self._ended = self._spawn(attempt)


class _Delivery:
    """How far one second place is."""

    def __init__(self, place: Place, errand: _Errand, monotonic: Callable[[], float]) -> None:
        self.name, self._place, self.errand, self._monotonic = place.name, place, errand, monotonic
        self.delivered, self._since = -1, monotonic()

    @property
    def late(self) -> bool:
        """It was never reached, or what it got last is older than anyone waits."""
        return self.delivered < 0 or self._monotonic() - self._since >= _PATIENCE

    def lag(self, n: int) -> float:
        """Return for how many seconds it has lacked a checkpoint, of so many that there are."""
        return self._monotonic() - self._since if n and self.delivered != n else 0.0

    def behind(self, n: int) -> None:
        """Note that there is a checkpoint after `n`: it is behind from now on, if it was not before."""
        if self.delivered in (-1, n):
            self._since = self._monotonic()

    def begin(self, source: Path, n: int, end: int) -> None:
        """Bring it everything up to `n`."""

        def deliver() -> None:
            self._place.deliver(source, end)
            self.delivered, self._since = n, self._monotonic()

        self.errand.begin(deliver)


class Checkpoints:
    """Writes a ledger's checkpoints, and brings them to second places. Not for use from several threads."""

    def __init__(  # noqa: PLR0913 - where, what, and the world around it
        self, data: Path, head: Callable[[], Anchor], origin: Origin, *, places: Iterable[Place] = (),
        required: bool = False, pace: Pace | None = None, clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic, spawn: Spawn = beside,
    ) -> None:  # fmt: skip
        """Go on where the file in the data folder ends; `head` is the ledger's newest record."""
        keys = ledger_keys(data)
        self._directory, self._source = ledger_directory(data), checkpoint_file(ledger_directory(data))
        self._sign, self._public, self._chain = keys.private.sign, keys.public, chain_id(keys.public)
        self._head, self._origin, self._required = head, origin, required
        self._pace, self._clock, self._monotonic = pace or Pace(), clock, monotonic
        self._near = _Errand(spawn, monotonic)
        self._far = tuple(_Delivery(place, _Errand(spawn, monotonic), monotonic) for place in places)
        self._descriptor = -1
        self._n, self._link, self._end = 0, "", 0
        self._anchored, self._anchored_at = 0, monotonic()
        self._from = 0
        """The segment that the last checkpoint lies in: it and those after it may not be on the disk."""
        self._begun, self._obstacle = False, ""

    def tick(self) -> None:
        """Do what is due, without waiting for it. Call it once per second."""
        if self._near.idle and (cause := self._due()):
            self._begin(cause)
        for each in self._far:
            if each.errand.idle and each.delivered != self._n and self._n:
                each.begin(self._source, self._n, self._end)
        self._obstacle = self._hindered()

    def close(self) -> None:
        """Write the last checkpoint, and bring it away if that takes seconds. Call it when the ledger is closed."""
        if self._near.ended(_LEAVING) and self._head().n > self._anchored:
            self._begin("stop")
        near = self._near.ended(_LEAVING)
        late = [each for each in self._far if near and each.errand.ended(_LEAVING) and each.delivered != self._n]
        for each in late:
            each.begin(self._source, self._n, self._end)
        for each in late:
            each.errand.ended(_LEAVING)
        if self._descriptor >= 0 and near:
            os.close(self._descriptor)
            self._descriptor = -1

    # What is known

    def failing(self) -> dict[str, str]:
        """Return where checkpoints do not arrive, and why."""
        found = {"the data folder": self._near.reason, **{each.name: each.errand.reason for each in self._far}}
        return {name: reason for name, reason in found.items() if reason}

    def arriving(self) -> dict[str, bool]:
        """Return of each place whether checkpoints arrive."""
        failing = self.failing()
        return {name: name not in failing for name in ("the data folder", *(each.name for each in self._far))}

    def behind(self) -> dict[str, float]:
        """Return for how many seconds each place has lacked what there is: records, or checkpoints of them."""
        near = self._monotonic() - self._anchored_at if self._head().n > self._anchored else 0.0
        return {"the data folder": near, **{each.name: each.lag(self._n) for each in self._far}}

    def notes(self) -> tuple[str, ...]:
        """Return what people who run it should know."""
        return tuple(
            f"checkpoints of the ledger do not arrive at {name}: {reason}" for name, reason in self.failing().items()
        )

    def obstacle(self) -> str:
        """Return why no call may leave, as of the last tick; only where second places are required."""
        return self._obstacle

    def _hindered(self) -> str:
        failing = self.failing() if self._required and any(each.late for each in self._far) else {}
        return "; ".join(f"checkpoints do not arrive at {name}: {reason}" for name, reason in failing.items())

    # Writing

    def _due(self) -> str:
        fresh = self._head().n - self._anchored
        if not fresh:
            return ""
        if not self._begun:
            return "start"
        if fresh >= self._pace.records:
            return "seal"
        return "minute" if self._monotonic() - self._anchored_at >= self._pace.every else ""

    def _begin(self, cause: str) -> None:
        head, found = self._head(), segments(self._directory)
        paths = [path for number, path in found if number >= self._from]
        segment = found[-1][0] if found else 0
        self._near.begin(lambda: self._write(cause, head, segment, paths))

    def _write(self, cause: str, head: Anchor, segment: int, paths: list[Path]) -> None:
        if self._descriptor < 0:
            self._open()
        for path in [*paths, self._directory]:
            synced(path)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock()))
        made = signed(
            self._sign,
            Checkpoint(
                cause, self._chain, head.hash, self._origin.instance, self._n + 1, self._origin.pid, self._link, head.n,
                segment, stamp, VERSION,
            ),
        )  # fmt: skip
        raw = canonical(made) + b"\n"
        appended(self._descriptor, raw)
        for each in self._far:
            each.behind(self._n)
        self._end, self._link = self._end + len(raw), digest(raw)
        self._begun, self._from, self._anchored, self._anchored_at = True, segment, head.n, self._monotonic()
        self._n += 1

    def _open(self) -> None:
        """Take the file for this process, and what a crash left at its end aside."""
        descriptor = os.open(self._source, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(descriptor)
            found = self._ending()
            if found.rest:
                os.ftruncate(descriptor, found.end)
                os.fsync(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor, self._end, self._n, self._link = descriptor, found.end, found.n, found.link

    def _take(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Astray(f"the process before this one still writes its last to {self._source.name}") from error

    def _ending(self) -> Tail:
        found = tail(self._source, self._public)
        if not found.unwritten:
            raise Astray(f"{self._source.name} does not end as it was written; run `ostiary audit verify`")
        return found
