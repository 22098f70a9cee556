"""The audit ledger: one write(2) before a call leaves, and one for the calls that ended. Implements `Audit`.

What is written lies in the page cache when `begin` returns, so killing the process loses nothing; `tick` brings it
to the disk, so losing power loses what was written since the last one or two ticks. See docs/ledger.md.
"""

from __future__ import annotations

import errno
import os
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ostiary.adapters.durable import replaced, synced
from ostiary.adapters.store.ledger_read import ledger_directory, seal_file, segment_path
from ostiary.adapters.store.ledger_records import Bodies, encoded
from ostiary.adapters.store.ledger_start import Found, ledger_keys, locked, recovered
from ostiary.adapters.store.ledger_values import Sizes as Sizes
from ostiary.core.errors import LedgerStopped
from ostiary.core.trail import Trail
from ostiary.integrity.chain import FORMAT, Anchor, chain_id, sealed
from ostiary.integrity.linking import linked

Write = Callable[[int, bytes], int]
Sync = Callable[[int], None]
Soon = Callable[[Callable[[], None]], object]
"""Call something at the end of the event loop's turn, like `call_soon`."""
Told = Callable[[str, Mapping[str, Any]], None]
"""Takes the kind of an event, and its facts; it neither waits nor raises."""

_REFERENCES = 500


