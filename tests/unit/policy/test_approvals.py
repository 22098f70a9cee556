"""What takes people's approval: allowed, with whose word it takes; and when there are enough of them."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.core.model import Allow, Caller, Deny, Kind, Reason, Rule, Target
from ostiary.core.rules import ERROR, FALSE, TRUE, Approval, Ask
from ostiary.policy import approvals
from ostiary.policy.approvals import Vote
from ostiary.policy.decide import at_once, decide, rehearsals

LEAD = Approval("large", frozenset({"lead"}))
TWO = Approval("outside", frozenset({"lead", "ciso"}), 2, 60.0)
ANA = Caller("ana", "ostiary", "tok", "token", 9e9, tags=frozenset({"role:dev", "*"}))
DEV = (frozenset({"role:dev"}),)


def rule(name: str, *needed: Approval, outcome: int = 0, **more: Any) -> Rule:
    test = (lambda _caller, _ask: outcome) if outcome else None
    return Rule(name, DEV, approvals=needed, test=test, **more)


def target(allows: tuple[Rule, ...] = (), denies: tuple[Rule, ...] = (), *, careful: bool = True) -> Target:
    return Target("crm", Kind.TOOL, "refund", "crm.refund", "crm__refund", {}, allows, denies, careful=careful)


def test_what_only_a_rule_with_approval_allows_is_allowed_with_it() -> None:
    decision = decide(ANA, target((rule("large", LEAD),)))
    assert decision == Allow("large", (), (LEAD,))
    assert not at_once(decision)


def test_the_short_way_forgets_no_approval() -> None:
    """Ours: whatever is marked wrongly, an approval is never skipped and a deny never lifted."""
    assert decide(ANA, target((rule("large", LEAD),), careful=False)) == Allow("large", (), (LEAD,))
    unless = target((rule("all"),), (rule("outside", TWO),), careful=False)
    assert decide(ANA, unless) == Deny(Reason.DENY_RULE, "outside")


def test_a_deny_that_people_may_lift_adds_to_what_it_takes() -> None:
    decision = decide(ANA, target((rule("large", LEAD),), (rule("outside", TWO),)), Ask())
    assert decision == Allow("large", (), (LEAD, TWO))
    assert decide(ANA, target((rule("all"),), (rule("outside", TWO),)), Ask()) == Allow("all", (), (TWO,))


def test_a_deny_wins_over_what_people_may_lift_in_whichever_order() -> None:
    plain, unless = rule("never"), rule("outside", TWO)
    for denies in ((plain, unless), (unless, plain)):
        assert decide(ANA, target((rule("all"),), denies), Ask()) == Deny(Reason.DENY_RULE, "never")


def test_what_nobody_allows_is_not_allowed_by_approval() -> None:
    assert decide(ANA, target((), (rule("outside", TWO),)), Ask()) == Deny(Reason.NO_RULE)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(TRUE, Allow("all", (), (TWO,))), (FALSE, Allow("all")), (ERROR, Deny(Reason.UNDECIDED, "outside"))],
)
def test_what_cannot_be_evaluated_denies_whoever_approves(outcome: int, expected: object) -> None:
    denies = (rule("outside", TWO, outcome=outcome),)
    assert decide(ANA, target((rule("all"),), denies), Ask()) == expected


def test_what_may_have_to_be_approved_is_listed() -> None:
    """A listing knows no arguments: a deny that may not apply is no reason to hide anything."""
    found = decide(ANA, target((rule("all"),), (rule("outside", TWO, outcome=TRUE | FALSE),)), Ask())
    assert found == Allow("all")


def test_rehearsed_rules_say_what_they_would_hold() -> None:
    shadows = ((False, rule("outside", TWO)), (False, rule("broken", TWO, outcome=ERROR)), (False, rule("plain")))
    it = Target("crm", Kind.TOOL, "x", "crm.x", "x", {}, (rule("all"),), rehearsed=shadows, careful=True)
    said = rehearsals(ANA, it, Ask(), decide(ANA, it, Ask()))
    assert said == ["shadow: outside would hold", "shadow: broken would deny", "shadow: plain would deny"]
    closed = Target("crm", Kind.TOOL, "x", "crm.x", "x", {}, rehearsed=((True, rule("large", LEAD)),), careful=True)
    assert rehearsals(ANA, closed, Ask(), decide(ANA, closed, Ask())) == ["shadow: large would hold"]


# Who may, and how many


@pytest.mark.parametrize(
    ("subject", "roles", "agent", "why"),
    [
        ("lea", {"lead"}, "", ""),
        ("lea", {"dev"}, "", "it takes a person with the role lead or 2 people with the role ciso or lead"),
        ("ana", {"lead"}, "", "nobody approves a call of their own"),
        ("ANA\u200b", {"lead"}, "", "nobody approves a call of their own"),
        ("lea", {"lead"}, "bot", "an agent that acts for somebody approves nothing: a person has to"),
    ],
)
def test_who_may_approve(subject: str, roles: set[str], agent: str, why: str) -> None:
    assert approvals.objection(subject, frozenset(roles), agent, (LEAD, TWO), "ana") == why


def test_a_quorum_is_of_different_people() -> None:
    """Four eyes: one name is one person, whoever vouches for it and however it is spelt."""
    lea, max_ = Vote("lea", frozenset({"lead"})), Vote("max", frozenset({"ciso"}))
    assert approvals.lacking((LEAD, TWO), []) == ((LEAD, 1), (TWO, 2))
    assert approvals.lacking((LEAD, TWO), [lea, Vote("Lea", frozenset({"lead"}))]) == ((TWO, 1),)
    assert approvals.lacking((LEAD, TWO), [max_]) == ((LEAD, 1), (TWO, 1))
    assert approvals.lacking((LEAD, TWO), [lea, max_]) == ()


def test_the_shortest_time_counts() -> None:
    assert approvals.within((LEAD, TWO), 5.0) == 60.0
    assert approvals.within((), 5.0) == 5.0


def test_what_is_wanted_is_said_as_people_say_it() -> None:
    assert approvals.wanted((LEAD, TWO)) == (
        "the rule large wants the approval of a person with the role lead; "
        "the rule outside wants the approval of 2 people with the role ciso or lead"
    )
    assert approvals.said(LEAD, allows=True) == "a person with the role lead approves it"
    assert approvals.said(TWO, allows=True) == "2 people with the role ciso or lead approve it"
    assert approvals.said(LEAD, allows=False) == "no person with the role lead approves it"
    assert approvals.said(TWO, allows=False) == "fewer than 2 people with the role ciso or lead approve it"
