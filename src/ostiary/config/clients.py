"""What to paste into each MCP client so that it speaks to the gateway. Pure.

No snippet holds a token: each client names its secret the way that client reads one, or the note says what to add
by hand where the client has no such way.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# What could end a string or start an expansion in any of the languages below is left out.
_URL: Final = re.compile(r"[A-Za-z0-9:/@?#\[\].,;=&+*%~!()_-]+")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class NotConnectable(ValueError):
    """The snippet cannot be made from these words; says which and what to do."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """What to paste and where. `path` is empty for a command to run."""

    client: str
    path: str
    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    url: str
    variable: str
    name: str


def connect(client: str, url: str, token_env: str = "OSTIARY_TOKEN", name: str = "ostiary") -> Snippet:  # noqa: S107
    """Return the snippet for one of `CLIENTS`; raise `NotConnectable` for anything it could not stand behind."""
    make = _MAKERS.get(client)
    if make is None:
        near = difflib.get_close_matches(client, CLIENTS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(CLIENTS)}."
        raise NotConnectable(f"There is no snippet for this client. {hint}")
    if not _VARIABLE.fullmatch(token_env):
        raise NotConnectable(
            "The token is named by an environment variable (letters, digits, _): never pass the token itself."
        )
    if not _NAME.fullmatch(name):
        raise NotConnectable("The name must be of letters, digits, - and _, at most 64: clients make tool names of it.")
    return make(_Wanted(_checked(url), token_env, name))


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or not _URL.fullmatch(url):
        raise NotConnectable("The gateway's URL must be like https://mcp.example.com/mcp, without spaces or quotes.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise NotConnectable(
            "The gateway's URL must hold no credentials, query or fragment: the token has a variable of its own."
        )
    return url


def _bearer(reference: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {reference}"}


def _json(root: str, wanted: _Wanted, entry: dict[str, Any], **more: Any) -> str:
    return json.dumps({root: {wanted.name: entry}, **more}, indent=2, ensure_ascii=False) + "\n"


def _exported(wanted: _Wanted) -> str:
    return f"Set {wanted.variable} to a token from `ostiary token create` in the environment that the client starts in."


def _merge(root: str) -> str:
    return f"If the file exists, add the entry under its `{root}` and keep the rest."


def _claude_code(wanted: _Wanted) -> Snippet:
    entry = {"type": "http", "url": wanted.url, "headers": _bearer(f"${{{wanted.variable}}}")}
    unset = "An unset variable stays in the header as it is written, and the gateway answers 401."
    notes = (_merge("mcpServers"), _exported(wanted), unset, "For yourself instead of the project: ~/.claude.json.")
    return Snippet("claude-code", ".mcp.json", _json("mcpServers", wanted, entry), notes)


def _claude_desktop(wanted: _Wanted) -> Snippet:
    # mcp-remote fills ${VAR} in itself. No space in the argument: on Windows npx would cut it there.
    header = f"Authorization:${{{wanted.variable}_HEADER}}"
    parts = urlsplit(wanted.url)
    plain = parts.scheme == "http" and parts.hostname not in _LOOPBACK
    args = ["-y", "mcp-remote", wanted.url, "--header", header, *(["--allow-http"] if plain else [])]
    notes = (
        _merge("mcpServers"),
        "Claude Desktop starts servers itself and speaks to no URL: npx (Node 18 or later) runs the mcp-remote bridge.",
        f'Add "env": {{"{wanted.variable}_HEADER": "Bearer <token>"}} to the entry by hand: it expands no variables.',
        "Let only yourself read the file (chmod 600), for the token stands in it.",
        "macOS: the folder ~/Library/Application Support/Claude; Windows: %APPDATA%\\Claude.",
        *(("The URL is plain http to another machine: the token can be read on the way. Use https.",) if plain else ()),
    )
    path = "~/.config/Claude/claude_desktop_config.json"
    return Snippet("claude-desktop", path, _json("mcpServers", wanted, {"command": "npx", "args": args}), notes)


def _cursor(wanted: _Wanted) -> Snippet:
    entry = {"url": wanted.url, "headers": _bearer(f"${{env:{wanted.variable}}}")}
    notes = (_merge("mcpServers"), _exported(wanted), "For one project instead: .cursor/mcp.json.")
    return Snippet("cursor", "~/.cursor/mcp.json", _json("mcpServers", wanted, entry), notes)


def _vscode(wanted: _Wanted) -> Snippet:
    asked = wanted.variable.lower().replace("_", "-")
    entry = {"type": "http", "url": wanted.url, "headers": _bearer(f"${{input:{asked}}}")}
    question = {
        "type": "promptString",
        "id": asked,
        "description": "Token from `ostiary token create`",
        "password": True,
    }
    notes = (
        "If the file exists, add the entry under its `servers` and the question under its `inputs`.",
        f"VS Code asks for the token once and keeps it safe; ${{env:{wanted.variable}}} works as well.",
    )
    return Snippet("vscode", ".vscode/mcp.json", _json("servers", wanted, entry, inputs=[question]), notes)


def _windsurf(wanted: _Wanted) -> Snippet:
    entry = {"serverUrl": wanted.url, "headers": _bearer(f"${{env:{wanted.variable}}}")}
    path = "~/.codeium/windsurf/mcp_config.json"
    return Snippet("windsurf", path, _json("mcpServers", wanted, entry), (_merge("mcpServers"), _exported(wanted)))


def _codex(wanted: _Wanted) -> Snippet:
    text = f'[mcp_servers.{wanted.name}]\nurl = "{wanted.url}"\nbearer_token_env_var = "{wanted.variable}"\n'
    notes = ("If the file exists, append the table.", _exported(wanted), "Codex refuses a token written into the file.")
    return Snippet("codex", "~/.codex/config.toml", text, notes)


def _gemini(wanted: _Wanted) -> Snippet:
    entry = {"type": "http", "url": wanted.url, "headers": _bearer(f"${{{wanted.variable}}}")}
    notes = (
        _merge("mcpServers"),
        _exported(wanted),
        "Versions that do not know `type` want `httpUrl` instead of `url`.",
    )
    return Snippet("gemini", "~/.gemini/settings.json", _json("mcpServers", wanted, entry), notes)


def _zed(wanted: _Wanted) -> Snippet:
    entry = {"source": "custom", "type": "http", "url": wanted.url}
    notes = (
        _merge("context_servers"),
        "Zed expands no variables in headers, so none is written; without one, the gateway answers 401.",
        'Add "headers": {"Authorization": "Bearer <token>"} by hand, in your own settings and never in a project\'s.',
    )
    return Snippet("zed", "~/.config/zed/settings.json", _json("context_servers", wanted, entry), notes)


def _opencode(wanted: _Wanted) -> Snippet:
    entry = {"type": "remote", "url": wanted.url, "headers": _bearer(f"{{env:{wanted.variable}}}"), "enabled": True}
    notes = (_merge("mcp"), _exported(wanted), "For one project instead: opencode.json.")
    return Snippet("opencode", "~/.config/opencode/opencode.json", _json("mcp", wanted, entry), notes)


def _copilot_cli(wanted: _Wanted) -> Snippet:
    entry = {"type": "http", "url": wanted.url, "headers": _bearer(f"${{{wanted.variable}}}"), "tools": ["*"]}
    notes = (
        _merge("mcpServers"),
        _exported(wanted),
        "If the gateway answers 401, your version does not expand variables in headers: update it.",
    )
    return Snippet("copilot-cli", "~/.copilot/mcp-config.json", _json("mcpServers", wanted, entry), notes)


def _goose(wanted: _Wanted) -> Snippet:
    lines = [
        "extensions:",
        f'  "{wanted.name}":',
        f'    name: "{wanted.name}"',
        "    type: streamable_http",
        "    enabled: true",
        f'    uri: "{wanted.url}"',
        f"    env_keys: [{wanted.variable}]",
        "    headers:",
        f'      Authorization: "Bearer ${{{wanted.variable}}}"',
        "    timeout: 300",
    ]
    kept = f"Goose takes {wanted.variable} from the environment, or asks and keeps it in the system's keychain."
    return Snippet("goose", "~/.config/goose/config.yaml", "\n".join(lines) + "\n", (_merge("extensions"), kept))


def _cline(wanted: _Wanted) -> Snippet:
    entry = {"type": "streamableHttp", "url": wanted.url, "headers": _bearer(f"${{env:{wanted.variable}}}")}
    notes = (
        _merge("mcpServers"),
        _exported(wanted),
        "Cline opens this file from its MCP Servers panel, Configure MCP Servers.",
    )
    path = "~/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"
    return Snippet("cline", path, _json("mcpServers", wanted, entry), notes)


def _inspector(wanted: _Wanted) -> Snippet:
    text = (
        "npx -y @modelcontextprotocol/inspector@2 --cli --transport http"
        f' --server-url {wanted.url} --header "Authorization: Bearer ${wanted.variable}" --method tools/list\n'
    )
    seen = "Other users of this machine can see the token in the list of processes while it runs."
    return Snippet("inspector", "", text, ("Needs Node 22.19 or later.", _exported(wanted), seen))


def _python(wanted: _Wanted) -> Snippet:
    text = f"""import asyncio
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = "{wanted.url}"


async def main() -> None:
    headers = {{"Authorization": f"Bearer {{os.environ['{wanted.variable}']}}"}}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        async with Client(streamable_http_client(URL, http_client=http)) as client:
            for tool in (await client.list_tools()).tools:
                print(tool.name)


asyncio.run(main())
"""
    return Snippet("python", f"{wanted.name}_client.py", text, ("Needs `pip install 'mcp>=2.3'`.", _exported(wanted)))


_MAKERS: Final[dict[str, Callable[[_Wanted], Snippet]]] = {
    "claude-code": _claude_code,
    "claude-desktop": _claude_desktop,
    "cursor": _cursor,
    "vscode": _vscode,
    "codex": _codex,
    "inspector": _inspector,
    "python": _python,
    "windsurf": _windsurf,
    "gemini": _gemini,
    "zed": _zed,
    "opencode": _opencode,
    "copilot-cli": _copilot_cli,
    "goose": _goose,
    "cline": _cline,
}

CLIENTS: Final = tuple(_MAKERS)
"""Every client that `connect` knows."""
