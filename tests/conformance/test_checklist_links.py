"""URIs that a server hands out, and names that it refers to, lead back to it through the gateway; unclear ones nowhere."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import MODERN, Catalogue, Inbound, Json, Kind
from ostiary.protocol.modern import CAPABILITIES, VERSION
from tests.pipeline.stage import Stage, whole

TEXT = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
rules:
  - {name: devs, allow: ["*"], roles: [dev]}
  - {name: guests, allow: ["files.*", "files:note://*"], roles: [guest]}
"""
SCHEMA: Json = {"type": "object"}
READ: Json = {"contents": [], "resultType": "complete"}
APP = "ui://files/board"
FILES = Catalogue(
    "files",
    "",
    tools=({"name": "find", "inputSchema": SCHEMA, "_meta": {"ui": {"resourceUri": APP}}},),
    prompts=({"name": "greet", "arguments": [{"name": "who"}]},),
    resources=({"uri": "note://both", "name": "both"}, {"uri": "note://mine", "name": "mine"}),
    templates=({"uriTemplate": "note://{name}/page", "name": "page"},),
    capabilities={"tools": {}, "prompts": {}, "resources": {}, "completions": {}},
)
CRM = Catalogue(
    "crm",
    "",
    tools=({"name": "find", "inputSchema": SCHEMA},),
    resources=({"uri": "note://both", "name": "theirs"},),
    capabilities={"tools": {}, "resources": {}},
)


def stage() -> Stage:
    made = Stage({"result": READ})
    made.snapshot = compiled(parse(TEXT, "t.yaml"), {("files", ""): FILES, ("crm", ""): CRM}, 7, "d").snapshot
    return made


def said(method: str, params: Json, token: str = "ana-token", endpoint: str = "/mcp") -> Inbound:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": method,
        "params": {**params, "_meta": {VERSION: MODERN, CAPABILITIES: {}}},
    }
    name = params.get("name") or params.get("uri")
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method} | ({"mcp-name": name} if name else {})
    return Inbound("POST", endpoint, headers, frozenset(), token, "127.0.0.1", whole(json.dumps(body).encode()))


def play(made: Stage, *told: Inbound) -> list[Json]:
    """Carry several messages through, one after the other, and return their answers."""

    async def story() -> list[Json]:
        heard = [await made.serve(message) for message in told]
        return [dict(each.answers[0].payload or {}) for each in heard]

    return asyncio.run(story())


def reading(uri: str, token: str = "ana-token", endpoint: str = "/mcp") -> Inbound:
    return said("resources/read", {"uri": uri}, token, endpoint)


def finding(token: str = "ana-token", tool: str = "files__find") -> Inbound:
    return said("tools/call", {"name": tool, "arguments": {}}, token)


def linking(uri: str) -> Json:
    link = {"type": "resource_link", "uri": uri, "name": "x"}
    return {"result": {"content": [link], "resultType": "complete", **READ}}


LINK = "note://2026/11/22"


@pytest.mark.requirement("MCP-42")
def test_a_link_that_no_list_has_can_be_read_by_who_was_given_it_and_by_nobody_else() -> None:
    """2025-06-18, Tools, "Resource Links": links are not guaranteed to be listed."""
    made = stage()
    before = play(made, reading(LINK))
    assert before[0]["error"]["code"] == -32602
    made.answer = linking(LINK)
    result, mine, theirs = play(made, finding(), reading(LINK), reading(LINK, "eve-token"))
    assert result["result"]["content"][0]["uri"] == LINK
    assert "result" in mine
    assert [order.target.server for order in made.sent] == ["files", "files"]
    assert made.sent[1].target.name == LINK
    assert theirs["error"] == {**before[0]["error"], "data": theirs["error"]["data"]}


@pytest.mark.requirement("MCP-42")
def test_a_link_opens_nothing_that_the_rules_do_not() -> None:
    made = stage()
    made.answer = linking("secret://1")
    _, read = play(made, finding("eve-token"), reading("secret://1", "eve-token"))
    assert read["error"]["code"] == -32602
    assert len(made.sent) == 1


