"""Real servers through the gateway from real clients: allowed, hidden, refused and recorded."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateway import Gateway, Json, gateway

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FIRST_MODERN = "2026-07-28"
INVALID_PARAMS = -32602
DRIVER_SECONDS = 120
COLD_START_SECONDS = 90.0

ALLOWED = {
    "everything": {"echo", "get-sum"},
    "files": {
        "list_allowed_directories",
        "list_directory",
        "list_directory_with_sizes",
        "read_file",
        "read_media_file",
        "read_multiple_files",
        "read_text_file",
    },
    "git": {"git_log", "git_status"},
    "time": {"convert_time", "get_current_time"},
}
AGGREGATED = {f"{server}__{tool}" for server, tools in ALLOWED.items() for tool in tools}

Call = tuple[str, Json]


@dataclass(frozen=True, slots=True)
class House:
    """The gateway in front of the four servers, and what stands around it."""

    gateway: Gateway
    node: Path
    clients: Path
    files: Path
    repository: Path

    def endpoint(self, server: str = "") -> str:
        """Return the address of everything, or of one server."""
        return f"{self.gateway.url}/servers/{server}/mcp" if server else f"{self.gateway.url}/mcp"


@dataclass(frozen=True, slots=True)
class Client:
    """A real client: how to drive it, which era it speaks, and how it reports a name it cannot call."""

    name: str
    era: str
    drive: Callable[[House, str, str, Iterable[Call]], Json]
    refusal: int | str = INVALID_PARAMS


# --- driving the clients


def typescript(file: str) -> Callable[[House, str, str, Iterable[Call]], Json]:
    """Return how a TypeScript driver is run."""

    def drive(house: House, url: str, token: str, calls: Iterable[Call]) -> Json:
        command = [str(house.node), str(house.clients / file), url, *words(calls)]
        return document(completed(house, command, token))

    return drive


def python(file: str, mode: str) -> Callable[[House, str, str, Iterable[Call]], Json]:
    """Return how a Python driver is run."""

    def drive(house: House, url: str, token: str, calls: Iterable[Call]) -> Json:
        command = [sys.executable, str(house.clients / file), "--mode", mode, url, *words(calls)]
        return document(completed(house, command, token))

    return drive


def inspector(era: str) -> Callable[[House, str, str, Iterable[Call]], Json]:
    """Return how the Inspector's command line is run: one process for every method."""

    def drive(house: House, url: str, token: str, calls: Iterable[Call]) -> Json:
        package = house.clients / "node_modules" / "@modelcontextprotocol" / "inspector"
        program = [
            str(house.node),
            str(package / "clients" / "launcher" / "build" / "index.js"),
            "--cli",
            url,
        ]
        program += ["--transport", "http", "--protocol-era", era, "--format", "json", "--quiet"]
        program += ["--header", f"Authorization: Bearer {token}", "--method"]
        listing = document(completed(house, [*program, "tools/list"], token))["result"]
        outcomes = []
        for tool, arguments in calls:
            call = ["tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
            outcomes.append({"tool": tool, **inspected(completed(house, [*program, *call], token))})
        version = FIRST_MODERN if era == "modern" else ""
        named = "modern" if era == "modern" else "handshake"
        tools = [tool["name"] for tool in listing["tools"]]
        return {"era": named, "version": version, "tools": tools, "calls": outcomes}

    return drive


def words(calls: Iterable[Call]) -> list[str]:
    """Return the calls as a driver's command line wants them."""
    return [word for tool, arguments in calls for word in (tool, json.dumps(arguments))]


def completed(house: House, command: list[str], token: str) -> subprocess.CompletedProcess[str]:
    """Run a client with its token in the environment, bounded in time."""
    # The Inspector keeps a folder of its own, with stored logins, in the home directory: not in a developer's.
    home = str(house.gateway.config.parent)
    environment = {**os.environ, "HOME": home, "OSTIARY_TOKEN": token, "NO_COLOR": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DRIVER_SECONDS, check=False)


def document(done: subprocess.CompletedProcess[str]) -> Json:
    """Return the JSON document a client printed."""
    if done.returncode != 0:
        raise AssertionError(f"the client exited with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-6000:]}")
    parsed: Json = json.loads(done.stdout)
    return parsed


def inspected(done: subprocess.CompletedProcess[str]) -> Json:
    """Return a result from standard output, or the error envelope from standard error."""
    if done.returncode == 0:
        return document(done)
    envelope: Json = json.loads(done.stderr.strip().splitlines()[-1])
    return envelope


CLIENTS = [
    Client("python-sdk-auto", "modern", python("py_sdk.py", "auto")),
    Client("python-sdk-modern", "modern", python("py_sdk.py", "modern")),
    Client("python-sdk-legacy", "handshake", python("py_sdk.py", "legacy")),
    Client("typescript-v2", "modern", typescript("ts_modern.mjs")),
    Client("typescript-v1", "handshake", typescript("ts_legacy.mjs")),
    Client("fastmcp-auto", "modern", python("py_fastmcp.py", "auto")),
    Client("fastmcp-legacy", "handshake", python("py_fastmcp.py", "legacy")),
    # The Inspector looks a name up in the list it was given and never sends one that is not there.
    Client("inspector-modern", "modern", inspector("modern"), refusal="tool_not_found"),
    Client("inspector-legacy", "handshake", inspector("legacy"), refusal="tool_not_found"),
]

# --- the house


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder the filesystem server serves."""
    folder = tmp_path_factory.mktemp("files").resolve()
    (folder / "notes.txt").write_text("The key is under the mat.\n")
    return folder


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the repository the git server serves, with one commit."""
    folder = tmp_path_factory.mktemp("repository").resolve()
    (folder / "door.txt").write_text("closed\n")
    author = ["-c", "user.name=Porter", "-c", "user.email=porter@example.com", "-c", "commit.gpgsign=false"]
    for words_ in (
        ["init", "--quiet"],
        ["add", "door.txt"],
        [*author, "commit", "--quiet", "-m", "Close the door"],
    ):
        subprocess.run(["git", "-C", str(folder), *words_], check=True, timeout=60)
    return folder


def configuration(servers: dict[str, list[str]]) -> Json:
    """Return a configuration in which developers may read and nobody may write."""
    return {
        "servers": {name: {"command": command, "approve": "first-use"} for name, command in servers.items()},
        "rules": [
            {
                "name": "developers-read",
                "allow": [
                    "everything.echo",
                    "everything.get-sum",
                    "files.read_*",
                    "files.list_*",
                    "git.git_log",
                    "git.git_status",
                    "time.*",
                ],
                "roles": ["developer"],
            }
        ],
    }


@pytest.fixture(scope="session")
def house(
    tmp_path_factory: pytest.TempPathFactory,
    node_program: Path,
    node_servers: Path,
    node_clients: Path,
    python_servers: Path,
    files: Path,
    repository: Path,
) -> Iterator[House]:
    """Run one gateway in front of the four servers, and wait until all their tools are there."""
    node = str(node_program)
    servers = {
        "everything": [node, str(node_servers / "server-everything" / "dist" / "index.js"), "stdio"],
        "files": [node, str(node_servers / "server-filesystem" / "dist" / "index.js"), str(files)],
        "git": [str(python_servers / "mcp-server-git"), "--repository", str(repository)],
        "time": [str(python_servers / "mcp-server-time"), "--local-timezone", "UTC"],
    }
    with gateway(tmp_path_factory.mktemp("gateway"), configuration(servers)) as running:
        house = House(running, node_program, node_clients, files, repository)
        await_tools(house, AGGREGATED)
        yield house


def await_tools(house: House, expected: set[str]) -> None:
    """Return when both eras list what is expected: servers start cold while the gateway already answers."""
    token = house.gateway.token("porter", roles=["developer"])
    deadline = time.monotonic() + COLD_START_SECONDS
    for mode in ("auto", "legacy"):
        listed: set[str] = set()
        while not expected <= listed:
            if time.monotonic() > deadline:
                raise AssertionError(f"after {COLD_START_SECONDS:.0f} s still missing: {sorted(expected - listed)}")
            listed = set(python("py_sdk.py", mode)(house, house.endpoint(), token, [])["tools"])


def subject(client: Client) -> str:
    """Name the person a client acts for."""
    return f"dev-{client.name}"


# --- what every client sees


@dataclass(frozen=True, slots=True)
class Visit:
    """One client's visit: what it saw at the address of everything and at those of two servers."""

    client: Client
    together: Json
    files: Json
    git: Json

    def call(self, place: Json, tool: str) -> Json:
        """Return what the call of this tool came to."""
        found: Json = next(call for call in place["calls"] if call["tool"] == tool)
        return found


@pytest.fixture(scope="session", params=CLIENTS, ids=lambda client: client.name)
def visit(request: pytest.FixtureRequest, house: House) -> Visit:
    """Let one client make every call once, with a token that only it uses."""
    client: Client = request.param
    token = house.gateway.token(subject(client), roles=["developer"])
    notes, repository = str(house.files / "notes.txt"), str(house.repository)
    writing = {"path": str(forbidden(house, client)), "content": "open"}
    tokyo = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    together: list[Call] = [
        ("everything__echo", {"message": "who is there"}),
        ("files__read_text_file", {"path": notes}),
        ("git__git_log", {"repo_path": repository, "max_count": 1}),
        ("time__convert_time", tokyo),
        ("files__write_file", writing),
        ("files__no_such_tool", writing),
    ]
    files: list[Call] = [("read_text_file", {"path": notes}), ("write_file", writing), ("no_such_tool", writing)]
    git: list[Call] = [("git_status", {"repo_path": repository})]
    return Visit(
        client,
        client.drive(house, house.endpoint(), token, together),
        client.drive(house, house.endpoint("files"), token, files),
        client.drive(house, house.endpoint("git"), token, git),
    )


def forbidden(house: House, client: Client) -> Path:
    """Name the file a client tries to write and must not."""
    return house.files / f"{client.name}.txt"


def test_a_client_lists_exactly_what_its_person_may_use(visit: Visit) -> None:
    """Ours: what is listed is what can be called, over all servers at once and over each alone."""
    assert visit.together["era"] == visit.client.era
    assert set(visit.together["tools"]) == AGGREGATED
    assert set(visit.files["tools"]) == ALLOWED["files"]
    assert set(visit.git["tools"]) == ALLOWED["git"]


def test_an_allowed_call_brings_the_real_servers_answer(visit: Visit) -> None:
    """Issue: real servers through the gateway from real clients."""
    together = visit.together

    assert said(visit.call(together, "everything__echo")) == "Echo: who is there"
    assert "The key is under the mat." in said(visit.call(together, "files__read_text_file"))
    assert "Close the door" in said(visit.call(together, "git__git_log"))
    assert "T21:00" in said(visit.call(together, "time__convert_time"))


def test_one_servers_address_takes_its_own_names(visit: Visit) -> None:
    """Surface: /servers/NAME/mcp serves one server under its own names, whichever era that server speaks."""
    assert "The key is under the mat." in said(visit.call(visit.files, "read_text_file"))
    assert "nothing to commit" in said(visit.call(visit.git, "git_status"))


def test_a_hidden_tool_and_an_unknown_one_get_the_same_answer(house: House, visit: Visit) -> None:
    """Ours: names must not be probed, and a refused call never reaches its server."""
    for place, prefix in ((visit.together, "files__"), (visit.files, "")):
        hidden = visit.call(place, f"{prefix}write_file")
        unknown = visit.call(place, f"{prefix}no_such_tool")
        assert hidden["error"]["code"] == visit.client.refusal
        assert anonymous(hidden) == anonymous(unknown)
    assert not forbidden(house, visit.client).exists()


def test_the_ledger_holds_a_clients_calls(house: House, visit: Visit) -> None:
    """Issue: what was allowed is written down, under the person's name."""
    written = recorded(house, subject(visit.client))

    for tool in ("echo", "read_text_file", "git_log", "convert_time"):
        assert tool in written


def test_the_ledgers_chain_verifies_after_all_visits(house: House) -> None:
    """Issue: `audit verify` passes over what real clients did."""
    house.gateway.command("audit", "verify")


def said(call: Json) -> str:
    """Return the text of a call that went well."""
    assert "result" in call, call
    assert not call["result"].get("isError"), call
    return "".join(part.get("text", "") for part in call["result"]["content"])


def anonymous(call: Json) -> tuple[Any, str]:
    """Return what an error says, without the name that was asked for."""
    return call["error"]["code"], call["error"]["message"].replace(call["tool"], "NAME")


def recorded(house: House, who: str) -> str:
    """Return the text of the ledger's records of one person."""
    found = json.loads(house.gateway.command("audit", "search", "--json"))
    return json.dumps([record for record in found if who in json.dumps(record)])
