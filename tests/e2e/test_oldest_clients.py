"""Clients of the transport of 2024-11-05, and batches of 2025-03-26, in front of a running gateway."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest

from tests.bridge.house import House as Bridge
from tests.bridge.house import house as bridge
from tests.e2e.doubles.client import Person, request
from tests.e2e.doubles.house import House, until
from tests.e2e.doubles.upstream import Upstream
from tests.e2e.test_lifecycle import stage
from tests.e2e.test_real_world import anonymous

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

Json = dict[str, Any]
CLIENTS = Path(__file__).parent / "clients"
PATIENCE = 30.0
CALLS = [
    ("plain", {"key": "1"}),
    ("ask_form", {"key": "2"}),
    ("ask_model", {"key": "3"}),
    ("ask_roots", {"key": "4"}),
    ("progress", {"key": "5"}),
    ("log", {"key": "6"}),
    ("no_such_tool", {"key": "7"}),
    ("hidden", {"key": "7"}),
    ("change_tools", {"key": "8"}),
]


# The official clients


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    with bridge(tmp_path_factory.mktemp("oldest"), ("handshake", "modern")) as built:
        yield built


@pytest.fixture(params=["python", "python-auto", "typescript"])
def command(request: pytest.FixtureRequest) -> list[str]:
    if request.param != "typescript":
        mode = "auto" if request.param.endswith("auto") else "legacy"
        return [sys.executable, str(CLIENTS / "py_sse.py"), "--mode", mode]
    request.getfixturevalue("node_clients")
    return [str(request.getfixturevalue("node_program")), str(CLIENTS / "ts_sse.mjs")]


@pytest.mark.parametrize("upstream", ["handshake", "modern"])
def test_an_official_client_loses_nothing(running: Bridge, command: list[str], upstream: str) -> None:
    """Issue: calls, questions, progress, log messages and changes, whatever era the server speaks."""
    words = [word for tool, arguments in CALLS for word in (tool, json.dumps(arguments))]
    environment = {**os.environ, "OSTIARY_TOKEN": running.rig.tokens[0]}
    done = subprocess.run(
        [*command, f"{running.base(upstream)}/sse", *words],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    saw: Json = json.loads(done.stdout)
    texts = [call.get("result", {}).get("content", [{}])[0].get("text") for call in saw["calls"]]
    assert texts[:6] == ["plain 1", 'accept {"name": "Ada"}', "Paris", "file:///home/ada", "progressed", "logged"]
    assert anonymous(saw["calls"][6]) == anonymous(saw["calls"][7])
    assert saw["asked"] == ["What is your name?", "sampling", "roots"]
    assert saw["progress"] == [1, 2, 3]
    assert saw["logged"] == ["info 6", "error 6"]


# What happens on the wire


class Old:
    """A client of HTTP+SSE that says exactly what a test wants said."""

    def __init__(self, http: httpx2.AsyncClient, url: str, token: str, lines: AsyncIterator[str]) -> None:
        self.http, self.url, self.token, self._lines, self.target = http, url, token, lines, ""

    async def next(self) -> tuple[str, str]:
        """Return the next event's name and data."""
        name = ""
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if line.startswith("event:"):
                    name = line.removeprefix("event:").strip()
                if line.startswith("data:"):
                    return name, line.removeprefix("data:").strip()
        raise AssertionError("the stream ended")

    async def post(self, message: Any, token: str | None = None, target: str = "") -> httpx2.Response:
        """Post a message."""
        fields = {"authorization": f"Bearer {self.token if token is None else token}"}
        return await self.http.post(target or self.target, json=message, headers=fields)

    async def tell(self, method: str, ident: Any = None, **params: Any) -> None:
        """Post what is accepted."""
        message = {"jsonrpc": "2.0", "method": method, "params": params} | ({"id": ident} if ident else {})
        answer = await self.post(message)
        assert (answer.status_code, answer.content) == (202, b"")

    async def ask(self, method: str, ident: Any = 1, **params: Any) -> Json:
        """Post a request and return the next message."""
        await self.tell(method, ident, **params)
        name, data = await self.next()
        assert name == "message"
        return dict(json.loads(data))


