"""The fixture and the relay do what the conformance runs take for granted."""

import asyncio
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.conformance_cross import CROSSINGS, INEXPRESSIBLE, failing, table
from tests.conformance.relay import relay, with_token

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "smoke", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@contextmanager
def announced(*command: str) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    too_long = threading.Timer(30, process.kill)
    too_long.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready "), "the program did not announce itself"
        yield line.split()[1]
    finally:
        too_long.cancel()
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def fixture(era: str = "both") -> Any:
    return announced(str(HERE / "fixture.py"), "--era", era)


def post(url: str, message: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Post a message, and return the status, the headers and the answer out of JSON or of an event stream."""
    sent = {**ACCEPT, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(url, json.dumps({"jsonrpc": "2.0", **message}).encode(), sent)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers.items()), parsed(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers.items()), parsed(error.read())


def parsed(body: bytes) -> dict[str, Any]:
    data = [line[5:] for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip()]
    text = data[-1] if data else body
    return dict(json.loads(text)) if text.strip() else {}


def initialize(url: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    client = {"name": "smoke", "version": "1"}
    params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client}
    return post(url, {"id": 1, "method": "initialize", "params": params})


def handshake_tools(url: str) -> set[str]:
    status, headers, answer = initialize(url)
    assert (status, answer["result"]["protocolVersion"]) == (200, HANDSHAKE)
    session = {"Mcp_Session_Id": headers["mcp-session-id"], "MCP_Protocol_Version": HANDSHAKE}
    assert post(url, {"method": "notifications/initialized"}, **session)[0] == 202
    _, _, listed = post(url, {"id": 2, "method": "tools/list"}, **session)
    return {tool["name"] for tool in listed["result"]["tools"]}


def modern(url: str, method: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    headers = {"MCP_Protocol_Version": MODERN, "Mcp_Method": method}
    return post(url, {"id": 1, "method": method, "params": {"_meta": META}}, **headers)


def modern_tools(url: str) -> set[str]:
    _, _, answer = modern(url, "tools/list")
    return {tool["name"] for tool in answer["result"]["tools"]}


def test_one_address_serves_the_same_tools_in_both_eras() -> None:
    """Ours: the suites of both eras run against the same fixture."""
    with fixture() as url:
        tools = handshake_tools(url)
        assert tools == modern_tools(url)
    assert {"test_streaming_elicitation", "test_logging_tool", "test_x_mcp_header"} <= tools


def test_a_modern_fixture_knows_no_handshake() -> None:
    """Ours: a bridge is only tested when its upstream cannot speak the other era."""
    with fixture("modern") as url:
        status, _, answer = initialize(url)
        assert (status, answer["error"]["code"]) == (400, -32020)
        assert "test_simple_text" in modern_tools(url)


def test_a_handshake_fixture_knows_no_modern_requests() -> None:
    """Ours: a bridge is only tested when its upstream cannot speak the other era."""
    with fixture("handshake") as url:
        status, _, answer = modern(url, "server/discover")
        assert (status, answer["error"]["code"]) == (400, -32000)
        assert "test_simple_text" in handshake_tools(url)


def test_the_relay_changes_no_answer() -> None:
    """Ours: what differs through the gateway must come from the gateway."""
    with fixture() as url, announced(str(HERE / "relay.py"), url) as relayed:
        assert handshake_tools(relayed) == handshake_tools(url)
        assert modern_tools(relayed) == modern_tools(url)


def test_the_relay_adds_the_token_and_touches_no_other_byte_of_the_head() -> None:
    """Ours: the suite sends odd hosts, doubled headers and blanks on purpose."""
    head = b"POST /mcp HTTP/1.1\r\nhOsT: evil.example.com\r\nMcp-Name:  a  \r\nX: 1\r\nX: 2\r\n\r\n"
    assert with_token(head, "secret") == head[:-2] + b"Authorization: Bearer secret\r\n\r\n"


def test_the_relay_leaves_a_credential_that_is_there() -> None:
    """Ours: two Authorization headers would be refused for that alone."""
    head = b"GET /mcp HTTP/1.1\r\nauthorization: Bearer own\r\n\r\n"
    assert with_token(head, "secret") == head


async def test_a_client_that_hangs_up_is_hung_up_on_at_the_target() -> None:
    """Ours: closing the stream is how a modern client cancels, so the gateway must see it through the relay."""
    streaming, gone = asyncio.Event(), asyncio.Event()

    async def target(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        streaming.set()
        await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(target, "127.0.0.1", 0)
    async with server, relay("127.0.0.1", server.sockets[0].getsockname()[1], "token") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"data: 1\n\n"), 10)
        assert streaming.is_set()
        writer.close()
        await asyncio.wait_for(gone.wait(), 10)


def test_the_tasks_fixture_makes_a_task_only_for_who_declares_the_extension() -> None:
    """Spec, SEP-2663: without the extension a call is answered at once, or refused with -32021."""
    extension = "io.modelcontextprotocol/tasks"
    with announced(str(HERE / "fixture_tasks.py")) as url:
        assert "resultType" in modern_call(url, "slow_compute", {}, seconds=0)["result"]
        assert modern_call(url, "failing_job", {})["error"]["code"] == -32021
        made = modern_call(url, "slow_compute", {"extensions": {extension: {}}}, seconds=0)["result"]
        assert (made["resultType"], made["status"]) == ("task", "working")


def modern_call(url: str, name: str, capabilities: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    meta = {**META, "io.modelcontextprotocol/clientCapabilities": capabilities}
    params = {"name": name, "arguments": arguments, "_meta": meta}
    headers = {"MCP_Protocol_Version": MODERN, "Mcp_Method": "tools/call", "Mcp_Name": name}
    return post(url, {"id": 1, "method": "tools/call", "params": params}, **headers)[2]


def test_across_eras_only_what_one_of_them_lacks_may_fail() -> None:
    """Ours: a scenario is excused by a named reason and by nothing else."""
    crossing = CROSSINGS[0]
    excused = next(scenario for run, scenario in INEXPRESSIBLE if run == crossing.run)
    direct = {"tools-list": (4, 4), "ping": (2, 2), excused: (3, 3), "nothing": (0, 0)}
    through = {"tools-list": (3, 4), "ping": (2, 2), excused: (1, 2), "nothing": (0, 0)}
    assert failing(crossing, direct, through) == ["tools-list"]
    assert failing(crossing, direct, {}) == ["ping", "tools-list"]
    assert any("FAILS" in line for line in table(crossing, direct, through))
