"""What goes on at this moment, by the ledger's newest records: callers, tools, latencies, denials. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.operate.recalled import failed, seconds

_MOST: Final = 200_000
"""Calls that are looked at together; of more, the oldest are let go."""
_OPEN: Final = 50_000
_REFUSALS: Final = 8
_FINE: Final = frozenset({"answered", "input_required", "abandoned"})
"""Outcomes that are neither a refusal of ours nor a failure of the server's: whoever left was refused nothing."""


class Ended(Struct, frozen=True):
    """A call that has ended."""

    at: float
    """Seconds since the epoch."""
    subject: str
    tool: str
    outcome: str
    ms: float
    denied: bool


class Row(Struct, frozen=True):
    """One caller, or one tool, over the window."""

    name: str
    calls: int
    rate: float
    """Calls a second."""
    p50: float
    p95: float
    """Milliseconds."""
    denied: int
    failed: int
    in_flight: int


class View(Struct, frozen=True):
    """What is shown at one moment."""

    seconds: float
    """What it is about: so many seconds until now."""
    total: Row
    callers: tuple[Row, ...]
    tools: tuple[Row, ...]
    refused: tuple[str, ...]
    """The newest refusals, oldest of them first: when, who, what, and why."""


class Glance:
    """Remembers the calls of the last seconds."""

    def __init__(self, window: float) -> None:
        """Look back so far."""
        self._seconds = window
        self._ended: deque[Ended] = deque(maxlen=_MOST)
        self._open: OrderedDict[str, tuple[str, str]] = OrderedDict()
        """By reference: who calls what, of calls that have left and not ended."""
        self._refused: deque[str] = deque(maxlen=_REFUSALS)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in a record of the ledger; those that are about no call say nothing here."""
        kind, reference = record.get("type"), str(record.get("reference", ""))
        if kind == "intent":
            self._open[reference] = _whom(record)
            if len(self._open) > _OPEN:
                self._open.popitem(last=False)
        elif kind == "outcome":
            subject, tool = self._open.pop(reference) if reference in self._open else _whom(record)
            outcome = str(record.get("outcome", ""))
            denied = outcome not in _FINE and not failed(outcome)
            spent = (record.get("ms") or {}).get("total", 0.0)
            self._ended.append(Ended(seconds(record), subject, tool, outcome, spent, denied))
            if denied:
                why = str(record.get("detail", ""))
                self._refused.append(" ".join((str(record.get("time", "")), subject or "nobody", tool, outcome, why)))
        elif kind == "event" and record.get("kind") == "start":
            # What was in flight in a process that is gone has ended with it.
            self._open.clear()

    def view(self, now: float, rows: int = 10) -> View:
        """Return what happened until now, the busiest first."""
        while self._ended and self._ended[0].at < now - self._seconds:
            self._ended.popleft()
        ended = tuple(self._ended)
        by_caller = Counter(subject for subject, _ in self._open.values())
        by_tool = Counter(tool for _, tool in self._open.values())
        return View(
            self._seconds,
            self._row("", ended, len(self._open)),
            self._rows(((each.subject, each) for each in ended), by_caller, rows),
            self._rows(((each.tool, each) for each in ended), by_tool, rows),
            tuple(self._refused),
        )

    def _rows(self, ended: Iterable[tuple[str, Ended]], flying: Mapping[str, int], most: int) -> tuple[Row, ...]:
        groups: dict[str, list[Ended]] = {name: [] for name in flying}
        for name, each in ended:
            groups.setdefault(name, []).append(each)
        rows = (self._row(name, found, flying.get(name, 0)) for name, found in groups.items())
        return tuple(sorted(rows, key=lambda row: (-row.calls, -row.in_flight, row.name))[:most])

    def _row(self, name: str, ended: Iterable[Ended], in_flight: int) -> Row:
        calls = list(ended)
        spent = sorted(each.ms for each in calls)
        return Row(
            name, len(calls), len(calls) / self._seconds, _quantile(spent, 0.5), _quantile(spent, 0.95),
            sum(each.denied for each in calls), sum(failed(each.outcome) for each in calls), in_flight,
        )  # fmt: skip


def _whom(record: Mapping[str, Any]) -> tuple[str, str]:
    principal = record.get("principal") or {}
    return str(principal.get("subject", "")), str(record.get("tool") or record.get("method") or "")


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
