"""Decisions told rule by rule agree with the decisions."""

from __future__ import annotations

import pytest

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.config.policy import Policy
from ostiary.core.model import Allow, Caller, Catalogue, Charge, Kind
from ostiary.core.rules import Ask
from ostiary.operate.explain import (
    Told,
    charge,
    described,
    explained,
    fault,
    found,
    mentioned,
    named,
    opening,
    selected,
    supposed,
)

CONFIG = parse(
    """
gateway: {url: "http://127.0.0.1:8080"}
servers:
  files: {command: [files]}
  crm: {command: [crm]}
rules:
  - {name: readers, allow: [files.read_*, "files:*"], roles: [developer, auditor]}
  - {name: leads, allow: ["*"], roles: [lead], teams: [a, b], scopes: [admin]}
  - {name: nobody-deletes, deny: ["*.delete_*"]}
  - {name: typo, allow: [files.raed], subjects: ["*"]}
""",
    "test",
)
POLICY = Policy(CONFIG)
ASK = Ask(0.0, placed=False)
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
FILES = Catalogue(
    "files",
    "",
    tools=({"name": "read_file", "inputSchema": SCHEMA}, {"name": "drop", "inputSchema": {"type": "object"}}),
    prompts=({"name": "greet"},),
    templates=({"uriTemplate": "note://{id}", "name": "n"},),
)
SNAPSHOT = compiled(CONFIG, {("files", ""): FILES}, 1, "d").snapshot


def told(who: str, label: str) -> Told:
    return explained(CONFIG, described(who), supposed(POLICY, label), ASK)


@pytest.mark.parametrize(
    ("who", "label", "allowed", "because"),
    [
        ("role=developer", "files.read_file", True, "rule readers allows it"),
        ("role=other", "files.read_file", False, "no rule that covers it speaks of this caller"),
        ("role=developer", "crm.delete_all", False, "rule nobody-deletes denies it"),
        ("role=lead,team=b", "crm.refund", False, "rule leads would allow it with the scope admin"),
        ("role=lead,team=b,scope=admin", "crm.refund", True, "rule leads allows it"),
        ("role=developer", "files:note://7", True, "rule readers allows it"),
    ],
)
def test_a_decision_is_told_with_its_rule(who: str, label: str, allowed: bool, because: str) -> None:
    answer = told(who, label)
    assert (answer.allowed, answer.because) == (allowed, because)


def test_what_would_be_needed_is_told_for_each_rule_that_covers() -> None:
    lines = {each.rule: each for each in told("team=a", "files.read_file").lines}
    assert lines["readers"].needs == ("role auditor or role developer",)
    assert lines["leads"].needs == ("role lead",)
    assert lines["leads"].scopes == ("admin",)
    assert not lines["nobody-deletes"].covers


def test_a_narrowed_token_is_told_as_such() -> None:
    caller = described("role=developer")
    narrowed = Caller(**{**{f: getattr(caller, f) for f in caller.__struct_fields__}, "reach": frozenset({"crm"})})
    answer = explained(CONFIG, narrowed, supposed(POLICY, "files.read_file"), ASK)
    assert answer.because == "the token is narrowed to other servers or tools"


def test_what_no_rule_allows_is_told_apart_from_what_others_may() -> None:
    plain = parse('gateway: {url: "http://127.0.0.1:8080"}\nservers: {files: {command: [f]}}\n', "test")
    answer = explained(plain, described("role=x"), supposed(Policy(plain), "files.x"), ASK)
    assert answer.because == "no rule allows it to anybody"


@pytest.mark.parametrize("who", ["role", "role=", "age=7", "", "subject=a,subject=b"])
def test_what_describes_no_caller_is_refused(who: str) -> None:
    with pytest.raises(ValueError, match=r"describe|once"):
        described(who)


def test_a_described_caller_has_the_tags_that_rules_match() -> None:
    caller = described("subject=al, role=r,role=s,team=t,scope=x,token=tok_1")
    assert caller.tags == {"*", "subject:al", "role:r", "role:s", "team:t", "client:tok_1"}
    assert caller.client == "tok_1"
    assert named(caller) == "subject al, role r, role s, team t, scope x"
    assert named(described("token=tok_1")) == "anyone with a valid token"


def test_a_described_caller_has_the_scopes_that_theirs_bring() -> None:
    assert described("scope=x", {"x": frozenset({"y"})}).scopes == {"x", "y"}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("files.read_file", "files.read_file"),
        ("files__read_file", "files.read_file"),
        ("files.prompt/greet", "files.prompt/greet"),
        ("files:note://7", "files:note://7"),
    ],
)
def test_a_target_is_found_by_label_and_by_exposed_name(text: str, label: str) -> None:
    target = found(SNAPSHOT, text)
    assert target is not None
    assert target.label == label


@pytest.mark.parametrize("text", ["read_file", "tools/list", "files.gone", "crm:note://7"])
def test_what_is_not_reachable_by_that_name_is_not_found(text: str) -> None:
    """One server's own names are ambiguous, and the gateway's own methods are nobody's tool."""
    assert found(SNAPSHOT, text) is None


@pytest.mark.parametrize(
    ("label", "kind", "name"),
    [("files.x", Kind.TOOL, "x"), ("files:f://x", Kind.RESOURCE, "f://x"), ("files.prompt/p", Kind.PROMPT, "p")],
)
def test_a_label_that_nobody_offers_can_be_asked_about(label: str, kind: Kind, name: str) -> None:
    target = supposed(POLICY, label)
    assert (target.kind, target.name, target.server) == (kind, name, "files")


def test_arguments_are_checked_against_the_approved_schema() -> None:
    target = found(SNAPSHOT, "files.read_file")
    assert target is not None
    assert fault(target, {"path": "/a"}) == ""
    assert "required" in fault(target, {})
    assert "unexpected" in fault(target, {"path": "/a", "more": 1})
    assert fault(supposed(POLICY, "files.x"), {"any": 1}) == ""


def test_limits_are_said_in_words() -> None:
    assert charge(Charge("b", "caller", 10.0, 600.0, 0)) == "b: 600 at once, then 600 a minute for each caller"
    assert charge(Charge("b", "all", 0.0, 0.0, 5)) == "b: 5 in flight for all together"


def test_what_a_configuration_speaks_of_is_collected() -> None:
    spoken = mentioned(CONFIG)
    assert spoken["roles"] == {"developer", "auditor", "lead"}
    assert spoken["teams"] == {"a", "b"}


def test_a_caller_without_any_rule_is_noticed() -> None:
    assert opening(CONFIG, described("role=developer")) == ["readers", "typo"]
    quiet = parse(
        'gateway: {url: "http://127.0.0.1:8080"}\nservers: {f: {command: [f]}}\n'
        "rules: [{name: r, allow: [f.x], roles: [a]}]\n",
        "test",
    )
    assert opening(quiet, described("role=b")) == []


def test_patterns_choose_definitions() -> None:
    assert selected(["files.read_*"], "files", Kind.TOOL, "read_file")
    assert not selected(["files.*"], "crm", Kind.TOOL, "read_file")


def test_an_explanation_never_disagrees_with_the_decision() -> None:
    for who in ("role=developer", "role=lead,team=a,scope=admin", "subject=x"):
        for label in ("files.read_file", "crm.delete_x", "files.raed", "crm.y"):
            answer = told(who, label)
            decisive = [each for each in answer.lines if each.met and not each.scopes]
            denied = any(each.effect == "deny" for each in decisive)
            assert isinstance(answer.decision, Allow) is (bool(decisive) and not denied)
