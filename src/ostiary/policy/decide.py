"""Decide whether a caller may reach a target. Pure, total, and short on purpose.

Three sentences are the whole policy language: no rule, no access; a matching deny always wins; otherwise one
matching allow is enough. Order never matters: where several allow, the compiler put those without a limit first.
"""

from __future__ import annotations

from typing import Final

from ostiary.core.model import Allow, Caller, Decision, Deny, Reason, Rule, Target

OUT_OF_REACH: Final = "token-reach"
"""The rule named when the credential itself is narrowed to other servers."""
_NO_RULE: Final = Deny(Reason.NO_RULE)


def decide(caller: Caller, target: Target) -> Decision:
    """Return `Allow` or `Deny`, always with the rule that made the difference."""
    tags = caller.tags
    if caller.reach and target.server and target.server not in caller.reach:
        return Deny(Reason.DENY_RULE, OUT_OF_REACH)
    for rule in target.denies:
        if met(rule, tags):
            return Deny(Reason.DENY_RULE, rule.name)
    denied = _NO_RULE
    for rule in target.allows:
        if not rule.needs or not met(rule, tags):
            continue
        if rule.scopes <= caller.scopes:
            return Allow(rule.name, rule.charges + target.charges)
        denied = Deny(Reason.MISSING_SCOPE, rule.name, rule.scopes - caller.scopes)
    return denied


def met(rule: Rule, tags: frozenset[str]) -> bool:
    """Say whether the caller has a tag in each of the rule's sets."""
    for need in rule.needs:  # noqa: SIM110 - a loop costs half of all() on the hot path
        if need.isdisjoint(tags):
            return False
    return True
