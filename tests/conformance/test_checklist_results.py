"""Results as clients of each era may have them, and whatever nobody here knows left as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import MODERN, Catalogue, Json
from tests.conformance.test_checklist_front_door import ENVELOPE, Front, opening
from tests.pipeline.stage import CRM, FILES, Stage

OPEN = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
rules: [{name: all, allow: ["*"], subjects: ["*"]}]
"""
CACHED = frozenset(
    {"server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"}
)
ASKED: list[tuple[str, Json]] = [
    ("server/discover", {}), ("tools/list", {}), ("prompts/list", {}), ("resources/list", {}), ("resources/templates/list", {}),
    ("resources/read", {"uri": "note://1"}), ("tools/call", {"name": "files__read", "arguments": {"path": "/a"}}),
    ("prompts/get", {"name": "files__greet"}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "files__greet"}, "argument": {"name": "x", "value": ""}}),
]  # fmt: skip


def front(answer: Json | None = None, files: Catalogue = FILES, crm: Catalogue = CRM) -> Front:
    stage = Stage(answer or {"result": {}})
    stage.snapshot = compiled(parse(OPEN, "t.yaml"), {("files", ""): files, ("crm", ""): crm}, 7, "d").snapshot
    return Front(stage)


def modern(door: Front, method: str, params: Json) -> Json:
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": ENVELOPE}}
    name = params.get("name") or params.get("uri")
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method} | ({"mcp-name": name} if name else {})
    return door.post(body, headers).result


def session(door: Front, method: str, params: Json, version: str = "2025-11-25") -> Json:
    held = {"mcp-session-id": door.post(opening(version)).headers["mcp-session-id"]}
    return door.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}, held).result


@pytest.mark.requirement("MCP-16")
@pytest.mark.parametrize(("method", "params"), ASKED)
@pytest.mark.parametrize("said", [{}, {"resultType": "complete", "ttlMs": 5, "cacheScope": "public"}])
def test_a_modern_result_has_its_type_and_what_may_be_cached_its_terms(method: str, params: Json, said: Json) -> None:
    """Whether the server was of the other era and said nothing, or of this one and said more than it may."""
    result = modern(front({"result": said}), method, params)
    assert result["resultType"] == "complete"
    if method in CACHED:
        assert isinstance(result["ttlMs"], int)
        assert result["ttlMs"] >= 0
        assert result["cacheScope"] in {"public", "private"}


@pytest.mark.requirement("MCP-16")
def test_what_asks_for_more_is_never_to_be_kept() -> None:
    asking = {"resultType": "input_required", "requestState": "s", "inputRequests": {}}
    for method, params in ASKED[5:8]:
        result = modern(front({"result": asking}), method, params)
        assert result["resultType"] == "input_required"
        assert not {"ttlMs", "cacheScope"} & result.keys()


SCHEMA: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "$defs": {"n": {"type": ["string", "null"]}},
    "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"prefixItems": [{"const": None}], "x-odd": {"deep": [1e3, 10**30]}}},
    "dependentRequired": {"a": ["b"]}, "unevaluatedProperties": False, "if": {"required": ["a"]}, "then": {"minProperties": 1},
    "default": None, "examples": [{"a": None}], "$comment": "é\u2028",
}  # fmt: skip
DEFINITION: Json = {
    "name": "odd", "title": None, "inputSchema": SCHEMA, "outputSchema": {"type": "object", "additionalProperties": {}},
    "annotations": {"future": None}, "icons": [{"src": "data:,", "theme": "dark", "x": 1}], "future": {"a": [None, {}]},
    "_meta": {"example.com/x": None},
}  # fmt: skip
RESULT: Json = {
    "content": [{"type": "hologram", "x": None}, {"type": "text", "text": "", "annotations": None, "future": 10**30}],
    "structuredContent": {"a": None, "n": 1.50}, "isError": False, "future": {"$ref": "#"}, "_meta": {"example.com/x": [None]},
}  # fmt: skip


