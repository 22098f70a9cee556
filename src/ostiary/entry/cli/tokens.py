"""`ostiary token`: make, list and revoke the tokens that people and services call with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

import sqlalchemy as sa
import typer
from msgspec.structs import replace

from ostiary.adapters.identity import tokens
from ostiary.adapters.store import database
from ostiary.config import values
from ostiary.config.problems import Unfit, did_you_mean
from ostiary.config.schema import Config
from ostiary.core.model import Token
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
from ostiary.entry.offline import offline
from ostiary.operate.explain import mentioned, opening

app: Final = typer.Typer(
    name="token",
    help="Make, list and revoke the tokens that people and services call with. Example: ostiary token list",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LONGEST: Final = 366 * 86_400
_LONGEST_TEXT: Final = 256
_MOST: Final = 10_000

Roles = Annotated[list[str] | None, typer.Option("--role", metavar="ROLE", help="A role; repeatable.")]
Teams = Annotated[list[str] | None, typer.Option("--team", metavar="TEAM", help="A team; repeatable.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", metavar="SCOPE", help="A scope; repeatable.")]
Servers = Annotated[
    list[str] | None,
    typer.Option("--server", metavar="NAME", help="Narrow the token to this server; repeatable."),
]


@app.command("create")
def create(  # noqa: PLR0913 - a command's options are its arguments
    subject: Annotated[str, typer.Option("--subject", metavar="WHO", help="The person or service that it speaks for.")],
    config: ConfigFile = CONFIG,
    *,
    role: Roles = None,
    team: Teams = None,
    scope: Scopes = None,
    server: Servers = None,
    expires: Annotated[str, typer.Option(metavar="DURATION", help="How long it is good for, at most 366d.")] = "90d",
    note: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    count: Annotated[int, typer.Option(metavar="N", min=1, max=_MOST, help="Make N tokens, for WHO-1 to WHO-N.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Make a token and show it once: only a hash of it is kept, so that nobody can ever show it again.

    It works from the next call on, whether or not the gateway runs already.

    Example: ostiary token create --subject alice --role developer --expires 30d
    """
    at = now()
    fresh = Token(
        id="",
        subject=_text("--subject", subject),
        note=_note(note),
        roles=_texts("--role", role),
        teams=_texts("--team", team),
        scopes=_texts("--scope", scope),
        servers=tuple(dict.fromkeys(server or ())),
        created=at,
        expires=at + _life(expires),
    )
    opened = offline(config)
    _known_servers(opened.config, fresh.servers)
    made = []
    for name in [subject] if count == 1 else [f"{subject}-{number}" for number in range(1, count + 1)]:
        ident, secret, digest = tokens.made()
        database.add_token(opened.engine, _for(fresh, ident, name), digest)
        made.append({"token": secret, "id": ident, "subject": name, "expires": moment(fresh.expires)})
    opened.generation.move()
    if as_json:
        data(made[0] if count == 1 else made)
    else:
        for each in made:
            line(each["token"])
        _introduce(made, fresh)
    _warn(opened.config, _for(fresh, made[0]["id"], made[0]["subject"]), made)


def _for(token: Token, ident: str, subject: str) -> Token:
    return replace(token, id=ident, subject=subject)


def _life(text: str) -> float:
    span = duration("--expires", text)
    if span > LONGEST:
        raise usage("--expires", "no token is good for longer than 366d; make a new one in time")
    return span


def _text(option: str, value: str) -> str:
    try:
        checked = values.somebody(value)
    except Unfit as error:
        raise usage(option, error) from None
    # The numbers that --count adds need room too.
    if len(checked) > _LONGEST_TEXT - 8:
        raise usage(option, f"must be at most {_LONGEST_TEXT - 8} characters")
    return checked


def _texts(option: str, given: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_text(option, each) for each in given or ()))


