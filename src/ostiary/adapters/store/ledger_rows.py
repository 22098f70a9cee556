"""What the index keeps of the ledger's records: rows of calls and events, read fast and merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.adapters.store.ledger_read import event_words, segments

_LONGEST: Final = 16 * 1024 * 1024
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SECOND: Final = 19
"""Characters of a time up to its second."""

FACTS: Final = ("type", "subject", "client", "agent", "program", "server", "tool", "method", "name", "outcome",
                "decision", "rule", "reason")  # fmt: skip
"""What calls have in common with thousands of others: kept once for each combination that occurs."""
SEARCHED: Final = ("detail", "finding", "peer", "event")
"""The words of a call in which a search by text looks for a part; identifiers are looked up whole."""
USUAL: Final = "answered"
DENIED: Final = "deny"
NAMED: Final = ("trace", "session", "task", "run")
"""What tells which calls belong together."""


class _Who(Struct, gc=False):
    subject: str = ""
    client: str = ""
    agent: str = ""


class _Judged(Struct, gc=False):
    effect: str = ""
    rule: str | None = None
    reason: str | None = None


class _Ran(Struct, gc=False):
    id: str = ""


class _Took(Struct, gc=False):
    total: float | None = None


class Glance(Struct, gc=False):
    """What is read of a record, and where it lies."""

    type: str
    n: int
    time: str = ""
    hash: str = ""
    reference: str = ""
    endpoint: str = ""
    peer: str = ""
    principal: _Who | None = None
    program: str = ""
    method: str = ""
    server: str = ""
    tool: str = ""
    name: str | None = None
    decision: _Judged | None = None
    findings: list[str] = []
    run: _Ran | None = None
    trace: str = ""
    session: str = ""
    task: str = ""
    outcome: str = ""
    detail: str = ""
    ms: _Took | None = None
    kind: Any = ""
    references: Any = ()
    segment: int = 0
    offset: int = 0
    end: int = 0
    said: str = ""
    """Of an event: its facts."""


class Line(Struct, gc=False):
    """One call or event as the index keeps it."""

    n: int
    time: int
    """Milliseconds since the epoch."""
    reference: str
    segment: int
    offset: int
    facts: tuple[str, ...]
    """By `FACTS`."""
    ms: float | None
    words: list[tuple[str, str]]
    """What it says besides: the field, and the text."""
    new: bool = True
    """Its beginning is told here; otherwise it is the end of a call that began earlier."""


_decode: Final = msgspec.json.Decoder(Glance).decode


def glances(directory: Path, segment: int, offset: int) -> Iterator[Glance]:
    """Yield the whole records from a position on, oldest first; what is no record is left to `verify`."""
    for number, path in segments(directory):
        if number >= segment:
            yield from _of_segment(number, path, offset if number == segment else 0)


def _of_segment(number: int, path: Path, offset: int) -> Iterator[Glance]:
    with path.open("rb", buffering=1 << 18) as file:
        file.seek(offset)
        while (raw := file.readline(_LONGEST)).endswith(b"\n"):
            begun, offset = offset, offset + len(raw)
            try:
                glance = _decode(raw)
                if glance.type == "event":
                    glance.said = event_words(msgspec.json.decode(raw))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            # These are ours to say, whatever a record has under their names.
            glance.segment, glance.offset, glance.end = number, begun, offset
            yield glance


def told(batch: Iterable[Glance]) -> list[Line]:
    """Return what a batch says, with one line for a call that began and ended within it: most do."""
    found: dict[str, Line] = {}
    clock = _Clock()
    for glance in batch:
        match glance.type:
            case "intent" | "outcome":
                line = _call(glance, clock(glance.time))
                first = found.get(line.reference)
                found[line.reference] = line if first is None else joined(first, line)
            case "event":
                found[f"event-{glance.n}"] = _event(glance, clock(glance.time))
                for line in _interrupted(glance, clock(glance.time)):
                    first = found.get(line.reference)
                    found[line.reference] = line if first is None else joined(first, line)
            case _:
                pass
    return list(found.values())


def joined(first: Line, second: Line) -> Line:
    """Return the call that two records tell of: the place of the first, and whatever either of them says."""
    first.facts = merged(first.facts, second.facts)
    first.ms = first.ms if second.ms is None else second.ms
    first.words += second.words
    return first


def merged(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Return the facts of a call of which two records tell."""
    return tuple([later or earlier for earlier, later in zip(first, second, strict=True)])


def key(*parts: str) -> bytes:
    """Return 128 bits by which a combination of texts is found again."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _call(glance: Glance, time: int) -> Line:
    who, judged, ran = glance.principal, glance.decision, glance.run
    subject = client = agent = effect = rule = reason = ""
    if who is not None:
        subject, client, agent = who.subject, who.client, who.agent
    if judged is not None:
        effect, rule, reason = judged.effect, judged.rule or "", judged.reason or ""
    words = [("finding", finding) for finding in glance.findings] if glance.findings else []
    for field, text in (("detail", glance.detail), ("peer", glance.peer)):
        if text:
            words.append((field, text))
    for field, text in (("trace", glance.trace), ("session", glance.session), ("task", glance.task)):
        if text:
            words.append((field, text))
    if ran is not None and ran.id:
        words.append(("run", ran.id))
    words += unusual(glance.outcome, effect)
    facts = ("call", subject, client, agent, glance.program, glance.server, glance.tool, glance.method,
             glance.name or "", glance.outcome, effect, rule, reason)  # fmt: skip
    return Line(
        glance.n, time, glance.reference, glance.segment, glance.offset, facts,
        glance.ms.total if glance.ms is not None else None, words,
        # An outcome that says where the call came in is the only record of it: the call never left.
        glance.type == "intent" or bool(glance.endpoint),
    )  # fmt: skip


def unusual(outcome: str, decision: str) -> list[tuple[str, str]]:
    """Return of facts of a call those that few calls have: they get lists of their own, in which to find the newest."""
    found = [("outcome", outcome)] if outcome and outcome != USUAL else []
    return [*found, ("decision", decision)] if decision == DENIED else found


def _event(glance: Glance, time: int) -> Line:
    facts = ("event", *[""] * 8, str(glance.kind), "", "", "")
    return Line(
        glance.n, time, f"event-{glance.n}", glance.segment, glance.offset, facts, None, [("event", glance.said)]
    )


def _interrupted(glance: Glance, time: int) -> list[Line]:
    """Return the ends of calls that a process did not live to see."""
    if glance.kind != "interrupted" or not isinstance(glance.references, list):
        return []
    facts = ("call", *[""] * 8, "interrupted", "", "", "")
    return [
        Line(
            glance.n, time, str(each), glance.segment, glance.offset, facts, None, unusual("interrupted", ""), new=False
        )
        for each in glance.references
    ]


class _Clock:
    """Reads times: the part up to the second is the same for most records in a row."""

    def __init__(self) -> None:
        self._second, self._at = "", 0

    def __call__(self, text: str) -> int:
        second, rest = text[:_SECOND], text[_SECOND:]
        if second != self._second:
            try:
                at = millis(second + "Z")
            except ValueError:
                return 0
            self._second, self._at = second, at
        digits = rest[1:4]
        return self._at + (int(digits) if digits.isascii() and digits.isdigit() else 0)


def millis(text: str) -> int:
    """Return milliseconds since the epoch for an RFC 3339 time; raise `ValueError` where it is none."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return round((found - _EPOCH) / timedelta(milliseconds=1))


def written(at: int) -> str:
    """Return a time as the ledger writes it, for milliseconds since the epoch."""
    second, rest = divmod(at, 1000)
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:03d}Z"
