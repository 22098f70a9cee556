"""What a rule demands of arguments is read once, held against a tool's schema, and judged at each call."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ostiary.core.model import Caller, Deny, Kind, Target
from ostiary.core.rules import FALSE, TRUE, Ask, Rule
from ostiary.policy.checks import demands as module
from ostiary.policy.checks.demands import KINDS, MOST, Demanded, Odd, compiled, demands, faults, problem, wrong_way
from ostiary.policy.conditions import Member, Steps
from ostiary.policy.decide import decide
from ostiary.policy.needs import needed

FIXTURES = {"path": "inside:/srv/docs", "url": "public", "query": "read-only-sql"}


def test_arguments_that_fit_fit() -> None:
    assert (
        compiled(FIXTURES)({"path": "/srv/docs/a", "url": "https://example.com/", "query": "select 1", "other": 5})
        is None
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"path": "/etc/passwd"}, "args.path is not inside /srv/docs; write"), ({"path": "/srv/docs/a", "url": "http://127.0.0.1/", "query": "drop table t"}, "args.query does not begin with SELECT"),
        ({"path": "/srv/docs/a", "url": "http://10.0.0.1/", "query": "select 1"}, "args.url leads to an address that is not public"),
        ({}, "args.path is missing, and the rule demands inside:/srv/docs of it; give it"), ({"path": None}, "args.path is no text"), ({"path": 5}, "args.path is no text"), ({"path": {"a": "b"}}, "args.path is no text"),
        ({"path": ["/srv/docs/a", 5]}, "args.path is no text"), ({"path": ["/srv/docs/a", "/x"]}, "args.path[1] is not inside"), ({"path": ["/srv/docs/a"] * (MOST + 1)}, "args.path has more than 256 entries"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_what_to_do(arguments: dict[str, Any], said: str) -> None:
    found = compiled(FIXTURES)(arguments)
    assert found
    assert found.startswith(said)
    assert "; " in found


def test_a_part_of_an_argument_may_be_meant() -> None:
    judged = compiled({"options.cwd": "inside:/srv"})
    assert judged({"options": {"cwd": "/srv/a"}}) is None
    assert judged({"options": {"cwd": "/a"}})
    assert judged({"options": {}})
    assert judged({"options": "x"})
    assert judged({})


def test_what_may_be_missing_must_fit_if_it_is_there() -> None:
    judged = compiled({"cwd?": "inside:/srv"})
    assert judged({}) is None
    assert judged({"cwd": "/srv/a"}) is None
    assert judged({"cwd": None})
    assert judged({"cwd": "/a"})


def test_a_list_of_words_is_judged_otherwise_than_a_line() -> None:
    judged = compiled({"command": "argv"})
    assert judged({"command": ["git", "log", "--stat"]}) is None
    assert judged({"command": "git log --stat"}) is None
    assert judged({"command": ["git log"]})
    assert judged({"command": "git log; id"})


def test_an_empty_list_asks_for_nothing() -> None:
    assert compiled(FIXTURES | {"path": "inside:/srv"})({"path": [], "url": [], "query": []}) is None


def test_what_cannot_be_judged_does_not_fit() -> None:
    def broken(_text: str) -> str | None:
        raise RecursionError

    demand = module.Demand(("a",), "broken", broken, broken)
    assert module.unfit([demand], {"a": "x"}) == "args.a cannot be judged; write it plainly"
    assert "cannot be judged" in (compiled({"a": "matches:.*"})({"a": "\ud800"}) or "")


@pytest.mark.parametrize("kind", KINDS)
def test_every_check_has_an_example_that_works(kind: str) -> None:
    assert problem(KINDS[kind].example) is None
    assert compiled({"a": KINDS[kind].example})({"a": "\0"})


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("insid:/srv", 'no check is called "insid"', 'did you mean "inside"?'), ("zzz", 'no check is called "zzz"', "the checks are inside, public"), ("", 'no check is called ""', "the checks are"),
        ("inside", "inside does not say what", "write inside:/srv/docs"), ("inside:", "inside does not say what", "write inside:/srv/docs"), ("inside:docs", "docs is not the plain spelling", "write it from the root"),
        ("public:x", "public takes nothing after a colon", "write public"), ("public:", "public takes nothing", "write public"), ("read-only-sql:", "ends in a colon", "write read-only-sql:postgres"), ("read-only-sql:sybase", "sybase is no dialect", "write one of"),
        ("host:*", "* is no host", "write lower-case names"), ("host:a.example/b", "a.example/b is no host", "write"), ("host:300.1.1.1", "300.1.1.1 the URL's host", "write it as"), ("matches:(", "( is no pattern", "look-around"),
    ],
)  # fmt: skip
def test_a_check_that_cannot_be_used_is_told_with_what_to_write(text: str, message: str, hint: str) -> None:
    found = problem(text)
    assert found
    assert found[0].startswith(message)
    assert found[1].startswith(hint)
    with pytest.raises(Odd):
        demands({"a": text})


@pytest.mark.parametrize("key", ["", "?", ".", "a.", ".a", "a..b", "a\nb", "a." * 70 + "a", "x" * 2000])
def test_an_argument_has_a_name(key: str) -> None:
    assert wrong_way(key)
    with pytest.raises(Odd):
        demands({key: "public"})


def shape(way: Steps) -> Member | None:
    known = {
        ("path",): Member("string", optional=False), ("cwd",): Member("string", optional=True), ("size",): Member("integer", optional=False), ("any",): Member("", optional=False), ("paths",): Member("array", optional=False, items="string"),
        ("numbers",): Member("array", optional=False, items="number"), ("options",): Member("object", optional=False), ("options", "url"): Member("string", optional=True),
    }  # fmt: skip
    return known.get(way)


@pytest.mark.parametrize(
    ("key", "message", "hint"),
    [
        ("path", "", ""), ("cwd", "", ""), ("cwd?", "", ""), ("any", "", ""), ("paths", "", ""), ("options.url", "", ""), ("pth", "it has no argument args.pth", 'did you mean "path"?'), ("zzz", "it has no argument args.zzz", "it has a, path"),
        ("options.ulr", "it has no argument args.options.ulr", ""), ("size", "args.size is an integer, and public is about text", "remove"), ("numbers", "args.numbers is an array", "remove"), ("options", "args.options is an object", "remove"),
    ],
)  # fmt: skip
def test_a_tool_has_the_arguments_that_checks_name(key: str, message: str, hint: str) -> None:
    found = faults(demands({key: "public"}), shape, ["path", "a"])
    assert bool(found) is bool(message)
    for said, do in found:
        assert said.startswith(message)
        assert do.startswith(hint)


def test_a_tool_without_arguments_has_none_to_check() -> None:
    assert faults(demands({"a": "word"}), lambda _way: None, []) == [
        ("it has no argument args.a, which checks name", "")
    ]
    assert module._article("boolean") == "a boolean"


def test_a_demand_is_told_as_people_write_it() -> None:
    said = [each.said for each in demands({"path": "inside:/srv", "cwd?": "word"})]
    assert said == ["args.cwd is missing or is word", "args.path is inside:/srv"]


def test_as_a_test_of_a_rule_it_holds_or_not_or_may() -> None:
    test = Demanded(demands({"path": "inside:/srv", "name": "word"}))
    given = {"path": "/srv/a", "name": "a b"}
    assert test(None, Ask()) == TRUE | FALSE
    assert test(None, Ask(arguments=given)) == FALSE
    assert test(None, Ask(arguments=given | {"name": "a"})) == TRUE
    assert [outcome for _, outcome in test.leaves(Ask(arguments=given))] == [FALSE, TRUE]
    assert (test.unfit(given) or "").startswith("args.name is not one plain word")


def test_a_denial_says_which_argument_in_words_for_the_caller_and_for_the_ledger() -> None:
    test = Demanded(demands({"path": "inside:/srv"}))
    rule = Rule("docs", (frozenset({"*"}),), test=test, when="args.path is inside:/srv", unfit=test.unfit)
    caller = Caller("ana", "i", "c", "p", 9e9, tags=frozenset({"*"}))
    target = Target("files", Kind.TOOL, "read", "files.read", "read", allows=(rule,), careful=True)
    denied = decide(caller, target, Ask(0.0, {"path": "/etc/passwd"}, "tools/call"))
    assert isinstance(denied, Deny)
    assert denied.open
    assert denied.said == "args.path is not inside /srv; write the whole path from there on"
    assert needed(denied, caller, target) == f"condition: docs (args.path is inside:/srv): {denied.said}"
    unasked = decide(
        caller, msgspec.structs.replace(target, allows=(msgspec.structs.replace(rule, test=lambda *_: FALSE),)), Ask()
    )
    assert isinstance(unasked, Deny)
    assert unasked.said == ""
