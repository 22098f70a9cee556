"""What the ledger says that calls cost: what budgets must not have forgotten, and what people are shown.

A call that may have left has its reservation in its intent, and what it cost in its outcome. So a process that ends
in the middle of a call, however it does, leaves either both behind or what the call may have cost at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.adapters.store.ledger_read import ledger_directory, lines, segments
from ostiary.adapters.store.ledger_runs import recent
from ostiary.operate.tally import Used, Who

_MARK: Final = b'"micros":'
"""What records have that speak of money; others may have it in the names of masked arguments."""
LONGEST: Final = 7200.0
"""Seconds between an intent and its outcome: more than any call takes."""


_PIECE: Final = 16 * 1024 * 1024
"""Bytes that are looked at as one."""


class Spent(Struct, frozen=True):
    """What one call cost, or may have cost."""

    who: Who
    endpoint: str
    peer: str
    label: str
    begun: float
    ended: float
    """Seconds since the epoch; of a call that a process did not live to see end, the last moment that it may have."""
    micros: int | None
    """None: nobody knows."""
    currency: str


class _Money(Struct, gc=False):
    micros: int
    currency: str


class _Reserved(Struct, gc=False):
    micros: int | None
    currency: str
    teams: tuple[str, ...] = ()


class _Bytes(Struct, gc=False, rename={"in_": "in"}):
    in_: int = 0
    out: int = 0


class _Millis(Struct, gc=False):
    upstream: float = 0.0


class _Record(Struct, gc=False):
    type: str
    time: str
    reference: str = ""
    principal: Who | None = None
    endpoint: str = ""
    peer: str = ""
    server: str = ""
    tool: str = ""
    method: str = ""
    reserved: _Reserved | None = None
    outcome: str = ""
    bytes: _Bytes | None = None
    ms: _Millis | None = None
    cost: _Money | None = None


_decode: Final = msgspec.json.Decoder(_Record).decode


def spent(data: Path, since: float) -> Iterator[Spent]:
    """Yield what calls cost that ended since a time, by the ledger of a data folder, and what others may have."""
    open_: dict[str, Spent] = {}
    begun = datetime.fromtimestamp(max(0.0, since - LONGEST), UTC).isoformat()
    for _, path in recent(segments(ledger_directory(data)), begun):
        for record in _of_money(path):
            at = datetime.fromisoformat(record.time).timestamp()
            if record.reserved is not None:
                held, who = record.reserved, record.principal or Who()
                if held.teams:
                    who = msgspec.structs.replace(who, teams=held.teams)
                open_[record.reference] = Spent(
                    who, record.endpoint, record.peer, record.tool, at, at + LONGEST,
                    held.micros, held.currency,
                )  # fmt: skip
            elif record.cost is not None and (call := open_.pop(record.reference, None)) is not None and at >= since:
                yield msgspec.structs.replace(call, ended=at, micros=record.cost.micros)
    yield from (call for call in open_.values() if call.ended >= since)


def _of_money(path: Path) -> Iterator[_Record]:
    """Yield the records of a segment that speak of money: few do, and the others are not even split into lines."""
    with path.open("rb") as file:
        while text := file.read(_PIECE):
            # A piece ends where a line does.
            text += file.readline(_PIECE)
            yield from _marked(text)


def _marked(text: bytes) -> Iterator[_Record]:
    at = text.find(_MARK)
    while at >= 0:
        begin, end = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
        end = len(text) if end < 0 else end
        record = _read(text[begin:end])
        if record is not None:
            yield record
        at = text.find(_MARK, end)


def used(data: Path, since: float) -> Iterator[Used]:
    """Yield every call that was made since a time, by the ledger of a data folder; of a task, only its beginning."""
    open_: dict[str, _Record] = {}
    after = datetime.fromtimestamp(max(0.0, since), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for number, path in recent(segments(ledger_directory(data)), after):
        for line in lines(number, path):
            record = _read(line.raw)
            if record is None or record.type not in ("intent", "outcome"):
                continue
            if record.type == "intent":
                open_[record.reference] = record
                continue
            first = open_.pop(record.reference, record)
            if first.time >= after and first.principal is not None and first.server:
                yield _used(first, record)
    yield from (_used(each, each) for each in open_.values() if each.time >= after and each.server)


def _used(first: _Record, last: _Record) -> Used:
    money = last.cost or first.reserved
    size, took = last.bytes or _Bytes(), last.ms or _Millis()
    return Used(
        first.time[:10], first.principal or Who(), first.server, first.tool, last.outcome, size.in_, size.out,
        took.upstream, (money.micros or 0) if money is not None else 0, money.currency if money is not None else "",
    )  # fmt: skip


def _read(raw: bytes) -> _Record | None:
    try:
        return _decode(raw)
    except (msgspec.MsgspecError, ValueError):
        # What is damaged is for `ostiary audit verify` to name.
        return None
