"""`ostiary tools`: what each server offers, what of it is approved, and what changed since."""

from __future__ import annotations

import json
import os
import pwd
import socket
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.text import Text

from ostiary.adapters.store import database, identities
from ostiary.config.problems import did_you_mean
from ostiary.core.model import Json
from ostiary.entry.cli import offered
from ostiary.entry.cli.labelling import label
from ostiary.entry.cli.offered import IDENTITY, Seen
from ostiary.entry.cli.sbom import sbom
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    Cell,
    ConfigFile,
    Refused,
    data,
    line,
    moment,
    now,
    out,
    plural,
    say,
    shown,
    styled,
    table,
    usage,
)
from ostiary.entry.offline import Offline, offline
from ostiary.integrity.facts import INSTRUCTIONS
from ostiary.integrity.findings import Severity
from ostiary.integrity.pins import Sighting, State, differences

app: Final = typer.Typer(
    name="tools",
    help="See what servers offer, and decide what of it may be used. Example: ostiary tools diff",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_COLOURS: Final = {State.APPROVED: "green", State.NEW: "yellow", State.CHANGED: "yellow", State.REJECTED: "red"}
_WAITING: Final = (State.NEW, State.CHANGED)
_SHORT: Final = 12
_LONGEST: Final = 4_000

Server = Annotated[str, typer.Option("--server", metavar="NAME", help="Only what this server offers.")]
Labels = Annotated[list[str] | None, typer.Argument(metavar="LABEL", help="Labels or patterns: files.read_*")]
All = Annotated[bool, typer.Option("--all", help="Everything that waits.")]
Digest = Annotated[
    str, typer.Option("--digest", metavar="PREFIX", help="Only the definition with this digest: the one you reviewed.")
]


app.command("sbom")(sbom)
app.command("label")(label)


@app.command("list")
def list_(
    config: ConfigFile = CONFIG,
    *,
    server: Server = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what waits for approval.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what each server offered when it was last asked, and whether it may be used.

    SERVER/instructions is what a server tells models about itself, and
    SERVER/identity what it is: its program, its package, its name, its key.

    Example: ostiary tools list --server files
    """
    opened = offline(config)
    noted = identities.noted(opened.engine)
    seen = [each for each in _seen(opened, server) if not waiting or each.state in _WAITING]
    if as_json:
        data([_plain(each) for each in seen])
        return
    rows: list[list[Cell]] = [
        [
            each.label,
            each.kind,
            styled(str(each.state), _COLOURS[each.state]),
            each.sighting.digest[:_SHORT],
            styled(_rules(each), "red"),
            shown(_about(each, noted), 60),
        ]
        for each in seen
    ]
    for name, why in opened.revisions.selves.strangers().items():
        if not server or server == name:
            say(why, "red")
    if rows:
        table(("LABEL", "KIND", "STATE", "DIGEST", "SUSPICIOUS", "WHAT IT SAYS IT DOES"), rows)
        return
    say("Nothing waits." if waiting else "Nothing was seen yet: servers are asked when `ostiary serve` runs.")


@app.command("diff")
def diff(
    labels: Labels = None,
    config: ConfigFile = CONFIG,
    *,
    server: Server = "",
    as_json: AsJson = False,
) -> None:
    """Show what waits for approval: changed definitions beside the approved ones, new ones whole.

    Every character is shown: invisible and direction marks, which can hide
    instructions from people, are spelled out.

    Example: ostiary tools diff files.read_file
    """
    opened = offline(config)
    waiting = _chosen(opened, labels, server, _WAITING)
    if as_json:
        data([_compared(opened, each) for each in waiting])
        return
    for each in waiting:
        _show(opened, each)
    if waiting:
        say(
            f"{plural(len(waiting), 'definition')} held back. Next: ostiary tools approve LABEL, or reject LABEL",
            "bold",
        )
    else:
        say("Nothing waits for approval.", "green")


@app.command("approve")
def approve(
    labels: Labels = None,
    config: ConfigFile = CONFIG,
    *,
    everything: All = False,
    server: Server = "",
    digest: Digest = "",
    as_json: AsJson = False,
) -> None:
    """Approve definitions, exactly as they were seen: if a server changes one again, it is held back again.

    A running gateway offers them at once. SERVER/instructions approves what a
    server tells models about itself; SERVER/identity says that a server which is
    held is the right one all the same, and has to be named: --all leaves it out.

    Example: ostiary tools approve files.read_file --digest 3f9c0a
    """
    opened = offline(config)
    states = (*_WAITING, State.REJECTED) if labels and not everything else _WAITING
    _record(opened, _picked(opened, labels, server, digest, states, everything=everything), "approved", as_json=as_json)


@app.command("reject")
def reject(
    labels: Labels = None,
    config: ConfigFile = CONFIG,
    *,
    everything: All = False,
    server: Server = "",
    digest: Digest = "",
    as_json: AsJson = False,
) -> None:
    """Reject definitions, exactly as they were seen; also one that was approved. A running gateway drops it at once.

    Example: ostiary tools reject files.delete_everything
    """
    opened = offline(config)
    states = (*_WAITING, State.APPROVED) if labels and not everything else _WAITING
    _record(opened, _picked(opened, labels, server, digest, states, everything=everything), "rejected", as_json=as_json)


# Choosing


def _seen(opened: Offline, server: str) -> list[Seen]:
    if server and server not in opened.config.servers:
        hint = did_you_mean(server, opened.config.servers) or f"there are {', '.join(opened.config.servers) or 'none'}"
        raise usage("--server", f"no server is called {server!r}; {hint}")
    return offered.everything(opened, server)


def _chosen(opened: Offline, labels: Iterable[str] | None, server: str, states: Iterable[State]) -> list[Seen]:
    """Return what the labels mean, of what is in one of these states; a label that means nothing is refused."""
    every, states = _seen(opened, server), frozenset(states)
    wanted = list(labels or ())
    for each in wanted:
        if not any(seen.meant(each) for seen in every):
            hint = did_you_mean(each, [seen.label for seen in every])
            raise Refused(f"No server offers {each}.", hint or "See: ostiary tools list")
    return [seen for seen in every if seen.state in states and (not wanted or any(map(seen.meant, wanted)))]


def _picked(
    opened: Offline, labels: list[str] | None, server: str, digest: str, states: Iterable[State], *, everything: bool
) -> list[Seen]:
    """Return what a verdict is about; never more than one definition of a name unless that was said."""
    if bool(labels) is everything:
        raise usage("LABEL", "name what you mean, or say --all; one of the two")
    found = [each for each in _chosen(opened, labels, server, states) if each.sighting.digest.startswith(digest)]
    if everything:
        # Everything that a server offers, and not that it may be another one.
        found = [each for each in found if each.kind != IDENTITY]
    if not found:
        _refuse_nothing(opened, labels, digest)
    by_label: dict[str, list[str]] = {}
    for each in found:
        by_label.setdefault(each.label, []).append(each.sighting.digest[:_SHORT])
    doubled = {name: digests for name, digests in by_label.items() if len(digests) > 1}
    if doubled and not everything:
        said = "; ".join(f"{name}: {', '.join(digests)}" for name, digests in doubled.items())
        raise Refused(
            f"There is more than one definition, for clients that can do different things: {said}.",
            "Say which with --digest, or approve or reject all that waits with --all.",
        )
    return found


def _refuse_nothing(opened: Offline, labels: list[str] | None, digest: str) -> None:
    if digest:
        raise Refused(
            f"No definition to decide about has a digest that begins with {digest}: the server may have changed it.",
            "Look again: ostiary tools diff",
        )
    if labels:
        stands = ", ".join(f"{each.label} is {each.state}" for each in _chosen(opened, labels, "", State))
        raise Refused(f"Nothing to decide: {stands}.")
    say("Nothing waits.")
    raise typer.Exit(0)


def _record(opened: Offline, chosen: list[Seen], verdict: str, *, as_json: bool) -> None:
    by_server: dict[str, list[Sighting]] = {}
    for each in chosen:
        by_server.setdefault(each.server, []).extend(each.sightings)
    for server, sightings in by_server.items():
        database.record_verdict(opened.engine, server, sightings, verdict, operator(), now())
    opened.generation.move()
    if as_json:
        data([{**_plain(each), "state": verdict} for each in chosen])
        return
    for each in chosen:
        line(f"{verdict} {each.label} ({each.sighting.digest[:_SHORT]})", "green" if verdict == "approved" else "red")


def operator() -> str:
    """Return who decides, for the record: the process's own user, which no variable can change, at this machine."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return f"{name}@{socket.gethostname()}"[:256]


# Showing


def _plain(seen: Seen) -> dict[str, Any]:
    return {
        "server": seen.server,
        "label": seen.label,
        "kind": seen.kind,
        "name": seen.sighting.name,
        "state": str(seen.state),
        "digest": seen.sighting.digest,
        "findings": [{**msgspec.structs.asdict(each), "severity": str(each.severity)} for each in seen.findings],
    }


def _rules(seen: Seen) -> str:
    """Return the rules that hold a definition back, or would."""
    return ", ".join(dict.fromkeys(each.rule for each in seen.findings if each.severity is Severity.HIGH))


def _before(opened: Offline, seen: Seen) -> Json | None:
    return offered.approved(opened, seen) if seen.state is State.CHANGED else None


def _about(seen: Seen, noted: Mapping[str, Mapping[str, float]]) -> str:
    """Return what something says it does; of an identity, what of it changed and was noted."""
    if seen.kind == INSTRUCTIONS:
        return str(seen.sighting.definition[INSTRUCTIONS])
    if seen.kind == IDENTITY:
        changes = noted.get(seen.server, {})
        return "; ".join(f"{name} changed {moment(at)}" for name, at in changes.items())
    return str(seen.sighting.definition.get("description", ""))


def _compared(opened: Offline, seen: Seen) -> dict[str, Any]:
    before = _before(opened, seen)
    changes = differences(before, seen.sighting.definition) if before is not None else []
    return {
        **_plain(seen),
        "approved": before,
        "offered": seen.sighting.definition,
        "changes": [{"at": at, "before": old, "after": new} for at, old, new in changes],
    }


def _show(opened: Offline, seen: Seen) -> None:
    line(f"{seen.label}  {seen.state}  {seen.sighting.digest[:_SHORT]}", f"bold {_COLOURS[seen.state]}")
    before = _before(opened, seen)
    if before is None:
        for key, value in seen.sighting.definition.items():
            _print(f"  + {shown(key)}: {_written(value)}", "green")
    else:
        changes = differences(before, seen.sighting.definition)
        table(
            ("AT", "APPROVED", "OFFERED NOW"),
            [(at, styled(_written(old), "red"), styled(_written(new), "green")) for at, old, new in changes],
        )
    for each in seen.findings:
        line(f"  {each}", "red" if each.severity is Severity.HIGH else "yellow")
        line(f"    {each.why} {each.todo}")
    line("")


def _print(text: str, style: str) -> None:
    out().print(Text(text, style), soft_wrap=False)


def _written(value: object) -> str:
    """Return a value as people read it, whole up to a limit, and say where it was cut."""
    if value is None:
        return "(absent)"
    text = value if isinstance(value, str) else json.dumps(_ordered(value), ensure_ascii=False)
    said = shown(text)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}… ({len(said):,} characters; see --json)"


def _ordered(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value
