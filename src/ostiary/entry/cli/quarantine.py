"""`ostiary quarantine`: shut a person, token, client, agent, server or tool out at once, and let it back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from ostiary.adapters.identity import tokens
from ostiary.adapters.store import database, quarantines
from ostiary.config.problems import did_you_mean
from ostiary.config.schema import Config
from ostiary.config.values import server_of
from ostiary.core.model import Kind
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    ConfigFile,
    Refused,
    data,
    duration,
    line,
    moment,
    now,
    say,
    styled,
    table,
    usage,
)
from ostiary.entry.cli.tokens import state
from ostiary.entry.cli.tools import operator
from ostiary.entry.offline import Offline, offline
from ostiary.operate.revise import Row
from ostiary.policy.quarantine import Quarantine, folded
from ostiary.protocol.names import label

app: Final = typer.Typer(
    name="quarantine",
    help="Shut somebody or something out at once. Example: ostiary quarantine add person alice --reason 'lost laptop'",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_LONGEST_NAME: Final = 1024
_LONGEST_REASON: Final = 256
_NAMES: Final = ("person", "agent")
_TYPED: Final = "that is the token itself, which is now in your shell's history; give its id, tok_…, and revoke it"


class What(StrEnum):
    """What can be shut out."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - the word, not one
    CLIENT = "client"
    AGENT = "agent"
    SERVER = "server"
    TOOL = "tool"


Because = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the ledger; one line.")]


