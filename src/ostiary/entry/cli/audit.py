"""`ostiary audit`: search, follow, verify and export the ledger."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ostiary.adapters.store import ledger_read
from ostiary.adapters.store.ledger_index import LedgerIndex
from ostiary.adapters.store.ledger_proof import Pinned, is_fingerprint, prove
from ostiary.adapters.store.ledger_read import Entry, Placed, Wanted, ledger_directory, records, segments
from ostiary.config.problems import Unfit
from ostiary.config.units import seconds
from ostiary.entry.anchoring import second_place
from ostiary.entry.cli.proved import plain, tell
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    Cell,
    ConfigFile,
    Refused,
    data,
    data_line,
    line,
    now,
    plural,
    raw,
    say,
    styled,
    table,
    usage,
)
from ostiary.entry.offline import checked, data_folder

app: Final = typer.Typer(
    name="audit",
    help="Search, follow, verify and export the ledger of calls. Example: ostiary audit search --since 1h",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_PAGE: Final = 100
_MANY: Final = 10_000
_PAUSE: Final = 0.2
_SHOWN: Final = ("n", "time", "reference", "type", "subject", "server", "tool", "method", "outcome", "decision", "rule",
                 "detail", "ms")  # fmt: skip
_AWAY: Final = "Bring it back or name a copy: with --checkpoints FILE for checkpoints, with --key FILE for the key."
_GOOD: Final = frozenset({"answered"})
_NEUTRAL: Final = frozenset({"", "abandoned", "tool_error", "rpc_error", "interrupted"})


class Form(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    CSV = "csv"


Since = Annotated[str, typer.Option("--since", metavar="TIME", help="From: 2026-11-22, 2026-11-22T10:00:00Z, 7d ago.")]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Until, not included.")]


def _folder(config: Path) -> Path:
    data_path = data_folder(checked(config).config, config)
    if not segments(ledger_directory(data_path)):
        raise Refused(f"There is no ledger in {data_path}.", "It begins when `ostiary serve` runs for the first time.")
    return data_path


@app.command("search")
def search(  # noqa: PLR0913 - a command's options are its arguments
    config: ConfigFile = CONFIG,
    *,
    subject: Annotated[str, typer.Option(metavar="WHO", help="Calls of this subject.")] = "",
    server: Annotated[str, typer.Option(metavar="NAME", help="Calls to this server.")] = "",
    tool: Annotated[str, typer.Option(metavar="PATTERN", help="Labels, with * and ?: files.read_*")] = "",
    outcome: Annotated[str, typer.Option(metavar="CODE", help="answered, tool_error, not_found, limited, …")] = "",
    decision: Annotated[str, typer.Option(metavar="EFFECT", help="allow or deny.")] = "",
    since: Since = "",
    until: Until = "",
    reference: Annotated[
        str, typer.Option(metavar="ID", help="The call that a client was told this reference of.")
    ] = "",
    text: Annotated[str, typer.Option(metavar="TEXT", help="What occurs in who, what, why or findings.")] = "",
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At most so many; 100, or 10000 with --json.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find calls and events in the ledger, newest first. What ended a moment ago is found too.

    Example: ostiary audit search --subject alice --since 1h --decision deny
    """
    if decision not in ("", "allow", "deny"):
        raise usage("--decision", "is allow or deny")
    wanted = Wanted(
        subject, tool, server, outcome, decision, instant("--since", since), instant("--until", until), reference, text
    )
    index = LedgerIndex(_folder(config))
    try:
        index.update()
        found, count = index.search(wanted, limit=limit or (_MANY if as_json else _PAGE)), index.count(wanted)
    finally:
        index.close()
    if as_json:
        data([{name: getattr(each, name) for name in _SHOWN} for each in found])
    elif found:
        table(("TIME", "OUTCOME", "SUBJECT", "WHAT", "RULE", "MS", "REFERENCE", "WHY"), [_row(each) for each in found])
    if count > len(found):
        say(f"The newest {len(found):,} of {count:,}; for more, narrow the search or say --limit.")
    elif not found:
        say("Nothing in the ledger fits.")


def _row(each: Entry) -> list[Cell]:
    return [
        each.time, styled(each.outcome or "in flight", _colour(each.outcome)), each.subject,
        each.tool or each.method or each.type, each.rule, "" if each.ms is None else f"{each.ms:.1f}",
        each.reference, each.detail[:120],
    ]  # fmt: skip


def _colour(outcome: str) -> str:
    if outcome in _GOOD:
        return "green"
    return "yellow" if outcome in _NEUTRAL else "red"


def instant(option: str, text: str) -> str:
    """Return a time as the ledger writes it; a duration means so long ago."""
    if not text:
        return ""
    try:
        when = now() - seconds(text.removesuffix(" ago"))
        return _stamp(datetime.fromtimestamp(when, UTC))
    except Unfit:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise usage(option, "write 2026-11-22, 2026-11-22T10:00:00Z, or how long ago: 90m, 24h, 7d") from None
    # The ledger's times are UTC, and so is a time that does not say otherwise.
    return _stamp(found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC))


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


