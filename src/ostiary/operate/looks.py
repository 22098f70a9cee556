"""What a rule looks at besides who asks for what, and what came of it for a call of the past. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.config.policy import During, Every
from ostiary.core.model import Caller, Rule, Target
from ostiary.core.rules import ERROR, FALSE, TRUE, Ask, Test
from ostiary.operate.past import HIDDEN, modest, rebuilt
from ostiary.policy.checks.demands import Demanded
from ostiary.policy.conditions import Branch, Steps, condition
from ostiary.policy.decide import came, met
from ostiary.policy.evaluation import ANY, Bound, both

NEVER, MINUTES, ALWAYS = range(3)
"""How finely the time counts."""


class Leaf(Struct, frozen=True):
    """One part of what a rule tests, which is evaluated by itself."""

    test: Test
    ways: frozenset[Steps] = frozenset()
    tested: frozenset[Steps] = frozenset()
    size: bool = False
    """It counts only whether all that it reads is little enough to be looked at."""


class Joint(Struct, frozen=True):
    """`and`, `or` and `not` of parts; `sized`: of a whole condition, how much it reads, and the condition."""

    word: str
    parts: tuple[Joint | Leaf, ...]


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
    tree: Joint | Leaf | None = None
    """Its parts; None: it has no test, or one that cannot be taken apart."""
    leaves: tuple[Leaf, ...] = ()
    """Those of the tree, from left to right."""


class Outcome(Struct, frozen=True):
    """What may have come of a rule for one call."""

    mask: int
    arguments: bool = False
    """More may have come of it, for it reads arguments that the ledger hides."""
    claims: bool = False
    """Or claims."""
    run: bool = False
    """Or what the run had met before."""

    @property
    def open(self) -> bool:
        """It cannot be told what came of it."""
        return (self.arguments or self.claims or self.run) and self.mask not in (0, TRUE, FALSE, ERROR)


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
    tree = Joint("and", tuple(map(_tree, tests))) if tests else None
    leaves = tuple(_leaves(tree)) if tree else ()
    return Look(rule, allows, frozenset(ways), frozenset(ways - used), claims, call, now, tree, leaves)


def _tree(test: Test) -> Joint | Leaf:
    if isinstance(test, Demanded):
        return Joint("and", tuple(Leaf(Demanded((each,)), frozenset({each.way})) for each in test.wanted))
    if not isinstance(test, Bound):
        return Leaf(test)
    # Where all of it together is too much, the whole is an error, whatever one part of it says.
    size = Leaf(test, test.condition.arguments, size=True)
    return Joint("sized", (size, _branch(test, test.condition.tree)))


def _branch(test: Bound, branch: Branch) -> Joint | Leaf:
    if branch.word != "leaf":
        return Joint(branch.word, tuple(_branch(test, each) for each in branch.parts))
    it = condition(branch.text)
    used = {each[1:] for each in it.uses if each[0] == "args"}
    return Leaf(msgspec.structs.replace(test, condition=it), it.arguments, it.arguments - used)


def _leaves(tree: Joint | Leaf) -> Iterator[Leaf]:
    if isinstance(tree, Leaf):
        yield tree
        return
    for each in tree.parts:
        yield from _leaves(each)


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
    run = ask.run is None and bool(look.rule.after)
    if arguments is HIDDEN:
        return Outcome(came(look.rule, caller, ask), arguments=True, run=run)
    if isinstance(arguments, tuple) and look.tree is not None:
        return Outcome(_joined(look.tree, caller, ask, iter(arguments)), arguments=True, run=run)
    return Outcome(came(look.rule, caller, msgspec.structs.replace(ask, arguments=arguments)), run=run)


def _joined(tree: Joint | Leaf, caller: Caller, ask: Ask, given: Iterator[Any]) -> int:
    """Return what may have come of parts, of each of which it is `given` what it reads, or that this is hidden."""
    if isinstance(tree, Leaf):
        arguments = next(given)
        if tree.size:
            return 0 if arguments else ERROR
        return tree.test(caller, msgspec.structs.replace(ask, arguments=None if arguments is HIDDEN else arguments))
    found = [_joined(each, caller, ask, given) for each in tree.parts]
    if tree.word == "sized":
        return found[0] | found[1]
    if tree.word == "not":
        return _not(found[0])
    # It is false that one of them holds where it holds of each that it is false.
    return reduce(both, found) if tree.word == "and" else _not(reduce(both, map(_not, found)))


def _not(mask: int) -> int:
    return mask & ERROR | (FALSE if mask & TRUE else 0) | (TRUE if mask & FALSE else 0)


def read(look: Look, masked: Any, target: Target) -> Any:
    """Return what a rule reads of arguments, as far as their shape gives it away.

    Where it hides a part, that is what each part of the rule reads, one by one, each of which may be `HIDDEN`.
    """
    if not look.ways:
        return {}
    whole = rebuilt(masked, target.fixed, look.ways, look.tested)
    if whole is not HIDDEN:
        return whole
    return tuple(_read(leaf, masked, target) for leaf in look.leaves)


def _read(leaf: Leaf, masked: Any, target: Target) -> Any:
    if leaf.size:
        return modest(masked, leaf.ways)
    if not leaf.ways:
        return {}
    return rebuilt(masked, target.fixed, leaf.ways, leaf.tested, typed=isinstance(leaf.test, Demanded))


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