@pytest.mark.requirement("MCP-17")
@pytest.mark.parametrize("ask", [modern, session])
def test_a_definition_keeps_what_nobody_here_knows(ask: Any) -> None:
    odd = Catalogue("files", "", tools=(DEFINITION,), capabilities={"tools": {}})
    (listed,) = (each for each in ask(front(files=odd), "tools/list", {})["tools"] if "odd" in each["name"])
    assert same(listed, {**DEFINITION, "name": "files__odd"})


@pytest.mark.requirement("MCP-17")
@pytest.mark.parametrize("ask", [modern, session])
def test_a_result_keeps_what_nobody_here_knows(ask: Any) -> None:
    odd = Catalogue("files", "", tools=(DEFINITION,), capabilities={"tools": {}})
    door = front({"result": RESULT}, files=odd)
    result = ask(door, "tools/call", {"name": "files__odd", "arguments": {"a": None, "b": []}, "future": [None]})
    assert same({key: result[key] for key in RESULT}, RESULT)
    assert result.keys() - RESULT.keys() <= {"resultType"}
    assert door.stage.sent[0].call.params["future"] == [None], "nor is anything lost on the way there"


def same(one: Any, other: Any) -> bool:
    """Compare as bytes: to Python, 1 and True and 1.0 are equal."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


@pytest.mark.requirement("MCP-20")
@pytest.mark.parametrize("code", [-32002, -32042])
@pytest.mark.parametrize(("method", "params"), ASKED[5:])
def test_codes_of_older_revisions_reach_no_modern_client(code: int, method: str, params: Json) -> None:
    door = front({"error": {"code": code, "message": "m", "data": {"elicitations": []}}})
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": ENVELOPE}}
    name = params.get("name") or params.get("uri")
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method} | ({"mcp-name": name} if name else {})
    assert door.post(body, headers).code not in {-32002, -32042}


@pytest.mark.requirement("MCP-21")
@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
@pytest.mark.parametrize("content", [[1], "text", 5, True, None])
def test_a_handshake_client_gets_objects_and_nothing_of_the_modern_era(version: str, content: Any) -> None:
    tool = {**DEFINITION, "outputSchema": {"type": ["array", "string", "integer", "boolean", "null"]}}
    odd = Catalogue("files", "", tools=(tool,), capabilities={"tools": {}})
    said = {"resultType": "complete", "ttlMs": 1, "cacheScope": "public", "content": [], "structuredContent": content}
    door = front({"result": said}, files=odd)
    result = session(door, "tools/call", {"name": "files__odd", "arguments": {"a": None, "b": []}}, version)
    assert result == {"content": []}
    listed = session(door, "tools/list", {}, version)
    assert not {"resultType", "ttlMs", "cacheScope"} & listed.keys()
    assert all("outputSchema" not in each for each in listed["tools"])


def terms(result: Mapping[str, Any]) -> tuple[int, str]:
    return result["ttlMs"], result["cacheScope"]


@pytest.mark.requirement("MCP-40")
def test_an_aggregate_is_as_fresh_as_its_oldest_part_and_private_for_it_is_filtered() -> None:
    door = front(files=msgspec.structs.replace(FILES, ttl_ms=500), crm=msgspec.structs.replace(CRM, ttl_ms=900))
    for method, params in ASKED[:5]:
        assert terms(modern(door, method, params)) == (500, "private")


@pytest.mark.requirement("MCP-40")
def test_what_a_server_says_is_for_everybody_is_for_the_caller_alone_here() -> None:
    """Whether a caller may read it is decided for each; a shared cache would not ask."""
    said = {"resultType": "complete", "contents": [], "ttlMs": 1000, "cacheScope": "public"}
    assert modern(front({"result": said}), "resources/read", {"uri": "note://1"})["cacheScope"] == "private"
