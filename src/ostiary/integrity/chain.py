"""The chain that makes a changed past visible: how a record is framed, linked, sealed and verified. Pure.

A record is one line: `{"n":7,"prev":"<64 hex>","type":"…",…,"hash":"<64 hex>"}` and a newline. Its hash is SHA-256
over every byte before `,"hash":`, so it covers its number and, through `prev`, all that came before. The last 76
bytes of a line are always the hash member, which is why anyone can verify a line without parsing JSON.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import hexlify
from collections import deque
from collections.abc import Callable, Iterable
from hashlib import sha256
from heapq import merge
from typing import Final, Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

FORMAT: Final = 1
ORIGIN: Final = b"0" * 64
"""What the first record of a chain calls its predecessor."""

_TAIL: Final = 76
_START: Final = re.compile(rb'\{"n":([1-9]\d{0,17}),"prev":"([0-9a-f]{64})","type":"([a-z]{1,16})"')
_HASH: Final = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n')
_WINDOW: Final = 1024
"""How many records, gaps and problems are remembered at most: verifying takes the same memory for any length."""


class Line(Struct, frozen=True, gc=False):
    """One line as it lies on disk, with its newline if it has one."""

    segment: int
    number: int
    raw: bytes

    @property
    def whole(self) -> bool:
        """The line has its end."""
        return self.raw.endswith(b"\n")


class Anchor(Struct, frozen=True):
    """A record known to exist, remembered outside of the segments."""

    n: int
    hash: str
    told: str = "a seal"
    """What remembers it."""
    missing: str = "truncated"
    """The kind of problem it is if the records end before it."""


class Problem(Struct, frozen=True):
    """One thing that is wrong, and where."""

    kind: str
    """One of those in `integrity.tampering`."""
    segment: int
    line: int
    n: int | None
    text: str
    file: str = ""
    """Where it is not in a segment."""

    @property
    def where(self) -> str:
        """The name of the file it is in."""
        return self.file or f"{self.segment:08d}.jsonl"

    def __str__(self) -> str:
        number = "" if self.n is None else f"n={self.n} "
        return f"{self.where}:{self.line}: {number}{self.kind}: {self.text}"


class Report(Struct, frozen=True):
    """What a chain was found to be."""

    chain: str
    segments: int
    records: int
    last: int
    """Number of the newest record."""
    head: str
    """Its hash."""
    seals: int
    sealed: int
    """Number of the newest record that a valid seal covers."""
    torn: Line | None
    """An unfinished line at the very end: what a crash leaves behind, and no fault of the chain."""
    problems: tuple[Problem, ...]
    more: int
    """Problems found beyond those listed."""

    @property
    def ok(self) -> bool:
        """Nothing is wrong, as far as the lines can tell."""
        return not self.problems


class Opening(Struct):
    """What the first record of a segment says."""

    chain: str
    segment: int
    format: int
    pending: list[str] = []


class _Seal(Struct):
    time: str
    signature: str


class _Framed(Struct, frozen=True, gc=False):
    n: int
    prev: bytes
    type: bytes
    hash: bytes


class _Gap(Struct, gc=False):
    low: int
    high: int
    line: Line
    text: str


def chain_id(key: Ed25519PublicKey) -> str:
    """Return the name of the one chain that this key can seal."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def seal_message(chain: str, n: int, prev: str, time: str) -> bytes:
    """Return the bytes a seal signs: `n` and `prev` are the seal record's own, so it covers everything before it."""
    return f"ostiary ledger seal {FORMAT}\n{chain}\n{n}\n{prev}\n{time}\n".encode()


def sealed(sign: Callable[[bytes], bytes], chain: str, n: int, prev: bytes, time: str) -> bytes:
    """Return the body of the seal that will be record `n`."""
    signature = b64encode(sign(seal_message(chain, n, prev.decode(), time)))
    return b'{"type":"seal","time":"%b","signature":"%b"}' % (time.encode(), signature)


def genuine(key: Ed25519PublicKey, line: bytes) -> Anchor | None:
    """Return the number and hash of a seal record if it is intact and signed with `key`."""
    record = _framed(line)
    if record is None or record.type != b"seal" or not _signed(key, record, line):
        return None
    return Anchor(record.n, record.hash.decode())


def verify(
    lines: Iterable[Line], key: Ed25519PublicKey, *, partial: bool = False, anchor: Anchor | None = None,
    anchors: Iterable[Anchor] = (),
) -> Report:  # fmt: skip
    """Report everything that is wrong with a chain, in one pass. `partial`: it need not begin with record 1.

    `anchors` come by number, smallest first, and are asked for as the records come.
    """
    walk = Walk(key, partial=partial, anchor=anchor, anchors=anchors)
    for line in lines:
        walk.feed(line)
    return walk.finish()


