"""Checkpoints: what a ledger's newest record was at a time, signed, each chained to the one before. Pure.

A checkpoint is one line of canonical JSON (RFC 8785: names sorted, no spaces) with `signature` as Ed25519 over a first
line and the same JSON without that member; `prev` is SHA-256 over the line before. A ledger can be cut shorter, or put
back to an older copy, without breaking a link; a checkpoint that was kept elsewhere tells.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct, structs

from ostiary.integrity.chain import Anchor, Line, Problem, chain_id

VERSION: Final = 1
FIRST: Final = "0" * 64
"""What the first checkpoint calls its predecessor."""
_MOST: Final = 1024
_SIGNED: Final = f"ostiary ledger checkpoint {VERSION}\n".encode()


class Checkpoint(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """That a ledger's record number `records` was the newest at `time`, and had the hash `head`."""

    cause: str
    """`start`, `minute`, `seal` or `stop`."""
    chain: str
    head: str
    instance: str
    """A random name of the process that wrote it, new at each start."""
    n: int
    pid: int
    prev: str
    records: int
    segment: int
    time: str
    version: int
    signature: str = ""

    def anchor(self, told: str, missing: str = "truncated") -> Anchor:
        """Return what it says of the ledger's records; `told` is where it lies."""
        return Anchor(self.records, self.head, f"{told}, of {self.time},", missing)


class _Versioned(Struct):
    version: int


