"""What people have in their clients becomes Ostiary servers, and their secrets stay behind."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ostiary.config.foreign import Imported, Server, Unreadable, entries, read, read_all, surface
from ostiary.config.foreign.drafts import draft
from ostiary.config.foreign.shapes import Entry
from ostiary.config.parse import parse

CLIENTS = Path(__file__).parents[2] / "data" / "clients"
FILES = sorted(CLIENTS.iterdir())


def imported(name: str) -> dict[str, Server]:
    found = read((CLIENTS / name).read_text(), name)
    return {server.name: server for server in found.servers}


def one(entry: object) -> tuple[Server, Imported]:
    found = read(json.dumps({"mcpServers": {"crm": entry}}), ".mcp.json")
    return found.servers[0], found


def shown(found: Imported) -> str:
    return "\n".join([surface(found), repr(found), str(entries(found)), *(note.text for note in found.notes)])


def told(found: Imported) -> str:
    return "\n".join(note.text for note in found.notes)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_secret_of_any_clients_file_reaches_an_output(file: Path) -> None:
    """Ours: what is planted in the files is marked; the Basic credentials of amp are its base64."""
    text = shown(read(file.read_text(), file.name))
    assert "PLANTED" not in text
    assert "UExBTlRFRDE3" not in text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_yaml_says_what_was_imported(file: Path) -> None:
    found = read(file.read_text(), file.name)
    assert YAML(typ="safe", pure=True).load(surface(found)) == {"servers": entries(found)}
    assert entries(found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_configuration_accepts_what_was_imported(file: Path) -> None:
    """But for what it refuses: a whole URL that is a secret, and plain http beyond this machine; both are noted."""
    found = read(file.read_text(), file.name)
    plain = {note.server for note in found.notes if "unsafe_plain_http" in note.text}
    usable = (server for server in found.servers if server.name not in plain)
    kept = tuple(server for server in usable if not (server.sse or server.url).startswith("env:"))
    config = parse("gateway: {url: 'http://127.0.0.1:8080'}\n" + surface(replace(found, servers=kept)), "ostiary.yaml")
    assert list(config.servers) == [server.name for server in kept]


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("claude-code.mcp.json", ["github", "filesystem", "linear-team", "api"]),
        ("claude.json", ["github", "github-2", "db"]),
        ("claude_desktop_config.json", ["brave-search", "windows", "remote"]),
        ("cursor.mcp.json", ["one-line", "notion", "local"]),
        ("vscode.mcp.json", ["perplexity", "docs", "fetch"]),
        ("windsurf.mcp_config.json", ["figma", "old"]),
        ("codex.config.toml", ["context7", "figma"]),
        ("gemini.settings.json", ["python", "new", "older"]),
        ("antigravity.mcp_config.json", ["maps"]),
        ("copilot.mcp-config.json", ["playwright", "remote"]),
        ("cline_mcp_settings.json", ["weather", "stream"]),
        ("zed.settings.json", ["local-server", "older", "remote"]),
        ("opencode.jsonc", ["everything", "jira"]),
        ("opencode2.json", ["docs"]),
        ("goose.config.yaml", ["github", "docs", "legacy"]),
        ("kiro.mcp.json", ["aws-docs"]),
        ("lmstudio.mcp.json", ["hf-mcp-server"]),
        ("amp.settings.json", ["playwright", "semgrep"]),
        ("continue.config.yaml", ["sqlite-mcp", "remote"]),
        ("docker.catalog.yaml", ["github-official", "filesystem", "hosted"]),
        ("registry.server.json", ["weather"]),
        ("registry-remote.server.json", ["crm"]),
        ("mcpb.manifest.json", ["notes"]),
        ("agentgateway.yaml", ["time", "remote", "legacy"]),
    ],
)
def test_every_server_of_every_client_is_found(file: str, names: list[str]) -> None:
    assert list(imported(file)) == names


def test_every_file_is_in_the_table_above() -> None:
    assert len(FILES) == 24


def test_a_command_is_the_same_in_every_dialect() -> None:
    assert imported("opencode.jsonc")["everything"].command == ("npx", "-y", "@modelcontextprotocol/server-everything")
    assert imported("goose.config.yaml")["github"].command == ("npx", "-y", "@modelcontextprotocol/server-github")
    assert imported("zed.settings.json")["older"].command == ("/opt/tools/mcp", "--stdio")
    assert imported("claude_desktop_config.json")["windows"].command == (
        "npx",
        "-y",
        "@modelcontextprotocol/server-memory",
    )
    assert imported("agentgateway.yaml")["time"].command == ("uvx", "mcp-server-time")
    assert imported("registry.server.json")["weather"].command == (
        "npx",
        "-y",
        "@example/weather-mcp@1.2.3",
        "--units",
        "metric",
    )


@pytest.mark.parametrize(
    ("file", "name", "url"),
    [
        ("windsurf.mcp_config.json", "figma", "https://mcp.figma.com/mcp"),
        ("gemini.settings.json", "older", "https://older.example.com/mcp"),
        ("goose.config.yaml", "docs", "https://docs.example.com/mcp"),
        ("codex.config.toml", "figma", "https://mcp.figma.com/mcp"),
        ("claude_desktop_config.json", "remote", "https://mcp.example.com/mcp"),
        ("docker.catalog.yaml", "hosted", "https://hosted.example.com/mcp"),
        ("opencode2.json", "docs", "https://docs.example.com/mcp"),
    ],
)
def test_a_url_is_found_under_every_name_clients_have_for_it(file: str, name: str, url: str) -> None:
    assert imported(file)[name].url == url


def test_the_older_transport_is_told_apart() -> None:
    assert imported("claude-code.mcp.json")["linear-team"].sse == "https://mcp.linear.app/sse"
    assert imported("goose.config.yaml")["legacy"].sse == "http://192.168.7.9:3001/sse"
    assert imported("agentgateway.yaml")["legacy"].sse == "https://legacy.example.com:443/sse"


def test_a_url_alone_does_not_say_that_the_transport_is_the_older_one() -> None:
    """Ours: a path is no promise, and clients that are told only a URL try the newer transport first."""
    found = read((CLIENTS / "cursor.mcp.json").read_text(), "cursor.mcp.json")
    local = next(server for server in found.servers if server.name == "local")
    assert (local.url, local.sse) == ("http://localhost:8931/sse", "")
    assert any("`sse:`" in note.text for note in found.notes if note.server == "local")


def test_a_bearer_header_becomes_a_credential() -> None:
    """Ours: the schema refuses Authorization among the headers."""
    assert imported("claude-code.mcp.json")["github"].credential == {"kind": "bearer", "token": "env:GITHUB_TOKEN"}
    assert imported("codex.config.toml")["figma"].credential == {"kind": "bearer", "token": "env:FIGMA_OAUTH_TOKEN"}
    assert imported("vscode.mcp.json")["fetch"].credential == {"kind": "bearer", "token": "env:PERPLEXITY_KEY"}


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("${VAR}", "env:VAR"),
        ("${env:VAR}", "env:VAR"),
        ("${VAR:-fallback}", "env:VAR"),
        ("{env:VAR}", "env:VAR"),
        ("$VAR", "env:VAR"),
        ("${input:my-var}", "env:MY_VAR"),
        ("${user_config.myVar}", "env:MY_VAR"),
        ("${{ secrets.VAR }}", "env:VAR"),
        ("{file:/run/secrets/x}", "file:/run/secrets/x"),
        ("${workspaceFolder}", "env:SETTING"),
        ("{file:~/x}", "env:SETTING"),
        ("https://${HOST}/x", "env:SETTING"),
        ("https://${U}:${P}@h.example.com/", "env:SETTING"),
        ("two\nlines", "env:SETTING"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_a_clients_reference_becomes_ours(written: str, read_as: str) -> None:
    server, _ = one({"command": "x", "env": {"SETTING": written}})
    assert server.env == {"SETTING": read_as}


def test_a_reference_inside_a_text_says_what_to_do() -> None:
    server, found = one({"command": "x", "args": ["--dir", "${HOME}/docs"]})
    assert server.command == ("x", "--dir", "env:CRM_DIR")
    assert "put the whole '${HOME}/docs', filled in into CRM_DIR" in told(found)


@pytest.mark.parametrize("value", ["env:AWS_SECRET_ACCESS_KEY", "file:/etc/shadow", "file:./dev.db"])
def test_a_literal_that_reads_like_our_reference_is_not_copied(value: str) -> None:
    """Attack: a pasted entry that makes the gateway read a variable or a file and send it to the entry's own URL."""
    server, _ = one({"url": "https://evil.example.com/mcp", "headers": {"X-Id": value}})
    assert server.headers == {"X-Id": "env:CRM_X_ID"}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["--api-key=s3cr3t-v"], ("--api-key", "env:CRM_API_KEY")),
        (["--api-key", "s3cr3t-v"], ("--api-key", "env:CRM_API_KEY")),
        (["--no-auth", "s3rver.js"], ("--no-auth", "s3rver.js")),
        (["TOKEN=s3cr3t-v"], ("env:CRM_ARG_1",)),
        (["--header", "X-Api-Key: s3cr3t-v"], ("--header", "env:CRM_ARG_2")),
        (["sk-ant-s3cr3tV0"], ("env:CRM_ARG_1",)),
        (["postgresql://u:s3cr3t-v@db/x"], ("env:CRM_ARG_1",)),
        (["amqp://u:s3cr3t#/-v@db/x"], ("env:CRM_ARG_1",)),
        (["--from", "git+https://git.example.com:8443/a/b@v1"], ("--from", "git+https://git.example.com:8443/a/b@v1")),
        (["--auth", ""], ("--auth",)),
        (["--pin=1234", "--password=s3c"], ("--pin=1234", "--password", "env:CRM_PASSWORD")),
        (["LEVEL=info", "SETTING=${HOME}/x"], ("LEVEL=info", "env:CRM_ARG_2")),
        (["hooks.slack.com/services/s3cr3t"], ("env:CRM_ARG_1",)),
        (["http://[s3cr3t/?token=s3cr3t"], ("env:CRM_ARG_1",)),
        (["--port=8080", "--units", "metric"], ("--port=8080", "--units", "metric")),
        (["mcp-server-git@2025.1.14"], ("mcp-server-git@2025.1.14",)),
        (["--token-file", "/run/token"], ("--token-file", "/run/token")),
    ],
)
def test_a_secret_among_the_arguments_becomes_a_reference(command: list[str], expected: tuple[str, ...]) -> None:
    server, found = one({"command": "x", "args": command})
    assert server.command == ("x", *expected)
    assert "s3cr3t" not in shown(found)


