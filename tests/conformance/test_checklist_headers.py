"""Headers that mirror a body, as the wire sees them: what does not agree is refused, and reaches no server."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import MODERN, Catalogue, Json
from ostiary.protocol.modern import CAPABILITIES
from tests.conformance.test_checklist_front_door import ENVELOPE, LISTED, READING, Front, calling, listing
from tests.pipeline.stage import CONFIG, CRM, SCHEMA, Stage

NAMED = [
    ("tools/call", {"name": "files__read", "arguments": {"path": "/a"}}, "files__read"),
    ("prompts/get", {"name": "files__greet", "arguments": {}}, "files__greet"),
    ("resources/read", {"uri": "note://1"}, "note://1"),
]


@pytest.mark.requirement("MCP-06")
@pytest.mark.parametrize(("method", "params", "name"), NAMED)
@pytest.mark.parametrize("spoil", ["missing", "other", "case", "broken base64", "other base64"])
def test_a_name_header_that_is_not_the_name_is_a_mismatch(method: str, params: Json, name: str, spoil: str) -> None:
    other = base64.b64encode(b"files__drop").decode()
    spoilt = {
        "missing": None, "other": "files__drop", "case": name.swapcase(), "broken base64": "=?base64?*?=",
        "other base64": f"=?base64?{other}?=",
    }[spoil]  # fmt: skip
    front = Front()
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method} | ({"mcp-name": spoilt} if spoilt else {})
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": ENVELOPE}}
    assert front.post(body, headers).refusal == (400, -32020)
    assert front.stage.sent == []


@pytest.mark.requirement("MCP-06", "MCP-43")
@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
@pytest.mark.parametrize("name", [None, "", "another", "TASK", "=?base64?*?="])
def test_a_header_that_names_another_task_is_a_mismatch(method: str, name: str | None) -> None:
    """Tasks extension (SEP-2663): it mirrors `taskId`."""
    front = Front()
    meta = {**ENVELOPE, CAPABILITIES: {"extensions": {"io.modelcontextprotocol/tasks": {}}}}
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"taskId": "task", "_meta": meta}}
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method} | ({} if name is None else {"mcp-name": name})
    assert front.post(body, headers).refusal == (400, -32020)
    assert front.post(body, {**headers, "mcp-name": "task"}).refusal == (400, -32602), (
        "known to nobody, and well addressed"
    )


@pytest.mark.requirement("MCP-06")
@pytest.mark.parametrize(("method", "params", "name"), NAMED)
def test_a_name_in_base64_is_decoded_first(method: str, params: Json, name: str) -> None:
    front = Front()
    packed = f"=?base64?{base64.b64encode(name.encode()).decode()}?="
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": ENVELOPE}}
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method, "mcp-name": packed}
    assert "error" not in front.post(body, headers).messages[0]
    assert len(front.stage.sent) == 1


MIRRORED: Json = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "n": {"type": "integer", "x-mcp-header": "N"},
    },
}


def mirroring() -> Front:
    stage = Stage()
    files = Catalogue("files", "", tools=({"name": "read", "inputSchema": MIRRORED},), capabilities={"tools": {}})
    stage.snapshot = compiled(parse(CONFIG, "t.yaml"), {("files", ""): files, ("crm", ""): CRM}, 7, "d").snapshot
    return Front(stage)


REGION, NUMBER = ("mcp-param-region", "eu"), ("mcp-param-n", "42")


@pytest.mark.requirement("MCP-07")
@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        pytest.param({"region": "eu"}, [], id="missing"),
        pytest.param({"n": 42}, [NUMBER, REGION], id="extra"),
        pytest.param({"region": "us"}, [REGION], id="unequal"),
        pytest.param({"region": "eu"}, [REGION, REGION], id="doubled"),
        pytest.param({"n": 43}, [NUMBER], id="another number"),
    ],
)
def test_a_mirror_that_disagrees_is_a_mismatch(arguments: Json, sent: list[tuple[str, str]]) -> None:
    front = mirroring()
    assert front.post(calling(**arguments), [*READING.items(), *sent]).refusal == (400, -32020)
    assert front.stage.sent == []


@pytest.mark.requirement("MCP-07")
@pytest.mark.parametrize("number", ["42", "42.0", " 42"])
def test_mirrors_that_agree_pass_and_numbers_agree_by_value(number: str) -> None:
    front = mirroring()
    headers = [*READING.items(), REGION, ("mcp-param-n", number)]
    assert front.post(calling(region="eu", n=42), headers).status == 200
    assert len(front.stage.sent) == 1


@pytest.mark.requirement("MCP-08")
@pytest.mark.parametrize("name", sorted(READING))
def test_a_routing_header_that_comes_twice_is_refused(name: str) -> None:
    front = Front()
    assert front.post(calling(), [*READING.items(), (name, READING[name])]).status == 400
    assert front.stage.sent == []


def mirror(name: Any, kind: str = "string") -> Json:
    return {"properties": {"a": {"type": kind, "x-mcp-header": name}}}


BAD_MIRRORS = {
    "empty": mirror(""), "no token": mirror("a b"), "no text": mirror(5), "of a number": mirror("A", "number"),
    "twice": {"properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}},
    "in an array": {"properties": {"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}}},
}  # fmt: skip


@pytest.mark.requirement("MCP-19")
@pytest.mark.parametrize("name", BAD_MIRRORS)
def test_a_tool_whose_mirrors_are_invalid_is_not_listed_and_the_others_are(name: str) -> None:
    stage = Stage()
    bad = {"name": "drop", "inputSchema": {"type": "object", **BAD_MIRRORS[name]}}
    files = Catalogue("files", "", ({"name": "read", "inputSchema": SCHEMA}, bad), capabilities={"tools": {}})
    text = CONFIG.replace('deny: ["*.drop"]', 'deny: ["crm.drop"]')
    stage.snapshot = compiled(parse(text, "t.yaml"), {("files", ""): files, ("crm", ""): CRM}, 7, "d").snapshot
    listed = Front(stage).post(listing(), LISTED).result["tools"]
    assert [each["name"] for each in listed] == ["files__read"]
