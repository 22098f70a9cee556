"""Rules are bound to what they cover: annotations, arguments, views, and whose word counts."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.config.compile import compiled
from ostiary.config.expect import failed
from ostiary.config.policy import Policy, defined, hints, said, supposed, told
from ostiary.config.schema import Config
from ostiary.config.showing import fixed
from ostiary.core.errors import BadArguments
from ostiary.core.model import Allow, Caller, Catalogue, Kind, Target
from ostiary.core.rules import ERROR, FALSE, TRUE, Ask
from ostiary.operate.revise import Revisions
from ostiary.policy.decide import decide
from ostiary.policy.needs import needed, wanted
from tests.unit.config.test_compile import config, one, surface, tool

ANN = Caller(
    "ann", "ostiary", "tok", "t", 9e9, claims={"region": "eu"}, tags=frozenset({"*", "subject:ann", "issuer:ostiary"})
)
NOW = Ask(1_767_614_400.0, {"path": "/a"}, "tools/call")


def ruled(**rule: Any) -> Config:
    return config(rules=({"name": "r", "allow": ("files.*",), "subjects": ("*",), **rule},))


def may(it: Config, label: str = "files.read", who: Caller = ANN, ask: Ask = NOW) -> bool:
    target = Target("files", Kind.TOOL, "", label, "", {}, **Policy(it).rules(label)._asdict())
    return isinstance(decide(who, target, ask), Allow)


# What tools say of themselves


@pytest.mark.parametrize(
    ("annotations", "read_only", "destructive"),
    [
        (None, False, True),
        ({}, False, True),
        ("x", False, True),
        ({"readOnlyHint": True}, True, False),
        ({"readOnlyHint": True, "destructiveHint": True}, True, False),
        ({"destructiveHint": False}, False, False),
        ({"readOnlyHint": "yes", "destructiveHint": 0}, False, True),
    ],
)
def test_what_a_tool_does_not_say_it_is_taken_for(annotations: object, read_only: bool, destructive: bool) -> None:
    found = hints(annotations)
    assert (found["read_only"], found["destructive"]) == (read_only, destructive)


def narrowed(narrowing: dict[str, bool], tools: dict[str, Any], **annotations: bool) -> bool:
    servers = {"files": {"command": ("x",), "tools": tools}, "crm": {"command": ("y",)}}
    it = config(servers=servers, rules=({"name": "r", "allow": ("files.*",), "subjects": ("*",), **narrowing},))
    catalogue = Catalogue("files", "", (tool("read", annotations=annotations),))
    target = surface(it, catalogues={("files", ""): catalogue}).targets[Kind.TOOL, "files__read"]
    return isinstance(decide(ANN, target, NOW), Allow)


def test_a_rule_narrows_itself_by_what_tools_say_and_the_operator_knows_better() -> None:
    assert narrowed({"read_only": True}, {}, readOnlyHint=True)
    assert not narrowed({"read_only": True}, {})
    assert narrowed({"read_only": True}, {"read": {"read_only": True}})
    assert not narrowed({"read_only": True}, {"read": {"read_only": False}}, readOnlyHint=True)
    assert not narrowed({"read_only": True}, {"read": {"destructive": True}}, readOnlyHint=True)
    assert not narrowed({"destructive": False}, {"read": {"destructive": True}}, destructiveHint=False)
    assert narrowed({"read_only": False, "destructive": False}, {}, destructiveHint=False)


def test_prompts_and_resources_change_nothing() -> None:
    it = config(rules=({"name": "r", "allow": ("*",), "subjects": ("*",), "read_only": True},))
    assert isinstance(decide(ANN, one(it, "files__greet", Kind.PROMPT), NOW), Allow)
    assert isinstance(decide(ANN, one(it, "file:///a", Kind.RESOURCE), NOW), Allow)
    assert may(it, "files:file:///x")
    assert may(it, "files.prompt/greet")


def test_by_its_label_alone_a_tool_may_be_read_only_unless_the_operator_says_otherwise() -> None:
    servers = {
        "files": {"command": ("x",), "tools": {"drop": {"destructive": True}, "list": {"read_only": True}, "x": {}}}
    }
    it = config(servers=servers, rules=({"name": "r", "allow": ("files.*",), "subjects": ("*",), "read_only": True},))
    assert {name: may(it, f"files.{name}") for name in ("drop", "list", "x")} == {
        "drop": False,
        "list": True,
        "x": True,
    }
    rule = Policy(it).rules("files.x").allows[0]
    assert rule.test is not None
    assert rule.test(ANN, NOW) == TRUE | FALSE


# Conditions


def test_a_condition_that_fits_nothing_denies_there_and_is_told() -> None:
    it = ruled(allow=("files.read", "crm.*"), when="args.pat == '/a'")
    catalogue = {("files", ""): Catalogue("files", "", (tool("read"),))}
    found = compiled(it, catalogue, 1, "d")
    assert [told(each) for each in found.faults] == [
        'rule r does not fit files.read: it has no argument args.pat; did you mean "path"?'
    ]
    assert found.notes == (f"{told(found.faults[0])}; until then it denies",)
    rule = found.snapshot.surfaces["/mcp", ""].targets[Kind.TOOL, "files__read"].allows[0]
    assert rule.test is not None
    assert rule.test(ANN, NOW) == ERROR


def test_a_fault_without_a_suggestion_is_told_without_one() -> None:
    it = ruled(allow=("files.prompt/greet",), when="args.who.x == '/a'")
    assert told(
        compiled(
            it,
            {
                ("files", ""): Catalogue(
                    "files", "", (), ({"name": "greet", "arguments": [{"name": "who", "required": True}]},)
                )
            },
            1,
            "d",
        ).faults[0]
    ) == ("rule r does not fit files.prompt/greet: it has no argument args.who.x")


def test_a_file_that_brings_a_fault_is_refused_and_a_tool_that_does_is_only_denied() -> None:
    before = ruled()
    revisions = Revisions(before, "one")
    revisions.catalogues = lambda _config: {("files", ""): Catalogue("files", "", (tool("read"),))}  # type: ignore[method-assign]
    with pytest.raises(ValueError, match=r"rule r does not fit files\.read"):
        revisions.activate(ruled(when="args.pat == '/a'"), "two")
    assert (revisions.config, revisions.digest, revisions.faults, revisions.notes) == (before, "one", (), ())
    revisions.activate(ruled(when="has(args.path) && args.path == '/a'"), "three")
    revisions.catalogues = lambda _config: {
        ("files", ""): Catalogue("files", "", (tool("read"), {"name": "x", "inputSchema": {"type": "object"}}))
    }  # type: ignore[method-assign]
    revisions.recompile()
    assert len(revisions.faults) == 1
    revisions.activate(ruled(when="has(args.path) && args.path == '/b'"), "four")
    assert revisions.digest == "four"


def test_all_that_a_rule_demands_must_hold() -> None:
    it = ruled(during={"days": ("mon",), "hours": "08:00-18:00"}, when="args.path == '/a'")
    assert may(it)
    assert not may(it, ask=Ask(1_767_578_400.0, {"path": "/a"}, "tools/call"))
    assert not may(it, ask=Ask(NOW.now, {"path": "/b"}, "tools/call"))
    assert may(it, ask=Ask(None, None))
    assert said(it.rules[0]) == "during mon 08:00-18:00 UTC, and args.path == '/a'"
    assert said(ruled(read_only=True, destructive=False).rules[0]) == "read_only is true, and destructive is false"


# Whose word counts


def test_a_name_counts_by_the_word_of_its_issuer() -> None:
    identity = {"staff": {"issuer": "https://id.example.com"}, "robots": {"certificates": {"names": ("spiffe://x/*",)}}}
    rule = {"name": "r", "allow": ("files.*",), "subjects": ("ann",)}
    theirs = Caller(
        "ann",
        "https://id.example.com",
        "",
        "",
        9e9,
        tags=frozenset({"*", "subject:ann", "issuer:https://id.example.com"}),
    )
    machine = Caller("ann", "mtls:robots", "", "", 9e9, tags=frozenset({"*", "subject:ann", "issuer:mtls:robots"}))
    for issuers, expected in (
        (("staff",), [theirs]),
        (("ostiary",), [ANN]),
        (("robots", "staff"), [theirs, machine]),
        (("gone",), []),
    ):
        it = config(identity=identity, rules=({**rule, "issuers": issuers},))
        assert [who for who in (theirs, ANN, machine) if may(it, who=who)] == expected


# Views


def test_what_a_view_cannot_show_is_held_back_there() -> None:
    views = {"v": {"include": ("*",), "set": {"files.read": {"pat": 1}}}}
    found = compiled(config(views=views), {("files", ""): Catalogue("files", "", (tool("read"), tool("drop")))}, 1, "d")
    assert found.notes == ("/views/v/mcp: files.read is held back: it has no argument 'pat' to fix",)
    assert (Kind.TOOL, "files__read") not in found.snapshot.surfaces["/views/v/mcp", ""].targets
    assert (Kind.TOOL, "files__drop") in found.snapshot.surfaces["/views/v/mcp", ""].targets


@pytest.mark.parametrize(
    ("label", "given", "why"),
    [
        ("files.read", {"path": 3}, "does not fit"),
        ("files.prompt/greet", {"who": 3}, "does not fit"),
        ("files.prompt/greet", {"whom": "x"}, "has no argument 'whom'"),
    ],
)
def test_what_a_view_fixes_must_fit(label: str, given: dict[str, Any], why: str) -> None:
    views = {"v": {"include": ("*",), "set": {label: given}}}
    catalogue = Catalogue("files", "", (tool("read"),), ({"name": "greet", "arguments": [{"name": "who"}]},))
    assert why in compiled(config(views=views), {("files", ""): catalogue}, 1, "d").notes[0]


def test_a_view_fixes_arguments_of_tools_and_prompts() -> None:
    views = {
        "v": {
            "include": ("*",),
            "describe": {"files.prompt/greet": "Greets."},
            "set": {"files.prompt/greet": {"who": "ana"}, "files.free": {"x": 1}, "files.read": {"path": "/a"}},
        }
    }
    free = {
        "name": "free",
        "inputSchema": {
            "type": "object",
            "additionalProperties": True,
            "properties": {"x": {"type": "integer"}},
            "required": "x",
        },
    }
    odd = {"name": "odd", "arguments": "none"}
    read = {
        **tool("read"),
        "inputSchema": {
            "type": "object",
            "properties": {"path": {"type": "string", "x-mcp-header": "Path"}},
            "required": ["path"],
        },
    }
    catalogue = Catalogue(
        "files",
        "",
        (read, {**free, "inputSchema": {**free["inputSchema"], "required": ["x"]}}),
        ({"name": "greet", "arguments": [{"name": "who"}, {"name": "how"}]}, odd),
    )
    it = surface(config(views=views), "/views/v/mcp", {("files", ""): catalogue})
    greet, read_ = it.targets[Kind.PROMPT, "files__greet"], it.targets[Kind.TOOL, "files__read"]
    assert greet.definition == {"name": "greet", "description": "Greets.", "arguments": [{"name": "how"}]}
    assert (greet.fixed, read_.fixed, read_.mirrored) == ({"who": "ana"}, {"path": "/a"}, ())
    assert read_.definition["inputSchema"] == {"type": "object", "properties": {}, "required": []}
    assert (Kind.PROMPT, "files__odd") in it.targets
    with pytest.raises(BadArguments):
        read_.check and read_.check({"path": 3})


def test_a_schema_without_properties_shows_as_it_is() -> None:
    views = {"v": {"include": ("*",), "set": {"files.any": {"x": 1}}}}
    either = {"type": "object", "anyOf": [{"properties": {"x": {"type": "integer"}}}]}
    it = surface(
        config(views=views),
        "/views/v/mcp",
        {("files", ""): Catalogue("files", "", ({"name": "any", "inputSchema": either},))},
    )
    assert it.targets[Kind.TOOL, "files__any"].definition["inputSchema"] == either


def test_what_nothing_checks_can_be_fixed() -> None:
    prompt = Target("files", Kind.PROMPT, "greet", "files.prompt/greet", "greet", {"arguments": [{"name": "who"}]})
    assert fixed(prompt, {"who": 3}).fixed == {"who": 3}


def test_a_rule_of_a_view_holds_there_and_nowhere_else() -> None:
    rule = {"name": "r", "allow": ("*",), "subjects": ("*",), "views": ("v",)}
    it = config(views={"v": {"include": ("*",)}, "w": {"include": ("*",)}}, rules=(rule,))
    found = {
        endpoint: isinstance(decide(ANN, surface(it, endpoint).targets[Kind.TOOL, "files__read"]), Allow)
        for endpoint in ("/mcp", "/views/v/mcp", "/views/w/mcp")
    }
    assert found == {"/mcp": False, "/views/v/mcp": True, "/views/w/mcp": False}
    assert isinstance(decide(ANN, surface(it, "/views/v/mcp").links["files"].at("file:///x")), Allow)
    assert not isinstance(decide(ANN, surface(it).links["files"].at("file:///x")), Allow)


def test_a_rehearsed_rule_is_kept_apart() -> None:
    ruling = Policy(ruled(shadow=True)).rules("files.read")
    assert (ruling.allows, ruling.denies, ruling.careful) == ((), (), True)
    assert [(allows, rule.name) for allows, rule in ruling.rehearsed] == [(True, "r")]


def test_a_resource_has_no_arguments_to_fix() -> None:
    views = {"v": {"include": ("*",), "set": {"files:file:///a": {"x": 1}}}}
    catalogue = Catalogue("files", "", (), (), ({"uri": "file:///a", "name": "a"},))
    assert "only tools and prompts" in compiled(config(views=views), {("files", ""): catalogue}, 1, "d").notes[0]


# Expectations and denials in words


def test_an_expectation_that_fails_says_why() -> None:
    it = config(
        views={"v": {"include": ("*",)}},
        rules=(
            {"name": "a", "allow": ("files.read",), "roles": ("dev",), "when": "args.path == '/a'"},
            {"name": "d", "deny": ("files.drop",)},
        ),
        expect=(
            {"who": {"roles": ("dev",)}, "args": {"path": "/b"}, "can": ("files.read", "files.drop", "files.x")},
            {"who": {"subject": "ana", "roles": ("dev",)}, "cannot": ("files.read",)},
            {"who": {"roles": ("dev",), "issuer": "ostiary"}, "view": "v", "can": ("files.read",)},
        ),
    )
    assert [what for _, what, _ in failed(it)] == [
        "files.read is denied: rule a needs args.path == '/a'",
        "files.drop is denied: rule d denies it",
        "files.x is denied: no rule allows it",
        "files.read is allowed by 'a'",
    ]


def test_a_denial_says_what_would_have_been_needed() -> None:
    def said_of(*rules: dict[str, Any]) -> str:
        it = config(rules=tuple({"name": f"r{number}", **rule} for number, rule in enumerate(rules)))
        target = Target(
            "files", Kind.TOOL, "read", "files.read", "read", {}, **Policy(it).rules("files.read")._asdict()
        )
        decision = decide(ANN, target, NOW)
        assert not isinstance(decision, Allow)
        return needed(decision, ANN, target)

    allow = {"allow": ("files.read",)}
    assert said_of() == "no_rule: no rule allows it to anybody"
    assert (
        said_of({**allow, "roles": ("a", "b"), "teams": ("t",)}, {**allow, "clients": ("ide",)})
        == "no_rule: r1 needs token ide"
    )
    assert said_of({**allow, "roles": ("a", "b"), "teams": ("t",)}) == "no_rule: r0 needs role a or role b, and team t"
    assert said_of({**allow, "subjects": ("*",), "when": "args.path == '/b'"}) == "condition: r0 (args.path == '/b')"
    assert said_of({"deny": ("files.read",)}) == "deny_rule: r0"
    assert (wanted(frozenset({"*"})), wanted(frozenset())) == ("anyone", "nobody")


def test_what_is_not_a_label_is_taken_for_a_tool() -> None:
    assert supposed("tools/list", {}).kind is Kind.TOOL
    assert defined("s:x", Kind.RESOURCE, "s", {"uri": "x"}).name == "x"
