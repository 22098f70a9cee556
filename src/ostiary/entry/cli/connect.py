"""`ostiary connect`: what to paste into a client."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer

from ostiary.config.clients import CLIENTS, NotConnectable
from ostiary.config.clients import connect as snippet
from ostiary.config.problems import did_you_mean
from ostiary.config.schema import Config
from ostiary.entry.cli.terminal import CONFIG, AsJson, ConfigFile, data, raw, say, usage
from ostiary.entry.offline import checked


def _complete(incomplete: str) -> list[str]:
    return [each for each in CLIENTS if each.startswith(incomplete)]


def connect(
    client: Annotated[
        str, typer.Argument(metavar="CLIENT", help=f"One of {', '.join(CLIENTS)}.", autocompletion=_complete)
    ],
    config: ConfigFile = CONFIG,
    *,
    server: Annotated[str, typer.Option(metavar="NAME", help="Connect to one server, under its own names.")] = "",
    view: Annotated[str, typer.Option(metavar="NAME", help="Connect to a view.")] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="What the client calls the connection.")] = "",
    token_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help="The environment variable that holds the token.")
    ] = "OSTIARY_TOKEN",  # noqa: S107 - the name of a variable
    as_json: AsJson = False,
) -> None:
    """Print ready-to-paste configuration for an MCP client; where it goes is told on standard error.

    No token is ever in it: every client takes it from the environment, or asks for it.

    Example: ostiary connect claude-code --server files
    """
    if server and view:
        raise usage("--view", "a client connects to a server or to a view; give one of the two")
    where = _address(checked(config).config, server, view)
    try:
        made = snippet(client, where, token_env, name or server or view or "ostiary")
    except NotConnectable as error:
        raise usage("CLIENT" if client not in CLIENTS else "--token-env / --name", error) from None
    if as_json:
        data({**asdict(made), "url": where})
        return
    say(f"Put this into {made.path}:" if made.path else "Run this:", "bold")
    raw(made.text)
    for note in made.notes:
        say(f"- {note}")


def _address(config: Config, server: str, view: str) -> str:
    if server:
        return f"{config.gateway.url}/servers/{_known('--server', server, config.servers)}/mcp"
    if view:
        return f"{config.gateway.url}/views/{_known('--view', view, config.views)}/mcp"
    return f"{config.gateway.url}/mcp"


def _known(option: str, name: str, names: Iterable[str]) -> str:
    if name in (known := list(names)):
        return name
    hint = did_you_mean(name, known) or f"there {'are' if known else 'is'} {', '.join(known) or 'none'}"
    raise usage(option, f"the configuration has no {name!r}; {hint}")
