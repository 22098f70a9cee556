"""How `ostiary why` and `ostiary who-can` say what they found."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ostiary.core.model import Allow, Charge, Decision, Kind, Target
from ostiary.entry.cli.terminal import Cell, line, say, styled, table
from ostiary.operate.explain import Line, Told, charge


class Answer(Struct, frozen=True):
    """One caller's answer."""

    who: str
    told: Told
    hindrances: tuple[str, ...]
    """What stops the call although the rules may allow it."""
    charges: tuple[Charge, ...] = ()

    @property
    def allowed(self) -> bool:
        """The call would go through."""
        return self.told.allowed and not self.hindrances


class Access(Struct, frozen=True):
    """Everything that one caller can use."""

    who: str
    hindrance: str
    entries: tuple[tuple[Target, str, str], ...]
    """Target, rule, and what the rule demands besides."""


def plain(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON."""
    decision = answer.told.decision
    return {
        "who": answer.who,
        "allowed": answer.allowed,
        "held": isinstance(decision, Allow) and bool(decision.approvals),
        "decision": "allow" if isinstance(decision, Allow) else "deny",
        "rule": decision.rule,
        "reason": None if isinstance(decision, Allow) else str(decision.reason),
        "because": answer.told.because,
        "hindrances": list(answer.hindrances),
        "charges": [charge(each) for each in answer.charges],
        "kept": _kept(decision) or None,
        "rehearsed": list(answer.told.rehearsed),
        "rules": [_plain_line(each) for each in answer.told.lines],
    }


def _plain_line(each: Line) -> dict[str, Any]:
    conditions = {
        "when": each.when, "outcome": each.outcome, "reads": dict(each.reads),
        "parts": [{"text": text, "outcome": outcome} for text, outcome in each.parts],
    }  # fmt: skip
    return {
        "rule": each.rule, "effect": each.effect, "patterns": list(each.patterns), "covers": each.covers,
        "applies": _applies(each), "needs": [*each.needs, *(f"scope {scope}" for scope in each.scopes)],
        **({"shadow": True} if each.shadow else {}), **({"approval": each.approval} if each.approval else {}),
        **(conditions if each.when else {}),
    }  # fmt: skip


def _applies(each: Line) -> bool:
    failing = ("does not hold",) if each.effect == "deny" else ("does not hold", "cannot be evaluated")
    return each.met and not each.scopes and each.outcome not in failing


def tell(answer: Answer, target: Target) -> None:
    """Say a decision, rule by rule."""
    verdict = "may use" if answer.allowed else "may not use"
    line(f"{answer.who} {verdict} {target.label}", "bold green" if answer.allowed else "bold red")
    line(f"  The rules: {answer.told.because}.")
    for each in answer.hindrances:
        line(f"  But: {each}.", "red")
    rows = [_row(each) for each in answer.told.lines if each.covers]
    if rows:
        table(("RULE", "SAYS", "FOR THIS CALLER"), rows)
    for rule in answer.told.lines:
        _conditions(rule)
    silent = [each.rule for each in answer.told.lines if not each.covers]
    if silent:
        line(f"  Does not speak of it: {', '.join(silent)}.")
    for said in answer.told.rehearsed:
        line(f"  Rehearsed, and not enforced: {said.removeprefix('shadow: ')}.", "yellow")
    for bucket in answer.charges if answer.allowed else ():
        line(f"  Counts towards {charge(bucket)}.")
    if answer.allowed and (kept := _kept(answer.told.decision)):
        line(f"  Kept, sealed for auditors: {kept}.")


def _kept(decision: Decision) -> str:
    return decision.capture.said if isinstance(decision, Allow) and decision.capture is not None else ""


def _conditions(each: Line) -> None:
    if not each.covers or not each.met or not each.when:
        return
    line(f"  {each.rule}: {each.when}")
    for text, outcome in each.parts:
        line(f"    {text}: {outcome}", "green" if outcome == "holds" else "yellow")
    for name, value in each.reads.items():
        line(f"    {name} is {value!r}")


def _row(each: Line) -> list[Cell]:
    says = f"{each.effect} (rehearsed)" if each.shadow else each.effect
    if _applies(each):
        word = "may apply" if each.outcome == "may hold" else "applies"
        if each.approval:
            word = f"{word}, {'once' if each.effect == 'allow' else 'unless'} approved by {each.approval}"
        return [each.rule, says, styled(word, "green" if each.effect == "allow" else "red")]
    if each.met and not each.scopes:
        return [each.rule, says, styled(f"its condition {each.outcome}", "yellow")]
    wanted = ", and ".join((*each.needs, *(f"scope {scope}" for scope in each.scopes))) or "nobody: it names no one"
    return [each.rule, says, styled(f"would need {wanted}", "yellow")]


def access_plain(access: Access) -> dict[str, Any]:
    """Return what somebody can use as JSON."""
    return {
        "who": access.who,
        "hindrance": access.hindrance or None,
        "can": [
            {"label": target.label, "kind": str(target.kind), "rule": rule, "when": when or None}
            for target, rule, when in access.entries
        ],
    }


def tell_access(access: Access) -> None:
    """Say everything that somebody can use."""
    line(f"{access.who} may use {len(access.entries):,} things", "bold")
    if access.hindrance:
        line(f"  But: {access.hindrance}.", "red")
    if access.entries:
        rows = [(target.label, _kind(target), rule, when) for target, rule, when in access.entries]
        table(("WHAT", "KIND", "BY RULE", "ONLY IF"), rows)
    if not access.entries:
        say("No rule allows them anything that was approved.", "yellow")


def _kind(target: Target) -> str:
    return "resources" if target.kind is Kind.TEMPLATE else str(target.kind)
