"""A refused call never reaches a server, whatever refuses it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.security import raw, speech
from tests.security.conftest import House
from tests.security.isolation import calls_seen

pytestmark = pytest.mark.e2e

ALL, ECHO = "/mcp", "/servers/echo/mcp"
MARK = "never-to-be-seen-by-a-server"
Lines = list[tuple[str, str]]


def body(name: str, arguments: object, **more: object) -> bytes:
    params = {"name": name, "arguments": arguments, **more}
    return speech.packed(speech.message(1, "tools/call", speech.enveloped(params)))


def fields(house: House, name: str) -> Lines:
    return speech.modern_fields(house.token, "tools/call", {"name": name})


def without(lines: Lines, *names: str) -> Lines:
    return [each for each in lines if each[0] not in names]


GOOD = {"secret": MARK}
REFUSED: dict[str, Callable[[House], bytes]] = {
    "no credential": lambda it: speech.request(
        ECHO, it.host, without(fields(it, "echo"), "Authorization"), body("echo", GOOD)
    ),
    "wrong credential": lambda it: speech.modern(ECHO, it.host, it.token[:-1] + "x", "tools/call", speech.call("echo", GOOD)),
    "hidden tool": lambda it: speech.modern(ECHO, it.host, it.token, "tools/call", speech.call("hidden", GOOD)),
    "unknown tool": lambda it: speech.modern(ECHO, it.host, it.token, "tools/call", speech.call("nothing", GOOD)),
    "another endpoint's name": lambda it: speech.modern(ECHO, it.host, it.token, "tools/call", speech.call("echo__echo", GOOD)),
    "unknown argument": lambda it: speech.modern(ECHO, it.host, it.token, "tools/call", speech.call("echo", {**GOOD, "x": 1})),
    "missing argument": lambda it: speech.modern(ECHO, it.host, it.token, "tools/call", speech.call("echo", {"way": "json", "more": MARK})),
    "wrong argument": lambda it: speech.modern(ECHO, it.host, it.token, "tools/call", speech.call("echo", {**GOOD, "ms": "1"})),
    "arguments that are no object": lambda it: speech.request(ECHO, it.host, fields(it, "echo"), body("echo", [MARK])),
    "header for another tool": lambda it: speech.request(ECHO, it.host, fields(it, "hidden"), body("echo", GOOD)),
    "no name header": lambda it: speech.request(ECHO, it.host, without(fields(it, "echo"), "Mcp-Name"), body("echo", GOOD)),
    "doubled name header": lambda it: speech.request(
        ECHO, it.host, [*fields(it, "echo"), ("Mcp-Name", "echo")], body("echo", GOOD)
    ),
    "doubled member": lambda it: speech.request(
        ECHO, it.host, fields(it, "echo"), body("echo", GOOD).replace(b'"name"', b'"name":"hidden","name"')
    ),
    "member in another case": lambda it: speech.request(ECHO, it.host, fields(it, "echo"), body("echo", GOOD, Name="hidden")),
    "wrong media": lambda it: speech.request(
        ECHO, it.host, [*without(fields(it, "echo"), "Content-Type"), ("Content-Type", "text/plain")], body("echo", GOOD)
    ),
    "foreign host": lambda it: speech.request(ECHO, "evil.example", fields(it, "echo"), body("echo", GOOD)),
    "foreign origin": lambda it: speech.request(
        ECHO, it.host, [*fields(it, "echo"), ("Origin", "https://evil.example")], body("echo", GOOD)
    ),
    "batch": lambda it: speech.request(ECHO, it.host, fields(it, "echo"), b"[" + body("echo", GOOD) + b"]"),
    "nested too deeply": lambda it: speech.request(
        ECHO, it.host, fields(it, "echo"), body("echo", GOOD).replace(b'"secret"', b'"more":' + b"[" * 99 + b"]" * 99 + b',"secret"')
    ),
    "no session": lambda it: speech.spoken(ECHO, it.host, speech.common(it.token), "tools/call", speech.call("echo", GOOD)),
    "unknown version": lambda it: speech.request(
        ECHO, it.host, [*without(fields(it, "echo"), "MCP-Protocol-Version"), ("MCP-Protocol-Version", "2099-01-01")],
        body("echo", GOOD).replace(b"2026-07-28", b"2099-01-01"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
async def test_what_is_refused_is_no_server_s_to_see(house: House, why: str) -> None:
    before = await calls_seen(house.upstream.port)
    said = await raw.once(house.port, REFUSED[why](house))
    answer = said.messages()[0]
    assert "error" in answer or answer["result"]["isError"] is True
    assert await calls_seen(house.upstream.port) == before
    assert MARK.encode() not in house.received()


async def test_what_is_allowed_is_seen_once(house: House) -> None:
    """The control of the test before: the same call without a fault arrives."""
    before = await calls_seen(house.upstream.port)
    params = speech.call("echo", {"secret": "to-be-seen-once"})
    said = await raw.once(house.port, speech.modern(ECHO, house.host, house.token, "tools/call", params))
    assert said.messages()[0]["result"]["content"][0]["text"] == "to-be-seen-once"
    assert await calls_seen(house.upstream.port) == before + 1
    assert house.received().count(b"to-be-seen-once") == 1
