"""Labels of servers and tools, and rules that narrow themselves to them or wait for what a run meets."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.config import flows, labels
from ostiary.config.checking import tried
from ostiary.config.compile import compiled
from ostiary.config.expect import failed
from ostiary.config.policy import Policy, said
from ostiary.config.problems import Unfit
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Kind, Target
from ostiary.core.rules import Ask
from ostiary.core.screening import EVERY_FLOW, Flow
from ostiary.policy.decide import decide
from tests.unit.config.test_compile import ALL, ANN, EVERYONE, config, surface

GATEWAY = "gateway: {url: https://mcp.example.com}\n"


def labelled(tools: dict[str, Any] | None = None, rule: dict[str, Any] | None = None, **server: Any) -> Config:
    servers = {"files": {"command": ("x",), "tools": tools or {}, **server}, "crm": {"command": ("y",)}}
    every = {"name": "all", "allow": ("*",), **EVERYONE}
    return config(servers=servers, rules=(every, *([{"name": "r", **rule}] if rule else [])))


def flow(it: Config, name: str, kind: Kind = Kind.TOOL) -> set[str]:
    return {each.value for each in surface(it, "/servers/files/mcp").targets[kind, name].flows}


def test_what_nobody_labelled_is_taken_for_everything() -> None:
    assert flow(labelled(), "read") == {"private", "untrusted", "outside", "changes"}
    assert flows.of(None, Kind.TOOL, "x").flows == EVERY_FLOW
    assert flows.UNSAID.missing == flows.KEYS


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"reads": "private"}, {"private", "outside", "changes"}),
        ({"reads": ["private", "untrusted"], "sends": "nothing"}, {"private", "untrusted", "changes"}),
        ({"reads": "nothing", "sends": "outside", "changes": False}, {"outside"}),
        ({"reads": "nothing", "sends": "nothing", "changes": True}, {"changes"}),
    ],
)
def test_what_a_server_is_labelled_holds_for_all_that_it_has(server: dict[str, Any], expected: set[str]) -> None:
    it = labelled(**server)
    assert flow(it, "read") == flow(it, "greet", Kind.PROMPT) == flow(it, "file:///a", Kind.RESOURCE) == expected
    here = surface(it, "/servers/files/mcp")
    assert {each.value for each in here.links["files"].at("file:///z").flows} == expected
    assert {each.value for each in here.templates[0].at("file:///pub/z").flows} == expected


def test_what_is_said_of_a_tool_wins_over_what_is_said_of_its_server_key_by_key() -> None:
    it = labelled({"read": {"reads": "untrusted"}, "drop": {"changes": True}}, reads="private", changes=False)
    assert flow(it, "read") == {"untrusted", "outside"}
    assert flow(it, "drop") == {"private", "outside", "changes"}


# Rules that narrow themselves to labels


def denied(it: Config, label: str = "files.read") -> bool:
    target = Target("files", Kind.TOOL, "", label, "", {}, **Policy(it).rules(label)._asdict())
    return not isinstance(decide(ANN, target, Ask(1.0, {}, "tools/call")), Allow)


NARROWINGS = [
    ({"reads": "private"}, {"reads": "private"}, {"reads": "untrusted"}),
    ({"reads": "private"}, {"reads": ["untrusted", "private"]}, {"reads": "nothing"}),
    ({"reads": ["private", "untrusted"]}, {"reads": ["private", "untrusted"]}, {"reads": "private"}),
    ({"reads": "nothing"}, {"reads": "nothing"}, {"reads": "private"}),
    ({"sends": "outside"}, {"sends": "outside"}, {"sends": "nothing"}),
    ({"sends": "nothing"}, {"sends": "nothing"}, {"sends": "outside"}),
    ({"changes": True}, {"changes": True}, {"changes": False}),
    ({"changes": False}, {"changes": False}, {"changes": True}),
]


@pytest.mark.parametrize(("narrowing", "fitting", "other"), NARROWINGS)
def test_a_rule_speaks_of_what_is_labelled_so(
    narrowing: dict[str, Any], fitting: dict[str, Any], other: dict[str, Any]
) -> None:
    deny = {"deny": ("files.*",), **narrowing}
    assert denied(labelled(rule=deny, **fitting))
    assert not denied(labelled(rule=deny, **other))
    allow = {"allow": ("files.*",), **EVERYONE, **narrowing}
    opened = labelled(rule=allow, **fitting).model_copy(update={"rules": labelled(rule=allow).rules[1:]})
    closed = labelled(rule=allow, **other).model_copy(update={"rules": labelled(rule=allow).rules[1:]})
    assert not denied(opened)
    assert denied(closed)


@pytest.mark.parametrize("narrowing", [narrowing for narrowing, _, _ in NARROWINGS])
def test_what_nobody_labelled_is_denied_by_a_label_and_not_allowed_by_one(narrowing: dict[str, Any]) -> None:
    """Absence never means more."""
    assert denied(labelled(rule={"deny": ("files.*",), **narrowing}))
    allowing = labelled(rule={"allow": ("files.*",), **EVERYONE, **narrowing})
    assert denied(allowing.model_copy(update={"rules": allowing.rules[1:]}))


def test_a_pattern_may_mean_what_is_labelled_and_what_is_not() -> None:
    it = labelled(rule={"deny": ("*",), "sends": "outside"}, sends="nothing")
    for label in ("*", "files.*", "*.read"):
        assert not denied(it, label), "some of it is not denied"
    assert denied(labelled(rule={"deny": ("*",), "sends": "outside"}), "files.read")
    assert not denied(labelled({"read": {"sends": "nothing"}}, rule={"deny": ("*",), "sends": "outside"}))


def test_both_kinds_of_narrowing_may_stand_together() -> None:
    it = labelled(rule={"deny": ("*",), "sends": "outside", "read_only": True})
    assert not denied(it), "it is not known to be read-only"


def test_what_a_rule_demands_is_said_as_it_is_written() -> None:
    rule = {"deny": ("*",), "reads": "nothing", "sends": "outside", "changes": False, "after": ("untrusted", "private")}
    assert said(labelled(rule=rule).rules[1]) == (
        "reads is nothing, and sends is outside, and changes is false, and after private and untrusted"
    )
    both = labelled(rule={"deny": ("*",), "reads": ["untrusted", "private"]}).rules[1]
    assert said(both) == "reads is private and untrusted"


# What is remembered


def taints(it: Config, name: str = "read", kind: Kind = Kind.TOOL) -> set[str]:
    return set(surface(it, "/servers/files/mcp").targets[kind, name].taints)


def test_nothing_is_remembered_where_no_rule_asks() -> None:
    it = labelled()
    assert compiled(it, ALL, 1, "d").snapshot.tracking is None
    assert taints(it) == set()
    assert not surface(it).careful


def test_what_is_remembered_is_what_rules_ask_for() -> None:
    after = ("private", "guard:g", "files.r*", "crm.find", "files.prompt/greet")
    it = labelled(rule={"deny": ("crm.*",), "after": after}, reads="nothing", sends="nothing", changes=False)
    tracking = compiled(it, ALL, 1, "d").snapshot.tracking
    assert tracking is not None
    assert (tracking.by, tracking.window) == ("caller", 86_400.0)
    assert tracking.taints == {*after, "untrusted", "outside", "changes"}
    assert taints(it) == {"files.r*"}
    assert taints(it, "drop") == set()
    assert taints(it, "greet", Kind.PROMPT) == {"files.prompt/greet"}
    assert surface(it).careful


def test_of_a_template_and_of_links_it_counts_what_may_be_read() -> None:
    it = labelled(
        rule={"deny": ("crm.*",), "after": ("files:file:///pub/secret*", "files:note://*")},
        reads="nothing", sends="nothing", changes=False,
    )  # fmt: skip
    here = surface(it, "/servers/files/mcp")
    assert here.templates[0].at("file:///pub/a").taints == {"files:file:///pub/secret*"}
    assert here.links["files"].at("note://a").taints == {"files:file:///pub/secret*", "files:note://*"}
    assert here.targets[Kind.RESOURCE, "file:///a"].taints == set()


def test_a_server_called_guard_has_resources_like_others() -> None:
    """`guard:NAME` is always a guard's: a resource of such a server is not what a rule waits for."""
    it = config(
        servers={"guard": {"command": ("x",)}},
        rules=({"name": "r", "deny": ("*",), "after": ("guard:file",)},),
    )  # fmt: skip
    target = Target("guard", Kind.RESOURCE, "file", "guard:file", "file")
    assert flows.taints(flows.asked(it), target, [Flow.CHANGES]) == {"changes"}


