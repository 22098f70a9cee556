"""`approval` and `unless_approved` in rules: what they are read as, and what is refused."""

from __future__ import annotations

import pytest

from ostiary.config import expect
from ostiary.config.checking import tried
from ostiary.config.policy import Policy
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Decision, Deny, Reason
from ostiary.core.rules import Approval, Ask
from ostiary.policy.decide import at_once

SMALL = "{name: small, allow: [crm.refund], teams: [support], when: args.amount <= 100}"
LARGE = "{name: large, allow: [crm.refund], teams: [support], approval: {by: [lead], quorum: 2, within: 1h}}"
FEWER = "{name: zfewer, allow: [crm.refund], teams: [support], approval: {by: [lead]}}"
TRIFECTA = "{name: trifecta, deny: ['*'], sends: outside, after: [private, untrusted], unless_approved: {by: [ciso]}}"
DENYING = (
    "rules[0].approval: is only for rules that allow; write unless_approved: it denies unless people approve the call"
)
MAIL = "{name: mail, allow: ['mail.*'], teams: [support]}"


def config(*rules: str, expected: str = "[]") -> tuple[Config | None, list[str]]:
    head = 'gateway: {url: "http://127.0.0.1:8080"}\nservers: {crm: {command: [crm]}, mail: {command: [mail]}}\nrules:'
    text = "\n".join([head, *(f"  - {each}" for each in rules), f"expect: {expected}"])
    document, problems = tried(text, "ostiary.yaml")
    found = [f"{each.path}: {each.message}; {each.suggestion}" for each in problems]
    return (document.config if document is not None else None), found


def policy(*rules: str) -> Policy:
    found, problems = config(*rules)
    assert found is not None, problems
    return Policy(found)


def asked(it: Policy, label: str, ask: Ask) -> Decision:
    return expect.decided(it, expect.described("ana", teams=("support",)), label, ask)


def test_a_rule_says_whose_approval_it_wants() -> None:
    decision = asked(policy(LARGE), "crm.refund", Ask(arguments={"amount": 500}))
    assert decision == Allow("large", (), (Approval("large", frozenset({"lead"}), 2, 3600.0),))


def test_absent_keys_mean_one_person_within_a_quarter_of_an_hour() -> None:
    decision = asked(policy(FEWER), "crm.refund", Ask())
    assert decision == Allow("zfewer", (), (Approval("zfewer", frozenset({"lead"}), 1, 900.0),))


def test_the_least_demanding_allow_decides() -> None:
    it = policy(LARGE, SMALL, FEWER)
    assert asked(it, "crm.refund", Ask(arguments={"amount": 50})) == Allow("small")
    decision = asked(it, "crm.refund", Ask(arguments={"amount": 500}))
    assert isinstance(decision, Allow)
    assert decision.rule == "zfewer"


def test_what_a_run_must_not_do_alone_takes_an_approval() -> None:
    """issue 6: after untrusted text and private data in one run, nothing that sends outside without approval."""
    it = policy(MAIL, TRIFECTA)
    assert at_once(asked(it, "mail.send", Ask(run=frozenset({"private"}))))
    decision = asked(it, "mail.send", Ask(run=frozenset({"private", "untrusted"})))
    assert decision == Allow("mail", (), (Approval("trifecta", frozenset({"ciso"})),))
    assert asked(it, "crm.other", Ask(run=frozenset({"private", "untrusted"}))) == Deny(Reason.NO_RULE)


def test_rules_with_approval_make_their_targets_careful() -> None:
    """What `careful` says keeps a call from the way that skips what was said before."""
    assert policy(LARGE).rules("crm.refund").careful
    assert policy(LARGE).careful
    assert not policy(MAIL).rules("mail.send").careful


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{name: a, deny: [crm.x], approval: {by: [lead]}}",
         DENYING),
        ("{name: a, allow: [crm.x], roles: [a], unless_approved: {by: [lead]}}",
         "rules[0].unless_approved: is only for rules that deny; write approval: it allows what people approve"),
        ("{name: a, allow: [crm.x], roles: [a], approval: {quorum: 1}}",
         "rules[0].approval.by: is required; add it: roles; whoever has one of them may approve"),
        ("{name: a, allow: [crm.x], roles: [a], approval: {by: []}}",
         "rules[0].approval.by: must not be empty; fill it, or remove the key"),
        ("{name: a, allow: [crm.x], roles: [a], approval: {by: [lead], quorum: 0}}",
         "rules[0].approval.quorum: must be at least 1; write 1 or more"),
        ("{name: a, allow: [crm.x], roles: [a], approval: {by: [lead], within: 2d}}",
         "rules[0].approval.within: is not between ten seconds and a day; write a duration such as 15m or 4h"),
    ],
)  # fmt: skip
def test_what_widens_or_means_nothing_is_refused(rule: str, said: str) -> None:
    assert said in config(rule)[1]


def test_expectations_tell_what_is_held() -> None:
    who = "who: {teams: [support]}"
    expected = f"[{{{who}, args: {{amount: 500}}, can: [crm.refund], held: [crm.refund]}}]"
    assert config(SMALL, LARGE, expected=expected)[1] == []
    assert config(LARGE, expected=f"[{{{who}, cannot: [crm.refund]}}]")[1] == [
        "expect[0].cannot[0]: crm.refund is allowed by 'large'; narrow that rule, or move this to can"
    ]


@pytest.mark.parametrize(
    ("rules", "label", "said"),
    [
        ((MAIL,), "mail.send", "mail.send is allowed by 'mail' at once; narrow that rule, or move this to can"),
        ((LARGE,), "mail.send", "mail.send is denied: no rule allows it; write a rule with approval, or move this to cannot"),
    ],
)  # fmt: skip
def test_what_should_be_held_and_is_not_is_a_problem(rules: tuple[str, ...], label: str, said: str) -> None:
    found = config(*rules, expected=f"[{{who: {{teams: [support]}}, held: [{label}]}}]")[1]
    assert found == [f"expect[0].held[0]: {said}"]


def test_an_expectation_is_not_both() -> None:
    found = config(LARGE, expected="[{who: {teams: [support]}, held: [crm.refund], cannot: [crm.refund]}]")[1]
    assert "is expected both ways" in found[0]