def test_a_containers_secret_moves_into_its_environment() -> None:
    server, _ = one({"command": "docker", "args": ["run", "-e", "API_TOKEN=abc12345", "-e", "LEVEL=info", "image"]})
    assert server.command == ("docker", "run", "-e", "API_TOKEN", "-e", "LEVEL=info", "image")
    assert server.env == {"API_TOKEN": "env:API_TOKEN"}


@pytest.mark.parametrize(
    ("url", "credential"),
    [
        (
            "https://alice:pw12345678@h.example.com/mcp",
            {"kind": "basic", "user": "alice", "password": "env:CRM_PASSWORD"},
        ),
        (
            "https://k9f8e7d6c5b4a392@h.example.com/mcp",
            {"kind": "header", "name": "Authorization", "value": "env:CRM_AUTHORIZATION"},
        ),
    ],
)
def test_credentials_in_a_url_become_a_credential(url: str, credential: dict[str, str]) -> None:
    server, found = one({"url": url})
    assert (server.url, server.credential) == ("https://h.example.com/mcp", credential)
    assert "pw12345678" not in shown(found)
    assert "k9f8e7d6c5b4a392" not in shown(found)


@pytest.mark.parametrize(
    "tail", ["?api_key=s3cr3t", "/s/a1b2c3d4e5f6a7b8c9/mcp", "/mcp/0b9c8f7e-1234-4abc-9def-001122334455"]
)
def test_a_url_that_is_itself_a_secret_is_not_copied(tail: str) -> None:
    server, found = one({"url": f"https://mcp.example.com{tail}"})
    assert server.url == "env:CRM_URL"
    assert tail not in shown(found)


