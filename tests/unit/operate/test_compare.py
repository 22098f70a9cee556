"""What two configurations differ in: nothing is missed, and nothing is told that is not so."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.config.compile import compiled
from ostiary.config.expect import described
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Caller
from ostiary.core.rules import Ask
from ostiary.operate.compare import Access, Person, Side, compared
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
    told = {label for each in compared(side(before), side(after)) for label in each.labels}
    for caller in callers:
        assert able(before, caller) ^ able(after, caller) <= told


@settings(max_examples=300, deadline=None)
@given(RULES, RULES)
def test_whoever_is_told_to_gain_or_lose_something_does(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    before, after = policy(old), policy(new)
    for change in compared(side(before), side(after)):
        caller = Caller("x", "", "", "", 9e9, scopes=change.person.scopes, tags=change.person.tags)
        first, second = (able(each, caller) for each in (before, after))
        labels = {label for label in change.labels if "*" not in label}
        assert labels <= (second - first if change.kind == "gains" else first - second)


@settings(max_examples=100, deadline=None)
@given(RULES, st.randoms(use_true_random=False))
def test_the_same_rules_in_another_order_are_the_same(rules: list[dict[str, Any]], random: Any) -> None:
    shuffled = [*rules]
    random.shuffle(shuffled)
    assert compared(side(policy(rules)), side(policy(shuffled))) == []


def test_conditions_are_compared_by_their_text() -> None:
    one, other = (
        policy([{"allow": ("files.read",), "roles": ("dev",), "when": when}])
        for when in ("args.path == '/a'", "args.path == '/b'")
    )
    (change,) = compared(side(one), side(other))
    assert (change.kind, change.labels) == ("changes", ("files.read",))
    assert change.after == Access(frozenset({"args.path == '/b'"}))
    assert compared(side(one), side(one)) == []


def test_somebody_is_said_in_words() -> None:
    caller = described("", ("dev",), ("a",))
    assert Person(caller.tags, frozenset({"w"})).said == "whoever has role dev and team a and scope w"
    assert Person(frozenset({"*"}), frozenset()).said == "everyone"
