"""Reading the ledger: where its segments lie, its records one by one, calls that match a filter, and its proof."""

from __future__ import annotations

import csv
import heapq
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Struct

from ostiary.integrity.chain import Anchor, Line, Report, genuine
from ostiary.integrity.chain import verify as verify_chain

# A record is a few kilobytes at most; a file without newlines must not become one string in memory.
_LONGEST: Final = 16 * 1024 * 1024
_NUMBER: Final = re.compile(rb'\{"n":(\d{1,18}),')
_NAME: Final = re.compile(r"(\d{8})\.jsonl")
_MOST: Final = 4096
EXACT: Final = ("subject", "client", "server", "outcome", "decision", "rule", "reason", "reference", "trace", "session",
                "task", "run")  # fmt: skip
"""What is searched as it is: no part of it fits."""
_SAID: Final = ("subject", "server", "tool", "method", "outcome", "decision", "rule", "detail", "client", "agent",
                "program", "name", "reason", "peer", "trace", "session", "task", "run")  # fmt: skip


class Entry(Struct):
    """One call with its intent and outcome merged, or one event."""

    n: int
    """Number of the first record about it."""
    time: str
    reference: str
    type: str
    """`call` or `event`."""
    segment: int
    offset: int
    """Where its first record lies."""
    subject: str = ""
    server: str = ""
    tool: str = ""
    method: str = ""
    outcome: str = ""
    """Empty while nothing is known; for an event, its kind."""
    decision: str = ""
    rule: str = ""
    detail: str = ""
    ms: float | None = None
    client: str = ""
    agent: str = ""
    program: str = ""
    name: str = ""
    reason: str = ""
    peer: str = ""
    findings: str = ""
    trace: str = ""
    session: str = ""
    task: str = ""
    run: str = ""
    words: str = ""
    """What a search by text looks at: lower case."""


class Wanted(Struct, frozen=True):
    """What a search is for. Empty means any."""

    subject: str = ""
    tool: str = ""
    """With `*` for any characters and `?` for one."""
    server: str = ""
    outcome: str = ""
    decision: str = ""
    since: str = ""
    """RFC 3339 in UTC, as in the records; this moment is included, `until` is not."""
    until: str = ""
    reference: str = ""
    text: str = ""
    """Occurs in something that is said, whatever the case; an identifier of a run only as a whole."""
    client: str = ""
    rule: str = ""
    reason: str = ""
    trace: str = ""
    session: str = ""
    task: str = ""
    run: str = ""
    mark: str = ""
    """A trace, session, task or run, whichever it is."""


class Placed(Struct, frozen=True):
    """A record and where it lies."""

    segment: int
    offset: int
    end: int
    record: Mapping[str, Any]


def ledger_directory(data: Path) -> Path:
    """Return where the segments of a data directory lie."""
    return data / "ledger"


def seal_file(data: Path) -> Path:
    """Return where the newest seal is noted, apart from the segments."""
    return data / "keys" / "ledger.sealed"


def segment_path(directory: Path, number: int) -> Path:
    """Return the file of a segment."""
    return directory / f"{number:08d}.jsonl"


def segments(directory: Path) -> list[tuple[int, Path]]:
    """Return the segments that exist, oldest first."""
    if not directory.is_dir():
        return []
    found = ((_NAME.fullmatch(path.name), path) for path in directory.iterdir())
    return sorted((int(name[1]), path) for name, path in found if name)


def lines(number: int, path: Path) -> Iterator[Line]:
    """Yield a segment's lines as they are."""
    with path.open("rb", buffering=1 << 18) as file:
        at = 0
        while raw := file.readline(_LONGEST):
            at += 1
            yield Line(number, at, raw)


def began(line: Line | None) -> int:
    """Return the number of the record in a line, or 0."""
    found = _NUMBER.match(line.raw) if line is not None else None
    return int(found[1]) if found else 0


