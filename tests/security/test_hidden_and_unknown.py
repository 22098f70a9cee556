"""What a caller may not see and what does not exist look the same, byte for byte; what is listed is what can be called."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.security import raw, speech
from tests.security.conftest import House
from tests.security.echo_upstream import TOOLS

pytestmark = pytest.mark.e2e

Json = dict[str, Any]

DATE = re.compile(rb"\r\ndate: [^\r]*", re.IGNORECASE)
PAIRS: dict[str, tuple[str, str, str, str, Json]] = {
    "tool": ("tools/call", "name", "hidden", "niddeh", {"arguments": {}}),
    "tool with arguments": ("tools/call", "name", "hidden", "niddeh", {"arguments": {"x": 1}}),
    "prompt": ("prompts/get", "name", "hidden", "niddeh", {}),
    "resource": ("resources/read", "uri", "note://one", "eton://one", {}),
    "resource of a template": ("resources/read", "uri", "note://two", "eton://two", {}),
}
"""Kind → method, member, what is hidden, what does not exist, other members."""
EVERYWHERE = {
    "/mcp": "echo__", "/servers/echo/mcp": "", "/servers/pipes/mcp": "", "/views/chosen/mcp": "echo__",
}  # fmt: skip
VERSIONS = ("2026-07-28", *speech.HANDSHAKES)


async def asked(house: House, path: str, version: str, method: str, params: Json) -> raw.Said:
    """Return the answer to a request of any era."""
    if version == speech.MODERN:
        return await raw.once(house.port, speech.modern(path, house.host, house.token, method, params, "the-id"))
    hello = await raw.once(house.port, speech.initialize(path, house.host, house.token, version))
    fields = speech.session_fields(house.token, hello.header("mcp-session-id"), version)
    return await raw.once(house.port, speech.spoken(path, house.host, fields, method, params, "the-id"))


def bare(said: raw.Said) -> bytes:
    """Return an answer without what differs between any two answers: the date, and the streams' own event ids."""
    events = re.sub(rb"(?m)^id: \S+$", b"id: X", said.body)
    return DATE.sub(b"", said.head) + b"\r\n\r\n" + events


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", PAIRS)
async def test_hidden_and_unknown_look_the_same(house: House, kind: str, version: str) -> None:
    method, member, hidden, unknown, more = PAIRS[kind]
    path = "/servers/echo/mcp"
    one = await asked(house, path, version, method, {member: hidden, **more})
    other = await asked(house, path, version, method, {member: unknown, **more})
    assert bare(one).replace(hidden.encode(), b"NAME") == bare(other).replace(unknown.encode(), b"NAME")
    error = one.messages()[-1]["error"]
    assert error["code"] in {-32602, -32002}
    assert "data" not in error or error["data"].keys() <= {"uri"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", EVERYWHERE)
async def test_what_is_listed_is_exactly_what_can_be_called(house: House, path: str, version: str) -> None:
    listed = {
        tool["name"] for tool in (await asked(house, path, version, "tools/list", {})).messages()[-1]["result"]["tools"]
    }
    assert listed == ({"echo__echo", "pipes__echo"} if path == "/mcp" else {"say"} if "views" in path else {"echo"})
    names = {*listed, "echo", "say", "greet", *(f"{EVERYWHERE[path]}{tool['name']}" for tool in TOOLS[:20])}
    callable_ = set()
    for name in sorted(names):
        answer = (await asked(house, path, version, "tools/call", speech.call(name, {"secret": "s"}))).messages()[-1]
        if "result" in answer:
            assert not answer["result"].get("isError")
            callable_.add(name)
        else:
            assert answer["error"]["code"] == -32602
    assert callable_ == listed


@pytest.mark.parametrize("method", ["prompts/list", "resources/list", "resources/templates/list"])
async def test_nothing_is_listed_that_may_not_be_used(house: House, method: str) -> None:
    result = (await asked(house, "/servers/echo/mcp", speech.MODERN, method, {})).messages()[-1]["result"]
    names = {each["name"] for kind in ("prompts", "resources", "resourceTemplates") for each in result.get(kind, [])}
    assert names == ({"greet"} if method == "prompts/list" else set())