# How it is written


@pytest.mark.parametrize(
    ("value", "expected"),
    [("nothing", ()), ("private", ("private",)), (["untrusted", "private"], ("private", "untrusted"))],
)
def test_what_is_read_is_written_as_one_word_or_as_a_list(value: Any, expected: tuple[str, ...]) -> None:
    assert labels.reads(value) == expected
    assert labels.reads(labels.as_reads(expected)) == expected


@pytest.mark.parametrize(
    "value", [[], ["private", "private"], "privat", "outside", ["nothing"], 1, None, {"a": 1}, [[]]]
)
def test_what_cannot_be_read_is_refused(value: Any) -> None:
    with pytest.raises(Unfit):
        labels.reads(value)


@pytest.mark.parametrize("value", ["private", "outside", "guard:my-guard", "crm.export", "*", "files:note://*"])
def test_what_a_run_can_meet(value: str) -> None:
    assert labels.taint(value) == value


@pytest.mark.parametrize(
    ("value", "hint"),
    [("privat", 'did you mean "private"?'), ("crm", "write changes"), ("guard:", "such as"), ("guard:a b", "such as"),
     ("a b.c", "write server.tool"), ("", "write changes")],
)  # fmt: skip
def test_what_no_run_can_meet(value: str, hint: str) -> None:
    with pytest.raises(Unfit) as caught:
        labels.taint(value)
    assert hint in caught.value.suggestion