def test_a_secret_known_from_one_place_is_hidden_in_all_others() -> None:
    entry = {
        "command": "x",
        "args": ["connect", "user/hunter2!!"],
        "env": {"PASSWORD": "hunter2!!", "DSN_NOTE": "is hunter2!!"},
    }
    _, found = one(entry)
    assert "hunter2!!" not in shown(found)


def test_different_secrets_never_share_a_variable_and_equal_ones_do() -> None:
    servers = {
        "a": {"command": "x", "env": {"API_KEY": "first-1"}},
        "b": {"command": "y", "env": {"API_KEY": "second-2"}},
        "c": {"command": "z", "env": {"API_KEY": "first-1"}},
        "d": {"command": "w", "env": {"OTHER": "${TOKEN}"}},
        "e": {"command": "v", "env": {"TOKEN": "third-3"}},
    }
    found = entries(read(json.dumps({"mcpServers": servers}), "x.json"))
    assert [list(entry["env"].values()) for entry in found.values()] == [
        ["env:API_KEY"], ["env:B_API_KEY"], ["env:API_KEY"], ["env:TOKEN"], ["env:E_TOKEN"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "networks"),
    [
        ("http://localhost:3000/mcp", ("127.0.0.1/32", "::1/128")),
        ("http://127.0.0.1:3000/mcp", ("127.0.0.1/32",)),
        ("https://10.0.0.7/mcp", ("10.0.0.7/32",)),
        ("https://[fd00::7]/mcp", ("fd00::7/128",)),
        ("https://[::ffff:10.0.0.7]/mcp", ("10.0.0.7/32",)),
        ("https://mcp.example.com/mcp", ()),
        ("https://93.184.216.34/mcp", ()),
        ("http://169.254.169.254/latest", ()),
        ("http://[::ffff:169.254.169.254]/latest", ()),
        ("http://0.0.0.0:3000/mcp", ()),
    ],
)
def test_a_private_address_is_allowed_alone_and_said(url: str, networks: tuple[str, ...]) -> None:
    """Attack: the link-local address of a cloud hands out credentials, so it is never allowed by an import."""
    server, found = one({"url": url})
    assert server.allow_private == networks
    assert ("`allow_private:" in told(found)) == bool(networks)


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "https://", "https://a b/", "http://x:99999/", "javascript:alert(1)", "https://[::1"]
)
def test_a_url_that_cannot_be_opened_is_left_out(url: str) -> None:
    found = read(json.dumps({"mcpServers": {"bad": {"url": url}, "good": {"command": "x"}}}), "x.json")
    assert list(entries(found)) == ["good"]
    assert "not an http or https address" in told(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Cookie", "a=b"), ("Mcp-Session-Id", "x"), ("Host", "x"), ("X Y", "z"), ("X\r\nEvil", "z")],
)
def test_a_header_that_is_not_the_operators_is_left_out(name: str, value: str) -> None:
    server, found = one({"url": "https://h.example.com/mcp", "headers": {name: value}})
    assert server.headers == {}
    assert "was left out" in told(found)