@app.command("tail")
def tail(
    config: ConfigFile = CONFIG,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as records come, until interrupted.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", metavar="N", min=0, help="Begin with the last N.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print each record as one line of JSON.")] = False,
) -> None:
    """Show the ledger's newest records, oldest of them first, and follow it with -f.

    Example: ostiary audit tail -f
    """
    directory = ledger_directory(_folder(config))
    newest = deque(_recent(directory), maxlen=max(lines, 1))
    last = newest[-1] if newest else None
    for placed in newest if lines else ():
        _show(placed.record, as_json=as_json)
    if follow:
        at = (last.segment, last.end) if last else (0, 0)
        for placed in ledger_read.follow(directory, _waited, segment=at[0], offset=at[1]):
            _show(placed.record, as_json=as_json)


def _recent(directory: Path) -> Iterator[Placed]:
    # Each start begins a segment, so the newest ones may hold little; four of them hold what anyone wants to see.
    return records(directory, segment=segments(directory)[-4:][0][0])


def _waited() -> bool:
    sys.stdout.flush()
    time.sleep(_PAUSE)
    return True


def _show(record: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        data_line(record)
        return
    if record.get("type") in ("open", "seal"):
        return
    line(_sentence(record), _colour(str(record.get("outcome", ""))) if record.get("type") == "outcome" else "")


def _sentence(record: Mapping[str, Any]) -> str:
    """Return a record as one line: when, what kind, who, what, how it was decided, how it ended."""
    principal, decision = record.get("principal") or {}, record.get("decision") or {}
    said = [str(record.get("time", "")), f"{record.get('type', ''):8}"]
    if record.get("type") == "event":
        facts = {key: value for key, value in record.items() if key not in _FRAME}
        return " ".join([*said, str(record.get("kind", "")), msgspec.json.encode(facts).decode()])
    said += [str(record.get("reference", "")), str(principal.get("subject", ""))]
    said.append(str(record.get("tool") or record.get("name") or record.get("method") or ""))
    said.append(" ".join(str(decision[key]) for key in ("effect", "reason", "rule") if decision.get(key)))
    said += [str(record.get("outcome", "")), str(record.get("detail", ""))]
    if total := (record.get("ms") or {}).get("total"):
        said.append(f"{total:.1f}ms")
    return " ".join(filter(None, said))


_FRAME: Final = frozenset({"n", "prev", "hash", "type", "time", "kind"})


# Proof


@app.command("verify")
def verify(
    config: ConfigFile = CONFIG,
    *,
    key: Annotated[
        str,
        typer.Option(
            metavar="FILE|ID", help="A copy of keys/ledger.pub from elsewhere, or its fingerprint; proves more."
        ),
    ] = "",
    checkpoints: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Checkpoints kept elsewhere: the only thing that tells an older copy."),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Allow that the oldest segments were archived.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prove that no record was changed, removed, reordered or cut off; exit 1 and say which if one was.

    Without --checkpoints, the file of `ledger.checkpoints` is used if there is one. Nothing is changed, and no gateway
    needs to run. Exit code 0: whole; 1: not whole, or not to be verified; 2: called the wrong way.

    Example: ostiary audit verify --key /mnt/elsewhere/ledger.pub --checkpoints /mnt/elsewhere/checkpoints.jsonl
    """
    document = checked(config).config
    folder = data_folder(document, config)
    place = second_place(document.ledger, config)
    if not segments(ledger_directory(folder)) and not (folder / "keys" / "ledger.pub").exists():
        raise Refused(f"There is no ledger in {folder}.", "It begins when `ostiary serve` runs for the first time.")
    try:
        proof = prove(folder, _pinned(key, checkpoints or place), partial=partial)
    except FileNotFoundError as error:
        raise Refused(f"The ledger cannot be verified: {error.strerror}: {error.filename}.", _AWAY) from None
    except ValueError as error:
        raise Refused(
            f"The ledger cannot be verified: {error}.", "Restore the key, or name a copy with --key."
        ) from None
    if as_json:
        data(plain(proof))
    else:
        tell(proof)
    if not proof.ok:
        raise typer.Exit(1)


def _pinned(key: str, checkpoints: Path | None) -> Pinned:
    if is_fingerprint(key):
        return Pinned(None, key, checkpoints)
    return Pinned(_key(Path(key)) if key else None, "", checkpoints)


def _key(path: Path) -> Ed25519PublicKey:
    try:
        found = load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise usage("--key", f"{path} is not an Ed25519 public key in PEM")
    return found


# Taking it elsewhere


@app.command("export")
def export(
    config: ConfigFile = CONFIG,
    *,
    form: Annotated[
        Form, typer.Option("--format", metavar="jsonl|csv", help="Whole records, or one row for each call.")
    ] = Form.JSONL,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of stdout.")] = None,
    since: Since = "",
    until: Until = "",
) -> None:
    """Write the ledger out: whole records as JSON lines, or one row for each call and event as CSV.

    Example: ostiary audit export --format csv --since 7d -o calls.csv
    """
    first, last = instant("--since", since), instant("--until", until)
    directory = ledger_directory(_folder(config))
    placed = (
        each
        for each in records(directory)
        if (not first or str(each.record.get("time", "")) >= first)
        and (not last or str(each.record.get("time", "")) < last)
    )
    pieces = ledger_read.export(placed, form.value)
    if output is None:
        for piece in pieces:
            raw(piece)
        return
    count = _save(output, pieces)
    say(f"{output}: {plural(count, 'line')}.", "green")


def _save(path: Path, pieces: Iterator[str]) -> int:
    """Write a file that only its owner may read: who used what is nobody else's business."""
    count = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        while batch := list(islice(pieces, 1000)):
            file.writelines(batch)
            count += len(batch)
    return count