def problems(rest: str) -> list[str]:
    found = tried(f"{GATEWAY}servers: {{files: {{command: [x]}}}}\n{rest}", "x")[1]
    return [f"{each.path}: {each.message}; {each.suggestion}" for each in found]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("guard:injectoin", 'no guard is called "injectoin"; did you mean "injection"?'),
        ("guard:zzz", 'no guard is called "zzz"; the guards are asked, injection'),
        ("guard:asked", "the guard asked does not read answers, so that no run meets what it finds"),
        ("fils.read", 'no server is called "fils"; did you mean "files"?'),
        ("zzz.read", 'no server is called "zzz"; the servers are files'),
    ],
)
def test_what_can_never_be_met_is_an_error(after: str, said: str) -> None:
    """A rule that waits for ever denies nothing."""
    guards = "guards: [{name: injection, use: injection, then: note}, {name: asked, use: injection, then: note, in: [request]}]"
    found = problems(f'{guards}\nrules: [{{name: a, deny: ["*"], after: ["{after}"]}}]\n')
    assert len(found) == 1
    assert found[0].startswith("rules[0].after[0]: ")
    assert said in found[0]


def test_what_can_be_met_is_no_error() -> None:
    guards = (
        "guards: [{name: g, use: injection, then: note, in: [answer, request]}, {use: injection, then: note, name: 5}]"
    )
    assert problems('rules: [{name: a, deny: ["*"], after: ["*", files.read, "*.read", private]}]') == []
    assert len(problems(f'{guards}\nrules: [{{name: a, deny: ["*"], after: ["guard:g", 5]}}]')) == 2


# What is expected


def test_an_expectation_may_say_what_the_run_met() -> None:
    rule = {"deny": ("*",), "sends": "outside", "after": ("private", "untrusted")}
    it = labelled(rule=rule, reads="private", sends="nothing")

    def fails(**expected: Any) -> bool:
        it_too = config(
            servers={"files": {"command": ("x",), "sends": "nothing"}, "crm": {"command": ("y",)}},
            rules=tuple(each.model_dump(exclude_none=True) for each in it.rules),
            expect=({"who": {"roles": ("dev",)}, **expected},),
        )
        return bool(list(failed(it_too)))

    assert not fails(after=("private", "untrusted"), can=("files.read",), cannot=("crm.find",))
    assert not fails(after=("private",), can=("crm.find",))
    assert not fails(can=("crm.find",)), "in some run"
    assert fails(cannot=("crm.find",)), "not in every run"


def test_labels_that_are_wrong_elsewhere_do_not_hide_an_expectation_that_fails() -> None:
    rest = """servers: {a: {command: [x], idel: 5m, sends: nothing}}
rules: [{name: all, allow: [a.*], roles: [x]}, {name: r, deny: ["*"], sends: outside}]
expect: [{who: {roles: [x]}, cannot: [a.b]}]
"""
    assert [each.path for each in tried(GATEWAY + rest, "x")[1]] == ["servers.a.idel", "expect[0].cannot[0]"]
