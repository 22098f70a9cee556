"""What a ledger needs before its first record: the lock, the keys, and the end of what an earlier process wrote."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import stat
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from msgspec import Struct

from ostiary.adapters.durable import synced
from ostiary.adapters.store.checkpoint_files import checkpoint_file, newest, tail
from ostiary.adapters.store.ledger_read import began, known_seal, ledger_directory, lines, seal_file, segments
from ostiary.integrity.chain import ORIGIN, Anchor, Line, Report, Walk

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_TIME: Final = re.compile(rb'"type":"(?:open|seal)","time":"([0-9T:.Z-]{20,30})"')
"""When a record was written. Those of calls tell when a call came, which may have waited for a person since."""
_LONGEST_LOSS: Final = 600.0
"""Seconds: the disk is asked to keep what was written once a second, and a slow one may take its time."""


class LedgerUnusable(Exception):
    """The ledger cannot be opened: says why, and what to do. The gateway does not start."""


class Keys(Struct, frozen=True):
    """What seals the ledger, and what digests the arguments in it."""

    private: Ed25519PrivateKey
    digest: bytes

    @property
    def public(self) -> Ed25519PublicKey:
        """What verifies the seals."""
        return self.private.public_key()

    def __repr__(self) -> str:
        return "Keys(…)"


class Found(Struct, frozen=True):
    """Where an earlier process stopped."""

    segment: int = 0
    n: int = 0
    head: bytes = ORIGIN
    pending: tuple[str, ...] = ()
    """References of calls with an intent and no outcome."""
    torn: int = 0
    """Bytes of unfinished records that were moved aside."""


class _Glance(Struct):
    type: str
    reference: str = ""
    kind: str = ""
    pending: list[str] = []
    references: list[str] = []


def locked(directory: Path) -> int:
    """Return a descriptor that keeps every other process from writing here until it is closed."""
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise LedgerUnusable(
            f"another process is writing the ledger in {directory}, and two writers would break the chain; "
            "stop that gateway, or give this one its own data directory"
        ) from error
    return descriptor


def ledger_keys(data: Path) -> Keys:
    """Return the ledger's keys, made at the first use. A key is never made anew for records that exist."""
    directory = data / "keys"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = directory / "ledger.pem"
    if not pem.exists():
        if segments(ledger_directory(data)):
            raise LedgerUnusable(
                f"there is a ledger in {ledger_directory(data)}, but its signing key {pem} is gone; restore the key, "
                "or move the ledger directory away to begin a new chain"
            )
        made = Ed25519PrivateKey.generate()
        _written(pem, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        private = load_pem_private_key(_secret(pem), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise LedgerUnusable(f"{pem} is not an unencrypted private key in PEM; restore it from a backup") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise LedgerUnusable(f"{pem} is not an Ed25519 key; restore it from a backup")
    public = directory / "ledger.pub"
    if not public.exists():
        _written(public, private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    if not (directory / "digest.key").exists():
        _written(directory / "digest.key", os.urandom(32))
    return Keys(private, _digest_key(directory / "digest.key"))


def recovered(data: Path, key: Ed25519PublicKey) -> Found:
    """Check what may not have reached the disk, move what a crash left unfinished aside, and return where to go on.

    What the newest seal and checkpoint cover was on the disk before they were, so only what follows them may be torn.
    """
    directory, known = ledger_directory(data), _known(data, key)
    found = segments(directory)
    seen = _inspected(found[_first(found, known) :], key, known)
    _refuse(directory, seen.report)
    torn = _set_aside(found, seen)
    for number, path in found:
        if (seen.first or 1) <= number <= seen.segment:
            # A process that was killed may have left it in memory, and the next seal will vouch for it.
            synced(path)
    if found:
        synced(directory)
    if seen.segment:
        return Found(seen.segment, seen.report.last, seen.report.head.encode(), tuple(seen.pending), torn)
    return Found(torn=torn)


class _Seen(Struct):
    """What was found from some segment on."""

    report: Report
    pending: list[str]
    first: int
    segment: int
    good: int
    """Where what can be kept ends: a segment, and an offset in it. 0: there is nothing to keep."""


def _known(data: Path, key: Ed25519PublicKey) -> Anchor | None:
    """Return the newest record that is known to have been on the disk."""
    noted, written = seal_file(data), checkpoint_file(ledger_directory(data))
    seal, ending = known_seal(data, key), tail(written, key)
    if seal is None and noted.exists():
        raise LedgerUnusable(
            f"{noted} is not a seal that this ledger's key made, and it is never half written; run `ostiary audit "
            "verify`, keep the folder as evidence, and restore it from a backup"
        )
    if not ending.unwritten:
        raise LedgerUnusable(
            f"{written} does not end as it was written ({ending.wrong and ending.wrong.text}); run `ostiary audit "
            "verify`, keep the folder as evidence, and restore it from a backup"
        )
    anchors = [each for each in (seal, newest(written, key)) if each is not None]
    return max(anchors, key=lambda each: each.n, default=None)


def _first(found: list[tuple[int, Path]], known: Anchor | None) -> int:
    """Return the index of the segment that holds a record, or of one before it."""
    for at in range(len(found) - 1, 0, -1):
        begun = began(next(lines(*found[at]), None))
        if known is not None and 0 < begun <= known.n:
            return at
    return 0


def _inspected(parts: list[tuple[int, Path]], key: Ed25519PublicKey, known: Anchor | None) -> _Seen:
    walk, pending, segment, good = Walk(key, partial=True, anchor=known), dict[str, None](), 0, 0
    span = _Span()
    for number, path in parts:
        offset = 0
        for line in lines(number, path):
            if span.begun or _unwritten(line, walk.last):
                span.add(line)
                continue
            walk.feed(line)
            if not line.whole:
                span.add(line)
                continue
            _note(pending, line)
            offset += len(line.raw)
            segment, good = number, offset
    span.refuse()
    return _Seen(walk.finish(), list(pending), parts[0][0] if parts else 0, segment, good)


def _unwritten(line: Line, last: int) -> bool:
    """Say whether losing power explains a line: a page that was never filled, or an earlier file that ends early."""
    return b"\0" in line.raw or (line.number == 1 and 0 < last < began(line) - 1)


class _Span:
    """The time that is told in what would be moved aside. A power cut takes seconds, and never the work of hours."""

    def __init__(self) -> None:
        self.begun = False
        self._low, self._high = "", ""
        self._where = ""

    def add(self, line: Line) -> None:
        """Take in a line that cannot be kept."""
        self._where = self._where or f"{line.segment:08d}.jsonl:{line.number}"
        self.begun = True
        told = _TIME.search(line.raw)
        if told is not None and line.whole and b"\0" not in line.raw:
            time = told[1].decode()
            self._low, self._high = min(self._low or time, time), max(self._high, time)

    def refuse(self) -> None:
        """Raise if that is more than a power cut explains."""
        if self._low and _seconds(self._high) - _seconds(self._low) > _LONGEST_LOSS:
            raise LedgerUnusable(
                f"the ledger breaks at {self._where}, and the records after that tell of more than a power cut can "
                f"take ({self._low} to {self._high}); run `ostiary audit verify`, keep the directory as evidence, and "
                "restore it"
            )


def _seconds(time: str) -> float:
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        return 0.0


def _set_aside(found: list[tuple[int, Path]], seen: _Seen) -> int:
    """Move aside what cannot be kept, newest first, so that stopping in between leaves something to go on with."""
    torn = 0
    for number, path in reversed(found):
        if number > seen.segment:
            torn += path.stat().st_size
            _cut(path, 0)
        elif number == seen.segment and path.stat().st_size > seen.good:
            torn += path.stat().st_size - seen.good
            _cut(path, seen.good)
    return torn


def _note(pending: dict[str, None], line: Line) -> None:
    try:
        glance = msgspec.json.decode(line.raw, type=_Glance)
    except msgspec.MsgspecError:
        return
    if glance.type == "open":
        pending.update(dict.fromkeys(glance.pending))
    elif glance.type == "intent":
        pending[glance.reference] = None
    elif glance.type == "outcome":
        pending.pop(glance.reference, None)
    elif glance.kind == "interrupted":
        for reference in glance.references:
            pending.pop(reference, None)


def _refuse(directory: Path, report: Report) -> None:
    if report.ok:
        return
    raise LedgerUnusable(
        f"the ledger in {directory} is not as it was written ({report.problems[0]}); run `ostiary audit verify`, keep "
        "the directory as evidence, and restore it, or move it and keys/ledger.sealed away to begin a new chain"
    )


def _cut(path: Path, good: int) -> None:
    """Move what follows the last whole record next to the segment, so that nothing is thrown away."""
    with path.open("rb") as file:
        file.seek(good)
        content = file.read()
    if content:
        _written(_aside(path), content)
    if not good:
        # The number is used again: a segment without one record that can be kept never existed.
        path.unlink()
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, good)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path) -> Path:
    names = (path.with_suffix(f".{count}.torn" if count else ".torn") for count in itertools.count())
    return next(name for name in names if not name.exists())


def _secret(path: Path) -> bytes:
    if path.stat().st_mode & OTHERS:
        raise LedgerUnusable(f"{path} can be read by other users, so it proves nothing; run `chmod 600 {path}`")
    return path.read_bytes()


def _digest_key(path: Path) -> bytes:
    key = _secret(path)
    if len(key) != 32:  # noqa: PLR2004 - as it was made
        raise LedgerUnusable(f"{path} is not 32 bytes long; restore it, or delete it: old digests compare no more then")
    return key


def _written(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that is there whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        if os.write(descriptor, content) != len(content):
            raise OSError(f"{path} could not be written whole")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if path.exists():
        raise FileExistsError(path)
    draft.replace(path)
    synced(path.parent)