@asynccontextmanager
async def channel(gateway: House, token: str, place: str = "/sse", version: str = "2024-11-05") -> AsyncIterator[Old]:
    fields = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as http,
        http.stream("GET", gateway.url + place, headers=fields) as response,
    ):
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")
        old = Old(http, gateway.url + place, token, response.aiter_lines())
        name, data = await old.next()
        assert name == "endpoint"
        assert data.startswith(f"{place}?channel=")
        old.target = urljoin(old.url, data)
        hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test"}}
        assert (await old.ask("initialize", **hello))["result"]["protocolVersion"] == version
        await old.tell("notifications/initialized")
        yield old


async def test_a_channel_is_nobodys_but_its_callers(tmp_path: Path) -> None:
    """2025-11-25, "Session Hijacking"; ours: to know a channel is to know nothing."""
    async with stage(tmp_path) as (double, gateway, ana, bea), channel(gateway, ana.token) as old:
        stolen = {**request("tools/call", {"name": "crm__note", "arguments": {"key": "stolen"}}), "id": 9}
        assert (await old.post(stolen, bea.token)).status_code == 404
        nobody = await old.post(stolen, "nobody")
        assert (nobody.status_code, "www-authenticate" in nobody.headers) == (401, True)
        elsewhere = old.target.replace("/sse", "/servers/crm/sse")
        assert (await old.post(stolen, target=elsewhere)).status_code == 404
        assert (await old.post(stolen, target=old.target + "x")).status_code == 404
        twice = f"{old.target}&{old.target.partition('?')[2]}"
        assert (await old.post(stolen, target=twice)).status_code == 405
        said = await old.ask("tools/call", 2, name="crm__note", arguments={"key": "mine"})
        assert (said["id"], said["result"]["content"][0]["text"]) == (2, "note mine")
        assert double.noted == ["mine"]


async def test_what_changes_is_told_on_the_one_stream(tmp_path: Path) -> None:
    double = Upstream(["handshake"])
    double.resources = [{"uri": "note://1", "name": "one"}]
    async with stage(tmp_path, double=double) as (_, gateway, ana, _bea), channel(gateway, ana.token) as old:
        assert (await old.ask("resources/subscribe", 2, uri="note://1"))["result"] == {}
        await double.until_watched("note://1", 1)
        await double.updated("note://1")
        assert json.loads((await old.next())[1])["method"] == "notifications/resources/updated"


@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_the_end_of_the_stream_cancels_what_is_in_flight(tmp_path: Path, era: str) -> None:
    """2024-11-05 knows no other end of a session."""
    async with stage(tmp_path, [era]) as (double, gateway, ana, _bea):
        async with channel(gateway, ana.token) as old:
            await old.tell("tools/call", 2, name="crm__hold", arguments={"key": "held"})
            await double.until_noted("held")
        await double.until_cancelled("held")
        async with channel(gateway, ana.token) as again:
            assert (await again.post(request("ping"), target=old.target)).status_code == 404
            assert (await again.ask("ping", 3))["result"] == {}


async def test_a_client_that_does_not_read_is_cut_off_and_nobody_else(tmp_path: Path) -> None:
    """Ours: what waits for a client is bounded."""
    async with (
        stage(tmp_path) as (_, gateway, ana, bea),
        channel(gateway, bea.token) as other,
        channel(gateway, ana.token) as old,
    ):
        wide = "x" * 128 * 1024
        statuses = [202]
        while statuses[-1] == 202 and len(statuses) < 1000:
            statuses.append((await old.post(request("ping", ident=f"{len(statuses)}{wide}"))).status_code)
        assert statuses[-1] == 404
        assert "a client that does not read its stream was cut off" in gateway.log
        assert (await other.ask("ping", 3))["result"] == {}