def public_key(data: Path) -> Ed25519PublicKey:
    """Return the key that verifies the seals; raise `ValueError` if it is not one."""
    try:
        key = load_pem_public_key((data / "keys" / "ledger.pub").read_bytes())
    except UnsupportedAlgorithm as error:
        raise ValueError(f"{data / 'keys' / 'ledger.pub'} holds a key of a kind that nobody knows") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{data / 'keys' / 'ledger.pub'} is not an Ed25519 key; restore the ledger's own")  # noqa: TRY004
    return key


def known_seal(data: Path, key: Ed25519PublicKey) -> Anchor | None:
    """Return the newest seal that was noted apart from the segments, if the note is genuine."""
    try:
        return genuine(key, seal_file(data).read_bytes())
    except FileNotFoundError:
        return None


def verify(
    data: Path, key: Ed25519PublicKey | None = None, *, partial: bool = False, anchor: Anchor | None = None
) -> Report:
    """Report everything that is wrong with the ledger of a data directory, also while it is written.

    `key` and `anchor` from elsewhere prove more than those that lie next to the ledger. `partial` allows that the
    oldest segments were archived away.
    """
    key = key or public_key(data)
    # The seal is read before the segments: records that are written meanwhile can only add to what it covers.
    anchor = anchor or known_seal(data, key)
    every = (line for number, path in segments(ledger_directory(data)) for line in lines(number, path))
    return verify_chain(every, key, partial=partial, anchor=anchor)


def records(directory: Path, *, segment: int = 0, offset: int = 0) -> Iterator[Placed]:
    """Yield every whole record from a position on, oldest first. Lines that are not JSON are left to `verify`."""
    for number, path in segments(directory):
        if number >= segment:
            yield from _segment_records(number, path, offset if number == segment else 0)


def follow(directory: Path, wait: Callable[[], bool], *, segment: int = 0, offset: int = 0) -> Iterator[Placed]:
    """Yield records as they come, across rotations. Calls `wait` when there are none; ends when it returns False."""
    while True:
        moved = False
        for placed in records(directory, segment=segment, offset=offset):
            moved, segment, offset = True, placed.segment, placed.end
            yield placed
        if not moved and not wait():
            return


def search(directory: Path, wanted: Wanted, *, limit: int = 100, skip: int = 0) -> list[Entry]:
    """Return matching calls and events, newest first, by reading everything. The index gives the same, faster."""
    fits = matcher(wanted)
    found = heapq.nlargest(limit + skip, filter(fits, merged(records(directory))), key=lambda entry: entry.n)
    return found[skip:]


def merged(placed: Iterable[Placed]) -> Iterator[Entry]:
    """Yield one entry per call once its outcome is known, one per event, and at the end the calls without outcome."""
    waiting: dict[str, Entry] = {}
    for place in placed:
        for entry in entries(place):
            first = waiting.pop(entry.reference, None) if entry.type == "call" else None
            whole = entry if first is None else joined(first, entry)
            if whole.type == "event" or whole.outcome:
                yield whole
            else:
                waiting[whole.reference] = whole
    yield from waiting.values()


def entries(place: Placed) -> list[Entry]:
    """Return what a record says of calls and events. Openings and seals say nothing of either."""
    record = place.record
    match record.get("type"):
        case "intent" | "outcome":
            return [_call(place, record)]
        case "event":
            event = Entry(record["n"], record["time"], f"event-{record['n']}", "event", place.segment, place.offset)
            event.outcome, event.words = str(record.get("kind", "")), event_words(record)
            return [event, *_interrupted(place, record)]
        case _:
            return []


def joined(first: Entry, second: Entry) -> Entry:
    """Return the call that two records tell of: the place of the first, and whatever either of them says."""
    for field in _SAID:
        setattr(first, field, getattr(second, field) or getattr(first, field))
    first.findings = "; ".join(sorted({*first.findings.split("; "), *second.findings.split("; ")} - {""}))
    first.ms = first.ms if second.ms is None else second.ms
    first.words = f"{first.words}\n{second.words}"
    return first