def test_a_header_value_with_a_line_break_is_not_copied() -> None:
    """RFC 9110, section 5.5."""
    server, _ = one({"url": "https://h.example.com/mcp", "headers": {"X-Id": "a\r\nX-Evil: b"}})
    assert server.headers == {"X-Id": "env:CRM_X_ID"}


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("My Server!", "my-server"),
        ("9lives", "server-9lives"),
        ("__", "server"),
        ("Ünï", "n"),
        ("a__b", "a-b"),
        ("x" * 80, "x" * 32),
    ],
)
def test_names_are_cleaned_and_the_change_is_told(name: str, clean: str) -> None:
    found = read(json.dumps({"mcpServers": {name: {"command": "x"}}}), "x.json")
    assert list(entries(found)) == [clean]
    assert f"became {clean}" in told(found)


def test_several_files_are_named_apart() -> None:
    files = [(json.dumps({"mcpServers": {"git": {"command": name}}}), f"{name}.json") for name in ("a", "b", "a")]
    found = read_all(files, taken=["git-2"])
    assert {name: entry["command"] for name, entry in entries(found).items()} == {"git": ["a"], "git-3": ["b"]}
    assert "stands again, the same, in a.json" in told(found)
    assert found.formats == ("JSON", "JSON", "JSON")


def test_a_default_that_is_a_secret_is_not_copied_and_another_is_told() -> None:
    entry = {"command": "x", "env": {"A_KEY": "${A:-pw1}", "B": "${B:-info}", "C_KEY": "${C}${D}pw2", "E_KEY": "pw3"}}
    server, found = one(entry)
    assert server.env == {"A_KEY": "env:A", "B": "env:B", "C_KEY": "env:C_KEY", "E_KEY": "env:E_KEY"}
    assert "had the default 'info'" in told(found)
    assert {secret.where for secret in found.secrets} == {"the default of env.A_KEY", "env.C_KEY", "env.E_KEY"}
    assert not any(word in shown(found) for word in ("pw1", "pw2", "pw3"))


def test_webhook_addresses_are_secrets_and_what_is_only_about_secrets_is_not() -> None:
    env = {
        "ALERT_WEBHOOK_URL": "https://h.example.com/x", "TOKEN_URL": "https://id.example.com/t", "AUTH_MODE": "oauth", "MAX_TOKENS": "4096",
        "KEY_FILE": "/run/key", "SESSION": "false",
    }  # fmt: skip
    server, _ = one({"command": "x", "env": env})
    assert server.env == env | {"ALERT_WEBHOOK_URL": "env:ALERT_WEBHOOK_URL"}


def test_more_than_two_secrets_of_one_name_are_told_apart() -> None:
    entry = {"command": "x", "args": ["--key", "pw1", "--key", "pw2", "--key", "pw3"]}
    assert one(entry)[0].command == ("x", "--key", "env:CRM_KEY", "--key", "env:CRM_KEY_2", "--key", "env:CRM_KEY_3")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"type": "ws", "url": "wss://h.example.com"}, "WebSocket"),
        ({"command": "npx 'open"}, "open quote"),
        ({"type": "builtin", "command": "x"}, "built into its client"),
        ({"type": "http"}, "neither a command nor a URL"),
        ("npx", "not a mapping"),
    ],
)
def test_what_cannot_be_imported_says_why(entry: object, why: str) -> None:
    found = read(json.dumps({"mcpServers": {"a": entry}}), "x.json")
    assert surface(found) == "servers: {}\n"
    assert why in told(found)