class Ledger:
    """The one writer of a chain. Not for use from several threads."""

    def __init__(
        self, data: Path, *, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic,
        write: Write = os.write, sync: Sync = os.fdatasync, sizes: Sizes | None = None,
    ) -> None:  # fmt: skip
        """Open the ledger of a data directory and go on where it stopped, or raise `LedgerUnusable`."""
        self._data, self._directory, self._sizes = data, ledger_directory(data), sizes or Sizes()
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clock, self._monotonic, self._write, self._sync = clock, monotonic, write, sync
        self._soon: Soon | None = None
        self._told: Told | None = None
        self._lock = locked(self._directory)
        try:
            self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def _open(self) -> None:
        keys = ledger_keys(self._data)
        found = recovered(self._data, keys.public)
        self._sign, self._key, self.chain = keys.private.sign, keys.public.public_bytes_raw(), chain_id(keys.public)
        self._bodies = Bodies(keys.digest, shapes=self._sizes.shapes)
        self._segment, self._n, self._head = found.segment, found.n, found.head
        self._fd, self._size, self._born = -1, 0, 0.0
        self._in_flight: dict[str, int] = {}
        self._reason: str | None = None
        self._since, self._retry_at = 0.0, 0.0
        self._ragged = self._unsynced = self._dirty = False
        self._queue: deque[bytes] = deque()
        """While the disk refuses: what has to be written."""
        self._ended: list[tuple[Trail, int]] = []
        """Calls that ended in this turn of the loop, and how many findings their intents named."""
        self._refusals, self._dropped = 0, 0
        self._seal, self._sealed_at, self._sealed_n = b"", 0.0, 0
        self._syncs: deque[Future[None]] = deque()
        self._worker = ThreadPoolExecutor(1, "ledger-sync")
        self._new_segment("start", found.pending)
        self._tell(found)

    @property
    def stopped(self) -> str | None:
        """Why nothing can be written, or None while all is well."""
        return self._reason

    @property
    def head(self) -> Anchor:
        """The newest record: note it elsewhere, and nobody can cut the ledger shorter unseen."""
        return Anchor(self._n, self._head.decode())

    @property
    def queued(self) -> int:
        """How many records wait for the disk."""
        return len(self._queue) + len(self._ended)

    def gather(self, soon: Soon) -> None:
        """Write the outcomes of one turn of the event loop together from now on; an intent still waits for nothing."""
        self._soon = soon

    def tell(self, told: Told) -> None:
        """Tell of each event from now on, whether it could be written yet or not; what is told only remembers."""
        self._told = told

    def begin(self, trail: Trail, /) -> None:
        """Write the intent, or raise `LedgerStopped`: then the call must not leave."""
        if not self._record(self._bodies.intent(trail)):
            raise LedgerStopped(f"the ledger is stopped: {self._reason}", retry_after=1.0)
        self._in_flight[trail.reference] = len(trail.findings)
        trail.intended = True

    def begin_all(self, trails: list[Trail]) -> None:
        """Write the intents of calls in one write, or raise: then nothing was written, and none must leave."""
        if not self._record(*map(self._bodies.intent, trails)):
            raise LedgerStopped(f"the ledger is stopped: {self._reason}", retry_after=1.0)
        for trail in trails:
            self._in_flight[trail.reference] = len(trail.findings)
            trail.intended = True

    def constant(self, trail: Trail) -> bytes:
        """Return what `Trail.told` is to be for calls that differ from this one in time, reference and arguments."""
        return self._bodies.constant(trail)

    def end(self, trail: Trail, /) -> None:
        """Write the outcome: now, at the end of this turn of the loop, or as soon as it can be written."""
        known = self._in_flight.pop(trail.reference, None)
        if known is not None:
            self._ended.append((trail, known))
            if self._soon is None:
                self._flush()
            elif len(self._ended) == 1:
                self._soon(self._flush)
            return
        body = self._bodies.refusal(trail)
        if not self._record(body):
            self._keep_refusal(body)

    def event(self, kind: str, facts: Mapping[str, Any] | None = None) -> None:
        """Write what happened in the life of the process, now or as soon as it can be written."""
        self._flush()
        body = self._bodies.event(kind, self._clock(), facts or {})
        if not self._record(body):
            self._queue.append(body)
        if self._told is not None:
            self._told(kind, facts or {})

    def tick(self, now: float) -> None:
        """Do what is due: sync, seal, rotate, try again. Call it once per second with the monotonic clock."""
        self._gather()
        self._flush()
        if self._reason is not None:
            self._submit()
            return
        if os.fstat(self._fd).st_nlink == 0:
            self._fail("the segment was removed while it was written; restore it or move the ledger away, and restart")
            return
        if self._size >= self._sizes.segment_bytes or (self._unsealed and now - self._born >= self._sizes.segment_age):
            self._rotate()
        elif self._unsealed >= self._sizes.seal_records or (
            self._unsealed and now - self._sealed_at >= self._sizes.seal_every
        ):
            self._put_seal()
        self._submit()

    def close(self) -> None:
        """Seal, bring everything to the disk, and let go. Safe to call twice."""
        if self._fd < 0:
            return
        self._retry_at = 0.0
        self._flush()
        if self._reason is None and self._unsealed:
            self._put_seal()
        self._dirty = True
        self._submit(wait=True)
        self._worker.shutdown(wait=True)
        self._gather()
        os.close(self._fd)
        os.close(self._lock)
        self._fd = -1

    # Writing.

    def _record(self, *bodies: bytes) -> bool:
        """Write records, after all that wait for the disk. False: nothing of them was written."""
        if self._reason is not None and not self._resume():
            return False
        return self._put(*bodies)

    def _flush(self) -> None:
        """Write the outcomes of this turn, one after the other while the way to do it is warm, and in one write."""
        ended, self._ended = self._ended, []
        if self._fd < 0:
            return
        bodies = [self._bodies.outcome(trail, known) for trail, known in ended]
        if self._reason is not None:
            self._queue.extend(bodies)
            self._resume()
        elif bodies and not self._put(*bodies):
            self._queue.extend(bodies)

    def _put(self, *bodies: bytes) -> bool:
        """Write records as one, or nothing of them."""
        n = self._n + 1
        text, head = linked(bodies[0], n, self._head)
        if len(bodies) > 1:
            lines = [text]
            for body in bodies[1:]:
                n += 1
                line, head = linked(body, n, head)
                lines.append(line)
            text = b"".join(lines)
        try:
            written = self._write(self._fd, text)
        except OSError as error:
            self._fail(f"writing failed: {error.strerror or error}")
            return False
        if written != len(text):
            self._fail(f"only {written} of {len(text)} bytes could be written: is the disk full?")
            return False
        self._n, self._head, self._dirty = n, head, True
        self._size += written
        return True

    def _fail(self, reason: str) -> None:
        if self._reason is None:
            self._since = self._clock()
        self._reason, self._retry_at = reason, self._monotonic() + self._sizes.retry_every
        self._ragged = not self._trim()

    def _trim(self) -> bool:
        """Take half a record back, so that the chain goes on where it was whole."""
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            return False
        return True

    def _resume(self) -> bool:
        """Try to write again, at most every so often. True: everything that waited is written."""
        if self._fd < 0 or self._unsynced or self._monotonic() < self._retry_at:
            return False
        self._retry_at = self._monotonic() + self._sizes.retry_every
        if (self._ragged and not self._trim()) or os.fstat(self._fd).st_nlink == 0:
            return False
        self._ragged = False
        while self._queue:
            if not self._put(self._queue[0]):
                return False
            self._queue.popleft()
        facts = {
            "reason": self._reason,
            "since": self._bodies.stamp(self._since),
            "refusals_not_recorded": self._dropped,
        }
        if not self._put(self._bodies.event("ledger_resumed", self._clock(), facts)):
            return False
        self._reason, self._refusals, self._dropped = None, 0, 0
        return True

    def _keep_refusal(self, body: bytes) -> None:
        """Keep what happened to a call that never left, unless a flood of them would fill the memory."""
        if self._refusals >= self._sizes.queued_refusals:
            self._dropped += 1
            return
        self._refusals += 1
        self._queue.append(body)

    # Sealing, segments and the disk.

    @property
    def _unsealed(self) -> int:
        return self._n - self._sealed_n

    def _put_seal(self) -> None:
        body = sealed(self._sign, self.chain, self._n + 1, self._head, self._bodies.stamp(self._clock()))
        line, _ = linked(body, self._n + 1, self._head)
        if self._put(body):
            self._note_seal(line)

    def _note_seal(self, line: bytes) -> None:
        self._seal, self._sealed_n, self._sealed_at = line, self._n, self._monotonic()

    def _rotate(self) -> None:
        """Seal this segment and begin the next; if that fails, stay: the disk will say so at the next record."""
        self._put_seal()
        if self._reason is not None:
            return
        old = self._fd
        try:
            self._new_segment("rotation", self._in_flight)
        except OSError:
            return
        self._syncs.append(self._worker.submit(_synced, self._sync, old, self._directory, None, b""))

    def _new_segment(self, cause: str, pending: Iterable[str]) -> None:
        """Begin a segment whose first two records, written as one, sign all that came before."""
        path, time_ = segment_path(self._directory, self._segment + 1), self._bodies.stamp(self._clock())
        opening = {
            "type": "open", "time": time_, "format": FORMAT, "chain": self.chain, "segment": self._segment + 1,
            "key": b64encode(self._key).decode(), "cause": cause, "pending": list(pending),
        }  # fmt: skip
        first, middle = linked(encoded(opening), self._n + 1, self._head)
        second, head = linked(sealed(self._sign, self.chain, self._n + 2, middle, time_), self._n + 2, middle)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if self._write(descriptor, first + second) != len(first + second):
                raise OSError(errno.ENOSPC, "a new segment could not be begun", str(path))  # noqa: TRY301
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        self._fd, self._segment, self._n, self._head = descriptor, self._segment + 1, self._n + 2, head
        self._size, self._born, self._dirty = len(first + second), self._monotonic(), True
        self._note_seal(second)

    def _tell(self, found: Found) -> None:
        """Write down what an earlier process left undone."""
        if found.torn:
            self.event("torn", {"segment": found.segment, "bytes": found.torn})
        for at in range(0, len(found.pending), _REFERENCES):
            self.event("interrupted", {"references": list(found.pending[at : at + _REFERENCES])})

    def _submit(self, *, wait: bool = False) -> None:
        """Bring what was written to the disk, in the worker: a slow disk must not hold up the event loop."""
        if not (self._dirty or self._unsynced) or (self._syncs and not wait):
            return
        copy = os.dup(self._fd)
        self._syncs.append(
            self._worker.submit(_synced, self._sync, copy, self._directory, seal_file(self._data), self._seal)
        )
        self._dirty, self._seal = False, b""

    def _gather(self) -> None:
        """Learn how the syncs went. A failed one stops calls until another succeeds."""
        while self._syncs and self._syncs[0].done():
            error = self._syncs.popleft().exception()
            if error is not None:
                self._fail(f"bringing records to the disk failed: {error}")
            self._unsynced = error is not None


def _synced(sync: Sync, descriptor: int, directory: Path, anchor: Path | None, seal: bytes) -> None:
    """Sync and close a copy of a segment's descriptor; only then note the seal, which must not outlive its records."""
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
    if anchor is None or not seal:
        synced(directory)
        return
    replaced(anchor, seal)