def matcher(wanted: Wanted) -> Callable[[Entry], bool]:
    """Return the test that a filter stands for."""
    exact = [(field, value) for field in EXACT if (value := getattr(wanted, field))]
    tool = glob(wanted.tool) if wanted.tool else None
    text = wanted.text.lower()

    def fits(entry: Entry) -> bool:
        return (
            all(getattr(entry, field) == value for field, value in exact)
            and (tool is None or tool.fullmatch(entry.tool) is not None)
            and (not wanted.since or entry.time >= wanted.since)
            and (not wanted.until or entry.time < wanted.until)
            and (text in entry.words or (bool(text) and wanted.text in _marks(entry)))
            and (not wanted.mark or wanted.mark in _marks(entry))
        )

    return fits


def glob(pattern: str) -> re.Pattern[str]:
    """Return the expression for a pattern in which `*` stands for any characters and `?` for one."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def export(placed: Iterable[Placed], form: Literal["jsonl", "csv"]) -> Iterator[str]:
    """Yield the text of an export, in pieces: whole records as JSON lines, or one CSV row per call and event."""
    if form == "jsonl":
        for place in placed:
            yield msgspec.json.encode(place.record).decode() + "\n"
        return
    columns = [field for field in Entry.__struct_fields__ if field != "words"]
    yield _row(columns)
    for entry in merged(placed):
        yield _row([getattr(entry, column) for column in columns])


def _row(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_inert(cell) for cell in cells])
    return text.getvalue()


def _inert(cell: Any) -> Any:
    """Return a cell that a spreadsheet does not run as a formula (OWASP, CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _segment_records(number: int, path: Path, offset: int) -> Iterator[Placed]:
    with path.open("rb", buffering=1 << 18) as file:
        file.seek(offset)
        while (raw := file.readline(_LONGEST)).endswith(b"\n"):
            end = offset + len(raw)
            try:
                record = msgspec.json.decode(raw)
            except msgspec.MsgspecError:
                record = None
            if isinstance(record, dict):
                yield Placed(number, offset, end, record)
            offset = end


def _call(place: Placed, record: Mapping[str, Any]) -> Entry:
    principal, decision = record.get("principal") or {}, record.get("decision") or {}
    entry = Entry(
        record["n"], record["time"], record["reference"], "call", place.segment, place.offset,
        principal.get("subject", ""), record.get("server", ""), record.get("tool", ""), record.get("method", ""),
        record.get("outcome", ""), decision.get("effect", ""), decision.get("rule") or "", record.get("detail", ""),
        (record.get("ms") or {}).get("total"),
        principal.get("client", ""), principal.get("agent", ""), record.get("program", ""), record.get("name") or "",
        decision.get("reason") or "", record.get("peer", ""), "; ".join(sorted(set(record.get("findings", ())))),
        record.get("trace", ""), record.get("session", ""), record.get("task", ""),
        (record.get("run") or {}).get("id", ""),
    )  # fmt: skip
    said = (
        entry.subject, entry.client, entry.agent, entry.program, entry.server, entry.tool, entry.method, entry.name,
        entry.outcome, entry.decision, entry.rule, entry.reason, entry.detail, entry.peer, *record.get("findings", ()),
    )  # fmt: skip
    entry.words = "\n".join(said).lower()
    return entry


def _interrupted(place: Placed, record: Mapping[str, Any]) -> list[Entry]:
    """Return the ends of calls that a process did not live to see."""
    if record.get("kind") != "interrupted":
        return []
    return [
        Entry(record["n"], record["time"], reference, "call", place.segment, place.offset, outcome="interrupted")
        for reference in record.get("references", ())
    ]


def _marks(entry: Entry) -> tuple[str, ...]:
    return entry.trace, entry.session, entry.task, entry.run


def event_words(record: Mapping[str, Any]) -> str:
    """Return what a search by text looks at, of an event: its facts, as far as they are not endless."""
    said = {key: value for key, value in record.items() if key not in {"n", "prev", "hash", "type", "time"}}
    return msgspec.json.encode(said).decode().lower()[:_MOST]
