"""What the ledger's records say of how callers behaved: for habits, and for thresholds that would fit. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from ostiary.behaviour.habits import Seen
from ostiary.behaviour.loops import PERIODS, Courses, Watch

DENIED: Final = frozenset({"not_found", "forbidden", "insufficient_scope", "blocked", "quarantined"})
"""Outcomes by which somebody learns that they may not."""
FAILED: Final = frozenset({"tool_error", "rpc_error"})
_OPEN: Final = 100_000
_NAME: Final = 128
_OCTETS: Final = 4


def network(peer: str) -> str:
    """Return the network of an address: of IPv4 the first three parts, of IPv6 the first four."""
    return ".".join(peer.split(".")[:3]) if peer.count(".") == _OCTETS - 1 else ":".join(peer.split(":")[:_OCTETS])


def recalled(records: Iterable[Mapping[str, Any]]) -> Iterator[Seen]:
    """Yield each call that has ended, in the order of their ends."""
    begun: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
    for record in records:
        reference = str(record.get("reference", ""))
        if record.get("type") == "intent":
            begun[reference] = record
            if len(begun) > _OPEN:
                begun.popitem(last=False)
        elif record.get("type") == "outcome":
            first = begun.pop(reference, record)
            if first.get("principal"):
                yield _seen(first, record)


def _seen(first: Mapping[str, Any], last: Mapping[str, Any]) -> Seen:
    who, outcome, amounts = first["principal"], str(last.get("outcome", "")), last.get("bytes") or {}
    return Seen(
        seconds(last), f"{who.get('issuer', '')} {who.get('subject', '')}",
        str(first.get("tool") or first.get("name") or first.get("method") or "")[:_NAME],
        str(who.get("client", "")), str(first.get("program", "")), network(str(first.get("peer", ""))),
        outcome in DENIED, failed(outcome),
        int(amounts.get("in", 0)), int(amounts.get("out", 0)),
    )  # fmt: skip


def failed(outcome: str) -> bool:
    """Say whether an outcome is the server's failure, and no refusal of ours."""
    return outcome in FAILED or outcome.startswith("upstream_")


def seconds(record: Mapping[str, Any]) -> float:
    """Return when a record was written, in seconds since the epoch; 0.0 where it does not say so."""
    try:
        return datetime.fromisoformat(str(record.get("time", ""))).timestamp()
    except ValueError:
        return 0.0


_ALL: Final = tuple(Watch(kind, kind, 2, 300.0) for kind in ("repeats", "cycles", "growth"))


def longest(records: Iterable[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Return how often callers at most did in a row what `runaways` can watch for, by kind, with a value for each."""
    courses, most = {watch.kind: Courses() for watch in _ALL}, dict[tuple[str, tuple[str, ...]], int]()
    for record in records:
        who = record.get("principal")
        if record.get("type") != "intent" or not who:
            continue
        whose = (str(who.get("issuer", "")), str(who.get("subject", "")), str(record.get("program", "")))
        said = record.get("arguments") or {}
        tool, key = str(record.get("tool", "")), str(said.get("digest", ""))
        for watch in _ALL:
            at = (hash((tool, key)), _size(said.get("masked")))
            astray = courses[watch.kind].step(whose, (watch,), tool, at, seconds(record))
            if astray is not None:
                most[watch.kind, whose] = max(most.get((watch.kind, whose), 0), astray.times)
    return {watch.kind: [times for (kind, _), times in most.items() if kind == watch.kind] for watch in _ALL}


def _size(masked: Any) -> int:
    """Return how large arguments were, by their masked form: `string(120)` stands for so many characters."""
    if isinstance(masked, Mapping):
        return sum(_size(each) for each in masked.values())
    if isinstance(masked, list):
        return sum(_size(each) for each in masked)
    inside = str(masked).partition("(")[2].rstrip(")")
    return int(inside) if inside.isdigit() else PERIODS[0]
