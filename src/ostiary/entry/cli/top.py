"""`ostiary top`: what goes on at this moment, in the terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ostiary.adapters.store.ledger_read import follow, ledger_directory, segments
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    ConfigFile,
    Refused,
    data,
    duration,
    now,
    out,
    plural,
    shown,
)
from ostiary.entry.offline import checked, data_folder
from ostiary.operate.glance import Glance, Row, View

_REFRESH: Final = 0.5
"""Seconds between two pictures."""
_COLUMNS: Final = ("CALLS", "/S", "P50 MS", "P95 MS", "DENIED", "FAILED", "IN FLIGHT")
_ROWS: Final = 10


def top(
    config: ConfigFile = CONFIG,
    *,
    window: Annotated[str, typer.Option(metavar="TIME", help="How far to look back: 10s, 1m, 15m.")] = "1m",
    once: Annotated[bool, typer.Option("--once", help="Print one picture, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show who calls what, how fast, and what was refused: live, by the ledger's newest records, until interrupted.

    It only reads, and works beside a running gateway. Where output is not a terminal it prints one picture.

    Example: ostiary top --window 5m
    """
    seconds = duration("--window", window)
    data_path = data_folder(checked(config).config, config)
    directory = ledger_directory(data_path)
    found = segments(directory)
    if not found:
        raise Refused(f"There is no ledger in {data_path}.", "It begins when `ostiary serve` runs for the first time.")
    glance = Glance(seconds)
    if once or as_json or not out().is_terminal:
        for placed in follow(directory, lambda: False, segment=_begin(found, now() - seconds)):
            glance.add(placed.record)
        view = glance.view(now(), _ROWS)
        data(msgspec.to_builtins(view)) if as_json else out().print(picture(view))
        return
    with _keys():
        _live(directory, glance, _begin(found, now() - seconds))


def _begin(found: list[tuple[int, Path]], since: float) -> int:
    """Return the first segment in which something is written after a time, by when files were last written to."""
    return next((number for number, path in found if path.stat().st_mtime >= since), found[-1][0])


def _live(directory: Path, glance: Glance, segment: int) -> None:
    with Live(picture(glance.view(now(), _ROWS)), console=out(), auto_refresh=False, screen=True) as screen:
        due = [time.monotonic()]

        def show() -> None:
            if time.monotonic() >= due[0]:
                screen.update(picture(glance.view(now(), _ROWS)), refresh=True)
                due[0] = time.monotonic() + _REFRESH

        for placed in follow(directory, _shown_and_waited(show), segment=segment):
            glance.add(placed.record)
            show()


def _shown_and_waited(show: Callable[[], None]) -> Callable[[], bool]:
    rest = threading.Event()

    def wait() -> bool:
        show()
        rest.wait(_REFRESH / 2)
        return True

    return wait


@contextmanager
def _keys() -> Iterator[None]:
    """End quietly when somebody presses Ctrl-C: that is how a live view ends."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stdout.flush()


def picture(view: View) -> Group:
    """Return what a view looks like."""
    total = view.total
    head = (
        f"last {view.seconds:g} s: {plural(total.calls, 'call')}, {total.rate:.1f}/s, {total.denied:,} denied, "
        f"{total.failed:,} failed, {total.in_flight:,} in flight"
    )
    said: list[Text | Table] = [
        Text(head, "bold"),
        Text(),
        _table("CALLER", view.callers),
        Text(),
        _table("TOOL", view.tools),
    ]
    if view.refused:
        said += [Text(), Text("newest refusals", "bold"), *(Text(shown(each, 200), "red") for each in view.refused)]
    return Group(*said)


def _table(what: str, rows: tuple[Row, ...]) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column(what, overflow="ellipsis", no_wrap=True, min_width=24)
    for column in _COLUMNS:
        made.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        made.add_row(
            Text(shown(row.name or "nobody")), f"{row.calls:,}", f"{row.rate:.1f}", f"{row.p50:.1f}", f"{row.p95:.1f}",
            _count(row.denied, "red"), _count(row.failed, "yellow"), f"{row.in_flight:,}",
        )  # fmt: skip
    return made


def _count(number: int, style: str) -> Text:
    return Text(f"{number:,}", style if number else "")
