"""What `ostiary connect` prints can be pasted, holds no token, and comes back through `ostiary import`."""

from __future__ import annotations

import ast
import json
import shlex
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ostiary.config.clients import CLIENTS, NotConnectable, connect
from ostiary.config.foreign import read

URL = "https://mcp.example.com/mcp"
PROGRAMS = {"inspector", "python"}
PARSERS: dict[str, Callable[[str], Any]] = {
    "codex": tomllib.loads,
    "goose": YAML(typ="safe", pure=True).load,
    "inspector": shlex.split,
    "python": ast.parse,
}


def parsed(client: str, **more: str) -> Any:
    return PARSERS.get(client, json.loads)(connect(client, URL, **more).text)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_snippet_parses_and_carries_the_url(client: str) -> None:
    parsed(client)
    assert URL in connect(client, URL).text


@pytest.mark.parametrize("client", sorted(set(CLIENTS) - PROGRAMS))
def test_what_connect_prints_import_reads(client: str) -> None:
    snippet = connect(client, URL)
    (server,) = read(snippet.text, snippet.path.rpartition("/")[2]).servers
    assert (server.name, server.url) == ("ostiary", URL)


@pytest.mark.parametrize("client", sorted(set(CLIENTS) - PROGRAMS - {"zed", "claude-desktop"}))
def test_the_token_comes_back_as_a_reference(client: str) -> None:
    snippet = connect(client, URL, token_env="GATE_TOKEN")
    (server,) = read(snippet.text, snippet.path.rpartition("/")[2]).servers
    assert server.credential == {"kind": "bearer", "token": "env:GATE_TOKEN"}


@pytest.mark.parametrize("client", sorted(set(CLIENTS) - {"zed"}))
def test_the_snippet_names_the_variable(client: str) -> None:
    """Zed has no way to name one, and its note says so."""
    text = connect(client, URL, token_env="GATE_TOKEN").text
    assert "GATE_TOKEN" in text or "gate-token" in text


@pytest.mark.parametrize(
    ("client", "path", "entry"),
    [
        (
            "claude-code",
            ["mcpServers"],
            {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${OSTIARY_TOKEN}"}},
        ),
        ("cursor", ["mcpServers"], {"url": URL, "headers": {"Authorization": "Bearer ${env:OSTIARY_TOKEN}"}}),
        (
            "vscode",
            ["servers"],
            {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${input:ostiary-token}"}},
        ),
        ("windsurf", ["mcpServers"], {"serverUrl": URL, "headers": {"Authorization": "Bearer ${env:OSTIARY_TOKEN}"}}),
        ("codex", ["mcp_servers"], {"url": URL, "bearer_token_env_var": "OSTIARY_TOKEN"}),
        (
            "gemini",
            ["mcpServers"],
            {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${OSTIARY_TOKEN}"}},
        ),
        ("zed", ["context_servers"], {"source": "custom", "type": "http", "url": URL}),
        (
            "opencode",
            ["mcp"],
            {"type": "remote", "url": URL, "headers": {"Authorization": "Bearer {env:OSTIARY_TOKEN}"}, "enabled": True},
        ),
        (
            "copilot-cli",
            ["mcpServers"],
            {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${OSTIARY_TOKEN}"}, "tools": ["*"]},
        ),
        (
            "cline",
            ["mcpServers"],
            {"type": "streamableHttp", "url": URL, "headers": {"Authorization": "Bearer ${env:OSTIARY_TOKEN}"}},
        ),
        (
            "claude-desktop",
            ["mcpServers"],
            {"command": "npx", "args": ["-y", "mcp-remote", URL, "--header", "Authorization:${OSTIARY_TOKEN_HEADER}"]},
        ),
    ],
)
def test_each_client_gets_its_own_shape(client: str, path: list[str], entry: dict[str, Any]) -> None:
    block = parsed(client)
    for step in path:
        block = block[step]
    assert block == {"ostiary": entry}


def test_vscode_asks_for_the_token_without_showing_it() -> None:
    (question,) = parsed("vscode")["inputs"]
    assert (question["id"], question["password"]) == ("ostiary-token", True)


def test_goose_takes_the_token_from_its_keys() -> None:
    entry = parsed("goose", name="gate")["extensions"]["gate"]
    assert (entry["type"], entry["uri"], entry["env_keys"]) == ("streamable_http", URL, ["OSTIARY_TOKEN"])


def test_the_inspector_is_a_command_line() -> None:
    words = parsed("inspector")
    assert words[words.index("--server-url") + 1] == URL
    assert "Authorization: Bearer $OSTIARY_TOKEN" in words


@pytest.mark.parametrize("client", CLIENTS)
def test_every_snippet_says_what_to_do_with_it(client: str) -> None:
    snippet = connect(client, URL)
    assert snippet.client == client
    assert snippet.notes
    assert snippet.path or client == "inspector"


def test_plain_http_to_another_machine_is_warned_of() -> None:
    snippet = connect("claude-desktop", "http://10.0.0.7:8080/mcp")
    assert "--allow-http" in snippet.text
    assert any("can be read on the way" in note for note in snippet.notes)
    assert "--allow-http" not in connect("claude-desktop", "http://127.0.0.1:8080/mcp").text


@pytest.mark.parametrize(
    ("client", "url", "token_env", "name", "hint"),
    [
        ("claude", URL, "T", "x", "Did you mean claude-"),
        ("netscape-9", URL, "T", "x", "Known are"),
        ("cursor", "ftp://x/mcp", "T", "x", "URL must be like"),
        ("cursor", "https://a b/", "T", "x", "URL must be like"),
        ("cursor", 'https://a/"x', "T", "x", "URL must be like"),
        ("cursor", "https://[::1", "T", "x", "URL must be like"),
        ("cursor", "https://u:pw9pw9@h/mcp", "T", "x", "no credentials"),
        ("cursor", "https://h/mcp?key=pw9pw9", "T", "x", "no credentials"),
        ("cursor", URL, "ost-pw9pw9.abc", "x", "never pass the token itself"),
        ("cursor", URL, "T", "a b", "name must be"),
    ],
)
def test_what_cannot_be_connected_is_refused_with_a_reason(
    client: str, url: str, token_env: str, name: str, hint: str
) -> None:
    with pytest.raises(NotConnectable, match=hint) as caught:
        connect(client, url, token_env, name)
    assert "pw9pw9" not in str(caught.value)


@given(st.sampled_from(CLIENTS), st.text(max_size=30).map("https://h.example.com/{}".format))
def test_any_url_is_refused_or_cannot_break_out_of_the_snippet(client: str, url: str) -> None:
    try:
        snippet = connect(client, url)
    except NotConnectable:
        return
    PARSERS.get(client, json.loads)(snippet.text)
    if client not in PROGRAMS:
        assert [server.name for server in read(snippet.text, snippet.path.rpartition("/")[2]).servers] == ["ostiary"]