@app.command("add")
def add(
    kind: Annotated[What, typer.Argument(metavar="KIND", help="person, token, client, agent, server or tool.")],
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help="A subject, a token's id, a client's id, a server's name, or a label."),
    ],
    reason: Because,
    config: ConfigFile = CONFIG,
    *,
    issuer: Annotated[
        str, typer.Option(metavar="NAME", help="Only whom this issuer calls so; otherwise whoever is called so.")
    ] = "",
    expires: Annotated[
        str, typer.Option(metavar="DURATION", help="When it ends by itself; otherwise when it is lifted.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Shut somebody or something out, from the next call on, in every process, whatever the rules say.

    Callers are refused as `quarantined`; servers and tools are hidden. What they have open ends within seconds;
    a call that is at its server already comes to its end. A name is meant in every spelling of upper and lower case.
    A tool is named by its label, and a prompt or a resource can be, too.

    Example: ostiary quarantine add tool crm.refund --reason 'pays the wrong people' --expires 2h
    """
    because, at = _reason(reason), now()
    ends = at + _span(expires) if expires else None
    if tokens.well_formed(what):
        raise usage("WHAT", _TYPED)
    opened = offline(config)
    meant = _meant(opened, kind, _name(what))
    made = Quarantine(
        quarantines.ident(), str(kind), meant, because, operator(), at, _issuer(opened.config, kind, issuer), ends
    )
    kept = quarantines.add(opened.engine, made)
    opened.generation.move()
    if kept is not made:
        say(f"It is shut out already, by {kept.id} of {kept.by}: {kept.reason}", "yellow")
    if as_json:
        data(plain(kept, at))
        return
    line(f"{kept.id}: {_said(kept)} is shut out from the next call on, {_until(kept)}", "green")


def _reason(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST_REASON or not text.isprintable():
        raise usage("--reason", f"must be one line of at most {_LONGEST_REASON} characters, and not empty")
    return text.strip()


def _span(text: str) -> float:
    span = duration("--expires", text)
    if span <= 0:
        raise usage("--expires", "must be longer than nothing")
    return span


def _name(what: str) -> str:
    if not folded(what) or len(what) > _LONGEST_NAME or not what.isprintable():
        raise usage("WHAT", f"must be one line of at most {_LONGEST_NAME} characters, and not empty")
    return what.strip()


def _issuer(config: Config, kind: What, text: str) -> str:
    """Return the issuer as callers carry it; one that nobody has would shut nobody out."""
    if not text:
        return ""
    if kind not in _NAMES:
        raise usage("--issuer", "is for a person or an agent: only their names are an issuer's word")
    known = {tokens.ISSUER: tokens.ISSUER}
    for name, each in config.identity.items():
        meant = f"mtls:{name}" if each.issuer is None else str(each.issuer)
        known[name] = known[meant] = meant
    if text not in known:
        hint = did_you_mean(text, known)
        raise Refused(f"{text} is no issuer of this gateway; {hint or 'they are ' + ', '.join(sorted(known))}")
    return known[text]


# What is meant


def _meant(opened: Offline, kind: What, name: str) -> str:
    """Return what is shut out, as calls will be compared with it; raise where there is no such thing."""
    match kind:
        case What.TOKEN:
            return _token(opened, name)
        case What.SERVER:
            return _server(opened, name)
        case What.TOOL:
            return _label(opened, name)
    return name


def _token(opened: Offline, name: str) -> str:
    found = database.token_by_id(opened.engine, name.lower())
    if found is None:
        raise Refused(f"There is no token {name}.", "See: ostiary token list --all")
    for each in found.replaces:
        older = database.token_by_id(opened.engine, each)
        if older is not None and state(older, now()) == "good":
            say(f"{each}, which it succeeds, stays good: shut that out as well, or the person.", "yellow")
    return found.id


def _server(opened: Offline, name: str) -> str:
    found = next((each for each in opened.config.servers if folded(each) == folded(name)), None)
    if found is None:
        hint = did_you_mean(name, opened.config.servers)
        raise Refused(f"There is no server {name}{f'; {hint}' if hint else '.'}", "See: ostiary tools list")
    return found


def _label(opened: Offline, name: str) -> str:
    """Return the one label that a label, or a name at some endpoint, stands for: it is the same at every endpoint."""
    every = [
        target
        for surface in opened.snapshot.surfaces.values()
        for target in (*surface.targets.values(), *(each for sharing in surface.clashes.values() for each in sharing))
        if target.kind is not Kind.GATEWAY
    ]
    seen = {each.label for each in every} | {_seen(row) for row in opened.sightings()}
    if name in seen:
        return name
    alike = {each for each in seen if folded(each) == folded(name)}
    exposed = alike or {each.label for each in every if folded(each.exposed) == folded(name)}
    if len(exposed) == 1:
        return exposed.pop()
    if exposed:
        raise Refused(f"{name} is called so in several places: {', '.join(sorted(exposed))}.", "Name one of them.")
    return _unseen(opened, name, seen)


def _seen(row: Row) -> str:
    return label(row.server, row.sighting.kind, row.sighting.name)


def _unseen(opened: Offline, name: str, seen: set[str]) -> str:
    server = server_of(name)
    if server not in opened.config.servers or len(name) < len(server) + 2 or "*" in name:
        hint = did_you_mean(name, seen)
        todo = "Name one tool by its label, or shut out the whole server."
        raise Refused(f"There is no tool {name}{f'; {hint}' if hint else '.'}", todo)
    say(f"No server was seen to offer {name}; if it ever appears, it is shut out.", "yellow")
    return name


# What stands, and what stood


@app.command("list")
def list_(
    config: ConfigFile = CONFIG,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: AsJson = False,
) -> None:
    """List who and what is shut out: why, by whom, since when, and until when.

    Example: ostiary quarantine list --all
    """
    at = now()
    found = [each for each in quarantines.every(offline(config).engine) if everything or each.stands(at)]
    if as_json:
        data([plain(each, at) for each in found])
        return
    if not found:
        say("Nothing is quarantined.")
        return
    table(("ID", "SHUT OUT", "BECAUSE", "BY", "SINCE", "STATE"), [_row(each, at) for each in found])


def plain(each: Quarantine, at: float) -> dict[str, Any]:
    """Return a quarantine as JSON shows it."""
    times = {name: moment(getattr(each, name)) or None for name in ("since", "expires", "lifted")}
    said = {name: getattr(each, name) or None for name in ("issuer", "lifted_by", "lifted_because")}
    return {
        "id": each.id, "kind": each.kind, "what": each.what, "state": _state(each, at), "reason": each.reason,
        "by": each.by, **said, **times,
    }  # fmt: skip


def _state(each: Quarantine, at: float) -> str:
    if each.lifted is not None:
        return "lifted"
    return "standing" if each.stands(at) else "expired"


def _row(each: Quarantine, at: float) -> list[Any]:
    state = _state(each, at)
    over = f"lifted {moment(each.lifted)} by {each.lifted_by}: {each.lifted_because}" if each.lifted else "expired"
    shown = styled(_until(each), "red") if state == "standing" else styled(over, "green")
    return [each.id, _said(each), each.reason, each.by, moment(each.since), shown]


def _until(each: Quarantine) -> str:
    return f"until {moment(each.expires)}" if each.expires else "until it is lifted"


def _said(each: Quarantine) -> str:
    return f"{each.kind} {each.what}{f' of {each.issuer}' if each.issuer else ''}"


@app.command("lift")
def lift(
    ident: Annotated[str, typer.Argument(metavar="ID", help="The quarantine's id, q_…")],
    reason: Because,
    config: ConfigFile = CONFIG,
    *,
    as_json: AsJson = False,
) -> None:
    """Let somebody or something back in, from the next call on; who did it, and why, is in the ledger.

    Example: ostiary quarantine lift q_0123456789ab --reason 'laptop found, password changed'
    """
    because, opened = _reason(reason), offline(config)
    lifted = quarantines.lift(opened.engine, ident, operator(), because, at := now())
    if lifted is None:
        old = next((each for each in quarantines.every(opened.engine) if each.id == ident), None)
        said = f"There is no quarantine {ident}." if old is None else f"{ident} is over already: {_state(old, at)}."
        raise Refused(said, "See: ostiary quarantine list --all")
    opened.generation.move()
    if as_json:
        data(plain(lifted, at))
    else:
        line(f"{lifted.id}: {_said(lifted)} may come in again, from the next call on", "green")
    for other in quarantines.standing(opened.engine, at):
        if (other.kind, folded(other.what)) == (lifted.kind, folded(lifted.what)):
            say(f"But {other.id} still shuts it out: {other.reason}", "yellow")