def _note(text: str) -> str:
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        raise usage("--note", f"must be one line of at most {_LONGEST_TEXT} characters")
    return text


def _known_servers(config: Config, names: Iterable[str]) -> None:
    for name in names:
        if name not in config.servers:
            hint = did_you_mean(name, config.servers) or f"there are {', '.join(config.servers) or 'none'}"
            raise usage("--server", f"no server is called {name!r}; {hint}")


def _introduce(made: list[dict[str, str]], token: Token) -> None:
    first = made[0]
    span = days(token.expires - token.created)
    if len(made) > 1:
        say(f"{plural(len(made), 'token')} for {first['subject']} to {made[-1]['subject']}, good for {span}.", "green")
    else:
        say(f"{first['id']} for {first['subject']}, good for {span}, until {first['expires']}.", "green")
    say("Shown this once: send it as Authorization: Bearer, and keep it like a password. See: ostiary connect")


def _warn(config: Config, token: Token, made: list[dict[str, str]]) -> None:
    """Say what is probably not meant; stderr, so that what a script reads stays whole."""
    spoken = mentioned(config)
    for noun, given, known in (("role", token.roles, "roles"), ("team", token.teams, "teams")):
        for value in given:
            if value not in spoken[known]:
                hint = did_you_mean(value, spoken[known])
                say(f"Warning: no rule mentions the {noun} {value!r}{f'; {hint}' if hint else '.'}", "yellow")
    if len(made) == 1 and not opening(config, tokens.caller(token)):
        say("Warning: no rule allows this token anything yet. See: ostiary why " + token.id + " SERVER.TOOL", "yellow")


@app.command("list")
def list_(
    config: ConfigFile = CONFIG,
    *,
    subject: Annotated[str, typer.Option(metavar="WHO", help="Only those of this subject.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those that are revoked or expired.")] = False,
    as_json: AsJson = False,
) -> None:
    """List tokens, never their secrets: who they speak for, what they carry, until when, and when they were used.

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
    columns = ("ID", "SUBJECT", "CARRIES", "SERVERS", "STATE", "EXPIRES", "LAST USED", "NOTE")
    if kept:
        table(columns, [_row(each) for each in kept])
        return
    say("There are no such tokens. Make one: ostiary token create --subject WHO --role ROLE")


def state(token: Token, at: float) -> str:
    """Return whether a token may be used: good, expired or revoked."""
    if token.revoked is not None:
        return "revoked"
    return "expired" if token.expires <= at else "good"


def plain(token: Token, at: float) -> dict[str, Any]:
    """Return a token as JSON shows it."""
    lists = {name: list(getattr(token, name)) for name in ("roles", "teams", "scopes", "servers")}
    times = {name: moment(getattr(token, name)) or None for name in ("created", "expires", "revoked", "last_used")}
    said = {"id": token.id, "subject": token.subject, "note": token.note, "state": state(token, at)}
    return {**said, **lists, **times}


def _row(token: Token) -> list[Any]:
    said = [f"{kind} {value}" for kind in ("roles", "teams", "scopes") for value in getattr(token, kind)]
    carries = ", ".join(each.replace("s ", " ", 1) for each in said)
    stands = state(token, now())
    colour = {"good": "green", "expired": "yellow", "revoked": "red"}[stands]
    return [
        token.id, token.subject, carries, ", ".join(token.servers) or "all", styled(stands, colour),
        moment(token.expires), moment(token.last_used) or "never", token.note,
    ]  # fmt: skip


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
        raise usage("ID", "that is the token itself, which is now in your shell's history; give its id, tok_…")
    opened = offline(config)
    revoked = [each for each in _wanted(opened.engine, ident, subject) if _revoked(opened.engine, each)]
    opened.generation.move()
    if as_json:
        data([{"id": each.id, "subject": each.subject} for each in revoked])
    for each in () if as_json else revoked:
        line(f"revoked {each.id} of {each.subject}", "green")


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
