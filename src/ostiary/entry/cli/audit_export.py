"""`ostiary audit export`: the ledger, or a part of it, as files that other programs read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ostiary import __version__
from ostiary.adapters.store import ledger_export, ledger_read
from ostiary.adapters.store.ledger_read import Placed, ledger_directory, records
from ostiary.entry.cli.audit_asked import Since, Until, instant, ledger_folder
from ostiary.entry.cli.terminal import CONFIG, ConfigFile, Refused, plural, raw, say, usage


class Form(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    OCSF = "ocsf"
    CEF = "cef"
    LEEF = "leef"


def export(
    config: ConfigFile = CONFIG,
    *,
    form: Annotated[
        Form, typer.Option("--format", metavar="jsonl|csv|parquet|ocsf|cef|leef", help="How it is written.")
    ] = Form.JSONL,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of stdout.")] = None,
    since: Since = "",
    until: Until = "",
) -> None:
    """Write the ledger out: whole records as JSON lines, or one row, event or line for each call and event.

    Example: ostiary audit export --format csv --since 7d -o calls.csv
    """
    first, last = instant("--since", since), instant("--until", until)
    opening = form in (Form.OCSF, Form.CEF, Form.LEEF)
    placed = _between(records(ledger_directory(ledger_folder(config))), first, last, opening=opening)
    if form is Form.PARQUET:
        if output is None:
            raise usage("--output", "say which file: Parquet is not text")
        say(f"{output}: {plural(_parquet(placed, output), 'row')}.", "green")
        return
    pieces = _pieces(placed, form)
    if output is None:
        for piece in pieces:
            raw(piece)
        return
    say(f"{output}: {plural(_save(output, pieces), 'line')}.", "green")


def _between(placed: Iterator[Placed], first: str, last: str, *, opening: bool) -> Iterator[Placed]:
    for each in placed:
        time = str(each.record.get("time", ""))
        # The beginning of a segment names the chain, which is a part of each record's name elsewhere.
        if (opening and each.record.get("type") == "open") or (
            (not first or time >= first) and (not last or time < last)
        ):
            yield each


def _pieces(placed: Iterator[Placed], form: Form) -> Iterator[str]:
    match form:
        case Form.OCSF | Form.CEF | Form.LEEF:
            return ledger_export.lines(placed, form.value, __version__)
        case Form.CSV:
            return ledger_read.export(placed, "csv")
        case _:
            return ledger_read.export(placed, "jsonl")


def _parquet(placed: Iterator[Placed], path: Path) -> int:
    # Made first, so that nobody else can read it from the beginning: who used what is nobody else's business.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    try:
        return ledger_export.parquet(placed, path)
    except ledger_export.NoParquet:
        path.unlink()
        raise Refused(
            "Parquet needs a library that is not installed.", "Run `pip install 'ostiary[parquet]'`, or take csv."
        ) from None


def _save(path: Path, pieces: Iterator[str]) -> int:
    """Write a file that only its owner may read."""
    count = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        while batch := list(islice(pieces, 1000)):
            file.writelines(batch)
            count += len(batch)
    return count
