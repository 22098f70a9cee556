"""What a token is narrowed to: in words, and whether what it is narrowed to exists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ostiary.config.problems import Unfit, did_you_mean
from ostiary.config.schema import Config
from ostiary.config.values import covers, pattern, server_of
from ostiary.core.model import Token


def narrowing(token: Token) -> str:
    """Return what a token is narrowed to, as people read it; empty: nothing narrows it."""
    said = [f"server {name}" for name in token.servers] + [f"view {name}" for name in token.views]
    return ", ".join([*said, *token.tools])


def outside(config: Config, token: Token, label: str) -> str:
    """Return why a token for views cannot be used for what has this label; empty where one of its views includes it."""
    if not token.views:
        return ""
    views = [config.views[name] for name in token.views if name in config.views]
    if any(covers(each, label) for view in views for each in view.include):
        return ""
    good_at = " and ".join(f"/views/{name}/mcp" for name in token.views)
    return f"the token is good at {good_at} only, which does not include it"


def wrong(config: Config, token: Token) -> Iterator[tuple[str, str]]:
    """Yield (kind, what is wrong) for every server, view or pattern that a new token cannot be narrowed to."""
    for kind, names, known in (("server", token.servers, config.servers), ("view", token.views, config.views)):
        for name in names:
            if name not in known:
                yield kind, f"no {kind} is called {name!r}; {_hint(name, known)}"
    for each in token.tools:
        try:
            server = server_of(pattern(each))
        except Unfit as error:
            yield "tool", f"{error}; {error.suggestion}"
            continue
        if server not in config.servers:
            # A pattern that spans servers would reach into those that are added later.
            yield "tool", f"{each!r} does not begin with the name of a server; {_hint(server, config.servers)}"
        elif token.servers and server not in token.servers:
            yield "tool", f"{each!r} is not of the token's servers, so that it would reach nothing"


def _hint(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, known) or f"there are {', '.join(known) or 'none'}"
