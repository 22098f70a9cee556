"""What a caller did not declare is never asked of it: every era of client, before every era of server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ostiary.core.model import Json
from tests.pipeline.stage import Stage
from tests.pipeline.test_bridging import ASK, New, Old, asking, conversed

FORM: Json = {"elicitation": {"form": {}}}
UNDECLARED = [
    pytest.param({}, "elicitation/create", ASK, id="elicitation"),
    pytest.param({}, "sampling/createMessage", {"messages": [], "maxTokens": 1}, id="sampling"),
    pytest.param({}, "roots/list", {}, id="roots"),
    pytest.param(
        FORM, "elicitation/create", {"mode": "url", "url": "https://x.example", "message": "go"}, id="url mode"
    ),
    pytest.param({"sampling": {}}, "sampling/createMessage", {"messages": [], "maxTokens": 1, "tools": []}, id="tools"),
    pytest.param(FORM, "roots/list", {}, id="another capability"),
]


def server(stage: Stage, era: str, method: str, params: Json) -> Old | New:
    """Let a server of an era ask one question in the middle of a call."""
    made = Old((method, params)) if era == "handshake" else New(1, {"q": {"method": method, "params": params}})
    stage.carry = made.carry
    return made


def refused(asked: Old | New, result: Any) -> bool:
    """Say whether the server was told no, or its answer thrown away with words."""
    if isinstance(asked, Old):
        return [set(each) for each in asked.heard] == [{"error"}]
    return bool(result["isError"]) and len(asked.seen) == 1


@pytest.mark.requirement("MCP-24")
@pytest.mark.parametrize("era", ["modern", "handshake"])
@pytest.mark.parametrize(("capabilities", "method", "params"), UNDECLARED)
def test_a_modern_client_is_not_asked_what_it_did_not_declare(
    era: str, capabilities: Json, method: str, params: Json
) -> None:
    stage = Stage()
    asked = server(stage, era, method, params)
    answer = stage.play(asking(capabilities=capabilities))
    assert answer.payload is not None
    assert answer.payload["result"].get("resultType") != "input_required"
    assert refused(asked, answer.payload["result"])


@pytest.mark.requirement("MCP-24")
@pytest.mark.parametrize("era", ["modern", "handshake"])
@pytest.mark.parametrize(("capabilities", "method", "params"), UNDECLARED)
def test_a_handshake_client_is_not_asked_what_it_did_not_declare(
    era: str, capabilities: Json, method: str, params: Json
) -> None:
    stage = Stage()
    asked = server(stage, era, method, params)
    heard = asyncio.run(conversed(stage, {}, capabilities))
    assert heard.answers[0].payload is not None
    assert [each for each in heard.before if "id" in each] == [], "no request was put to the client"
    assert refused(asked, heard.answers[0].payload["result"])
