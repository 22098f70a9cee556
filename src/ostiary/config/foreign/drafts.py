"""One client's entry → a draft: every dialect's keys said in one way, its values still as the file has them. Pure.

A draft may hold secrets, so it has no readable repr and never leaves this package.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from ostiary.config.foreign.model import Tree
from ostiary.config.foreign.shapes import Entry

# What is looked through for secrets is bounded, so that no file can make the search slow.
LONGEST_TEXT: Final = 4096
LONGEST_PLACE: Final = 512

_COMMAND: Final = ("command", "cmd")
_URL: Final = ("url", "serverUrl", "httpUrl", "uri", "baseUrl", "endpoint")
_ENV: Final = ("env", "environment", "envs")
_PASSED: Final = ("env_vars", "env_keys")
_HEADERS: Final = ("headers", "http_headers")
_READ: Final = frozenset({
    *_COMMAND, *_URL, *_ENV, *_PASSED, *_HEADERS, "args", "env_http_headers", "bearer_token_env_var", "bearerToken",
    "apiKey", "requestOptions", "requestInit", "cwd", "working_directory", "enabled", "disabled", "type", "transport",
    "transportType", "transport_type",
})  # fmt: skip
_QUIET: Final = frozenset({
    "name", "display_name", "title", "description", "id", "icon", "icons", "version", "bundled", "source", "$schema",
    "gallery", "metadata", "_meta",
})  # fmt: skip
_OWN_RULES: Final = frozenset({
    "autoApprove", "alwaysAllow", "trust", "autoApproved", "tools", "includeTools", "excludeTools", "available_tools",
})  # fmt: skip
_LOGIN: Final = frozenset({"oauth", "auth", "headersHelper", "authProviderType", "oauth_resource", "scopes"})
_BRIDGE: Final = re.compile(r"(?:.*[/\\])?mcp-remote(?:@[\w.-]+)?$")
_RUNNER: Final = re.compile(r"(?:.*[/\\])?(?:npx|bunx|pnpm|yarn|dlx|bun|x)(?:\.cmd|\.exe)?$")


@dataclass(frozen=True, slots=True)
class Draft:
    """What one entry says. `skip` tells why nothing can be made of it."""

    name: str
    at: str
    command: tuple[str, ...] = field(default=(), repr=False)
    url: str = field(default="", repr=False)
    sse: bool = False
    env: dict[str, str] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    cwd: str = field(default="", repr=False)
    disabled: bool = False
    remarks: tuple[str, ...] = ()
    skip: str = ""


def draft(entry: Entry) -> Draft:
    """Return what an entry says; anything may stand in it."""
    body = entry.body
    if len(entry.at) > LONGEST_PLACE:
        entry = Entry("server", entry.at.partition(".")[0][:LONGEST_PLACE], body)
        return Draft(entry.name, entry.at, skip="its name is too long")
    if not isinstance(body, dict):
        return Draft(entry.name, entry.at, skip="its entry is not a mapping of settings")
    if any(len(text) > LONGEST_TEXT for text in _leaves(body)):
        return Draft(entry.name, entry.at, skip=f"one of its texts is longer than {LONGEST_TEXT} characters")
    kind = next(
        (text for key in ("type", "transport", "transportType", "transport_type") if (text := _text(body.get(key)))),
        "",
    )
    made = Draft(
        entry.name,
        entry.at,
        env=_environment(body),
        headers=_headers(body),
        cwd=_text(body.get("cwd")) or _text(body.get("working_directory")),
        disabled=body.get("disabled") is True or body.get("enabled") is False,
        remarks=tuple(_remarks(body)),
    )
    return _transported(made, body, re.sub(r"[^a-z]", "", kind.lower()))


def _leaves(tree: Tree) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        yield from tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _leaves(inner)


def _transported(made: Draft, body: dict[str, Tree], kind: str) -> Draft:
    if kind in {"ws", "websocket"}:
        return replace(made, skip="MCP over WebSocket is not part of the protocol: use its Streamable HTTP address")
    if kind in {"builtin", "platform", "frontend", "inlinepython"}:
        return replace(made, skip="it is built into its client and cannot be started from outside")
    url = next((text for key in _URL if (text := _text(body.get(key)))), "")
    command, extra = _command(body)
    if command and not (url and kind not in {"stdio", "local", ""}):
        made = replace(made, command=command, env={**extra, **made.env}, headers={})
        return _bridged(_split(_unwrapped(made)))
    if url:
        return _remote(replace(made, url=url, env={}), kind)
    return replace(made, skip="it has neither a command nor a URL")


def _remote(made: Draft, kind: str) -> Draft:
    if kind == "sse":
        return replace(made, sse=True)
    path = made.url.partition("?")[0].rstrip("/")
    if kind or not path.endswith("/sse"):
        return made
    # Clients that are told only a URL find the transport out, and many servers kept the old path for the new one.
    remark = "its URL ends in /sse: if it speaks only the transport of 2024-11-05, write `sse:` instead of `url:`"
    return replace(made, remarks=(*made.remarks, remark))


def _command(body: dict[str, Tree]) -> tuple[tuple[str, ...], dict[str, str]]:
    value = next((body[key] for key in _COMMAND if body.get(key)), None)
    args = _texts(body.get("args"))
    if isinstance(value, list):
        return (*_texts(value), *args), {}
    if isinstance(value, dict):
        # Zed's older form: {path, args, env}.
        path = _text(value.get("path"))
        return (path, *_texts(value.get("args"))) if path else (), _mapping(value.get("env"))
    return ((value, *args) if isinstance(value, str) else ()), {}


def _split(made: Draft) -> Draft:
    """Take a whole command line in `command` apart, as the clients that allow it do with a shell."""
    line = made.command[0]
    first = line.split(" ", 1)[0]
    if len(made.command) > 1 or " " not in line.strip() or "/" in first or "\\" in first or "$" in first:
        return made
    try:
        words = tuple(shlex.split(line))
    except ValueError:
        return replace(made, skip="its command line has an open quote")
    return replace(made, command=words, remarks=(*made.remarks, "its command line was split into words"))


def _unwrapped(made: Draft) -> Draft:
    """Drop the `cmd /c` that Windows needs before a script."""
    head = [word.lower() for word in made.command[:2]]
    if not made.command[2:] or head[0].removesuffix(".exe") != "cmd" or head[1] != "/c":
        return made
    return replace(
        made, command=made.command[2:], remarks=(*made.remarks, "the Windows wrapper `cmd /c` was taken off")
    )


def _bridged(made: Draft) -> Draft:
    """Say `npx mcp-remote URL --header …` as the remote server it bridges to: Ostiary needs no bridge."""
    place = next((index for index, word in enumerate(made.command) if _BRIDGE.match(word)), None)
    if place is None or not all(_RUNNER.match(word) or word.startswith("-") for word in made.command[:place]):
        return made
    url, headers, sse = "", dict(made.headers), False
    rest = list(made.command[place + 1 :])
    while rest:
        word = rest.pop(0)
        if word == "--header" and rest:
            name, _, value = rest.pop(0).partition(":")
            headers[name.strip()] = _filled(value.strip(), made.env)
        elif word == "--transport" and rest:
            sse = rest.pop(0) == "sse-only"
        elif "://" in word and not url:
            url = word
    if not url:
        return made
    lost = f"; its environment went with it: {', '.join(sorted(made.env))}" if made.env else ""
    remark = f"the mcp-remote bridge was replaced by the server behind it{lost}"
    return replace(made, command=(), env={}, url=url, headers=headers, sse=sse, remarks=(*made.remarks, remark))


def _filled(value: str, env: dict[str, str]) -> str:
    """Fill in what the bridge would have taken from its own environment, which goes away with it."""
    return re.sub(r"\$\{(\w+)\}", lambda found: env.get(found[1], found[0]), value)


def _environment(body: dict[str, Tree]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in _PASSED:
        for name in _names(body.get(key)):
            found[name] = f"${{{name}}}"
    for key in _ENV:
        found.update(_mapping(body.get(key)))
    return found


def _headers(body: dict[str, Tree]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in _HEADERS:
        found.update(_mapping(body.get(key)))
    for key in ("requestOptions", "requestInit"):
        if isinstance(options := body.get(key), dict):
            found.update(_mapping(options.get("headers")))
    found.update({name: f"${{{variable}}}" for name, variable in _mapping(body.get("env_http_headers")).items()})
    if variable := _text(body.get("bearer_token_env_var")):
        found["Authorization"] = f"Bearer ${{{variable}}}"
    for key in ("bearerToken", "apiKey"):
        if token := _text(body.get(key)):
            found.setdefault("Authorization", f"Bearer {token}")
    return found


def _remarks(body: dict[str, Tree]) -> list[str]:
    found = []
    if own := sorted(_OWN_RULES & body.keys()):
        found.append(f"not carried over: {', '.join(own)}; say in `rules:` who may call which tool")
    if login := sorted(_LOGIN & body.keys()):
        found.append(f"not carried over: {', '.join(login)}; give the server a `credential:` of the gateway's own")
    if "envFile" in body:
        found.append("not carried over: envFile; put what it sets into `env:`, secrets as env: references")
    unknown = {key for key, value in body.items() if value} - _READ - _QUIET - _OWN_RULES - _LOGIN - {"envFile"}
    if unknown:
        found.append(f"not carried over: {', '.join(sorted(unknown))}")
    return found


def _names(value: Tree) -> list[str]:
    items = value if isinstance(value, list) else []
    names = [_text(item.get("name")) if isinstance(item, dict) else _text(item) for item in items]
    return [name for name in names if name]


def _mapping(value: Tree) -> dict[str, str]:
    if isinstance(value, list):
        value = {_text(item.get("name")): item.get("value") for item in value if isinstance(item, dict)}
    if not isinstance(value, dict):
        return {}
    return {
        name: _text(item)
        for name, item in value.items()
        if name and item is not None and not isinstance(item, dict | list)
    }


def _texts(value: Tree) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value] if isinstance(value, str) and value else []
    return tuple(_text(item) for item in items if not isinstance(item, dict | list) and item is not None)


def _text(value: Tree) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""
