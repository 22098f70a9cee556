"""What two configurations differ in: nothing is missed, and nothing is told that is not so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.config.compile import compiled
from ostiary.config.expect import described
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Caller
from ostiary.core.rules import Ask
from ostiary.operate import compare
from ostiary.operate.compare import Access, Comparison, Person, Side, besides, compared
from ostiary.policy.decide import decide
from tests.unit.config.test_policy_properties import ALL, PATTERNS, WHO, policy

TAGS = ["role:dev", "role:ops", "team:a", "agent:bot", "client:ide", "subject:ann", "issuer:ostiary"]
EFFECTS = st.sampled_from(["allow", "allow", "deny"])
RULES = st.lists(
    st.builds(
        lambda effect, patterns, who, scopes: {effect: tuple(patterns), **who, **(scopes if effect == "allow" else {})},
        EFFECTS,
        st.lists(st.sampled_from([*PATTERNS, "*"]), min_size=1, max_size=2),
        st.sampled_from(WHO),
        st.sampled_from([{}, {}, {"scopes": ("write",)}]),
    ),
    max_size=5,
)
PEOPLE = st.builds(
    lambda tags, scopes: Caller("x", "", "", "", 9e9, scopes=scopes, tags=tags | {"*"}),
    st.frozensets(st.sampled_from(TAGS)),
    st.sampled_from([frozenset[str](), frozenset({"write"})]),
)


def side(it: Config) -> Side:
    return Side(it, compiled(it, ALL, 1, "d").snapshot)


def able(it: Config, caller: Caller) -> set[str]:
    """Return the labels that somebody may use at the servers' own endpoints."""
    surfaces = compiled(it, ALL, 1, "d").snapshot.surfaces.items()
    return {
        target.label
        for (endpoint, _), surface in surfaces
        if endpoint.startswith("/servers/")
        for target in surface.targets.values()
        if target.server and isinstance(decide(caller, target, Ask()), Allow)
    }


@settings(max_examples=300, deadline=None)
@given(RULES, RULES, st.lists(PEOPLE, min_size=1, max_size=5))
def test_where_nothing_is_told_nobody_can_use_more_or_less(
    old: list[dict[str, Any]], new: list[dict[str, Any]], callers: list[Caller]
) -> None:
    before, after = policy(old), policy(new)
    told = {label for each in compared(side(before), side(after)).changes for label in each.labels}
    for caller in callers:
        assert able(before, caller) ^ able(after, caller) <= told


@settings(max_examples=300, deadline=None)
@given(RULES, RULES)
def test_whoever_is_told_to_gain_or_lose_something_does(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    before, after = policy(old), policy(new)
    for change in compared(side(before), side(after)).changes:
        caller = Caller("x", "", "", "", 9e9, scopes=change.person.scopes, tags=change.person.tags)
        first, second = (able(each, caller) for each in (before, after))
        labels = {label for label in change.labels if "*" not in label}
        assert labels <= (second - first if change.kind == "gains" else first - second)


@settings(max_examples=100, deadline=None)
@given(RULES, st.randoms(use_true_random=False))
def test_the_same_rules_in_another_order_are_the_same(rules: list[dict[str, Any]], random: Any) -> None:
    shuffled = [*rules]
    random.shuffle(shuffled)
    assert compared(side(policy(rules)), side(policy(shuffled))) == Comparison([])


def test_conditions_are_compared_by_their_text() -> None:
    one, other = (
        policy([{"allow": ("files.read",), "roles": ("dev",), "when": when}])
        for when in ("args.path == '/a'", "args.path == '/b'")
    )
    (change,) = compared(side(one), side(other)).changes
    assert (change.kind, change.labels) == ("changes", ("files.read",))
    assert change.after == Access(frozenset({"args.path == '/b'"}))
    assert compared(side(one), side(one)) == Comparison([])


def test_somebody_is_said_in_words() -> None:
    caller = described("", ("dev",), ("a",))
    assert Person(caller.tags, frozenset({"w"})).said == "whoever has role dev and team a and scope w"
    assert Person(frozenset({"*"}), frozenset()).said == "everyone"


def sentences(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    found = compared(side(policy(old)), side(policy(new)))
    assert found.truncated == ()
    return [f"{each.person.said} {each.kind} {', '.join(each.labels)}" for each in found.changes]


def test_names_that_are_always_named_together_are_one_sentence() -> None:
    roles, teams = (tuple(f"{kind}{number:03d}" for number in range(300)) for kind in "rt")
    wide = {"allow": ("files.read",), "roles": roles, "teams": teams}
    (said,) = sentences([], [wide])
    assert said.startswith("whoever has role r000 or role r001 or ")
    assert "role r011 or one of 288 more and team t000 or" in said
    narrower = {**wide, "roles": roles[:-1]}
    (said,) = sentences([wide], [narrower])
    assert said.startswith("whoever has role r299 and team t000 or team t001 or")
    assert said.endswith("loses files.read")


def test_what_is_not_looked_at_is_said() -> None:
    """Every role and team has a rule of its own besides, so that none can stand for another."""
    roles, teams = (tuple(f"{kind}{number:02d}" for number in range(40)) for kind in "rt")
    alone: list[dict[str, Any]] = [{"allow": ("files.read",), "roles": (each,), "teams": ("x",)} for each in roles]
    alone += [{"allow": ("files.read",), "teams": (each,), "roles": ("x",)} for each in teams]
    found = compared(
        side(policy(alone)), side(policy([*alone, {"allow": ("crm.find",), "roles": roles, "teams": teams}]))
    )
    assert found.truncated == ("rule r80 names more combinations than are looked at",)
    assert found.changes


def test_more_pairs_of_an_allow_and_a_deny_than_are_looked_at_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "_TOGETHER", 100)
    names = [f"s{number:03d}" for number in range(40)]
    allowing = [{"allow": ("files.read",), "subjects": (each,)} for each in names[:20]]
    denying = [{"deny": ("files.read",), "subjects": (each,)} for each in names[20:]]
    found = compared(side(policy([])), side(policy([*allowing, *denying])))
    assert found.truncated == ("more people than are looked at are named for files.read",)
    assert len(found.changes) >= 20


def test_prompts_resources_and_views_are_compared_like_tools() -> None:
    rule = {"roles": ("dev",)}
    assert sentences([], [{"allow": ("files.prompt/greet",), **rule}]) == [
        "whoever has role dev gains files.prompt/greet"
    ]
    assert sentences([], [{"allow": ("files:note://a", "files:file:///x/*"), **rule}]) == [
        "whoever has role dev gains files:file:///x/*, files:file:///{path}, files:note://a"
    ]
    found = compared(side(policy([])), side(policy([{"allow": ("files.read",), "views": ("desk",), **rule}])))
    assert [(each.view, each.labels) for each in found.changes] == [("desk", ("files.read",))]


def test_a_server_at_another_address_is_another_one() -> None:
    old = policy([])
    moved = old.model_copy(
        update={"servers": {**old.servers, "crm": old.servers["crm"].model_copy(update={"command": ("other",)})}}
    )
    assert besides(old, moved) == ["the server crm is another one: its command changes"]
