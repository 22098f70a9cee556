"""What a rule looks at besides who asks for what, and what came of it for a call of the past. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.config.policy import During, Every
from ostiary.core.model import Caller, Rule, Target
from ostiary.core.rules import ERROR, FALSE, TRUE, Ask, Test
from ostiary.operate.past import HIDDEN, rebuilt
from ostiary.policy.checks.demands import Demanded
from ostiary.policy.conditions import Steps
from ostiary.policy.decide import came, met
from ostiary.policy.evaluation import ANY, Bound

NEVER, MINUTES, ALWAYS = range(3)
"""How finely the time counts."""


class Look(Struct, frozen=True):
    """One rule, and what it looks at."""

    rule: Rule
    allows: bool
    ways: frozenset[Steps] = frozenset()
    """To arguments."""
    tested: frozenset[Steps] = frozenset()
    """Those of which it counts only whether they are there."""
    claims: bool = False
    call: bool = False
    now: int = NEVER


class Outcome(Struct, frozen=True):
    """What may have come of a rule for one call."""

    mask: int
    arguments: bool = False
    """More may have come of it, for it reads arguments that the ledger hides."""
    claims: bool = False
    """Or claims."""

    @property
    def open(self) -> bool:
        """It cannot be told what came of it."""
        return (self.arguments or self.claims) and self.mask not in (0, TRUE, FALSE, ERROR)


def looks(target: Target) -> tuple[Look, ...]:
    """Return what each rule looks at that covers a target: allows, denies, then those that are rehearsed."""
    return (
        *(_look(rule, allows=True) for rule in target.allows),
        *(_look(rule, allows=False) for rule in target.denies),
        *(_look(rule, allows=allows) for allows, rule in target.rehearsed),
    )


def _look(rule: Rule, *, allows: bool) -> Look:
    tests = list(_single(rule.test))
    ways: set[Steps] = set()
    used: set[Steps] = set()
    claims = call = False
    now = MINUTES if any(isinstance(test, During) for test in tests) else NEVER
    for test in tests:
        if isinstance(test, Demanded):
            ways |= (found := {each.way for each in test.wanted})
            used |= found
        elif isinstance(test, Bound):
            ways |= test.condition.arguments
            used |= {each[1:] for each in test.condition.uses if each[0] == "args"}
            claims = claims or "claims" in test.caller
            call = call or test.call
            now = ALWAYS if test.now else now
    return Look(rule, allows, frozenset(ways), frozenset(ways - used), claims, call, now)


def _single(test: Test | None) -> Iterator[Test]:
    for each in test.tests if isinstance(test, Every) else (test,):
        if each is not None:
            yield each


def outcome(look: Look, caller: Caller, ask: Ask, arguments: Any, *, claims: bool) -> Outcome:
    """Return what may have come of a rule; `arguments` are what it reads of them, `claims` whether there were any."""
    if not met(look.rule, caller.tags):
        return Outcome(0)
    if look.claims and claims:
        return Outcome(ANY, claims=True)
    if arguments is HIDDEN:
        return Outcome(came(look.rule, caller, ask), arguments=True)
    return Outcome(came(look.rule, caller, msgspec.structs.replace(ask, arguments=arguments)))


def read(look: Look, masked: Any, target: Target) -> Any:
    """Return what a rule reads of arguments, as far as their shape gives it away."""
    return rebuilt(masked, target.fixed, look.ways, look.tested) if look.ways else {}


# Deciding with what is not known taken one way or the other


def settled(
    target: Target, every: tuple[Look, ...], came_of: tuple[Outcome, ...], *, allow: bool, deny: bool
) -> Target:
    """Return the target with every test replaced by what came of it.

    Where that is open, `allow` and `deny` say whether rules of each kind are taken to apply.
    """
    rules = [
        _settled(look, outcome, applies=allow if look.allows else deny)
        for look, outcome in zip(every, came_of, strict=True)
    ]
    first, second = len(target.allows), len(target.allows) + len(target.denies)
    rehearsed = zip((look.allows for look in every[second:]), rules[second:], strict=True)
    return msgspec.structs.replace(
        target, allows=tuple(rules[:first]), denies=tuple(rules[first:second]), rehearsed=tuple(rehearsed)
    )


def _settled(look: Look, outcome: Outcome, *, applies: bool) -> Rule:
    if look.rule.test is None and not outcome.open:
        return look.rule
    mask = _leaning(outcome.mask, allows=look.allows, applies=applies) if outcome.open else outcome.mask
    return msgspec.structs.replace(look.rule, test=_CONSTANT[mask], unfit=None)


def _leaning(mask: int, *, allows: bool, applies: bool) -> int:
    """Return what came of a rule if it applies wherever it may, or only where it must: an error makes a deny apply."""
    if allows:
        return TRUE if applies and mask & TRUE else FALSE
    if applies:
        return mask & ~FALSE or FALSE
    return FALSE if mask & FALSE else mask


def _constantly(mask: int) -> Callable[[Any, Ask], int]:
    return lambda _caller, _ask: mask


_CONSTANT: Final = {mask: _constantly(mask) for mask in range(ANY + 1)}
