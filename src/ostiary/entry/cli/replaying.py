"""What commands share that look at the calls of the past: where they lie, and reading them one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ostiary.adapters.identity import tokens
from ostiary.adapters.store import database
from ostiary.adapters.store.ledger_read import ledger_directory, lines, segments
from ostiary.adapters.store.ledger_runs import recent
from ostiary.config.scopes import brings
from ostiary.core.model import Caller, Surface, Target
from ostiary.core.rules import Ask
from ostiary.entry.cli.terminal import Refused, err
from ostiary.entry.offline import Offline, checked, data_folder, offline
from ostiary.integrity.pins import State
from ostiary.operate.past import Past, Within, past
from ostiary.operate.simulate import Replay, World
from ostiary.pipeline import links
from ostiary.protocol.names import label

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER", help="The data folder; without it, the one that the file names."),
]
_EVERY: Final = 2_048
"""Lines between two looks at the bar."""


def opened(config: Path, data: Path | None) -> Offline:
    """Open a configuration and a data folder that has a ledger."""
    folder = data.resolve() if data else data_folder(checked(config).config, config)
    # Opening a data folder would make it.
    if not segments(ledger_directory(folder)):
        raise Refused(
            f"There is no ledger in {folder}.", "--data names the data folder of the gateway whose calls count."
        )
    return offline(config, folder)


def replay(it: Offline) -> Replay:
    """Return what decides past calls by a configuration and what was approved."""
    enabled = frozenset(name for name, server in it.config.servers.items() if not server.disabled)
    asked = frozenset(row.server for row in it.sightings())
    wider = brings(it.config)
    return Replay(World(it.snapshot, enabled, asked, approved(it), it.revisions.marks, wider, _narrowing(it)), _meaning)


def approved(it: Offline) -> frozenset[str]:
    """Return the labels of everything that was approved."""
    rows = (row for row in it.sightings() if row.state is State.APPROVED)
    return frozenset(label(row.server, row.sighting.kind, row.sighting.name) for row in rows)


def _narrowing(it: Offline) -> Callable[[str], Within | None]:
    def found(ident: str) -> Within | None:
        token = database.token_by_id(it.engine, ident)
        return tokens.caller(token).within if token is not None else None

    return found


def _meaning(uri: str, surface: Surface, caller: Caller, ask: Ask) -> Target | None:
    # What servers handed over is in the memory of the gateway that they handed it to.
    return links.resource(uri, surface, caller, None, ask)


def calls(data: Path, since: str, told: str) -> Iterator[Past]:
    """Yield the calls since a time, oldest first; a bar on the terminal says how far it is."""
    found = recent(segments(ledger_directory(data)), since)
    total = sum(path.stat().st_size for _, path in found)
    with _bar() as bar:
        task = bar.add_task(told, total=total)
        for number, path in found:
            yield from _of_segment(number, path, since, lambda size: bar.advance(task, size))


def _of_segment(number: int, path: Path, since: str, advance: Callable[[int], Any]) -> Iterator[Past]:
    size = 0
    for at, line in enumerate(lines(number, path), 1):
        size += len(line.raw)
        if at % _EVERY == 0:
            advance(size)
            size = 0
        call = past(line.raw) if line.whole else None
        if call is not None and call.time >= since:
            yield call
    advance(size)


def _bar() -> Progress:
    console = err()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
