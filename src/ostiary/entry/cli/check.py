"""`ostiary check`: every problem of a configuration at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from ostiary.adapters.store import database
from ostiary.config.checking import Seen, strange, tried, unfit
from ostiary.config.parse import Document
from ostiary.config.policy import told
from ostiary.config.problems import Problem, ordered
from ostiary.config.schema import Config, weakened
from ostiary.core.model import Kind
from ostiary.entry.cli.terminal import CONFIG, AsJson, ConfigFile, data, line, plural, say
from ostiary.entry.extras import lacking
from ostiary.entry.guarding import unnamed
from ostiary.entry.offline import Offline, data_folder, offline
from ostiary.entry.plugins import broken, missing
from ostiary.operate.explain import unchecked
from ostiary.operate.labelling import unlabelled


class Findings(Struct):
    """What is to be said about a configuration."""

    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    hints: tuple[Problem, ...] = ()
    """Names that no server was seen to offer."""
    unsafe: tuple[str, ...] = ()
    summary: str = ""


def check(
    config: ConfigFile = CONFIG,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on every unsafe_ key as well.")] = False,
    load: Annotated[bool, typer.Option("--load", help="Load guards of other packages, which runs their code.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every problem of a configuration at once, with file, line, column and what to write instead.

    Shape, references between keys and the file's own expectations are errors.
    What its servers were seen to offer adds notes, such as names that collide.
    Nothing is started, and nothing is changed. Packages that bring guards are only looked up, without --load.

    Example: ostiary check -c ostiary.yaml --strict
    """
    found = _examined(config, broken if load else missing)
    passed = not found.problems and not (strict and found.unsafe)
    if as_json:
        data(_plain(found, config, passed=passed))
    else:
        _say(found, config, strict=strict)
    if not passed:
        raise typer.Exit(1)


def _examined(path: Path, plugins: Callable[[Document], Iterable[Problem]]) -> Findings:
    document, problems = tried(path.read_bytes(), str(path))
    if document is None:
        return Findings(problems)
    problems = ordered((*problems, *plugins(document), *unnamed(document), *lacking(document)))
    config = document.config
    notes, hints = (*_unseen(config, frozenset()), *unlabelled(config, {})), tuple[Problem, ...]()
    # Opening the data folder would make it, and a check changes nothing.
    if (data_folder(config, path) / database.NAME).exists():
        opened = offline(path, document=document)
        notes, hints = _noted(opened), _strange(opened)
        problems = ordered((*problems, *unfit(document, opened.revisions.faults)))
    return Findings(problems, notes, hints, weakened(config), _summary(config))


def _strange(opened: Offline) -> tuple[Problem, ...]:
    """Return names that nothing which was ever seen has."""
    seen = (Seen(it.server, it.sighting.kind, it.sighting.name, it.sighting.definition) for it in opened.sightings())
    return ordered(strange(opened.document, seen))


def _unseen(config: Config, seen: frozenset[str]) -> tuple[str, ...]:
    """Return the conditions on arguments that nothing could be held against yet."""
    return tuple(
        f"rule {rule}: its condition is checked when the gateway knows the tools of {server}"
        for rule, server in unchecked(config, seen)
    )


def _noted(opened: Offline) -> tuple[str, ...]:
    """Return what only the catalogue can tell, such as collisions."""
    misfits = {told(each) for each in opened.revisions.faults}
    notes = (note for note in opened.notes if not any(note.startswith(each) for each in misfits))
    tools: dict[str, list[str]] = {}
    for row in opened.sightings():
        if row.sighting.kind is Kind.TOOL:
            tools.setdefault(row.server, []).append(row.sighting.name)
    seen = frozenset(row.server for row in opened.sightings())
    return (*notes, *_unseen(opened.config, seen), *unlabelled(opened.config, tools))


def _summary(config: Config) -> str:
    counts = ((config.servers, "server"), (config.rules, "rule"), (config.expect, "expectation"))
    return ", ".join(plural(len(each), noun) for each, noun in counts)


def _plain(found: Findings, path: Path, *, passed: bool) -> dict[str, Any]:
    fields = ("path", "line", "column", "message", "suggestion")
    problems, hints = (
        [{"file": str(path), **{name: getattr(each, name) for name in fields}} for each in listed]
        for listed in (found.problems, found.hints)
    )
    return {
        "ok": passed, "problems": problems, "hints": hints, "notes": list(found.notes), "unsafe": list(found.unsafe),
    }  # fmt: skip


def _say(found: Findings, path: Path, *, strict: bool) -> None:
    for problem in found.problems:
        line(problem.rendered(str(path)))
    for hint in found.hints:
        line(hint.rendered(str(path), "note"), "yellow")
    for note in found.notes:
        line(f"{path}: note: {note}", "yellow")
    for key in found.unsafe:
        line(f"{path}: {'error' if strict else 'note'}: {key} switches a protection off", "yellow")
    if found.problems:
        say(f"{plural(len(found.problems), 'problem')}.", "red")
    elif strict and found.unsafe:
        say(f"{plural(len(found.unsafe), 'unsafe_ key')}: remove them, or check without --strict.", "red")
    else:
        say(f"{path} is good: {found.summary}.", "green")