def test_a_bridge_is_replaced_only_when_it_bridges_to_something() -> None:
    url = "https://h.example.com/mcp"
    assert one({"command": "npx", "args": ["mcp-remote", url, "--transport", "sse-only", "8080"]})[0].sse == url
    assert one({"command": "npx", "args": ["-y", "mcp-remote", "--help"]})[0].command == (
        "npx",
        "-y",
        "mcp-remote",
        "--help",
    )
    assert one({"command": "docker", "args": ["run", "mcp-remote", url]})[0].url == ""


@pytest.mark.parametrize("key", ["bearerToken", "apiKey"])
def test_a_bearer_token_of_its_own_key_becomes_a_credential(key: str) -> None:
    server, _ = one({"url": "https://h.example.com/mcp", key: "${TOKEN}"})
    assert server.credential == {"kind": "bearer", "token": "env:TOKEN"}


def test_settings_may_be_lists_of_names_and_values() -> None:
    entry = {"command": "x", "env": [{"name": "LEVEL", "value": "info"}], "env_vars": [{"name": "HOME"}, "LANG", ""]}
    assert one(entry)[0].env == {"HOME": "env:HOME", "LANG": "env:LANG", "LEVEL": "info"}


@pytest.mark.parametrize(("cwd", "kept"), [("/srv", "/srv"), ("~/x", ""), ("${HOME}", ""), ("", "")])
def test_a_folder_only_its_client_knows_is_left_out(cwd: str, kept: str) -> None:
    server, found = one({"command": "x", "cwd": cwd})
    assert server.cwd == kept
    assert ("cwd" in told(found)) == (cwd not in {"", "/srv"})


def test_an_environment_variable_no_process_can_have_is_left_out() -> None:
    server, found = one({"command": "x", "env": {"A B": "1", "C": "2"}})
    assert server.env == {"C": "2"}
    assert "letters, digits and _" in told(found)


def test_a_registry_entry_may_be_wrapped_and_may_be_an_image() -> None:
    package = {
        "registryType": "oci", "identifier": "ghcr.io/x/y:1", "environmentVariables": [{"name": "LEVEL", "default": "info"}],
        "runtimeArguments": [{"type": "named", "name": "--network", "value": "none"}],
    }  # fmt: skip
    found = read(
        json.dumps({"server": {"name": "io.x/y", "packages": [{"registryType": "mcpb"}, package]}}), "server.json"
    )
    assert found.servers[0].command == (
        "docker",
        "run",
        "-i",
        "--rm",
        "-e",
        "LEVEL",
        "--network",
        "none",
        "ghcr.io/x/y:1",
    )


def test_text_is_written_so_that_yaml_reads_it_back() -> None:
    args = [
        'say "hi"',
        "back\\slash",
        "tab\there",
        "\x07\u2028\U000e0001",
        "null",
        "1.0",
        "0x1F",
        "- a",
        "a: b",
        "#c",
        " x ",
        "é",
        "y",
    ]
    server, found = one({"command": "x", "args": args})
    assert server.command == ("x", *args)
    assert YAML(typ="safe", pure=True).load(surface(found))["servers"]["crm"]["command"] == ["x", *args]


def test_a_draft_and_an_entry_show_nothing_of_what_they_hold() -> None:
    entry = Entry("crm", "here", {"command": "x", "args": ["s3cr3t"], "env": {"A": "s3cr3t"}, "url": "s3cr3t"})
    assert "s3cr3t" not in f"{entry!r} {draft(entry)!r}"


def test_a_file_of_another_kind_and_size_is_not_read() -> None:
    with pytest.raises(Unreadable, match="longer than 1024 KiB"):
        read("a: b\n" * 300_000, "x.yaml")
    with pytest.raises(Unreadable, match="not valid TOML"):
        read("a." * 70 + "b = 1", "x.toml")


def test_images_volumes_and_plain_lines_are_not_taken_for_secrets() -> None:
    args = ["-v", "/srv/keys:/keys", "mcp/auth:latest", "--mode key --level info", "a=b", "TOKEN=$X", "key: true"]
    assert one({"command": "sh", "args": args})[0].command[1:6] == tuple(args[:5])


def test_yaml_scalars_are_the_text_they_were() -> None:
    text = "mcpServers: {a: {command: x, env: {A: ~, B: true, C: 1.10, D: 0x1F, E: yes, F: 'true'}}}"
    assert read(text, "x.yaml").servers[0].env == {"B": "true", "C": "1.10", "D": "0x1F", "E": "yes", "F": "true"}


