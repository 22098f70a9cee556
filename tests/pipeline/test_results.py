"""What servers return is held against the output schema that was approved, on every way back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Catalogue
from ostiary.core.trail import Trail
from tests.pipeline.stage import CRM, SCHEMA, Stage, call, post

TEXT = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files], results: HOW}, crm: {command: [crm]}}
rules: [{name: all, allow: ["*"], subjects: ["*"]}]
"""
OUTPUT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def staged(how: str, structured: Any = None, **more: Any) -> Stage:
    stage = Stage(
        {
            "result": {
                "content": [],
                "resultType": "complete",
                **({} if structured is None else {"structuredContent": structured}),
                **more,
            }
        }
    )
    tools = ({"name": "read", "inputSchema": SCHEMA, "outputSchema": OUTPUT}, {"name": "free", "inputSchema": SCHEMA})
    catalogues = {("files", ""): Catalogue("files", "", tools=tools, capabilities={"tools": {}}), ("crm", ""): CRM}
    stage.snapshot = compiled(parse(TEXT.replace("HOW", how), "test.yaml"), catalogues, 7, "digest").snapshot
    return stage


def answer(stage: Stage, name: str = "files__read") -> tuple[dict[str, Any], Trail]:
    payload = stage.play(call(name, path="/a")).payload
    assert payload is not None
    result: dict[str, Any] = json.loads(json.dumps(payload))["result"]
    return result, stage.audit.ended[-1]


@pytest.mark.parametrize("how", ["block", "strip", "note"])
def test_what_fits_passes(how: str) -> None:
    result, trail = answer(staged(how, {"n": 1}))
    assert result["structuredContent"] == {"n": 1}
    assert trail.findings == []


@pytest.mark.parametrize("how", ["block", "strip"])
@pytest.mark.parametrize("structured", [{"n": "secret"}, None, [1]])
def test_what_does_not_fit_does_not_reach_the_client(how: str, structured: Any) -> None:
    result, trail = answer(staged(how, structured))
    assert result["isError"] is True
    assert "does not fit the output schema" in result["content"][0]["text"]
    assert "secret" not in json.dumps(result)
    assert trail.outcome == "upstream_garbled"


def test_what_does_not_fit_may_be_noted() -> None:
    result, trail = answer(staged("note", {"n": "x"}))
    assert result["structuredContent"] == {"n": "x"}
    assert trail.findings == ["results: the answer does not fit the approved outputSchema"]


def test_what_nobody_named_may_be_stripped() -> None:
    result, trail = answer(
        staged("strip", {"n": 1, "more": "x"}, content=[{"type": "text", "text": '{"n": 1, "more": "x"}'}])
    )
    assert result["structuredContent"] == {"n": 1}
    assert json.loads(result["content"][0]["text"]) == {"n": 1}
    assert trail.findings == ["results: the answer had more than the approved outputSchema names"]


def test_errors_questions_and_tools_without_a_promise_are_left_alone() -> None:
    assert answer(staged("block", isError=True))[0]["isError"] is True
    assert answer(staged("block", {"n": "x"}), "files__free")[0]["structuredContent"] == {"n": "x"}
    stage = staged("block")
    stage.answer = {"error": {"code": -32000, "message": "no"}}
    payload = stage.play(call("files__read", path="/a")).payload
    assert payload is not None
    assert "error" in payload


@pytest.mark.parametrize("bad", [5, {"type": "objct"}])
def test_a_tool_whose_promise_cannot_be_read_is_held_back(bad: Any) -> None:
    tools = ({"name": "read", "inputSchema": SCHEMA, "outputSchema": bad},)
    made = compiled(
        parse(TEXT.replace("HOW", "note"), "test.yaml"),
        {("files", ""): Catalogue("files", "", tools=tools)},
        7,
        "digest",
    )
    assert "files.read is held back" in "\n".join(made.notes)


def test_only_calls_are_held_against_it() -> None:
    stage = staged("block", {"n": "x"})
    surface = stage.snapshot.surfaces["/mcp", ""]
    assert any(target.results is not None for target in surface.targets.values())
    payload = stage.play(post("tools/list")).payload
    assert payload is not None
    assert "tools" in payload["result"]
    assert msgspec.json.encode(payload)


# How much there may be


BOUNDED = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files], answers: {depth: 3, values: 40}}}
rules: [{name: all, allow: ["*"], subjects: ["*"]}]
"""
CAPABLE: dict[str, Any] = {"tools": {}, "prompts": {}, "resources": {}}
OFFERED = Catalogue(
    "files", "", tools=({"name": "read", "inputSchema": SCHEMA, "outputSchema": OUTPUT},), prompts=({"name": "greet"},),
    resources=({"uri": "note://1", "name": "one"},), templates=({"uriTemplate": "doc://{x}", "name": "docs"},),
    capabilities=CAPABLE,
)  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    [
        call("files__read", path="/a"), post("prompts/get", name="files__greet"),
        post("resources/read", uri="note://1"), post("resources/read", uri="doc://a"),
    ],
    ids=["tool", "prompt", "resource", "template"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("more", "words"),
    [({"x": [[[["deep"]]]]}, "nested deeper than 3 levels"), ({"x": ["many"] * 40}, "holds more than 40 values")],
)
def test_a_result_that_is_more_than_the_server_may_give_is_refused_in_words(asked: Any, more: Any, words: str) -> None:
    stage = Stage({"result": {"content": [], "isError": True, "resultType": "complete", **more}})
    stage.snapshot = compiled(parse(BOUNDED, "test.yaml"), {("files", ""): OFFERED}, 7, "digest").snapshot
    answer, trail = stage.play(asked), stage.audit.ended[-1]
    said = json.dumps(answer.payload)
    assert words in said
    assert 'deep"' not in said
    assert 'many"' not in said
    assert trail.outcome == "upstream_garbled"
    stage.answer = {"result": {"content": [], "isError": True, "resultType": "complete", "x": [1] * 30}}
    payload = stage.play(asked).payload
    assert payload is not None
    assert payload["result"]["x"] == [1] * 30