def canonical(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as its one line of text, without the newline."""
    return msgspec.json.encode(checkpoint, order="sorted")


def message(checkpoint: Checkpoint) -> bytes:
    """Return the bytes that are signed."""
    return _SIGNED + canonical(structs.replace(checkpoint, signature=""))


def signed(sign: Callable[[bytes], bytes], checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint with its signature."""
    return structs.replace(checkpoint, signature=b64encode(sign(message(checkpoint))).decode())


def digest(raw: bytes) -> str:
    """Return what the next checkpoint calls this line, which may have its newline."""
    return sha256(raw.removesuffix(b"\n")).hexdigest()


def genuine(key: Ed25519PublicKey, raw: bytes) -> Checkpoint | Problem:
    """Return the checkpoint in a whole line, or what is wrong with it; its place is not known here."""
    try:
        found = msgspec.json.decode(raw, type=Checkpoint)
    except (msgspec.MsgspecError, ValueError):
        return _problem(*_unreadable(raw))
    if canonical(found) + b"\n" != raw or not _plain(found.signature):
        return _problem("changed", "the checkpoint is not spelled as the gateway spells it")
    if found.version != VERSION:
        return _problem("version", f"the checkpoint has version {found.version}, and this program knows {VERSION}")
    if found.chain != chain_id(key):
        text = f"the checkpoint was made for the chain {found.chain}, not {chain_id(key)}"
        return _problem("foreign", text)
    try:
        key.verify(b64decode(found.signature), message(found))
    except InvalidSignature:
        return _problem("changed", "the checkpoint does not match its own signature")
    return found


def _plain(signature: str) -> bool:
    """Say whether base64 is spelled in the one way: its last character has bits that mean nothing."""
    try:
        return b64encode(b64decode(signature, validate=True)).decode() == signature
    except ValueError:
        return False


def _unreadable(raw: bytes) -> tuple[str, str]:
    try:
        version = msgspec.json.decode(raw, type=_Versioned).version
    except (msgspec.MsgspecError, ValueError):
        version = VERSION
    if version > VERSION:
        return "version", f"the checkpoint has version {version}, and this program knows {VERSION}"
    return "changed", "this is not a checkpoint of a ledger"


def _problem(kind: str, text: str) -> Problem:
    return Problem(kind, 0, 0, None, text)


def _gap(low: int, high: int) -> str:
    which = f"n={low}" if low == high else f"n={low} to n={high}"
    return f"the checkpoints {which} should stand before this line"


class Trail:
    """Verifies a file of checkpoints. Feed it every line in order, then ask for what is wrong."""

    def __init__(self, key: Ed25519PublicKey, file: str, *, elsewhere: bool = False, partial: bool = False) -> None:
        """Begin. `elsewhere`: it lies at a second place, where half a line may stand that a crash left there.

        `partial`: it need not begin with the first checkpoint.
        """
        self._key, self._file, self._elsewhere, self._partial = key, file, elsewhere, partial
        self._found: list[Problem] = []
        self.more = 0
        """Problems found beyond those that are listed."""
        self.count = 0
        self.last: Checkpoint | None = None
        """The newest genuine one."""
        self._digest = FIRST
        self._damaged: list[Problem] = []
        self._torn: Line | None = None
        self._foreign = False

    def feed(self, line: Line) -> Checkpoint | None:
        """Judge the next line, and return the checkpoint in it if it is genuine and none that came before is newer."""
        if not line.whole:
            self._torn = line
            return None
        read = genuine(self._key, line.raw)
        if isinstance(read, Problem):
            if read.kind == "foreign" and self._foreign:
                # A whole file of another gateway is one thing that is wrong.
                self.more += 1
                return None
            self._foreign = self._foreign or read.kind == "foreign"
            self._damaged.append(structs.replace(read, line=line.number, file=self._file))
            if len(self._damaged) > _MOST:
                self._settle()
            return None
        fresh = self._place(line, read)
        self._damaged.clear()
        if not fresh:
            return None
        self.count, self.last, self._digest = self.count + 1, read, digest(line.raw)
        return read

    def finish(self) -> list[Problem]:
        """Return what was found, first line first. An unfinished last line is what a crash leaves."""
        self._settle()
        if self._torn is not None and isinstance(genuine(self._key, self._torn.raw[:-1] + b"\n"), Checkpoint):
            self._report("changed", self._torn, None, "the checkpoint is whole, but its line ends with another byte")
        return sorted(self._found, key=lambda each: each.line)

    @property
    def torn(self) -> Line | None:
        """The unfinished last line, if there is one."""
        return self._torn

    def _settle(self) -> None:
        for each in self._damaged:
            self._keep(each)
        self._damaged.clear()

    def _place(self, line: Line, read: Checkpoint) -> bool:
        """Say whether a genuine checkpoint is newer than those before, and report where it does not fit them."""
        before = self.last.n if self.last is not None else 0
        if read.n <= before:
            self._settle()
            self._found = [each for each in self._found if (each.kind, each.text) != ("missing", _gap(read.n, read.n))]
            same = digest(line.raw) == self._digest
            kind = "duplicated" if same else "reordered"
            self._report(kind, line, read.n, f"it stands after the checkpoint n={before}")
            return False
        if self.last is not None and read.records < self.last.records:
            self._report("changed", line, read.n, "it covers fewer records than the checkpoint before it")
            return False
        self._link(line, read, before)
        return True

    def _link(self, line: Line, read: Checkpoint, before: int) -> None:
        if self._partial and self.last is None:
            before, self._digest = read.n - 1, read.prev
        fits = read.n == before + 1 and read.prev == self._digest
        if fits and self._damaged:
            self._extra()
        self._settle_missing(line, read, before)
        if read.n == before + 1 and not fits:
            text = "it was signed after another checkpoint than the one that stands before it"
            self._report("changed", line, read.n, text)

    def _extra(self) -> None:
        """Rename damage that displaced nothing: at a second place a crash leaves such, anywhere else somebody did."""
        text = "a line that is no checkpoint stands between two that belong together"
        for each in self._damaged:
            if not self._elsewhere:
                self._keep(structs.replace(each, kind="inserted", text=text))
        self._damaged.clear()

    def _settle_missing(self, line: Line, read: Checkpoint, before: int) -> None:
        low = before + 1 + len(self._damaged)
        self._settle()
        if low < read.n:
            self._report("missing", line, low, _gap(low, read.n - 1))

    def _report(self, kind: str, line: Line, n: int | None, text: str) -> None:
        self._keep(Problem(kind, 0, line.number, n, text, self._file))

    def _keep(self, problem: Problem) -> None:
        if len(self._found) >= _MOST:
            self.more += 1
            return
        self._found.append(problem)