def test_a_list_of_servers_is_read() -> None:
    found = read('[{"name": "a", "command": "x"}, {"command": "y"}]', "x.json")
    assert entries(found) == {"a": {"command": ["x"]}, "server": {"command": ["y"]}}


def test_what_was_switched_off_stays_off() -> None:
    assert entries(read((CLIENTS / "windsurf.mcp_config.json").read_text(), "x.json"))["old"]["disabled"] is True


def test_what_is_not_carried_over_is_named() -> None:
    _, found = one(
        {"command": "x", "autoApprove": ["a"], "oauth": {"clientSecret": "s3cr3t"}, "envFile": ".env", "timeout": 5}
    )
    for word in ("autoApprove", "oauth", "envFile", "timeout"):
        assert f"not carried over: {word}" in told(found)
    assert "s3cr3t" not in shown(found)


def test_a_pasted_snippet_needs_no_root() -> None:
    assert entries(read('{"command": "npx", "args": ["x"]}', "-")) == {"server": {"command": ["npx", "x"]}}
    assert entries(read("git: {command: uvx, args: [mcp-server-git]}", "-")) == {
        "git": {"command": ["uvx", "mcp-server-git"]}
    }


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('  // c\n{"mcpServers": {"a": {"command": "x"}}}', "JSON"),
        ('[mcp_servers.a]\ncommand = "x"', "TOML"),
        ("mcpServers: {a: {command: x}}", "YAML"),
        ("\ufeff{mcpServers: {'a': {command: 'x',},},} // JSON5", "JSON"),
    ],
)
def test_the_format_is_told_by_the_text_when_the_name_does_not(text: str, form: str) -> None:
    found = read(text, "-")
    assert found.formats == (form,)
    assert entries(found) == {"a": {"command": ["x"]}}


