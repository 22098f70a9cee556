"""What a record of the ledger tells others, whatever their format is: one call that ended, or one event. Pure.

What callers, servers and files said is third-party text. Here it becomes text in which every character can be seen, so
that none of it can begin a line, end a field or act on a terminal, in any format (CWE-117, CWE-150).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_FRAME: Final = frozenset({"n", "prev", "hash", "type", "time", "kind"})
_LONGEST: Final = 1024
"""Characters of one field: syslog receivers cut lines, and a cut field could lose what ends it."""

VENDOR: Final = "Ostiary"
PRODUCT: Final = "Ostiary MCP Gateway"


class Happening(Struct, frozen=True):
    """One call or event, with every text made visible."""

    uid: str
    """Unique over all ledgers: whoever gets a record twice knows it by this."""
    n: int
    hash: str
    time: str
    millis: int
    """Since the epoch."""
    type: str
    """`call`, `event` or `chain` (what the ledger says of itself)."""
    reference: str = ""
    subject: str = ""
    issuer: str = ""
    client: str = ""
    agent: str = ""
    program: str = ""
    peer: str = ""
    endpoint: str = ""
    method: str = ""
    server: str = ""
    tool: str = ""
    decision: str = ""
    rule: str = ""
    reason: str = ""
    outcome: str = ""
    """For an event, its kind."""
    detail: str = ""
    """For an event, its facts as JSON."""
    findings: tuple[str, ...] = ()
    trace: str = ""
    session: str = ""
    task: str = ""
    run: str = ""
    request_bytes: int = 0
    answer_bytes: int = 0
    ms: float = 0.0

    @property
    def denied(self) -> bool:
        """The call was refused by policy, or by what stands before it."""
        return self.decision == "deny" or self.outcome in _REFUSED

    @property
    def severity(self) -> int:
        """How much it matters, from 0 (as always) to 3 (look at it now)."""
        if self.type == "event":
            return 2 if self.outcome.endswith(("_failed", "_refused")) or self.outcome in _ALARMS else 0
        if self.findings:
            return 2
        return 1 if self.denied or self.outcome not in _GOOD else 0

    @property
    def told(self) -> str:
        """Return one sentence."""
        if self.type != "call":
            return f"{self.outcome} {self.detail}".strip()
        who, what = self.subject or "somebody", self.tool or self.method or "something"
        return f"{who} called {what}: {self.outcome or 'not known'}"


_REFUSED: Final = frozenset({"unauthenticated", "forbidden", "not_found", "quarantined", "limited", "blocked"})
_GOOD: Final = frozenset({"answered", "input_required"})
_ALARMS: Final = frozenset({"torn", "interrupted", "identity_changed", "ledger_resumed", "token_revoked"})


def happening(record: Mapping[str, Any], chain: str) -> Happening:
    """Return what a record of a chain tells; of an outcome that was joined with its intent, everything."""
    kind, said = str(record.get("type", "")), _Reader(record)
    frame = (_uid(chain, said), said.number("n"), said("hash"), said("time"), _millis(said("time")))
    if kind not in {"intent", "outcome"}:
        facts = {name: value for name, value in record.items() if name not in _FRAME}
        what = "event" if kind == "event" else "chain"
        return Happening(*frame, what, outcome=said("kind") or clean(kind), detail=clean(_json(facts)))
    who, judged = said.part("principal"), said.part("decision")
    return Happening(
        *frame, "call", said("reference"), who("subject"), who("issuer"), who("client"), who("agent"), said("program"),
        said("peer"), said("endpoint"), said("method"), said("server"), said("tool") or said("name"),
        judged("effect"), judged("rule"), judged("reason"), said("outcome"), said("detail"),
        tuple(clean(str(each)) for each in record.get("findings") or ()), said("trace"), said("session"), said("task"),
        said.part("run")("id"), said.part("bytes").number("in"), said.part("bytes").number("out"),
        float(said.part("ms").number("total")),
    )  # fmt: skip


def clean(text: str) -> str:
    """Return text in which every character can be seen, and no more of it than a field may hold."""
    cut = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(each if each.isprintable() else _spelled(each) for each in cut)


def _spelled(character: str) -> str:
    point = ord(character)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"  # noqa: PLR2004 - the Basic Multilingual Plane


class _Reader:
    """Reads a record that may hold anything: what is not of its kind is not there."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record

    def __call__(self, name: str) -> str:
        value = self._record.get(name)
        return clean(value) if isinstance(value, str) else ""

    def number(self, name: str) -> Any:
        value = self._record.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else 0

    def part(self, name: str) -> _Reader:
        value = self._record.get(name)
        return _Reader(value if isinstance(value, dict) else {})


def _uid(chain: str, said: _Reader) -> str:
    # A number may come twice in a chain whose end was lost with the power; with the hash it is one record's alone.
    return f"{chain}-{said.number('n')}-{said('hash')[:16]}"


def _json(facts: Mapping[str, Any]) -> str:
    return msgspec.json.encode(facts).decode()


def _millis(time: str) -> int:
    try:
        return round((datetime.fromisoformat(time) - _EPOCH) / timedelta(milliseconds=1))
    except (ValueError, TypeError):
        return 0


def plain(record: Mapping[str, Any], uid: str) -> str:
    """Return a record as one line of JSON in ASCII, with its unique name; JSON's own escapes show what would act."""
    return json.dumps({"id": uid, **record}, separators=(",", ":")).replace("\x7f", "\\u007f")


class Joining:
    """Joins outcomes with what their intents said. Remembers so many calls in flight: the oldest go first."""

    def __init__(self, most: int = 4096) -> None:
        """Keep at most so many intents."""
        self._begun: dict[str, Mapping[str, Any]] = {}
        self._most = most

    def whole(self, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return what is to be told now: an outcome with what its intent said, an event; None: it is not over yet."""
        match record.get("type"):
            case "intent":
                if len(self._begun) >= self._most:
                    del self._begun[next(iter(self._begun))]
                self._begun[str(record.get("reference"))] = record
                return None
            case "outcome":
                return _both(self._begun.pop(str(record.get("reference")), {}), record)
            case "event":
                return record
            case _:
                return None

    def unfinished(self) -> list[Mapping[str, Any]]:
        """Return the intents of calls of which no outcome is known."""
        return list(self._begun.values())


def _both(first: Mapping[str, Any], last: Mapping[str, Any]) -> Mapping[str, Any]:
    found = [*(first.get("findings") or ()), *(last.get("findings") or ())]
    looks = [*(first.get("guards") or ()), *(last.get("guards") or ())]
    more = {name: value for name, value in (("findings", found), ("guards", looks)) if value}
    return {**first, **last, **more}
