"""Decisions where rules have conditions: they narrow, and what cannot be decided is denied."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.model import Allow, Caller, Deny, Kind, Reason, Rule, Target
from ostiary.core.rules import ERROR, FALSE, TRUE, Ask, Test
from ostiary.policy.decide import OUT_OF_REACH, decide, rehearsals

DEV = (frozenset({"role:dev"}),)
CALLER = Caller("ann", "", "", "", 9e9, scopes=frozenset({"read"}), tags=frozenset({"*", "role:dev"}))
ANY = TRUE | FALSE | ERROR
SOME, NONE = Ask(1.0, {"x": 1}, "tools/call"), Ask(1.0)


def comes(exact: int, possible: int | None = None) -> Test:
    """Return a test of which this comes for a call, and that for a listing."""
    return lambda _caller, ask: exact if ask.arguments is not None or possible is None else possible


def rule(
    name: str, test: Test | None = None, *, scopes: tuple[str, ...] = (), needs: tuple[frozenset[str], ...] = DEV
) -> Rule:
    return Rule(name, needs, frozenset(scopes), test=test, when="args.x == 1" if test else "")


def target(*allows: Rule, denies: tuple[Rule, ...] = (), rehearsed: tuple[tuple[bool, Rule], ...] = ()) -> Target:
    return Target(
        "files", Kind.TOOL, "read", "files.read", "read", {}, allows, denies, rehearsed=rehearsed, careful=True
    )


@pytest.mark.parametrize(
    ("outcome", "expected"), [(TRUE, True), (FALSE, False), (ERROR, False), (FALSE | ERROR, False), (ANY, True)]
)
def test_an_allow_whose_condition_may_hold_allows(outcome: int, expected: bool) -> None:
    assert isinstance(decide(CALLER, target(rule("a", comes(outcome))), SOME), Allow) is expected


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(TRUE, Reason.DENY_RULE), (ERROR, Reason.UNDECIDED), (TRUE | ERROR, Reason.DENY_RULE), (FALSE, None), (ANY, None)],
)
def test_a_deny_whose_condition_cannot_be_false_denies(outcome: int, reason: Reason | None) -> None:
    decision = decide(CALLER, target(rule("a"), denies=(rule("d", comes(outcome)),)), SOME)
    assert (decision.reason if isinstance(decision, Deny) else None) == reason
    if isinstance(decision, Deny):
        assert (decision.rule, decision.when) == ("d", "args.x == 1")


def test_where_nothing_is_known_to_decide_with_conditions_deny() -> None:
    """Missing means less, never more."""
    assert decide(CALLER, target(rule("a", comes(TRUE)))) == Deny(Reason.CONDITION, "a", when="args.x == 1")
    assert decide(CALLER, target(rule("a"), denies=(rule("d", comes(FALSE)),))) == Deny(
        Reason.UNDECIDED, "d", when="args.x == 1"
    )


def test_a_denial_says_whether_other_arguments_may_be_allowed() -> None:
    open_ = decide(CALLER, target(rule("a", comes(FALSE, ANY))), SOME)
    assert open_ == Deny(Reason.CONDITION, "a", when="args.x == 1", open=True)
    shut = decide(CALLER, target(rule("a", comes(FALSE))), SOME)
    assert isinstance(shut, Deny)
    assert not shut.open


def test_a_scope_is_named_only_where_the_condition_holds() -> None:
    lacking = decide(CALLER, target(rule("a", comes(TRUE), scopes=("write",))), SOME)
    assert isinstance(lacking, Deny)
    assert (lacking.reason, lacking.needs) == (Reason.MISSING_SCOPE, frozenset({"write"}))
    fewest = decide(CALLER, target(rule("a", scopes=("write",)), rule("b", scopes=("write", "all"))), SOME)
    assert isinstance(fewest, Deny)
    assert fewest.rule == "a"
    failing = decide(CALLER, target(rule("a", comes(FALSE), scopes=("write",))), SOME)
    assert isinstance(failing, Deny)
    assert failing.reason is Reason.CONDITION


def test_who_is_not_spoken_of_is_told_nothing_of_conditions() -> None:
    it = target(
        rule("a", comes(FALSE), needs=(frozenset({"role:ops"}),)),
        denies=(rule("d", comes(TRUE), needs=(frozenset({"role:ops"}),)),),
    )
    assert decide(CALLER, it, SOME) == Deny(Reason.NO_RULE)
    assert decide(CALLER, target(Rule("everybody", ())), SOME) == Deny(Reason.NO_RULE)


def test_a_narrowed_credential_stays_narrowed() -> None:
    narrowed = msgspec.structs.replace(CALLER, reach=frozenset({"crm"}))
    assert decide(narrowed, target(rule("a", comes(TRUE))), SOME) == Deny(Reason.DENY_RULE, OUT_OF_REACH)


# Shadow rules


def rehearsed(
    allows: bool, test: Test | None = None, *, it: tuple[Rule, ...] = (), scopes: tuple[str, ...] = ()
) -> list[str]:
    whole = target(*it, rehearsed=((allows, rule("trial", test, scopes=scopes)),))
    return rehearsals(CALLER, whole, SOME, decide(CALLER, whole, SOME))


def test_a_shadow_rule_says_what_it_would_have_done_and_does_nothing() -> None:
    assert rehearsed(False, it=(rule("a"),)) == ["shadow: trial would deny"]
    assert rehearsed(False, comes(ERROR), it=(rule("a"),)) == ["shadow: trial would deny"]
    assert rehearsed(False, comes(FALSE), it=(rule("a"),)) == []
    assert rehearsed(True) == ["shadow: trial would allow"]
    assert rehearsed(True, comes(FALSE)) == rehearsed(True, comes(ERROR)) == []
    assert isinstance(decide(CALLER, target(rule("a"), rehearsed=((False, rule("trial")),)), SOME), Allow)


def test_a_shadow_rule_that_would_change_nothing_says_nothing() -> None:
    assert rehearsed(False) == []
    assert rehearsed(True, it=(rule("a"),)) == []
    assert rehearsed(True, scopes=("write",)) == []
    denied = target(rule("a"), denies=(rule("d"),), rehearsed=((True, rule("trial")),))
    assert rehearsals(CALLER, denied, SOME, decide(CALLER, denied, SOME)) == []
    nobody = target(rehearsed=((True, Rule("trial", ())),))
    assert rehearsals(CALLER, nobody, SOME, decide(CALLER, nobody, SOME)) == []


# A condition never widens

MASKS = st.sampled_from([TRUE, FALSE, ERROR, TRUE | FALSE, ANY])
RULES = st.lists(st.builds(rule, st.sampled_from("abc"), st.none()), max_size=3)


@given(RULES, RULES, st.integers(0, 5), MASKS)
def test_a_condition_never_widens(allows: list[Rule], denies: list[Rule], index: int, mask: int) -> None:
    """An allow with a condition allows no more than one without; a deny that may not deny is the only way to more."""
    plain = decide(CALLER, target(*allows, denies=tuple(denies)), SOME)
    narrowed = [
        msgspec.structs.replace(each, test=comes(mask)) if at == index else each for at, each in enumerate(allows)
    ]
    assert isinstance(plain, Allow) or not isinstance(
        decide(CALLER, target(*narrowed, denies=tuple(denies)), SOME), Allow
    )


@given(RULES, RULES)
def test_care_changes_no_decision_without_conditions(allows: list[Rule], denies: list[Rule]) -> None:
    careful = target(*allows, denies=tuple(denies))
    assert decide(CALLER, careful, SOME) == decide(CALLER, msgspec.structs.replace(careful, careful=False))