def deaf(port: int) -> bool:
    """Say whether nobody listens any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


async def test_a_gateway_that_ends_answers_first(tmp_path: Path) -> None:
    async with stage(tmp_path) as (double, gateway, ana, _bea), channel(gateway, ana.token) as old:
        await old.tell("tools/call", 2, name="crm__hold", arguments={"key": "held"})
        await double.until_noted("held")
        ending = asyncio.create_task(gateway.terminate())
        await until(lambda: deaf(gateway.port), "the gateway still listens")
        double.release("held")
        assert json.loads((await old.next())[1])["result"]["content"][0]["text"] == "hold held"
        assert await ending == 0


async def test_a_client_that_tries_streamable_http_at_the_old_address_learns_to_get(tmp_path: Path) -> None:
    """2025-03-26, Transports, "Backwards Compatibility": POST initialize; 4xx means GET."""
    async with stage(tmp_path) as (_, gateway, ana, _bea), httpx2.AsyncClient(trust_env=False) as http:
        fields = {"authorization": f"Bearer {ana.token}", "accept": "application/json, text/event-stream"}
        answer = await http.post(gateway.url + "/sse", json=request("initialize"), headers=fields)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
        answer = await http.put(gateway.url + "/mcp", json={}, headers=fields)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, DELETE")
        for path in ("/sse", "/servers/crm/sse"):
            answer = await http.get(gateway.url + path, headers={"accept": "text/event-stream"})
            assert (answer.status_code, answer.headers["www-authenticate"].partition(" ")[0]) == (401, "Bearer")
        answer = await http.get(gateway.url + "/servers/gone/sse", headers=fields)
        assert answer.status_code == 404


# Batches


async def batched(person: Person, *messages: Json) -> tuple[int, list[Json]]:
    """Post a batch, and return the status and everything that came."""
    fields = person.headers({"method": "", "params": {}})
    answer = await person.http.post(person.url, json=list(messages), headers=fields)
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        return answer.status_code, [answer.json()] if answer.content else []
    found = [line.removeprefix("data:") for line in answer.text.splitlines() if line.startswith("data:")]
    return answer.status_code, [json.loads(each) for each in found]


async def test_a_batch_is_answered_message_by_message(tmp_path: Path) -> None:
    async with stage(tmp_path) as (double, gateway, ana, _bea):
        session = await ana.shake_hands("2025-03-26")
        call = request("tools/call", {"name": "crm__note", "arguments": {"key": "one"}}, 1)
        told = {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}
        status, heard = await batched(session, call, told, request("tools/fly", ident=2), request("ping", ident=3))
        assert status == 200
        answers = {each["id"]: each for each in heard}
        assert answers[1]["result"]["content"][0]["text"] == "note one"
        assert answers[2]["error"]["code"] == -32601
        assert answers[3]["result"] == {}
        assert await batched(session, told) == (202, [])
        assert double.noted == ["one"]
        await until(lambda: methods(gateway).count("gateway/batch") == 2, "a batch left no record")
        assert {"tools/call", "ping", "notifications/roots/list_changed"} <= set(methods(gateway))


def methods(gateway: House) -> list[str]:
    """Return the method of every call in the ledger; the outcome is written after its answer has gone."""
    return list({each["reference"]: str(each["method"]) for each in gateway.records() if each.get("method")}.values())


async def test_a_batch_where_none_belongs_does_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as (double, _, ana, _bea):
        call = request("tools/call", {"name": "crm__note", "arguments": {"key": "one"}}, 1)
        for session in (await ana.shake_hands("2025-06-18"), await ana.shake_hands()):
            status, heard = await batched(session, call)
            assert (status, heard[0]["error"]["code"]) == (400, -32600)
            assert "2025-03-26" in heard[0]["error"]["message"]
        session = await ana.shake_hands("2025-03-26")
        for unfit in ([call, call], [[call]], [], [request("initialize")]):
            status, heard = await batched(session, *unfit)
            assert (status, heard[0]["error"]["code"]) == (400, -32600)
        assert double.noted == []
