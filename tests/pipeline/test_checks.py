"""Rules with checks on arguments, from a message to its answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Answer, Deny
from ostiary.core.rules import Ask
from ostiary.operate.explain import explained, found, unchecked
from ostiary.policy.decide import decide
from ostiary.policy.needs import needed
from tests.pipeline.stage import CALLERS, CRM, FILES, Stage, call, post

TEXT = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
views: {desk: {include: [files.*], set: {files.read: {path: /srv/desk}}}, out: {include: [files.*], set: {files.read: {path: /etc}}}}
rules:
  - {name: docs, allow: [files.read, files.prompt/greet], roles: [guest], checks: {path: inside:/srv}}
  - {name: wide, allow: [files.read], roles: [dev]}
  - {name: both, allow: [files.drop], roles: [guest], checks: {path: inside:/srv}, when: args.path.endsWith(".txt")}
  - {name: trial, allow: [files.read], roles: [guest], shadow: true, checks: {"path?": word}}
limits: [{name: per-caller, per: caller, concurrent: 2}]
"""


def staged() -> Stage:
    return Stage(text=TEXT)


def body(answer: Answer) -> dict[str, Any]:
    assert answer.payload is not None
    return json.loads(json.dumps(answer.payload))


def told(stage: Stage, **arguments: Any) -> str:
    result = body(stage.play(call("files__read", "eve-token", **arguments)))["result"]
    return str(result["content"][0]["text"]) if result.get("isError") else ""


def test_what_fits_goes_through_as_it_was_given() -> None:
    stage = staged()
    assert told(stage, path="/srv//docs/./a") == ""
    assert stage.sent[0].call.params["arguments"] == {"path": "/srv//docs/./a"}


def test_what_does_not_fit_is_told_what_why_and_what_to_do_and_stays_here() -> None:
    stage = staged()
    said = told(stage, path="/srv/../etc/s3cret")
    assert "args.path has a .. or a name of dots and blanks; where that leads only the server knows" in said
    detail = stage.audit.ended[-1].detail
    assert detail.startswith("condition: docs (args.path is inside:/srv): args.path has a ..")
    assert "s3cret" not in detail
    assert stage.sent == []


@pytest.mark.parametrize(
    "arguments",
    [{}, {"path": 5}, {"path": None}, {"path": ["/srv/a", 5]}, {"Path": "/srv/a"}, {"path": {"x": "/srv/a"}}],
)
def test_what_is_missing_or_no_text_does_not_fit(arguments: dict[str, Any]) -> None:
    stage = staged()
    assert "args.path" in told(stage, **arguments)
    assert stage.sent == []


def test_a_check_never_widens() -> None:
    """Another rule that allows allows; and what no rule allows, no check does."""
    stage = staged()
    assert "result" in body(stage.play(call("files__read", path="/etc/passwd")))
    assert "error" in body(stage.play(call("crm__push", "eve-token", note="x")))
    assert [order.target.label for order in stage.sent] == ["files.read"]


def test_what_may_fit_is_listed() -> None:
    tools = body(staged().play(post("tools/list", "eve-token")))["result"]["tools"]
    assert [tool["name"] for tool in tools] == ["files__drop", "files__read"]


def test_what_a_view_fixes_is_checked_as_well() -> None:
    stage = staged()
    for view, good in (("desk", True), ("out", False)):
        surface = stage.snapshot.surfaces[f"/views/{view}/mcp", ""]
        target = next(each for each in surface.targets.values() if each.label == "files.read")
        decision = decide(CALLERS["eve-token"], target, Ask(0.0, target.fixed, "tools/call"))
        assert isinstance(decision, Deny) is not good


def test_a_check_and_a_condition_must_both_hold() -> None:
    stage = staged()
    outcomes = [
        body(stage.play(call("files__drop", "eve-token", path=path)))["result"].get("isError", False)
        for path in ("/srv/a.txt", "/srv/a", "/etc/a.txt")
    ]
    assert outcomes == [False, True, True]


def test_shadow_rules_rehearse_checks() -> None:
    stage = staged()
    assert told(stage, path="/etc/plain")
    assert stage.audit.ended[-1].findings == ["shadow: trial would allow"]
    assert told(stage, path="$(id)")
    assert stage.audit.ended[-1].findings == []


def test_an_argument_that_no_tool_has_is_an_error_and_not_a_rule_that_never_matches() -> None:
    text = TEXT.replace("checks: {path: inside:/srv}}", "checks: {pth: inside:/srv}}")
    made = compiled(parse(text, "test.yaml"), {("files", ""): FILES, ("crm", ""): CRM}, 1, "digest")
    faults = {(each.rule, each.label): (each.message, each.suggestion) for each in made.faults}
    assert faults["docs", "files.read"] == ("it has no argument args.pth, which checks name", 'did you mean "path"?')
    stage = Stage(text=text)
    assert "error" in body(stage.play(call("files__read", "eve-token", pth="/srv/a", path="/srv/a")))


def test_why_tells_each_check() -> None:
    config, stage = parse(TEXT, "test.yaml"), staged()
    target = found(stage.snapshot, "files.drop")
    assert target is not None
    ask = Ask(0.0, {"path": "/srv/a"}, "tools/call")
    line = next(each for each in explained(config, CALLERS["eve-token"], target, ask).lines if each.rule == "both")
    assert ("args.path is inside:/srv", "holds") in line.parts
    assert line.outcome == "does not hold"
    decision = decide(CALLERS["eve-token"], target, ask)
    assert isinstance(decision, Deny)
    assert "inside:/srv" in needed(decision, CALLERS["eve-token"], target)
    listing = explained(config, CALLERS["eve-token"], target, Ask())
    assert ("args.path is inside:/srv", "may hold") in next(each for each in listing.lines if each.rule == "both").parts


def test_what_was_never_seen_is_named_as_unchecked() -> None:
    config = parse(TEXT, "test.yaml")
    assert ("docs", "files") in unchecked(config, frozenset({"crm"}))
    assert unchecked(config, frozenset({"files", "crm"})) == []
