"""What a caller would have needed, in the words of people. Pure."""

from __future__ import annotations

from typing import Final

from ostiary.core.model import Caller, Deny, Reason, Rule, Target

_SAID: Final = {"client": "token"}


def wanted(need: frozenset[str]) -> str:
    """Return one set of tags as people say it: `role developer or role lead`."""
    said = (each.partition(":") for each in sorted(need))
    return " or ".join(f"{_SAID.get(kind, kind)} {value}" if value else "anyone" for kind, _, value in said) or "nobody"


def needed(decision: Deny, caller: Caller, target: Target) -> str:
    """Return why a call was denied and what would have been needed, for the ledger: never a value of an argument."""
    if decision.reason is not Reason.NO_RULE:
        said = f"{decision.reason}: {decision.rule}" if decision.rule else str(decision.reason)
        said = f"{said} ({decision.when})" if decision.when else said
        return f"{said}: {decision.said}" if decision.said else said
    rules = [rule for rule in target.allows if rule.needs]
    if not rules:
        return f"{decision.reason}: no rule allows it to anybody"
    nearest = min(rules, key=lambda rule: (len(_lacking(rule, caller)), rule.name))
    lacking = ", and ".join(wanted(need) for need in _lacking(nearest, caller))
    return f"{decision.reason}: {nearest.name} needs {lacking}"


def _lacking(rule: Rule, caller: Caller) -> list[frozenset[str]]:
    return [need for need in rule.needs if need.isdisjoint(caller.tags)]
