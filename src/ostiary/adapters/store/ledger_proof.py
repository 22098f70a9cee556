"""The whole proof of a data folder: its records, its seals, its checkpoints, and those that were kept elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from heapq import merge
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from ostiary.adapters.store.checkpoint_files import checkpoint_file
from ostiary.adapters.store.checkpoint_sources import is_log, kept
from ostiary.adapters.store.ledger_read import known_seal, ledger_directory, lines, public_key, seal_file, segments
from ostiary.integrity.chain import Anchor, Line, Problem, Report, chain_id
from ostiary.integrity.chain import verify as verify_chain
from ostiary.integrity.checkpoints import Trail
from ostiary.integrity.tampering import ordered

_PINNED: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")
_ALONE: Final = (
    "an older copy of the whole folder would look the same; only checkpoints kept elsewhere tell (--checkpoints FILE)"
)
_OWN_KEY: Final = (
    "the key lies next to the ledger, so somebody may have replaced both; a copy or the fingerprint of the key from "
    "elsewhere tells (--key)"
)


class Pinned(Struct, frozen=True):
    """What is known of a ledger from elsewhere; nothing of it has to be."""

    key: Ed25519PublicKey | None = None
    fingerprint: str = ""
    """SHA-256 of the public key's 32 bytes in hex, or its first 16 digits, which is the chain's name."""
    checkpoints: Path | None = None


class Proof(Struct, frozen=True):
    """What a data folder was found to be."""

    report: Report
    problems: tuple[Problem, ...]
    """Everything that is wrong, the first wrong record first."""
    more: int
    """Problems beyond those listed."""
    fingerprint: str
    """Of the key that was used."""
    checkpoints: int
    """Genuine ones in the data folder."""
    elsewhere: int | None
    """Genuine ones at the second place; None: there was none to compare with."""
    anchored: int
    """Number of the newest record that a checkpoint covers, wherever it lies."""
    notes: tuple[str, ...]
    """What was not looked at, what it could not tell, and what a crash left behind."""

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.problems


def is_fingerprint(text: str) -> bool:
    """Say whether a text names a key, instead of being the path of one."""
    return _PINNED.fullmatch(text) is not None


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the name of a key that fits on a piece of paper."""
    return sha256(key.public_bytes_raw()).hexdigest()


def prove(data: Path, pinned: Pinned | None = None, *, partial: bool = False) -> Proof:
    """Report everything that is wrong with the ledger of a data folder, also while it is written.

    `partial` allows that the oldest segments were archived away. Raises `ValueError` where there is no usable key, and
    `OSError` where the second place cannot be read.
    """
    pinned = pinned or Pinned()
    key = pinned.key or public_key(data)
    own, other = _Source(checkpoint_file(ledger_directory(data)), key), _Source(pinned.checkpoints, key, elsewhere=True)
    # What is remembered is read before the segments: records that are written meanwhile can only add to what it covers.
    seal, local, far = known_seal(data, key), own.anchors(""), other.anchors(own.name)
    every = (line for number, path in segments(ledger_directory(data)) for line in lines(number, path))
    report = verify_chain(every, key, partial=partial, anchor=seal, anchors=merge(far, local, key=lambda each: each.n))
    wrong = own.problems() or list(own.behind(other))
    there = other.problems() or list(other.emptied(own))
    beside = [*_keys(data, key, pinned), *_seal(data, seal), *wrong, *there]
    return Proof(
        report, tuple(ordered([*report.problems, *beside])), report.more + own.more + other.more, fingerprint(key),
        own.count, other.count if pinned.checkpoints is not None else None, max(own.covered, other.covered),
        tuple(_notes(data, report, pinned, (own, other))),
    )  # fmt: skip


