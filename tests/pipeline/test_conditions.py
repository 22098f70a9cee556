"""Rules with conditions, rehearsed rules and views, from a message to its answer."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ostiary.core.model import Answer, Inbound
from tests.pipeline.stage import Stage, call, post

TEXT = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
views:
  desk:
    include: [files.*]
    describe: {files.read: Reads what the desk may read.}
    set: {files.read: {path: /desk}}
  open: {include: [files.*]}
rules:
  - {name: public, allow: [files.read], roles: [guest], when: 'args.path.startsWith("/pub/")'}
  - {name: local, allow: [files.drop], roles: [guest], when: call.address == "10.0.0.1"}
  - {name: devs, allow: [files.read, files.drop], roles: [dev]}
  - {name: no-secrets, deny: [files.read], when: 'args.path.contains("secret")'}
  - {name: notes, allow: ["files:*", files.prompt/*], roles: [dev], when: caller.subject == "ana"}
  - {name: desk, allow: [files.read], roles: [guest], views: [desk], when: args.path == "/desk"}
  - {name: trial, deny: [files.drop], shadow: true, roles: [dev]}
  - {name: hope, allow: [crm.push], shadow: true, roles: [dev]}
  - {name: epoch, deny: [files.prompt/*], during: {days: [thu], hours: "00:00-00:01"}, roles: [dev]}
limits: [{name: per-caller, per: caller, concurrent: 2}]
"""


def staged() -> Stage:
    return Stage(text=TEXT)


def body(answer: Answer) -> dict[str, Any]:
    assert answer.payload is not None
    return json.loads(json.dumps(answer.payload))


def at(view: str, message: Inbound) -> Inbound:
    return msgspec.structs.replace(message, endpoint=f"/views/{view}/mcp")


def listed(stage: Stage, token: str, message: Inbound | None = None) -> list[str]:
    found = body(stage.play(message or post("tools/list", token)))
    return [tool["name"] for tool in found["result"]["tools"]]


def test_a_condition_lets_some_arguments_through_and_refuses_others() -> None:
    stage = staged()
    assert "result" in body(stage.play(call("files__read", "eve-token", path="/pub/a")))
    refused = body(stage.play(call("files__read", "eve-token", path="/etc/a")))["result"]
    assert refused["isError"] is True
    assert "Refused by policy" in refused["content"][0]["text"]
    assert len(stage.sent) == 1
    assert stage.audit.ended[-1].detail == 'condition: public (args.path.startsWith("/pub/"))'


def test_what_may_be_called_with_some_arguments_is_listed() -> None:
    assert listed(staged(), "eve-token") == ["files__read"]
    assert listed(staged(), "ana-token") == ["files__drop", "files__read"]


def test_what_no_arguments_make_possible_looks_like_what_does_not_exist() -> None:
    stage = staged()
    hidden, missing = (
        body(stage.play(call(name, "eve-token", path="/pub/a"))) for name in ("files__drop", "files__gone")
    )
    assert hidden["error"]["code"] == missing["error"]["code"]
    assert hidden["error"]["message"].replace("drop", "gone") == missing["error"]["message"]


def test_a_deny_with_a_condition_wins() -> None:
    stage = staged()
    refused = body(stage.play(call("files__read", path="/secret/a")))["result"]
    assert refused["isError"] is True
    assert stage.sent == []
    assert stage.audit.ended[-1].detail == 'deny_rule: no-secrets (args.path.contains("secret"))'


@pytest.mark.parametrize("arguments", [{}, {"path": 3}, {"path": None}])
def test_a_condition_that_cannot_be_evaluated_denies(arguments: dict[str, Any]) -> None:
    stage = staged()
    assert body(stage.play(call("files__read", **arguments)))["result"]["isError"] is True
    assert stage.sent == []
    assert "undecided: no-secrets" in stage.audit.ended[-1].detail


def test_resources_and_prompts_have_conditions_on_the_caller_and_the_time() -> None:
    stage = staged()
    assert "result" in body(stage.play(post("resources/read", uri="note://1")))
    found = body(stage.play(post("prompts/get", name="files__greet")))
    assert "error" in found, "it is the epoch: Thursday, the first minute"
    assert body(stage.play(post("prompts/list")))["result"]["prompts"] == []


def test_shadow_rules_are_written_down_and_not_enforced() -> None:
    stage = staged()
    assert "result" in body(stage.play(call("files__drop", path="/a")))
    assert stage.audit.ended[-1].findings == ["shadow: trial would deny"]
    assert "error" in body(stage.play(call("crm__push")))
    assert stage.audit.ended[-1].findings == ["shadow: hope would allow"]


# Views


def test_a_view_fixes_arguments_that_nobody_sees_or_sends() -> None:
    stage = staged()
    tools = body(stage.play(at("desk", post("tools/list", "eve-token"))))["result"]["tools"]
    assert [(tool["name"], tool["description"]) for tool in tools] == [("files__read", "Reads what the desk may read.")]
    assert tools[0]["inputSchema"] == {"type": "object", "properties": {}, "required": []}
    assert "result" in body(stage.play(at("desk", call("files__read", "eve-token"))))
    assert stage.sent[-1].call.params["arguments"] == {"path": "/desk"}


def test_an_argument_that_a_view_fixes_cannot_be_sent() -> None:
    stage = staged()
    refused = body(stage.play(at("desk", call("files__read", "ana-token", path="/etc"))))["result"]
    assert refused["isError"] is True
    assert "no argument 'path'" in refused["content"][0]["text"]
    assert stage.sent == []


def test_a_rule_of_a_view_holds_there_and_nowhere_else() -> None:
    stage = staged()
    assert body(stage.play(at("open", call("files__read", "eve-token", path="/desk"))))["result"]["isError"] is True
    assert body(stage.play(call("files__read", "eve-token", path="/desk")))["result"]["isError"] is True
    assert stage.sent == []
