"""Decide whether a caller may reach a target. Pure, total, and short on purpose.

Three sentences are the whole policy language: no rule, no access; a matching deny always wins; otherwise one
matching allow is enough. Order never matters: where several allow, the compiler put those that keep what is said first,
and then those without a limit.
A condition only narrows its rule. Where it cannot be evaluated, or nothing is known to evaluate it with, an allow rule
allows nothing and a deny rule denies.

What people have to approve is allowed here, with what that takes: whoever acts on a decision has to look at it. An
allow that takes nobody's approval wins over one that does; of those that do, the one that takes the fewest people.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ostiary.core.model import Allow, Caller, Decision, Deny, Reason, Rule, Target
from ostiary.core.rules import ERROR, FALSE, TRUE, Approval, Ask
from ostiary.policy import flows

OUT_OF_REACH: Final = "token-reach"
"""The rule named when the credential itself is narrowed to something else."""
_NO_RULE: Final = Deny(Reason.NO_RULE)
_FINAL: Final = frozenset({Reason.DENY_RULE, Reason.UNDECIDED, Reason.QUARANTINED})
"""Denials that no allow rule would undo."""


def decide(caller: Caller, target: Target, ask: Ask | None = None) -> Decision:
    """Return `Allow` or `Deny`, always with the rule that made the difference.

    An `ask` without arguments asks whether some arguments may be allowed, which is what a listing wants to know; one
    without a run, whether some run may be.
    """
    if target.careful:
        return _careful(caller, target, ask)
    tags = caller.tags
    if caller.reach and target.server and _beyond(caller, target):
        return Deny(Reason.DENY_RULE, OUT_OF_REACH)
    for rule in target.denies:
        if met(rule, tags):
            return Deny(Reason.QUARANTINED if rule.quarantine else Reason.DENY_RULE, rule.name)
    lacking: Rule | None = None
    for rule in target.allows:
        if not rule.needs or not met(rule, tags):
            continue
        if rule.scopes <= caller.scopes:
            return Allow(rule.name, rule.charges + target.charges, rule.approvals, capture=rule.capture)
        if lacking is None or _missing(rule, caller) < _missing(lacking, caller):
            lacking = rule
    if lacking is None:
        return _NO_RULE
    return Deny(Reason.MISSING_SCOPE, lacking.name, lacking.scopes - caller.scopes, lacking.scopes)


def _careful(caller: Caller, target: Target, ask: Ask | None) -> Decision:
    """Decide where rules have conditions."""
    decision = _weighed(caller, target, ask)
    if isinstance(decision, Allow) or ask is None or (ask.arguments is None and ask.run is None):
        return decision
    other = _weighed(caller, target, msgspec.structs.replace(ask, arguments=None, run=None))
    return msgspec.structs.replace(decision, open=True) if isinstance(other, Allow) else decision


def _weighed(caller: Caller, target: Target, ask: Ask | None) -> Decision:
    if caller.reach and target.server and _beyond(caller, target):
        return Deny(Reason.DENY_RULE, OUT_OF_REACH)
    unless: tuple[Approval, ...] = ()
    for rule in target.denies:
        outcome = came(rule, caller, ask)
        if not outcome or outcome & FALSE:
            continue
        if rule.approvals and outcome & TRUE:
            # One that cannot be evaluated denies, whoever approves: nobody knows what they would be asked.
            unless += rule.approvals
            continue
        return Deny(_against(rule, outcome), rule.name, when=rule.when, said=flows.denied(rule, ask))
    decision = _granted(caller, target, ask)
    if unless and isinstance(decision, Allow):
        return msgspec.structs.replace(decision, approvals=decision.approvals + unless)
    return decision


def _granted(caller: Caller, target: Target, ask: Ask | None) -> Decision:
    """Return what the allows come to, where no rule denies."""
    lacking: Rule | None = None
    nearest: Rule | None = None
    for rule in target.allows:
        if not rule.needs or not met(rule, caller.tags):
            continue
        if not came(rule, caller, ask) & TRUE:
            nearest = rule if nearest is None or rule.name < nearest.name else nearest
        elif rule.scopes <= caller.scopes:
            return Allow(rule.name, rule.charges + target.charges, rule.approvals, capture=rule.capture)
        elif lacking is None or _missing(rule, caller) < _missing(lacking, caller):
            lacking = rule
    if lacking is not None:
        return Deny(Reason.MISSING_SCOPE, lacking.name, lacking.scopes - caller.scopes, lacking.scopes)
    return _NO_RULE if nearest is None else _unheld(nearest, ask)


def _unheld(rule: Rule, ask: Ask | None) -> Deny:
    """Return the denial by what a rule demands, with the argument that does not fit."""
    said = flows.lacking(rule, ask)
    if not said and rule.unfit is not None and ask is not None and ask.arguments is not None:
        said = rule.unfit(ask.arguments) or ""
    return Deny(Reason.CONDITION, rule.name, when=rule.when, said=said)


def _against(rule: Rule, outcome: int) -> Reason:
    if rule.quarantine:
        return Reason.QUARANTINED
    return Reason.DENY_RULE if outcome & TRUE else Reason.UNDECIDED


def came(rule: Rule, caller: Caller, ask: Ask | None) -> int:
    """Return what may come of a rule for a caller: 0 where it does not speak of them, else as its condition has it."""
    if not met(rule, caller.tags):
        return 0
    if rule.test is None:
        return TRUE
    return ERROR if ask is None else rule.test(caller, ask)


def rehearsals(caller: Caller, target: Target, ask: Ask | None, decision: Decision) -> list[str]:
    """Return what shadow rules would have made of a decision, in the words of the ledger."""
    said = []
    for allows, rule in target.rehearsed:
        outcome = came(rule, caller, ask)
        if allows:
            stopped = isinstance(decision, Deny) and decision.reason not in _FINAL
            if stopped and rule.needs and outcome & TRUE and rule.scopes <= caller.scopes:
                said.append(f"shadow: {rule.name} would {'hold' if rule.approvals else 'allow'}")
        elif isinstance(decision, Allow) and outcome and not outcome & FALSE:
            said.append(f"shadow: {rule.name} would {'hold' if rule.approvals and outcome & TRUE else 'deny'}")
    return said


def at_once(decision: Decision) -> bool:
    """Say whether something is allowed, and nobody has to approve it first."""
    return isinstance(decision, Allow) and not decision.approvals


def _beyond(caller: Caller, target: Target) -> bool:
    return target.server not in caller.reach or (caller.within is not None and not caller.within(target.label))


def _missing(rule: Rule, caller: Caller) -> tuple[int, str]:
    # One rule is enough, so the one that takes the least more is named: all its scopes at once (2026-07-28,
    # "Runtime Insufficient Scope Errors"), and none of the other rules', which nobody needs for this.
    return len(rule.scopes - caller.scopes), rule.name


def met(rule: Rule, tags: frozenset[str]) -> bool:
    """Say whether the caller has a tag in each of the rule's sets."""
    for need in rule.needs:  # noqa: SIM110 - a loop costs half of all() on the hot path
        if need.isdisjoint(tags):
            return False
    return True
