"""`ostiary audit`: search, follow, verify and export the ledger."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ostiary.adapters.store import captures_proof, ledger_read
from ostiary.adapters.store.ledger_proof import Pinned, is_fingerprint, prove
from ostiary.adapters.store.ledger_read import Placed, ledger_directory, records, segments
from ostiary.config.schema import Config
from ostiary.entry.cli import audit_export, audit_payloads, audit_search
from ostiary.entry.cli.audit_asked import Since as Since
from ostiary.entry.cli.audit_asked import instant as instant
from ostiary.entry.cli.audit_asked import ledger_folder
from ostiary.entry.cli.audit_search import colour
from ostiary.entry.cli.kept import checkpoints as kept
from ostiary.entry.cli.kept import elsewhere
from ostiary.entry.cli.proved import plain, tell, tell_payloads
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    ConfigFile,
    Refused,
    data,
    data_line,
    line,
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

_PAUSE: Final = 0.2
_AWAY: Final = "Bring it back or name a copy: with --checkpoints FILE for checkpoints, with --key FILE for the key."

app.command("search")(audit_search.search)
app.command("timeline")(audit_search.timeline)


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
    directory = ledger_directory(ledger_folder(config))
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
    line(_sentence(record), colour(str(record.get("outcome", ""))) if record.get("type") == "outcome" else "")


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
        typer.Option(
            metavar="FILE|FOLDER",
            help="Checkpoints kept elsewhere, as a file, a folder of objects, or what syslog received: the only thing "
            "that tells an older copy.",
        ),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Allow that the oldest segments were archived.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prove that no record was changed, removed, reordered or cut off; exit 1 and say which if one was.

    So are payloads that were kept: each is what the ledger vouches for, or was destroyed and the ledger says why.

    Without --checkpoints, the file of `ledger.checkpoints` is used if there is one, else its object store. Nothing is
    changed, and no gateway needs to run. Exit code 0: whole; 1: not whole, or not to be verified; 2: called the wrong
    way.

    Example: ostiary audit verify --key /mnt/elsewhere/ledger.pub --checkpoints /mnt/elsewhere/checkpoints.jsonl
    """
    document = checked(config).config
    folder = data_folder(document, config)
    if not segments(ledger_directory(folder)) and not (folder / "keys" / "ledger.pub").exists():
        raise Refused(f"There is no ledger in {folder}.", "It begins when `ostiary serve` runs for the first time.")
    try:
        section = None if checkpoints else document.ledger.checkpoints
        with elsewhere(section, config, folder) as place:
            proof = prove(folder, _pinned(key, checkpoints or place), partial=partial)
    except FileNotFoundError as error:
        raise Refused(f"The ledger cannot be verified: {error.strerror}: {error.filename}.", _AWAY) from None
    except ValueError as error:
        raise Refused(
            f"The ledger cannot be verified: {error}.", "Restore the key, or name a copy with --key."
        ) from None
    kept_of_calls = captures_proof.payloads(folder) if _captures(document, folder) else None
    if as_json:
        data(plain(proof, kept_of_calls))
    else:
        tell(proof)
        tell_payloads(kept_of_calls)
    if not proof.ok or (kept_of_calls is not None and not kept_of_calls.ok):
        raise typer.Exit(1)


def _captures(document: Config, folder: Path) -> bool:
    # Reading every record for them takes as long as the proof: who never kept a payload is spared that.
    return document.capture is not None or captures_proof.any_payloads(folder)


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


app.command("checkpoints")(kept)
app.command("export")(audit_export.export)
app.command("keygen")(audit_payloads.keygen)
app.command("payload")(audit_payloads.payload)
app.command("erase")(audit_payloads.erase)
