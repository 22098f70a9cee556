"""`ostiary tools label`: suggests what tools do to the runs that call them, for people to confirm."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.config.problems import did_you_mean
from ostiary.core.model import Kind
from ostiary.entry.cli.terminal import CONFIG, AsJson, ConfigFile, Refused, data, line, plural, raw, say, usage
from ostiary.entry.offline import Offline, offline
from ostiary.integrity.pins import State
from ostiary.operate.labelling import Suggested, Suggestion, suggested

Wanted = Annotated[str, typer.Argument(metavar="[SERVER]", help="Only the tools of this server.")]


def label(
    server: Wanted = "",
    config: ConfigFile = CONFIG,
    *,
    write: Annotated[bool, typer.Option("--write", help="Write them into the file, after you said yes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: what is written was read before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Suggest labels for what nobody labelled, each with its reason, as YAML to read, correct and paste.

    It looks at what tools say of themselves: annotations, names, descriptions
    and arguments. None of that is proof, so nothing is written without --write, and nothing
    applies until it is in the configuration. Until then a tool is taken
    for everything: it reads private and untrusted data, sends outside, changes.

    Example: ostiary tools label crm
    """
    opened = offline(config)
    if server and server not in opened.config.servers:
        hint = did_you_mean(server, opened.config.servers)
        raise usage("SERVER", f"no server is called so{f'; {hint}' if hint else ''}")
    found = list(suggested(opened.config, _approved(opened, server)))
    if as_json:
        data([_plain(each) for each in found])
        return
    open_ = [each for each in found if each.suggestions]
    if not found:
        say("Nothing was approved yet: servers are asked when `ostiary serve` runs.")
        return
    if open_:
        raw(written(open_))
    for each in open_:
        if each.rules:
            line(f"{each.label} is taken for everything by {', '.join(each.rules)}.", "yellow")
    said = f"{plural(len(open_), 'tool')} of {len(found):,} without a label"
    if write and open_:
        _write(config, open_, yes=yes)
        return
    say(f"{said}; nothing was changed." if open_ else "Every tool is labelled.", "bold")


def _write(path: Path, found: list[Suggested], *, yes: bool) -> None:
    """Write suggestions into the file once a person has read them: what a tool says of itself may be a lie."""
    if not yes and not sys.stdin.isatty():
        raise Refused("Nobody is there to say yes, and nothing was changed.", "Read what it prints, then add --yes.")
    if not yes and not typer.confirm(f"Write this into {path}?", default=False, err=True):
        say("Nothing was changed.", "yellow")
        return
    # A library that few commands need.
    from ostiary.entry.cli.labels_written import write  # noqa: PLC0415

    count = write(path, found)
    say(f"{path}: {plural(count, 'tool')} labelled; read it once more, and correct what is wrong.", "green")


def _approved(opened: Offline, server: str) -> list[tuple[str, str, Any]]:
    return [
        (row.server, row.sighting.name, row.sighting.definition)
        for row in opened.sightings()
        if row.sighting.kind is Kind.TOOL and row.state is State.APPROVED and server in ("", row.server)
    ]


def written(found: list[Suggested]) -> str:
    """Return suggestions as they are written in a configuration: what is not known is left to people, as a comment."""
    lines, server = ["servers:"], ""
    for each in sorted(found, key=lambda it: (it.server, it.tool)):
        if each.server != server:
            server = each.server
            lines += [f"  {server}:", "    tools:"]
        lines.append(f"      {json.dumps(each.tool)}:")
        known = [suggestion for suggestion in each.suggestions if suggestion.value is not None]
        if not known:
            lines[-1] += " {}"
        lines += [f"        {_line(suggestion)}" for suggestion in each.suggestions]
    return "\n".join(lines) + "\n"


def _line(it: Suggestion) -> str:
    if it.value is None:
        return f"# {it.key}: ?  {it.because}"
    value = f"[{', '.join(it.value)}]" if isinstance(it.value, list) else json.dumps(it.value).strip('"')
    return f"{it.key}: {value}  # {it.because}"


def _plain(each: Suggested) -> dict[str, Any]:
    return {
        "label": each.label,
        "server": each.server,
        "tool": each.tool,
        "labelled": dict(each.said),
        "suggested": {it.key: it.value for it in each.suggestions},
        "because": {it.key: it.because for it in each.suggestions},
        "rules": list(each.rules),
    }
