"""What the ledger says that agent runs have met: what a gateway that starts again must not have forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.adapters.store.ledger_read import ledger_directory, lines, segments

_OF_RUNS: Final = b',"run":{'
_LOOKED: Final = b',"guards":[{'
_LONGEST: Final = 7200.0
"""Seconds between an intent and its outcome: more than any call takes."""
_FOUND_NOTHING: Final = frozenset({"pass"})


class Met(Struct, frozen=True):
    """What one run met, as far as one record says it."""

    time: float
    """Seconds since the epoch."""
    subject: str
    issuer: str
    client: str
    ident: str
    taints: frozenset[str]


class _Who(Struct, gc=False):
    subject: str = ""
    issuer: str = ""
    client: str = ""


class _Ran(Struct, gc=False):
    id: str
    had: list[str] = []
    lacked: list[str] = []
    adds: list[str] = []


class _Look(Struct, gc=False):
    guard: str
    side: str
    verdict: str


class _Record(Struct, gc=False):
    type: str
    time: str
    reference: str
    principal: _Who | None = None
    run: _Ran | None = None
    guards: list[_Look] = []


_decode: Final = msgspec.json.Decoder(_Record).decode


def met(data: Path, since: float) -> Iterator[Met]:
    """Yield what runs met since a time, oldest first, by the records of a data folder.

    What a run had met before a call does not count anew with it; a record says by `adds` what the call added.
    """
    open_: dict[str, Met] = {}
    for record in _records(data, since):
        at = datetime.fromisoformat(record.time).timestamp()
        if record.run is not None and record.principal is not None:
            who = record.principal
            found = Met(at, who.subject, who.issuer, who.client, record.run.id, frozenset(record.run.adds))
            if record.type == "intent":
                open_[record.reference] = found
            if found.taints and at >= since:
                yield found
        elif (call := open_.pop(record.reference, None)) is not None and at >= since:
            guards = {f"guard:{each.guard}" for each in record.guards if _found(each)}
            if guards:
                yield msgspec.structs.replace(call, time=at, taints=frozenset(guards))


def _found(look: _Look) -> bool:
    return look.side == "answer" and look.verdict not in _FOUND_NOTHING


def _records(data: Path, since: float) -> Iterator[_Record]:
    # What guards found stands in the outcome, and whose run it was in the intent.
    begun = datetime.fromtimestamp(max(0.0, since - _LONGEST), UTC).isoformat()
    for number, path in recent(segments(ledger_directory(data)), begun):
        for line in lines(number, path):
            if _OF_RUNS not in line.raw and _LOOKED not in line.raw:
                continue
            try:
                yield _decode(line.raw)
            except (msgspec.MsgspecError, ValueError):
                continue


def recent(found: list[tuple[int, Path]], since: str) -> list[tuple[int, Path]]:
    """Return the segments that may hold records since a time: all from the last that began before."""
    for index in range(len(found) - 1, 0, -1):
        begun = _begun(found[index][1])
        if begun and begun <= since:
            return found[index:]
    return found


def _begun(path: Path) -> str:
    with path.open("rb") as file:
        try:
            return str(msgspec.json.decode(file.readline(1 << 16))["time"])
        except (msgspec.MsgspecError, KeyError, TypeError):
            return ""
