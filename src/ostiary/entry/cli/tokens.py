"""`ostiary token`: make, rotate, list and revoke the tokens that people and services call with."""

from __future__ import annotations

from typing import Annotated, Any, Final

import sqlalchemy as sa
import typer
from msgspec.structs import replace

from ostiary.adapters.identity import tokens
from ostiary.adapters.store import database
from ostiary.core.model import Token
from ostiary.entry.cli import granting
from ostiary.entry.cli.granting import Roles, Scopes, Servers, Teams, Tools, Views
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    ConfigFile,
    Refused,
    data,
    days,
    duration,
    line,
    moment,
    now,
    plural,
    say,
    styled,
    table,
    usage,
)
from ostiary.entry.offline import Offline, offline
from ostiary.operate.narrow import narrowing

app: Final = typer.Typer(
    name="token",
    help="Make, rotate, list and revoke the tokens that people and services call with. Example: ostiary token list",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SOON: Final = 14 * 86_400
"""Seconds before its end in which a token is said to expire soon."""
_MOST: Final = 10_000
_LINE: Final = 64
"""Tokens that one can succeed: it carries their ids, for rules that speak of them."""


@app.command("create")
def create(  # noqa: PLR0913 - a command's options are its arguments
    subject: Annotated[str, typer.Option("--subject", metavar="WHO", help="The person or service that it speaks for.")],
    config: ConfigFile = CONFIG,
    *,
    role: Roles = None,
    team: Teams = None,
    scope: Scopes = None,
    server: Servers = None,
    view: Views = None,
    tool: Tools = None,
    expires: Annotated[str, typer.Option(metavar="DURATION", help="How long it is good for, at most 366d.")] = "90d",
    note: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    count: Annotated[int, typer.Option(metavar="N", min=1, max=_MOST, help="Make N tokens, for WHO-1 to WHO-N.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Make a token and show it once: only a hash of it is kept, so that nobody can ever show it again.

    It works from the next call on, whether or not the gateway runs already. What narrows it never lets it do more:
    where several kinds are given, each must fit.

    Example: ostiary token create --subject alice --role developer --tool 'crm.search_*' --expires 30d
    """
    at = now()
    fresh = Token(
        id="",
        subject=granting.text("--subject", subject),
        note=granting.note(note),
        roles=granting.texts("--role", role),
        teams=granting.texts("--team", team),
        scopes=granting.texts("--scope", scope),
        servers=granting.several("--server", server),
        created=at,
        expires=at + granting.life(expires),
        views=granting.several("--view", view),
        tools=granting.several("--tool", tool),
    )
    opened = offline(config)
    granting.narrowed(opened.config, fresh)
    made = []
    for name in [subject] if count == 1 else [f"{subject}-{number}" for number in range(1, count + 1)]:
        ident, secret, digest = tokens.made()
        database.add_token(opened.engine, replace(fresh, id=ident, subject=name), digest)
        made.append({"token": secret, "id": ident, "subject": name, "expires": moment(fresh.expires)})
    opened.generation.move()
    if as_json:
        data(made[0] if count == 1 else made)
    else:
        for each in made:
            line(each["token"])
        _introduce(made, fresh)
    granting.warn(opened.config, replace(fresh, id=made[0]["id"], subject=made[0]["subject"]), alone=len(made) == 1)


def _introduce(made: list[dict[str, str]], token: Token) -> None:
    first = made[0]
    span = days(token.expires - token.created)
    if len(made) > 1:
        say(f"{plural(len(made), 'token')} for {first['subject']} to {made[-1]['subject']}, good for {span}.", "green")
    else:
        say(f"{first['id']} for {first['subject']}, good for {span}, until {first['expires']}.", "green")
    if token.views:
        say(f"It is good at {' and '.join(sorted(tokens.places(token)))} only.")
    say("Shown this once: send it as Authorization: Bearer, and keep it like a password. See: ostiary connect")


@app.command("rotate")
def rotate(
    which: Annotated[
        str, typer.Argument(metavar="ID", help="The token's id, tok_…, or its subject, where it has only one.")
    ],
    config: ConfigFile = CONFIG,
    *,
    overlap: Annotated[str, typer.Option(metavar="DURATION", help="How long the old one stays good.")] = "24h",
    expires: Annotated[
        str,
        typer.Option(
            "--expires", "--expires-in", metavar="DURATION",
            help="How long the new one is good for; otherwise as long as the old one was when it was made.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Make a successor of a token with the same grant, and show it once; until the overlap is over both are good.

    The old one never lives longer for it. Rules that speak of the old one's id speak of its successor as well.

    Example: ostiary token rotate tok_0123456789ab --overlap 2h
    """
    if tokens.well_formed(which):
        raise usage("ID", _TYPED)
    at, still = now(), duration("--overlap", overlap)
    span = granting.life(expires) if expires else 0.0
    opened = offline(config)
    old = _rotatable(opened, which, at)
    ident, secret, digest = tokens.made()
    fresh = replace(
        old, id=ident, created=at, expires=at + (span or old.expires - old.created), last_used=None,
        replaces=(*old.replaces, old.id),
    )  # fmt: skip
    if not database.rotate_token(opened.engine, old.id, fresh, digest, at + still):
        raise Refused(f"{old.id} was rotated or revoked a moment ago, by somebody else.", "See: ostiary token list")
    opened.generation.move()
    until = moment(min(old.expires, at + still))
    said = {"token": secret, "id": ident, "subject": old.subject, "expires": moment(fresh.expires)}
    if as_json:
        data({**said, "replaces": old.id, "until": until})
    else:
        line(secret)
        _introduce([said], fresh)
        say(f"{old.id} stays good until {until}. To end it before: ostiary token revoke {old.id}", "yellow")
    granting.warn(opened.config, fresh, alone=True)


_TYPED: Final = "that is the token itself, which is now in your shell's history; give its id, tok_…"


def _rotatable(opened: Offline, which: str, at: float) -> Token:
    """Return the one token that is meant, if it can have a successor."""
    meant = [each for each in database.all_tokens(opened.engine) if which in (each.id, each.subject)]
    if not meant:
        raise Refused(f"There is no token {which}.", "See: ostiary token list --all")
    good = [each for each in meant if state(each, at) == "good"]
    found = [each for each in good if not each.successor]
    if len(found) > 1:
        raise Refused(f"{which} has {plural(len(found), 'token')}.", f"Name one: {', '.join(it.id for it in found)}")
    if not found and good:
        raise Refused(f"{good[0].id} was rotated before, to {good[0].successor}.", f"Rotate {good[0].successor}.")
    if not found:
        todo = f"Make a new one: ostiary token create --subject {meant[0].subject}"
        raise Refused(f"{meant[0].id} is {state(meant[0], at)}, and has no successor any more.", todo)
    if len(found[0].replaces) >= _LINE:
        todo = f"Make a new one: ostiary token create --subject {found[0].subject}"
        raise Refused(f"{found[0].id} is the last of {_LINE + 1} tokens, and can have no successor.", todo)
    return found[0]


@app.command("list")
def list_(
    config: ConfigFile = CONFIG,
    *,
    subject: Annotated[str, typer.Option(metavar="WHO", help="Only those of this subject.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those that are revoked or expired.")] = False,
    as_json: AsJson = False,
) -> None:
    """List tokens, never their secrets: who they speak for, what they carry, until when, and when they were used.

    Those that expire within 14 days are marked; a token that was rotated says what succeeds it.

    Example: ostiary token list --subject alice --all
    """
    kept = [
        each
        for each in database.all_tokens(offline(config).engine)
        if (not subject or each.subject == subject) and (everything or state(each, now()) == "good")
    ]
    if as_json:
        data([plain(each, now()) for each in kept])
        return
    columns = ("ID", "SUBJECT", "CARRIES", "NARROWED TO", "STATE", "EXPIRES", "LAST USED", "NOTE")
    if kept:
        table(columns, [_row(each) for each in kept])
        return
    say("There are no such tokens. Make one: ostiary token create --subject WHO --role ROLE")


def state(token: Token, at: float) -> str:
    """Return whether a token may be used: good, expired or revoked."""
    if token.revoked is not None:
        return "revoked"
    return "expired" if token.expires <= at else "good"


def expiring(token: Token, at: float) -> bool:
    """Say whether a token that is good ends soon."""
    return state(token, at) == "good" and token.expires < at + SOON


def plain(token: Token, at: float) -> dict[str, Any]:
    """Return a token as JSON shows it."""
    lists = {
        name: list(getattr(token, name))
        for name in ("roles", "teams", "scopes", "servers", "views", "tools", "replaces")
    }
    moments = ("created", "expires", "revoked", "rotated", "last_used")
    times = {name: moment(getattr(token, name)) or None for name in moments}
    said = {"id": token.id, "subject": token.subject, "note": token.note, "state": state(token, at)}
    return {**said, "expiring": expiring(token, at), "successor": token.successor or None, **lists, **times}


def _row(token: Token) -> list[Any]:
    at = now()
    said = [f"{kind} {value}" for kind in ("roles", "teams", "scopes") for value in getattr(token, kind)]
    carries = ", ".join(each.replace("s ", " ", 1) for each in said)
    stands = state(token, at)
    colour = {"good": "green", "expired": "yellow", "revoked": "red"}[stands]
    ends = f"{moment(token.expires)} (in {days(token.expires - at)})" if expiring(token, at) else moment(token.expires)
    return [
        token.id, token.subject, carries, narrowing(token) or "nothing", styled(_stands(token, stands), colour),
        styled(ends, "yellow" if expiring(token, at) else ""), moment(token.last_used) or "never", token.note,
    ]  # fmt: skip


def _stands(token: Token, stands: str) -> str:
    if not token.successor:
        return stands
    rotated = f"rotated → {token.successor}"
    return f"{rotated} until {moment(token.expires)}" if stands == "good" else f"{stands}, {rotated}"


@app.command("revoke")
def revoke(
    ident: Annotated[str, typer.Argument(metavar="ID", help="The token's id, tok_…", show_default=False)] = "",
    config: ConfigFile = CONFIG,
    *,
    subject: Annotated[str, typer.Option(metavar="WHO", help="Every token of this subject.")] = "",
    as_json: AsJson = False,
) -> None:
    """Revoke a token, or all of a subject's: from the next call on nobody can use it, and nothing brings it back.

    Example: ostiary token revoke tok_0123456789ab
    """
    if bool(ident) is bool(subject):
        raise usage("ID", "name one token by its id, or all of a subject's with --subject; one of the two")
    if tokens.well_formed(ident):
        raise usage("ID", _TYPED)
    opened = offline(config)
    revoked = [each for each in _wanted(opened.engine, ident, subject) if _revoked(opened.engine, each)]
    opened.generation.move()
    if as_json:
        data([{"id": each.id, "subject": each.subject} for each in revoked])
    for each in () if as_json else revoked:
        line(f"revoked {each.id} of {each.subject}", "green")
        if each.successor and each.successor not in {other.id for other in revoked}:
            say(f"Its successor stays good. If that must end, too: ostiary token revoke {each.successor}", "yellow")


def _wanted(engine: sa.Engine, ident: str, subject: str) -> list[Token]:
    every = database.all_tokens(engine)
    found = [each for each in every if (each.id == ident if ident else each.subject == subject)]
    if not found:
        raise Refused(f"There is no token {ident or 'of ' + subject}.", "See: ostiary token list --all")
    usable = [each for each in found if each.revoked is None]
    if not usable:
        raise Refused(f"{ident or 'Every token of ' + subject} was revoked before, on {moment(found[0].revoked)}.")
    return usable


def _revoked(engine: sa.Engine, token: Token) -> bool:
    return database.revoke_token(engine, token.id, now())
