"""`ostiary anomalies`: what would have been an alarm, and which thresholds would have fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from ostiary.adapters.store.ledger_read import ledger_directory, records, segments
from ostiary.behaviour.judging import Watcher
from ostiary.behaviour.loops import suggested
from ostiary.entry.cli.audit_asked import instant
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    Cell,
    ConfigFile,
    Refused,
    data,
    moment,
    plural,
    say,
    styled,
    table,
)
from ostiary.entry.offline import checked, data_folder
from ostiary.operate.recalled import longest, recalled

app: Final = typer.Typer(
    name="anomalies",
    help="Callers who were not themselves. Example: ostiary anomalies replay --since 30d",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_GRAVE: Final = 2.0
Since = Annotated[str, typer.Option("--since", metavar="TIME", help="From: 2026-11-22, 2026-11-22T10:00:00Z, 30d ago.")]


@app.command("replay")
def replay(config: ConfigFile = CONFIG, *, since: Since = "30d", as_json: AsJson = False) -> None:
    """Play the ledger's calls to a watcher that knows nothing yet, and show what it would have told.

    The first days teach it what is usual, so that a longer time says more. Nothing is changed, and nobody is shut out.

    Example: ostiary anomalies replay --since 30d
    """
    watcher = Watcher()
    found = [each for each in map(watcher.observe, recalled(_records(config, since))) if each is not None]
    if as_json:
        data([{**msgspec.to_builtins(each), "subject": _who(each.subject), "at": moment(each.at)} for each in found])
        return
    if found:
        rows: list[list[Cell]] = [
            [moment(each.at), _score(each.score), _who(each.subject),
             "; ".join(each.reasons)]
            for each in found
        ]  # fmt: skip
        table(("TIME", "SCORE", "WHO", "WHY"), rows)
    say(f"{plural(len(found), 'alarm')} about {plural(len(watcher.habits), 'caller')}.")


@app.command("suggest")
def suggest(config: ConfigFile = CONFIG, *, since: Since = "30d", as_json: AsJson = False) -> None:
    """Say which `runaways` would have disturbed nobody: half as much again as anybody did in a row.

    Read what it says before you use it: a time in which agents went in circles teaches the wrong thing.

    Example: ostiary anomalies suggest --since 30d
    """
    found = suggested(longest(_records(config, since)))
    lines = [{"name": kind, "watch": kind, "most": most, "then": "stop"} for kind, most in found.items()]
    if as_json:
        data(lines)
        return
    table(("WATCH", "MOST", "WRITE"), [[str(each["watch"]), str(each["most"]), _written(each)] for each in lines])


def _written(line: Mapping[str, Any]) -> str:
    return "- {" + ", ".join(f"{key}: {value}" for key, value in line.items()) + "}"


def _records(config: Path, since: str) -> Iterator[Mapping[str, Any]]:
    data_path = data_folder(checked(config).config, config)
    directory, first = ledger_directory(data_path), instant("--since", since)
    if not segments(directory):
        raise Refused(f"There is no ledger in {data_path}.", "It begins when `ostiary serve` runs for the first time.")
    return (each.record for each in records(directory) if str(each.record.get("time", "")) >= first)


def _who(subject: str) -> str:
    """Return a subject without its issuer, which only tells people of one name apart."""
    return subject.partition(" ")[2]


def _score(score: float) -> Cell:
    return styled(f"{score:.1f}", "red" if score >= _GRAVE else "yellow")
