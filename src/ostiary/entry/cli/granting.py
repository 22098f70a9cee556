"""What a token is made with: the options of `ostiary token`, read and checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import typer

from ostiary.adapters.identity import tokens
from ostiary.config import values
from ostiary.config.problems import Unfit, did_you_mean
from ostiary.config.schema import Config
from ostiary.config.scopes import brings
from ostiary.core.model import Token
from ostiary.entry.cli.terminal import duration, say, usage
from ostiary.operate.explain import mentioned, opening
from ostiary.operate.narrow import wrong

LONGEST: Final = 366 * 86_400
_LONGEST_TEXT: Final = 256
_MOST: Final = 64
"""Views and patterns of one token: every call of it is compared with them."""

Roles = Annotated[list[str] | None, typer.Option("--role", metavar="ROLE", help="A role; repeatable.")]
Teams = Annotated[list[str] | None, typer.Option("--team", metavar="TEAM", help="A team; repeatable.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", metavar="SCOPE", help="A scope; repeatable.")]
Servers = Annotated[
    list[str] | None,
    typer.Option("--server", metavar="NAME", help="Narrow the token to this server; repeatable."),
]
Views = Annotated[
    list[str] | None,
    typer.Option("--view", metavar="NAME", help="Narrow it to the endpoint of this view; repeatable."),
]
Tools = Annotated[
    list[str] | None,
    typer.Option("--tool", metavar="PATTERN", help="Narrow it to labels such as crm.search_*; repeatable."),
]


def life(text: str) -> float:
    """Return how long a token is to be good for."""
    span = duration("--expires", text)
    if span > LONGEST:
        raise usage("--expires", "no token is good for longer than 366d; make a new one in time")
    return span


def text(option: str, value: str) -> str:
    """Return the name of somebody or something."""
    try:
        checked = values.somebody(value)
    except Unfit as error:
        raise usage(option, error) from None
    # The numbers that --count adds need room too.
    if len(checked) > _LONGEST_TEXT - 8:
        raise usage(option, f"must be at most {_LONGEST_TEXT - 8} characters")
    return checked


def texts(option: str, given: Iterable[str] | None) -> tuple[str, ...]:
    """Return several of them, each once."""
    return tuple(dict.fromkeys(text(option, each) for each in given or ()))


def several(option: str, given: Iterable[str] | None) -> tuple[str, ...]:
    """Return what a token is narrowed to, each once; whether it exists is for `narrowed` to say."""
    found = tuple(dict.fromkeys(given or ()))
    if len(found) > _MOST:
        raise usage(option, f"one token is narrowed to at most {_MOST} of them")
    return found


def note(said: str) -> str:
    """Return what a token is for."""
    if len(said) > _LONGEST_TEXT or not said.isprintable():
        raise usage("--note", f"must be one line of at most {_LONGEST_TEXT} characters")
    return said


def narrowed(config: Config, token: Token) -> None:
    """Return if everything that the token is narrowed to exists; what does not would narrow it to nothing."""
    for kind, said in wrong(config, token):
        raise usage(f"--{kind}", said)


def warn(config: Config, token: Token, *, alone: bool) -> None:
    """Say what is probably not meant; stderr, so that what a script reads stays whole."""
    spoken = mentioned(config)
    for noun, given, known in (("role", token.roles, "roles"), ("team", token.teams, "teams")):
        for value in given:
            if value not in spoken[known]:
                hint = did_you_mean(value, spoken[known])
                say(f"Warning: no rule mentions the {noun} {value!r}{f'; {hint}' if hint else '.'}", "yellow")
    if alone and not opening(config, tokens.caller(token, brings(config))):
        say("Warning: no rule allows this token anything yet. See: ostiary why " + token.id + " SERVER.TOOL", "yellow")
