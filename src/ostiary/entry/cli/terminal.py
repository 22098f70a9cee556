"""What every command says and how: data to standard output, words to standard error, colours only on a terminal.

What servers, callers and files say is third-party text: everything printed here is shown, never obeyed, so that no
control or direction character reaches the terminal (the attack is as old as terminals: CWE-150).
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import structlog
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from ostiary.config.problems import Invalid, Unfit
from ostiary.config.units import seconds
from ostiary.core.errors import GatewayError

CONFIG: Final = Path("ostiary.yaml")
ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the data as JSON.")]

# A table that goes into a file or a pipe is never folded: lines are what other programs read.
_PIPED: Final = 100_000
_HOUR: Final = 3_600
_DAY: Final = 86_400


class Refused(Exception):
    """A command cannot do what was asked: what happened and why, then what to do about it."""

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(f"{what}\n{todo}" if todo else what)
        self.what, self.todo = what, todo


def told(error: BaseException) -> int:
    """Say in words on standard error why a command failed, and return its exit code."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has read enough (`| head`); Python would complain once more when it flushes at exit.
        sys.stdout = None  # which is how the interpreter spells "no output"
        return 1
    what, todo = _worded(error)
    todo = f"{todo[:1].upper()}{todo[1:]}"
    for line in what.split("\n"):
        say(line, style="red")
    if todo:
        say(todo)
    return 1


def _worded(error: BaseException) -> tuple[str, str]:
    match error:
        case Refused():
            return error.what, error.todo
        case Invalid():
            count = len(error.problems)
            return str(error), f"{count} problem{'s' if count > 1 else ''}; nothing was changed."
        case GatewayError():
            return error.detail or error.message, ""
        case SQLAlchemyError():
            cause = getattr(error, "orig", None) or type(error).__name__
            return (
                f"The database cannot be used: {cause}.",
                "Check who owns the data folder, and the space on its disk.",
            )
        case OSError():
            return _of_system(error)
    return str(error) or type(error).__name__, ""


def _of_system(error: OSError) -> tuple[str, str]:
    where, why = error.filename, error.strerror or type(error).__name__
    if where is None:
        return f"{why}.", ""
    if isinstance(error, FileNotFoundError):
        return f"{where}: there is no such file.", "Check the path; -c FILE names the configuration."
    if isinstance(error, PermissionError):
        return f"{where}: {why}.", "Run the command as the user who runs the gateway."
    return f"{where}: {why}.", ""


def shown(text: object, width: int = 0) -> str:
    """Return text in which every character can be seen: what acts on a terminal is spelled out; cut to `width`."""
    whole = "".join(each if each.isprintable() else _spelled(each) for each in str(text))
    return f"{whole[: width - 1]}…" if 0 < width < len(whole) else whole


def _spelled(character: str) -> str:
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"


def out() -> Console:
    """Return the console of standard output."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console of standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    return made if made.is_terminal else Console(
        stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=_PIPED
    )  # fmt: skip


def say(text: str, style: str = "") -> None:
    """Say one line of words on standard error."""
    err().print(Text(shown(text), style))


def line(text: str, style: str = "") -> None:
    """Print one line on standard output."""
    out().print(Text(shown(text), style))


def raw(text: str) -> None:
    """Print text that is made to be pasted or piped, exactly as it is."""
    sys.stdout.write(text)


def data(value: Any) -> None:
    """Print a value as JSON; in ASCII, because JSON's own escapes are the safe spelling of what acts on a terminal."""
    raw(json.dumps(value, indent=2).replace("\x7f", "\\u007f") + "\n")


def data_line(value: Any) -> None:
    """Print a value as one line of JSON."""
    raw(json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f") + "\n")


Cell = str | Text


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print rows below their headings."""
    console = out()
    made = Table(box=SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, no_wrap=not console.is_terminal, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(shown(cell)) for cell in row))
    console.print(made)


def styled(text: object, style: str) -> Text:
    """Return text for a table's cell, in a colour where there are colours."""
    return Text(shown(text), style)


def moment(when: float | None) -> str:
    """Return seconds since the epoch as RFC 3339 in UTC; nothing for never."""
    return "" if when is None else datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> float:
    """Return the seconds since the epoch."""
    return time.time()


def duration(option: str, text: str) -> float:
    """Return the seconds that `30d` or `15m` stand for; anything else is wrong usage."""
    try:
        return seconds(text)
    except Unfit as error:
        raise usage(option, error) from None


def usage(option: str, error: object) -> typer.BadParameter:
    """Return the wrong usage of an option, in the words of the check that found it."""
    said = f"{error}; {error.suggestion}" if isinstance(error, Unfit) and error.suggestion else str(error)
    return typer.BadParameter(said, param_hint=option)


def quiet() -> None:
    """Keep the library's log off the terminal: a command says in its own words what went wrong."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def days(span: float) -> str:
    """Return a span of time as people say it."""
    if span >= 2 * _DAY:
        return plural(round(span / _DAY), "day")
    return plural(round(span / _HOUR), "hour") if span >= 2 * _HOUR else plural(round(max(0.0, span) / 60), "minute")