@pytest.mark.parametrize(
    ("text", "filename", "line", "reason"),
    [
        ("", "x.json", None, "empty"),
        ('{\n "a": 1,\n oops\n}', "x.json", 4, "colon"),
        ('{\n "a": 1,\n "a": 2}', "x.json", 3, "twice"),
        ('{"a": "sk-s3cr3tS3cr3t}', "x.json", 1, "not closed"),
        ('{"a": 1} x', "x.json", 1, "follows"),
        ("[" * 100, "x.json", 1, "nested"),
        ('{"a": s3cr3tS3cr3t}', "x.json", 1, "not quoted"),
        ('[a]\nkey = "ok"\nb = s3cr3tS3cr3t', "x.toml", 3, "not valid TOML"),
        ("a = " + "[" * 5000, "x.toml", None, "not valid TOML"),
        ("a: 1\nb: [s3cr3tS3cr3t", "x.yaml", 2, "not valid YAML"),
        ("a: 1\na: s3cr3tS3cr3t", "x.yaml", 2, "twice"),
        ("a: &a [*a]", "x.yaml", None, "not valid YAML"),
        ('{"theme": "dark"}', "x.json", None, "no MCP servers"),
        ('{"mcpServers": {}}', "x.json", None, "no MCP servers"),
        ("just words", "x.txt", None, "no MCP servers"),
        ("# a comment", "x.yaml", None, "no MCP servers"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(text: str, filename: str, line: int | None, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        read(text, filename)
    error = caught.value
    assert (error.filename, error.line) == (filename, line)
    assert error.suggestion
    assert "s3cr3t" not in f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"


def test_nested_aliases_do_not_eat_the_memory() -> None:
    """Attack: "billion laughs"."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    with pytest.raises(Unreadable):
        read("\n".join(lines), "x.yaml")


def test_no_warning_shows_a_line_of_the_file() -> None:
    text = "mcpServers: {a: {command: &x s3cr3t, cwd: &x s3cr3t}}"
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        read(text, "x.yaml")
    assert seen == []


@pytest.mark.parametrize(
    ("entry", "name", "why"),
    [
        ({"command": "x", "args": ["a" * 5000]}, "a", "texts is longer"),
        ({"command": "x"}, "a" * 5000, "name is too long"),
    ],
)
def test_what_is_too_long_to_look_through_is_left_out(entry: object, name: str, why: str) -> None:
    found = read(json.dumps({"mcpServers": {name: entry}}), "x.json")
    assert found.servers == ()
    assert why in told(found)
    assert len(told(found)) < 1000


def test_a_note_is_one_printable_line() -> None:
    """Attack: a name with an escape sequence that rewrites the terminal, or a line break that ends the YAML comment."""
    found = read(json.dumps({"mcpServers": {"a\x1b[2J\nevil: {command: [rm]}": {"command": "x"}}}), "x\n.json")
    assert all(note.text.isprintable() for note in found.notes)
    assert list(YAML(typ="safe", pure=True).load(surface(found))["servers"]) == list(entries(found))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["x.json", "x.toml", "x.yaml", "-"]))
@example('{"mcpServers": {"a": {"url": "http://[::1"}}}', "x.json")
@example("\U0010ffff\ud800", "x.yaml")
@example('a: "\\UFFFFFFFF"', "x.yaml")
@example("%YAML 1.1\n---\na: 0o9", "x.yaml")
@example("a = " + "9" * 5000, "x.toml")
@example("? [a]\n: b", "x.yaml")
@example("a: !!python/object:os.system x", "x.yaml")
def test_any_text_is_read_or_unreadable(text: str, filename: str) -> None:
    try:
        found = read(text, filename)
    except Unreadable:
        return
    assert YAML(typ="safe", pure=True).load(surface(found)) == {"servers": entries(found)}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(["npx", "https://h/x", "${A}", "stdio", "sse"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "command",
                    "args",
                    "env",
                    "url",
                    "headers",
                    "type",
                    "name",
                    "cwd",
                    "Authorization",
                    "mcp",
                    "targets",
                    "env_vars",
                    "x",
                ]
            )
            | st.text(max_size=6),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
ROOTS = [
    "mcpServers", "servers", "mcp_servers", "context_servers", "mcp", "extensions", "projects", "registry", "packages", "binds", "server",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(ROOTS), JSON, min_size=1, max_size=3), st.text(max_size=8))
def test_any_document_under_a_known_root_is_read_or_unreadable(document: dict[str, object], name: str) -> None:
    try:
        found = read(json.dumps(document | {"name": name}), "x.json")
    except Unreadable:
        return
    assert YAML(typ="safe", pure=True).load(surface(found)) == {"servers": entries(found)}
    assert len(entries(found)) == len(found.servers)


ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
BODY = st.text(ALPHABET, min_size=20, max_size=32).filter(
    lambda text: any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
)
TOKEN = st.builds(
    str.__add__, st.sampled_from(["ghp_", "sk-", "xoxb-", "AKIA", "glpat-", "npm_"]), BODY.map(lambda text: f"A2{text}")
)
PASSWORD = st.builds("Pw9{}".format, st.text(ALPHABET + "!%*-_.~", min_size=5, max_size=12))


def planted(token: str, password: str) -> str:
    """A file with both secrets in every kind of place."""
    return json.dumps({
        "inputs": [{"id": "x", "default": token}],
        "mcpServers": {
            "a": {
                "command": "npx",
                "args": [
                    f"--token={token}", "--password", password, f"--api-key={password}", token, f"https://u:{password}@h/x", f"MY_KEY={password}",
                    "-H", f"Authorization: Bearer {token}", "--dir", f"${{HOME}}/{token}", f"plain {password} text",
                ],
                "env": {
                    "API_TOKEN": token, "DB_PASSWORD": password, "PLAIN": token, "D_KEY": f"${{X:-{password}}}", "E": f"${{Y:-{token}}}",
                    "MIXED_SECRET": f"${{A}}{password}", token: "x", "MULTI": f"a\n{token}",
                },
                "cwd": f"/srv/{token}",
                "autoApprove": [token],
                "oauth": {"clientSecret": password},
                f"key {token}": 1,
            },
            "b": {"url": f"https://u:{password}@h.example.com/mcp", "headers": {"Authorization": f"Bearer {token}", "X-Api-Key": password}},
            "c": {"url": f"https://h.example.com/{token}/mcp?key={password}", "headers": {f"X-{token}": "a", "Cookie": password}},
            "d": {"command": "docker", "args": ["run", "-e", f"PW_SECRET={password}", "-e", f"T={token}", "img"]},
            "e": {"command": "npx", "args": ["mcp-remote", "https://h/mcp", "--header", f"Authorization: {token}"], "env": {"X": token}},
            "f": {"url": f"ftp://u:{password}@h/"},
            "g": {"command": f"x --secret {password} {token}"},
            "h": {"url": f"${{BASE}}/{token}", "headers": {"Authorization": f"Basic {token}"}},
            f"name-{token}": {"command": "x"},
        },
    })  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(TOKEN, PASSWORD)
def test_no_planted_secret_survives_into_any_output(token: str, password: str) -> None:
    found = read(planted(token, password), f"{token}.json")
    text = shown(found)
    assert token not in text
    assert password not in text
    assert {"a", "b", "c", "d", "e", "g", "h"} <= {server.name for server in found.servers}
    assert found.secrets


ALONE: list[Callable[[str], dict[str, object]]] = [
    lambda word: {"command": "x", "args": [f"--token={word}"]},
    lambda word: {"command": "x", "args": ["--password", word]},
    lambda word: {"command": "x", "args": ["-k", f"MY_SECRET={word}"]},
    lambda word: {"command": "x", "args": ["-H", f"Authorization: Bearer {word}"]},
    lambda word: {"command": "x", "args": ["--dsn", f"postgres://u:{word}@h/db"]},
    lambda word: {"command": "x", "args": [f"https://h.example.com/?access_token={word}"]},
    lambda word: {"command": f"x --api-key {word}"},
    lambda word: {"command": "x", "env": {"DB_PASSWORD": word}},
    lambda word: {"command": "x", "env": {"DB_PASSWORD": f"${{DB_PASSWORD:-{word}}}"}},
    lambda word: {"command": "x", "env": {"DB_PASSWORD": f"${{PREFIX}}{word}"}},
    lambda word: {"command": "x", "env": {"DATABASE_URL": f"postgres://u:{word}@h/db"}},
    lambda word: {"command": "x", "oauth": {"clientSecret": word}, "settings": {"key": word}},
    lambda word: {"command": "docker", "args": ["run", "-e", f"API_KEY={word}", "i"]},
    lambda word: {"command": "docker", "args": ["run", f"--env=API_KEY={word}", "i"]},
    lambda word: {"command": "docker", "args": ["run", f"-eAPI_KEY={word}", "i"]},
    lambda word: {"command": "x", "args": [f"--set=API_KEY={word}"]},
    lambda word: {"command": "x", "args": [f"--header=X-Api-Key: {word}"]},
    lambda word: {"command": "sh", "args": ["-c", f"API_KEY={word} npx server"]},
    lambda word: {"command": "x", "env": {"CONNECTION": f"Server=db;User=sa;Password={word};"}},
    lambda word: {"command": "x", "env": {"CONFIG": json.dumps({"region": "eu", "token": word})}},
    lambda word: {"command": "sh", "args": ["-c", f"npx server --api-key {word}"]},
    lambda word: {"command": "sh", "args": ["-c", f"curl -H 'X-Api-Key: {word}' h"]},
    lambda word: {"command": "npx", "args": ["mcp-remote", "https://h.example.com/", "--header", f"X-Api-Key:{word}"]},
    lambda word: {"command": "npx", "args": ["mcp-remote", "https://h.example.com/"], "env": {"X": word}},
    lambda word: {"url": f"https://u:{word}@h.example.com/mcp"},
    lambda word: {"url": f"https://u:{word}@h.example.com/mcp", "headers": {"Authorization": "Bearer ${T}"}},
    lambda word: {"url": f"https://${{HOST:-u:{word}@h.example.com}}/mcp"},
    lambda word: {"url": f"https://${{USER}}:{word}@h.example.com/mcp"},
    lambda word: {"url": f"https://${{HOST}}/mcp?token=${{A}}{word}"},
    lambda word: {"url": f"https://h.example.com/mcp?token={word}"},
    lambda word: {"url": "https://h.example.com/mcp", "headers": {"Authorization": f"Bearer {word}"}},
    lambda word: {"url": "https://h.example.com/mcp", "headers": {"Authorization": word}},
    lambda word: {"url": "https://h.example.com/mcp", "headers": {"X-Api-Key": word}},
    lambda word: {"url": "https://h.example.com/mcp", "headers": {"Cookie": word}},
    lambda word: {"url": "https://h.example.com/mcp", "bearerToken": word},
    lambda word: {"url": f"ws://u:{word}@h.example.com/mcp", "type": "ws"},
]


@settings(max_examples=400, deadline=None)
@given(TOKEN | PASSWORD, st.sampled_from(ALONE))
def test_a_secret_that_stands_in_one_place_alone_is_recognised_there(
    word: str, place: Callable[[str], dict[str, object]]
) -> None:
    """Ours: what helps the test above, knowing the secret from another place, does not help here."""
    assert word not in shown(read(json.dumps({"mcpServers": {"crm": place(word)}}), "x.json"))


@settings(max_examples=150, deadline=None)
@given(TOKEN, st.data(), st.sampled_from(["x.json", "x.toml", "x.yaml", "-"]))
def test_no_error_quotes_the_text_it_could_not_read(token: str, data: st.DataObject, filename: str) -> None:
    text = planted(token, "Pw9planted")
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    failure = ""
    try:
        read(cut, filename)
    except Unreadable as error:
        failure = f"{error}{error!r}{error.args}{error.__cause__!r}{error.__context__!r}"
    assert token not in failure