@pytest.mark.requirement("MCP-42")
def test_a_uri_of_a_template_leads_to_the_templates_server() -> None:
    made = stage()
    (read,) = play(made, reading("note://a/page"))
    assert "result" in read
    assert [(order.target.server, order.target.name) for order in made.sent] == [("files", "note://a/page")]


@pytest.mark.requirement("MCP-42")
@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ({"type": "ref/prompt", "name": "files__greet"}, "greet"),
        ({"type": "ref/resource", "uri": "note://{name}/page"}, "note://{name}/page"),
    ],
)
def test_a_completions_reference_leads_to_its_prompt_or_template(ref: Json, name: str) -> None:
    made = stage()
    made.answer = {"result": {"completion": {"values": []}, "resultType": "complete"}}
    (answer,) = play(made, said("completion/complete", {"ref": ref, "argument": {"name": "who", "value": ""}}))
    assert "result" in answer
    assert [(order.target.server, order.target.name) for order in made.sent] == [("files", name)]


@pytest.mark.requirement("MCP-42")
def test_the_interface_of_a_tool_can_be_read_by_who_may_call_the_tool() -> None:
    """Apps extension (SEP-1865): `_meta.ui.resourceUri` names a resource that need not be listed."""
    made = stage()
    listed, read = play(made, said("tools/list", {}), reading(APP, "eve-token"))
    tools = {each["name"]: each for each in listed["result"]["tools"]}
    assert tools["files__find"]["_meta"]["ui"]["resourceUri"] == APP
    assert "result" in read
    assert [(order.target.server, order.target.name) for order in made.sent] == [("files", APP)]


@pytest.mark.requirement("MCP-42")
def test_what_two_servers_claim_is_read_of_neither_and_of_each_at_its_own_endpoint() -> None:
    made = stage()
    both, mine, theirs = play(
        made,
        reading("note://both"),
        reading("note://both", endpoint="/servers/files/mcp"),
        reading("note://both", endpoint="/servers/crm/mcp"),
    )
    assert both["error"]["code"] == -32602
    assert "result" in mine
    assert "result" in theirs
    assert [order.target.server for order in made.sent] == ["files", "crm"]
    assert (Kind.RESOURCE, "note://both") not in made.snapshot.surfaces["/mcp", ""].targets


@pytest.mark.requirement("MCP-42")
def test_what_two_servers_handed_out_is_not_guessed_either() -> None:
    made = stage()
    made.answer = linking(LINK)
    *_, read = play(made, finding(), finding(tool="crm__find"), reading(LINK))
    assert read["error"]["code"] == -32602
    assert len(made.sent) == 2


@pytest.mark.requirement("MCP-40")
@pytest.mark.parametrize("scope", ["public", "private"])
def test_what_one_caller_read_is_never_another_ones_answer(scope: str) -> None:
    """2026-07-28, Caching: another credential is another cache, and ours may ask for each."""
    made = stage()
    made.answer = {"result": {"contents": [], "resultType": "complete", "ttlMs": 60_000, "cacheScope": scope}}
    uri = reading("note://mine")
    first, other = play(made, uri, reading("note://mine", "eve-token"))
    assert first["result"]["cacheScope"] == other["result"]["cacheScope"] == "private"
    assert [order.caller.subject for order in made.sent] == ["ana", "eve"]


@pytest.mark.requirement("MCP-40")
def test_a_retry_always_reaches_the_server() -> None:
    """2026-07-28, Multi Round-Trip Requests: the results of retries are never cached."""
    made = stage()
    made.answer = {"result": {"resultType": "input_required", "requestState": "s"}}
    (asked,) = play(made, reading("note://mine"))
    assert not {"ttlMs", "cacheScope"} & asked["result"].keys()
    made.answer = {"result": {"contents": [], "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public"}}
    retry: Json = {"uri": "note://mine", "requestState": asked["result"]["requestState"]}
    for _ in range(2):
        (done,) = play(made, said("resources/read", retry))
        assert "result" in done
    assert len(made.sent) == 3


def test_the_stand_ins_may_be_told_apart() -> None:
    """Ours: both callers of these stories exist, and differ in what they may."""
    found: Any = [
        each["result"]["tools"] for each in play(stage(), said("tools/list", {}), said("tools/list", {}, "eve-token"))
    ]
    assert [len(each) for each in found] == [2, 1]
