"""`ostiary guards hash`: a list of values as a set that finds them and does not hold them."""

from __future__ import annotations

import csv
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from ostiary.entry.cli.terminal import Refused, line, plural, usage

_SALT: Final = 32
_LONGEST: Final = 4_096


def hash_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="One value a line, or CSV with --column; - reads standard input.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="SET", help="Where to write the set.")],
    *,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="FILE is CSV; the name of the column to take.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a set that is there.")] = False,
) -> None:
    """Make a set of hashed values for a guard with `use: exact`, of up to a million values.

    Values are compared by their letters and digits alone, whatever their case. Whoever has the set can test guesses
    against it: keep it as you keep the list where its values are short or few.

    Example: ostiary guards hash customers.csv --column account -o customers.set
    """
    from ostiary.guards.sets import packed  # noqa: PLC0415 - what hashes is needed here only

    if output.exists() and not replace:
        raise usage("--output", f"{output} is there already; say --replace to write over it")
    with _opened(file) as source:
        values = [each for each in _values(source, column) if each.strip()]
    try:
        data = packed(values, secrets.token_bytes(_SALT))
    except ValueError as error:
        raise Refused(f"The list cannot be hashed: {error}.", "Take such values out of the list.") from None
    partial = output.with_name(f"{output.name}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        target.write(data)
    partial.replace(output)
    line(f"{plural(len(set(values)), 'value')} in {output} ({len(data):,} bytes).")


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    if str(file) == "-":
        yield sys.stdin
        return
    try:
        with file.open(encoding="utf-8-sig", newline="") as source:
            yield source
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.", "Check its name and its permissions.") from None
    except UnicodeDecodeError as error:
        raise Refused(f"{file} is not UTF-8: byte {error.start} is none.", "Convert it, with iconv.") from None


def _values(source: TextIO, column: str | None) -> Iterator[str]:
    if column is None:
        yield from (each.rstrip("\r\n") for each in source)
        return
    rows = csv.DictReader(source)
    if column not in (rows.fieldnames or ()):
        raise usage(
            "--column", f"there is no {column!r}; the columns are {', '.join(rows.fieldnames or ())}"[:_LONGEST]
        )
    yield from (row[column] or "" for row in rows)