def _framed(raw: bytes) -> _Framed | None:
    """Return the record in a line if the frame is well-formed and the hash is right."""
    start, end = _START.match(raw), _HASH.fullmatch(raw, max(0, len(raw) - _TAIL))
    if start is None or end is None or start.end() > end.start():
        return None
    if hexlify(sha256(raw[:-_TAIL]).digest()) != end[1]:
        return None
    return _Framed(int(start[1]), start[2], start[3], end[1])


def _signed(key: Ed25519PublicKey, record: _Framed, raw: bytes) -> bool:
    try:
        seal = msgspec.json.decode(raw, type=_Seal)
        key.verify(
            b64decode(seal.signature, validate=True),
            seal_message(chain_id(key), record.n, record.prev.decode(), seal.time),
        )
    except (InvalidSignature, ValueError, msgspec.MsgspecError):
        # ValueError: a signature that is not base64, or text that is not UTF-8.
        return False
    return True


class Walk:
    """A verification under way. Feed it every line in order, then ask for the report."""

    def __init__(
        self, key: Ed25519PublicKey, *, partial: bool = False, anchor: Anchor | None = None,
        anchors: Iterable[Anchor] = (),
    ) -> None:  # fmt: skip
        self._key, self._chain, self._partial = key, chain_id(key), partial
        self._known = merge(() if anchor is None else (anchor,), anchors, key=lambda each: each.n)
        self._next = next(self._known, None)
        self._problems: list[Problem] = []
        self._more = 0
        self._gaps: list[_Gap] = []
        self._recent: dict[int, bytes] = {}
        self._top, self._heads = 0, {ORIGIN}
        self._last, self._run, self._opened = 0, "", -1
        self._damaged = 0
        self._line: Line | None = None
        self._top_line = Line(0, 0, b"")
        self._torn: Line | None = None
        self._segment, self._skipped, self._misplaced, self._foreign = 0, 0, False, False
        self._segments = self._records = self._seals = self._sealed = 0

    def feed(self, line: Line) -> Self:
        """Judge the next line."""
        if self._torn is not None:
            self._cut(self._torn)
        if line.segment != self._segment:
            self._enter(line)
        self._line = line
        if not line.whole:
            self._torn = line
            return self
        record = _framed(line.raw)
        if record is None:
            self._damage(line)
            return self
        if line.number == 1:
            self._open(line, record)
        if not self._foreign:
            self._place(line, record)
        return self

    def finish(self) -> Report:
        """Return what was found. A line without an end is tolerated only here, as the last bytes of all."""
        for gap in self._gaps:
            self._lost(gap)
        self._gaps.clear()
        self._ended(self._line or Line(1, 0, b""))
        return Report(
            self._chain, self._segments, self._records, self._top, max(self._heads).decode(), self._seals, self._sealed,
            self._torn, tuple(sorted(self._problems, key=lambda problem: (problem.segment, problem.line))), self._more,
        )  # fmt: skip

    @property
    def last(self) -> int:
        """Number of the newest record so far."""
        return self._top

    def _ended(self, line: Line) -> None:
        """Judge the end: whether a record known to exist should follow, and how the last line ends."""
        if self._torn is not None and (record := _framed(self._torn.raw[:-1] + b"\n")) is not None:
            # A crash leaves less than a record, never a whole one with another end.
            self._problem("changed", self._torn, record.n, "the record is whole, but its line ends with another byte")
        # The last of them says most.
        known = next(iter(deque(self._known, 1)), self._next)
        if known is not None and self._top < known.n:
            text = f"{known.told} covers n={known.n}, but the records end at n={self._top}"
            self._problem(known.missing, line, self._top, text)

    def _problem(self, kind: str, line: Line, n: int | None, text: str) -> None:
        if len(self._problems) >= _WINDOW:
            self._more += 1
            return
        self._problems.append(Problem(kind, line.segment, line.number, n, text))

    def _enter(self, line: Line) -> None:
        self._skipped = line.segment - self._segment - 1 if self._segment else 0
        self._segment, self._misplaced, self._foreign = line.segment, False, False
        self._segments += 1

    def _cut(self, line: Line) -> None:
        """Report an unfinished line that is not the last: only a crash of the newest segment explains one."""
        self._torn = None
        self._problem("truncated", line, None, "the line ends in the middle, and more records follow")
        self._damaged += 1

    def _damage(self, line: Line) -> None:
        number = _START.match(line.raw)
        text = "the record does not match its own hash" if number else "this is not a record of a ledger"
        self._problem("changed", line, int(number[1]) if number else None, text)
        self._damaged += 1

    def _open(self, line: Line, record: _Framed) -> None:
        if record.type != b"open":
            # Where numbers are missing too, the gap says it.
            if record.n == self._top + 1 or (self._partial and self._records == 0):
                self._problem("missing", line, record.n, "the segment does not begin with its `open` record")
            return
        self._opened = record.n
        try:
            opening = msgspec.json.decode(line.raw, type=Opening)
        except (UnicodeDecodeError, msgspec.MsgspecError):
            self._problem("changed", line, record.n, "the `open` record cannot be read")
            return
        if opening.chain != self._chain:
            self._foreign = True
            text = f"this segment belongs to the chain {opening.chain}, not {self._chain}"
            self._problem("foreign", line, record.n, text)
        elif opening.format > FORMAT:
            self._problem("version", line, record.n, f"it has format {opening.format}; this program knows {FORMAT}")
        elif opening.segment != line.segment:
            self._misplaced = True
            self._problem("reordered", line, record.n, f"this file holds segment {opening.segment:08d}")

    def _place(self, line: Line, record: _Framed) -> None:
        self._records += 1
        if self._partial and self._records == 1:
            self._top, self._heads = record.n - 1, {record.prev}
        if record.n == self._top + 1:
            self._follow(line, record)
        elif record.n > self._top:
            self._leap(line, record)
        else:
            self._return(line, record)
        self._damaged, self._last = 0, record.n
        self._recent[record.n] = record.hash
        self._recent.pop(record.n - _WINDOW, None)
        self._sealing(line, record)
        while (known := self._next) is not None and known.n <= record.n:
            if known.n == record.n and known.hash != record.hash.decode():
                self._problem("changed", line, record.n, f"{known.told} covers a different record with this number")
            self._next = next(self._known, None)

    def _advance(self, line: Line, record: _Framed) -> None:
        self._top, self._heads, self._run, self._top_line = record.n, {record.hash}, "", line

    def _follow(self, line: Line, record: _Framed) -> None:
        fits = record.prev in self._heads
        if self._damaged and fits:
            self._extra()
        if not self._damaged and not fits:
            text = f"n={record.n} was chained to another record: this one was changed and its hash computed anew"
            self._problem("changed", self._top_line, self._top, text)
        self._advance(line, record)

    def _extra(self) -> None:
        """Rename damage that displaced nothing: those lines were never part of the chain."""
        if self._more:
            return
        for at in range(max(0, len(self._problems) - self._damaged), len(self._problems)):
            problem = self._problems[at]
            if problem.kind == "changed":
                text = "a line that is not of this chain stands between two records that belong together"
                self._problems[at] = Problem("inserted", problem.segment, problem.line, problem.n, text)

    def _leap(self, line: Line, record: _Framed) -> None:
        low = self._top + 1 + self._damaged
        if low < record.n:
            text = "this segment is missing its predecessor: " if self._skipped and line.number == 1 else ""
            self._gaps.append(_Gap(low, record.n - 1, line, text))
        if len(self._gaps) > _WINDOW:
            self._lost(self._gaps.pop(0))
        self._advance(line, record)

    def _lost(self, gap: _Gap) -> None:
        which = f"n={gap.low}" if gap.low == gap.high else f"n={gap.low} to n={gap.high}"
        self._problem("missing", gap.line, gap.low, f"{gap.text}{which} should stand before this line")

    def _return(self, line: Line, record: _Framed) -> None:
        """Judge a record whose number was passed already: late, doubled, or a second one."""
        known = self._recent.get(record.n)
        if self._filled(record.n):
            kind, text = "reordered", f"it stands after n={self._last}"
        elif known is None or known == record.hash:
            kind, text = "duplicated", "the same record stands further up"
        else:
            kind = "inserted"
            text = "two different records carry this number, and only one of them was written by the gateway"
            if record.n == self._top:
                self._heads.add(record.hash)
        goes_on = (self._run == kind and record.n == self._last + 1) or (self._misplaced and kind == "reordered")
        self._run = kind
        if not goes_on:
            self._problem(kind, line, record.n, text)

    def _filled(self, n: int) -> bool:
        """Take `n` out of the gaps, if it is in one."""
        for at, gap in enumerate(self._gaps):
            if gap.low <= n <= gap.high:
                halves = (_Gap(gap.low, n - 1, gap.line, gap.text), _Gap(n + 1, gap.high, gap.line, gap.text))
                self._gaps[at : at + 1] = [half for half in halves if half.low <= half.high]
                return True
        return False

    def _sealing(self, line: Line, record: _Framed) -> None:
        """Check a seal, and that each segment begins with one: it signs all that came before, even after a crash."""
        if record.type != b"seal":
            if record.n == self._opened + 1:
                self._problem("signature", line, record.n, "the segment's second record should be a seal")
            return
        if not _signed(self._key, record, line.raw):
            self._problem("signature", line, record.n, "the seal was not made with this ledger's key for these records")
            return
        self._seals += 1
        self._sealed = max(self._sealed, record.n)
