"""Rules that look at what a run has met: when they hold, and what is said of it."""

from __future__ import annotations

import pytest

from ostiary.core.model import Allow, Caller, Deny, Kind, Reason, Rule, Target
from ostiary.core.rules import FALSE, TRUE, Ask
from ostiary.policy import flows
from ostiary.policy.decide import decide
from ostiary.policy.flows import After

DEV = (frozenset({"role:dev"}),)
CALLER = Caller("ann", "", "", "", 9e9, tags=frozenset({"*", "role:dev"}))
BOTH = frozenset({"private", "untrusted"})
UNKNOWN, CLEAN, HALF, TAINTED = (
    Ask(1.0, {}, "tools/call", run=run) for run in (None, frozenset[str](), frozenset({"private"}), BOTH | {"changes"})
)


def rule(name: str, *after: str) -> Rule:
    wanted = frozenset(after)
    return Rule(
        name, DEV, test=After(wanted) if after else None, when=flows.said(wanted) if after else "", after=wanted
    )


def decision(ask: Ask, allow: Rule, *denies: Rule) -> Allow | Deny:
    return decide(CALLER, Target("a", Kind.TOOL, "b", "a.b", "b", {}, (allow,), denies, careful=True), ask)


@pytest.mark.parametrize(("ask", "outcome"), [(UNKNOWN, TRUE | FALSE), (CLEAN, FALSE), (HALF, FALSE), (TAINTED, TRUE)])
def test_a_rule_holds_in_a_run_that_met_all_of_it(ask: Ask, outcome: int) -> None:
    assert After(BOTH)(CALLER, ask) == outcome


@pytest.mark.parametrize(("ask", "allowed"), [(UNKNOWN, True), (CLEAN, True), (HALF, True), (TAINTED, False)])
def test_a_deny_waits_until_the_run_met_all_of_it(ask: Ask, allowed: bool) -> None:
    found = decision(ask, rule("all"), rule("trifecta", *BOTH))
    assert isinstance(found, Allow) is allowed


def test_the_denial_names_the_rule_and_what_was_met_and_leaves_other_runs_open() -> None:
    found = decision(TAINTED, rule("all"), rule("trifecta", *BOTH))
    assert isinstance(found, Deny)
    assert (found.reason, found.rule, found.open) == (Reason.DENY_RULE, "trifecta", True)
    assert found.when == "after private and untrusted"
    assert found.said.startswith(
        "the rule trifecta denies it in this run, which has read private data and read what anybody may have written"
    )


def test_what_no_run_may_do_is_not_known_to_exist() -> None:
    found = decision(TAINTED, rule("all"), rule("never"), rule("trifecta", *BOTH))
    assert isinstance(found, Deny)
    assert (found.rule, found.open, found.said) == ("never", False, "")


def test_a_resource_that_a_run_may_not_read_any_more_is_open_as_well() -> None:
    """Nothing is known of the arguments of what has none."""
    found = decision(Ask(1.0, None, "resources/read", run=BOTH), rule("all"), rule("trifecta", *BOTH))
    assert isinstance(found, Deny)
    assert found.open


def test_an_allow_waits_as_well_and_says_what_for() -> None:
    assert isinstance(decision(UNKNOWN, rule("then", "crm.look")), Allow)
    found = decision(CLEAN, rule("then", "crm.look", "private"))
    assert isinstance(found, Deny)
    assert (found.reason, found.open) == (Reason.CONDITION, True)
    assert found.said == ("the rule then allows it only in a run that has read private data and used crm.look before")
    assert isinstance(decision(Ask(run=frozenset({"crm.look"})), rule("then", "crm.look")), Allow)


def test_what_an_argument_lacks_is_said_where_the_run_has_what_it_needs() -> None:
    odd = Rule(
        "odd", DEV, test=lambda *_: FALSE, unfit=lambda _given: "path does not fit", after=frozenset({"private"})
    )
    found = [decision(ask, odd) for ask in (CLEAN, HALF)]
    assert ["path does not fit" in each.said for each in found if isinstance(each, Deny)] == [False, True]
    assert flows.lacking(odd, None) == flows.denied(odd, None) == flows.denied(odd, UNKNOWN) == ""


def test_what_was_met_is_said_as_people_say_it() -> None:
    assert flows.met({"crm.*", "guard:x", "changes", "outside"}) == (
        "sent something outside, changed something, used crm.* and had an answer in which the guard x found something"
    )
    assert After(BOTH).said == "after private and untrusted"
