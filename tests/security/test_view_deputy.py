"""What one view offers is no way to what another hides: names, fixed arguments, sessions and rules are each view's own."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ostiary.core.model import Inbound
from tests.pipeline.stage import Stage, call, handshake
from tests.security.composed import body, config, fields, inbound, refused, said, stage, tool

TOOLS = [
    tool("find", {"q": {"type": "string"}, "region": {"enum": ["eu", "us"]}}, required=["q"]), tool("export", {"q": {"type": "string"}}), tool("drop", {"q": {"type": "string"}}),
]  # fmt: skip
VIEWS = """views:
  support: {include: [files.find], rename: {files.find: look}, set: {files.find: {region: eu}}}
  abroad: {include: [files.find, files.export], rename: {files.find: search, files.export: look}, set: {files.find: {region: us}}}
"""
RULES = (
    '{name: find, allow: [files.find], subjects: ["*"]}', "{name: export, allow: [files.export], subjects: ['*'], views: [abroad], roles: [lead]}", "{name: drop, allow: [files.drop], subjects: ['*'], roles: [lead]}",
    "{name: not-here, deny: [files.find], subjects: ['*'], views: [abroad], roles: [guest]}",
)  # fmt: skip
SUPPORT, ABROAD, OWN, ALL = "/views/support/mcp", "/views/abroad/mcp", "/servers/files/mcp", "/mcp"
OFFERED = {
    SUPPORT: {"look": "files.find"},
    ABROAD: {"search": "files.find"},
    OWN: {"find": "files.find"},
    ALL: {"files__find": "files.find"},
}
NAMES = [
    "look",
    "search",
    "find",
    "export",
    "drop",
    "files__find",
    "files__export",
    "files__drop",
    "files.find",
    "support__look",
    "../find",
    "look/../drop",
    "LOOK",
]


def made() -> Stage:
    return stage(config(*RULES, more=VIEWS), TOOLS)


def asked(name: str, arguments: dict[str, Any], endpoint: str, token: str = "ana-token") -> Inbound:
    return inbound(body(name, arguments), fields(name), endpoint, token=token)


@pytest.mark.parametrize("endpoint", OFFERED)
@pytest.mark.parametrize("name", NAMES)
def test_at_each_endpoint_its_own_names_lead_to_its_own_things_and_no_others_anywhere(name: str, endpoint: str) -> None:
    """`look` is one tool here and another there: what is meant is what this endpoint calls so."""
    it = made()
    message = asked(name, {"q": "x"}, endpoint)
    if name not in OFFERED[endpoint]:
        refused(it, message)
        return
    assert "result" in said(it, message)
    assert it.sent[-1].target.label == OFFERED[endpoint][name]


@pytest.mark.parametrize(("endpoint", "name", "region"), [(SUPPORT, "look", "eu"), (ABROAD, "search", "us")])
def test_what_a_view_fixes_cannot_be_said_otherwise(endpoint: str, name: str, region: str) -> None:
    it = made()
    for given in ("eu", "us", None, ["us"]):
        refused(it, asked(name, {"q": "x", "region": given}, endpoint))
    said(it, asked(name, {"q": "x"}, endpoint))
    assert it.sent[-1].call.params["arguments"] == {"q": "x", "region": region}


def test_a_rule_of_one_view_gives_nothing_at_another_and_takes_nothing_there() -> None:
    it = made()
    assert "result" in said(it, asked("look", {"q": "x"}, SUPPORT, "eve-token"))
    refused(it, asked("search", {"q": "x"}, ABROAD, "eve-token"))
    for endpoint in (SUPPORT, OWN, ALL):
        for name in ("export", "files__export", "look"):
            if name not in OFFERED[endpoint]:
                refused(it, asked(name, {"q": "x"}, endpoint, "eve-token"))


@pytest.mark.parametrize("endpoint", OFFERED)
def test_what_is_listed_is_what_can_be_called(endpoint: str) -> None:
    params = {"_meta": json.loads(body("x", {}))["params"]["_meta"]}
    data = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}).encode()
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
    tools = said(made(), inbound(data, headers, endpoint))["result"]["tools"]
    assert {each["name"] for each in tools} == set(OFFERED[endpoint])
    shown = json.dumps(tools)
    assert ("region" in shown) is (endpoint in {OWN, ALL})


def test_a_session_of_one_view_is_none_at_another() -> None:
    it = made()
    opened = it.play(msgspec.structs.replace(_hello(), endpoint=SUPPORT))
    session = opened.headers["mcp-session-id"]
    for endpoint in (ABROAD, OWN, ALL):
        message = handshake("tools/call", session, name="find", arguments={"q": "x"})
        answer = it.play(msgspec.structs.replace(message, endpoint=endpoint))
        assert answer.status == 404
    assert it.sent == []
    good = handshake("tools/call", session, name="look", arguments={"q": "x"})
    it.play(msgspec.structs.replace(good, endpoint=SUPPORT))
    assert [order.target.label for order in it.sent] == ["files.find"]


def _hello() -> Inbound:
    info = {"name": "test", "version": "1"}
    return handshake("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=info)


@pytest.mark.parametrize(
    "endpoint",
    [
        "/views/nowhere/mcp",
        "/views/support/../abroad/mcp",
        "/views/SUPPORT/mcp",
        "/views/support",
        "/views//mcp",
        "/servers/support/mcp",
        "/views/files/mcp",
    ],
)
def test_an_endpoint_that_is_none_offers_nothing(endpoint: str) -> None:
    """The door answers 404 to those; should one come further, it would find no surface to stand on."""
    it = made()
    assert endpoint not in it.snapshot.endpoints
    with pytest.raises(KeyError):
        it.play(msgspec.structs.replace(call("look", q="x"), endpoint=endpoint))
    assert it.sent == []
