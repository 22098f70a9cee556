"""No rule, no access; a matching deny always wins; otherwise one matching allow is enough."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.model import Allow, Caller, Charge, Deny, Kind, Reason, Rule, Target
from ostiary.policy.decide import OUT_OF_REACH, decide, met

TAGS = ("*", "subject:ann", "role:dev", "role:ops", "team:a", "team:b", "client:tok_1")
SCOPES = ("read", "write")
SETS = st.frozensets(st.sampled_from(TAGS), max_size=4)
RULES = st.lists(
    st.builds(
        Rule,
        st.sampled_from(["a", "b", "c", "d"]),
        st.lists(SETS, max_size=3).map(tuple),
        st.frozensets(st.sampled_from(SCOPES), max_size=2),
    ),
    max_size=5,
).map(tuple)
CALLERS = st.builds(
    lambda tags, scopes, reach: Caller("ann", "ostiary", "tok_1", "token", 9e9, scopes=scopes, reach=reach, tags=tags),
    SETS,
    st.frozensets(st.sampled_from(SCOPES)),
    st.frozensets(st.sampled_from(["files", "crm"])),
)
TARGETS = st.builds(
    lambda server, allows, denies: Target(server, Kind.TOOL, "read", "files.read", "read", {}, allows, denies),
    st.sampled_from(["files", "crm", ""]),
    RULES,
    RULES,
)
DEV = frozenset({"role:dev"})


def caller(*tags: str, scopes: tuple[str, ...] = (), reach: tuple[str, ...] = ()) -> Caller:
    return Caller(
        "ann",
        "ostiary",
        "tok_1",
        "token",
        9e9,
        scopes=frozenset(scopes),
        reach=frozenset(reach),
        tags=frozenset({"*", *tags}),
    )


def target(
    allows: tuple[Rule, ...] = (),
    denies: tuple[Rule, ...] = (),
    server: str = "files",
    charges: tuple[Charge, ...] = (),
) -> Target:
    return Target(server, Kind.TOOL, "read", "files.read", "read", {}, allows, denies, charges)


def allowed(decision: Allow | Deny) -> bool:
    return isinstance(decision, Allow)


def test_without_a_rule_there_is_no_access() -> None:
    assert decide(caller("role:dev"), target()) == Deny(Reason.NO_RULE)


def test_one_matching_allow_is_enough_and_is_named() -> None:
    assert decide(caller("role:dev"), target((Rule("ops", (frozenset({"role:ops"}),)), Rule("devs", (DEV,))))) == Allow(
        "devs"
    )


def test_a_matching_deny_wins_and_is_named() -> None:
    it = target((Rule("devs", (DEV,)),), (Rule("other", (frozenset({"role:ops"}),)), Rule("no-devs", (DEV,))))
    assert decide(caller("role:dev"), it) == Deny(Reason.DENY_RULE, "no-devs")


def test_a_deny_without_a_who_is_for_everybody_and_an_allow_without_one_for_nobody() -> None:
    """Absence never means more."""
    assert decide(caller("role:dev"), target((Rule("x", ()),))) == Deny(Reason.NO_RULE)
    assert decide(caller("role:dev"), target((Rule("devs", (DEV,)),), (Rule("x", ()),))) == Deny(Reason.DENY_RULE, "x")


def test_a_set_of_nobody_is_met_by_nobody() -> None:
    assert not met(Rule("x", (frozenset(),)), frozenset({"*"}))


def test_kinds_of_who_are_all_needed_and_one_of_each_is_enough() -> None:
    it = target((Rule("x", (frozenset({"role:dev", "role:ops"}), frozenset({"team:a"}))),))
    assert allowed(decide(caller("role:dev", "team:a"), it))
    assert not allowed(decide(caller("role:dev", "role:ops"), it))
    assert not allowed(decide(caller("team:a"), it))


def test_a_missing_scope_is_said_so_that_it_can_be_obtained() -> None:
    it = target((Rule("x", (DEV,), frozenset({"read", "write"})),))
    assert decide(caller("role:dev", scopes=("read", "more")), it) == Deny(
        Reason.MISSING_SCOPE, "x", frozenset({"write"}), frozenset({"read", "write"})
    )
    assert allowed(decide(caller("role:dev", scopes=("read", "write", "more")), it))


@pytest.mark.parametrize(
    ("scopes", "rule"),
    [((), "one"), (("read",), "one"), (("a", "b"), "three"), (("a",), "one"), (("b", "c"), "three")],
)
def test_where_several_rules_could_allow_the_one_that_takes_the_least_more_is_named_whole(
    scopes: tuple[str, ...], rule: str
) -> None:
    """2026-07-28, "Runtime Insufficient Scope Errors": the minimum for this call, in one challenge."""
    needs = {"one": frozenset("wv"), "two": frozenset("wvx"), "three": frozenset("abc")}
    rules = tuple(Rule(name, (DEV,), needed) for name, needed in needs.items())
    for allows in (rules, rules[::-1]):
        who = caller("role:dev", scopes=scopes)
        denied = decide(who, target(allows))
        assert denied == Deny(Reason.MISSING_SCOPE, rule, needs[rule] - who.scopes, needs[rule])


def test_rules_that_are_equally_near_are_told_by_their_names() -> None:
    rules = tuple(Rule(name, (DEV,), frozenset({name})) for name in "cab")
    denied = decide(caller("role:dev"), target(rules))
    assert isinstance(denied, Deny)
    assert denied.rule == "a"


def test_who_does_not_fit_is_not_told_of_scopes() -> None:
    """It would say that the tool exists."""
    it = target((Rule("x", (DEV,), frozenset({"read"})),))
    assert decide(caller("role:ops"), it) == Deny(Reason.NO_RULE)


@pytest.mark.parametrize(("server", "expected"), [("files", True), ("crm", False), ("", True)])
def test_a_narrowed_credential_reaches_its_servers_and_the_gateway_itself(server: str, expected: bool) -> None:
    decision = decide(caller("role:dev", reach=("files",)), target((Rule("devs", (DEV,)),), server=server))
    assert allowed(decision) is expected
    assert expected or decision == Deny(Reason.DENY_RULE, OUT_OF_REACH)


@pytest.mark.parametrize(("label", "expected"), [("files.read", True), ("files.drop", False)])
def test_a_credential_that_is_narrowed_to_labels_reaches_nothing_else_of_its_servers(
    label: str, expected: bool
) -> None:
    who = msgspec.structs.replace(caller("role:dev", reach=("files",)), within=lambda it: it == "files.read")
    it = msgspec.structs.replace(target((Rule("devs", (DEV,)),)), label=label)
    assert decide(who, it) == (Allow("devs") if expected else Deny(Reason.DENY_RULE, OUT_OF_REACH))
    assert allowed(decide(who, msgspec.structs.replace(it, server=""))), "the gateway itself stays in reach"
    assert not allowed(decide(who, msgspec.structs.replace(it, server="crm", label="files.read")))


def test_an_allowed_call_pays_for_its_rule_and_for_its_target() -> None:
    one, other = Charge("rule:x", "caller", 1.0, 1.0, 0), Charge("default", "caller", 20.0, 1200.0, 64)
    assert decide(caller("role:dev"), target((Rule("x", (DEV,), charges=(one,)),), charges=(other,))) == Allow(
        "x", (one, other)
    )


@given(CALLERS, TARGETS, st.randoms(use_true_random=False))
def test_order_never_matters(who: Caller, it: Target, random: object) -> None:
    allows, denies = list(it.allows), list(it.denies)
    random.shuffle(allows)  # type: ignore[attr-defined]
    random.shuffle(denies)  # type: ignore[attr-defined]
    again = decide(who, msgspec.structs.replace(it, allows=tuple(allows), denies=tuple(denies)))
    first = decide(who, it)
    assert type(again) is type(first)
    assert not isinstance(first, Deny) or not isinstance(again, Deny) or again.reason == first.reason


@given(CALLERS, TARGETS, st.integers(0, 4))
def test_removing_an_allow_never_grants(who: Caller, it: Target, index: int) -> None:
    fewer = msgspec.structs.replace(it, allows=it.allows[:index] + it.allows[index + 1 :])
    assert allowed(decide(who, it)) or not allowed(decide(who, fewer))


@given(CALLERS, TARGETS, RULES)
def test_adding_a_deny_never_grants(who: Caller, it: Target, more: tuple[Rule, ...]) -> None:
    assert allowed(decide(who, it)) or not allowed(decide(who, msgspec.structs.replace(it, denies=it.denies + more)))


@given(CALLERS, TARGETS, RULES)
def test_adding_an_allow_never_takes_away(who: Caller, it: Target, more: tuple[Rule, ...]) -> None:
    assert not allowed(decide(who, it)) or allowed(decide(who, msgspec.structs.replace(it, allows=it.allows + more)))


@given(CALLERS, TARGETS)
def test_a_matching_deny_always_wins(who: Caller, it: Target) -> None:
    if any(met(rule, who.tags) for rule in it.denies):
        assert not allowed(decide(who, it))


@given(CALLERS, TARGETS, st.sampled_from(SCOPES))
def test_losing_a_scope_never_grants(who: Caller, it: Target, scope: str) -> None:
    fewer = msgspec.structs.replace(who, scopes=who.scopes - {scope})
    assert allowed(decide(who, it)) or not allowed(decide(fewer, it))


@given(CALLERS, TARGETS)
def test_narrowing_a_credential_never_grants(who: Caller, it: Target) -> None:
    wide = msgspec.structs.replace(who, reach=frozenset())
    assert allowed(decide(wide, it)) or not allowed(decide(who, it))


@given(CALLERS, TARGETS)
def test_every_decision_says_why(who: Caller, it: Target) -> None:
    match decide(who, it):
        case Allow(rule):
            assert rule in {each.name for each in it.allows}
        case Deny(Reason.NO_RULE, rule):
            assert rule is None
        case Deny(Reason.DENY_RULE, rule):
            assert rule == OUT_OF_REACH or rule in {each.name for each in it.denies}
        case Deny(_, rule, needs, scopes):
            assert (rule, scopes) in {(each.name, each.scopes) for each in it.allows}
            assert needs
            assert needs == scopes - who.scopes
