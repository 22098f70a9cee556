"""What a ledger needs before its first record: the lock, the keys, and the end of what an earlier process wrote."""

from __future__ import annotations

import fcntl
import os
import stat
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

from ostiary.adapters.store.ledger_read import known_seal, ledger_directory, lines, segments
from ostiary.integrity.chain import ORIGIN, Anchor, Line, Report, Walk

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


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
    """Check the newest segment, move an unfinished record aside, and return where to go on."""
    directory, anchor = ledger_directory(data), known_seal(data, key)
    torn = 0
    for number, path in reversed(segments(directory)):
        report, pending, good = _inspected(number, path, key, anchor)
        _refuse(directory, report)
        cut = path.stat().st_size - good
        if cut or not good:
            torn += cut
            _cut(path, good)
        if report.records:
            return Found(number, report.last, report.head.encode(), pending, torn)
    if anchor is not None:
        raise LedgerUnusable(
            f"the ledger in {directory} was sealed up to n={anchor.n}, but has no records now; restore the segments, "
            f"or move {directory} and {data / 'keys' / 'ledger.sealed'} away to begin anew"
        )
    return Found(torn=torn)


def _inspected(
    number: int, path: Path, key: Ed25519PublicKey, anchor: Anchor | None
) -> tuple[Report, tuple[str, ...], int]:
    walk, pending, good = Walk(key, partial=True, anchor=anchor), dict[str, None](), 0
    for line in lines(number, path):
        if not line.whole:
            break
        walk.feed(line)
        _note(pending, line)
        good += len(line.raw)
    if not good:
        # Nothing was finished in this segment, so it says nothing about the seals of those before it.
        walk = Walk(key, partial=True)
    return walk.finish(), tuple(pending), good


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
    content = path.read_bytes()[good:]
    if content:
        _written(path.with_suffix(".torn"), content, exclusive=False)
    if not good:
        # The number is used again: a segment without one whole record never existed.
        path.unlink()
        return
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(descriptor, good)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _secret(path: Path) -> bytes:
    if path.stat().st_mode & OTHERS:
        raise LedgerUnusable(f"{path} can be read by other users, so it proves nothing; run `chmod 600 {path}`")
    return path.read_bytes()


def _digest_key(path: Path) -> bytes:
    key = _secret(path)
    if len(key) != 32:  # noqa: PLR2004 - as it was made
        raise LedgerUnusable(f"{path} is not 32 bytes long; restore it, or delete it: old digests compare no more then")
    return key


def _written(path: Path, content: bytes, mode: int = 0o600, *, exclusive: bool = True) -> None:
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
    if exclusive and path.exists():
        raise FileExistsError(path)
    draft.replace(path)