class _Source:
    """A file of checkpoints, or what was kept of them elsewhere, read once, as the records come by."""

    def __init__(self, path: Path | None, key: Ed25519PublicKey, *, elsewhere: bool = False) -> None:
        self._path, self._elsewhere, self._chain = path, elsewhere, chain_id(key)
        self.name = "" if path is None else str(path) if elsewhere else path.name
        # A receiver of syslog need not have been there from the start.
        self.partial = elsewhere and path is not None and is_log(path)
        self._trail = Trail(key, self.name, elsewhere=elsewhere, partial=self.partial)
        self.missing = False

    def anchors(self, other: str) -> Iterator[Anchor]:
        """Yield what its genuine checkpoints say; `other`: the file that should know all of them as well."""
        if self._path is None:
            return iter(())
        if not self._path.exists():
            if self._elsewhere:
                raise FileNotFoundError(2, "there is no such file of checkpoints", self.name)
            self.missing = True
            return iter(())
        found = kept(self._path, self._chain) if self._elsewhere else lines(0, self._path)
        return self._read(found, self._path.stat().st_size if self._path.is_file() else None, other)

    def _read(self, every: Iterator[Line], size: int | None, other: str) -> Iterator[Anchor]:
        offset = 0
        for line in every:
            offset += len(line.raw)
            if size is not None and offset > size:
                # It was written since, and may cover records that are not read.
                return
            found = self._trail.feed(line)
            if found is not None:
                told = f"the checkpoint n={found.n} in {self.name}"
                yield found.anchor(told, "rolled-back" if other else "truncated")

    def problems(self) -> list[Problem]:
        """Return what is wrong with it, once everything was read."""
        return self._trail.finish()

    def behind(self, other: _Source) -> Iterator[Problem]:
        """Yield that this file, which is written first, ends before the other."""
        n, beyond = (self._trail.last.n if self._trail.last else 0), other._trail.last
        if beyond is not None and beyond.n > n:
            text = f"{other.name} has the checkpoints up to n={beyond.n}, and this file ends at n={n}"
            yield Problem("truncated", 0, max(self.count, 1), n, text, self.name)

    def emptied(self, own: _Source) -> Iterator[Problem]:
        """Yield that this place, which is there to tell of the past, tells of nothing."""
        if self._path is not None and own.count and not self.count:
            text = f"there is no checkpoint of the chain {self._chain}, and the data folder has {own.count}"
            yield Problem("truncated", 0, 1, None, text, self.name)

    @property
    def more(self) -> int:
        return self._trail.more

    @property
    def count(self) -> int:
        return self._trail.count

    @property
    def covered(self) -> int:
        return self._trail.last.records if self._trail.last is not None else 0

    @property
    def unfinished(self) -> bool:
        """It ends with half a line."""
        return self._trail.torn is not None


def _keys(data: Path, key: Ed25519PublicKey, pinned: Pinned) -> Iterable[Problem]:
    """Yield what is wrong with the key, and with the file it is in."""
    if pinned.fingerprint and not fingerprint(key).startswith(pinned.fingerprint):
        text = f"the key has the fingerprint {fingerprint(key)[: len(pinned.fingerprint)]}, not {pinned.fingerprint}"
        yield Problem("foreign", 0, 1, None, text, "keys/ledger.pub")
    path = data / "keys" / "ledger.pub"
    if not path.exists():
        return
    if path.read_bytes() != key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo):
        yield Problem(
            "foreign" if pinned.key is not None else "changed", 0, 1, None,
            f"the file does not hold the key of the chain {chain_id(key)} as it was written", "keys/ledger.pub",
        )  # fmt: skip


def _seal(data: Path, seal: Anchor | None) -> Iterable[Problem]:
    if seal is None and seal_file(data).exists():
        yield Problem("signature", 0, 1, None, "this is not a seal that the ledger's key made", "keys/ledger.sealed")


def _notes(data: Path, report: Report, pinned: Pinned, sources: tuple[_Source, _Source]) -> Iterable[str]:
    own, other = sources
    if pinned.checkpoints is None:
        yield _ALONE
    if pinned.key is None and not pinned.fingerprint:
        yield _OWN_KEY
    if own.missing:
        yield f"there are no checkpoints in {own.name}, which the gateway writes once a minute"
    for each in sources:
        if each.unfinished:
            yield f"{each.name} ends with half a checkpoint, which a crash leaves behind"
    if pinned.checkpoints is not None and other.count < own.count:
        yield f"{other.name} does not have the newest {own.count - other.count} checkpoints yet"
    covered = max(own.covered, other.covered)
    if report.last > max(covered, report.sealed):
        low = max(covered, report.sealed) + 1
        which, it = (f"n={low}", "it") if low == report.last else (f"n={low} to n={report.last}", "them")
        yield f"{which}: no seal or checkpoint covers {it} yet, so cutting {it} off would not show"
    for path in sorted(ledger_directory(data).glob("*.torn")):
        yield f"{path.name}: {path.stat().st_size:,} bytes that a crash or a power cut left unfinished were moved aside"
