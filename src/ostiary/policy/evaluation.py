"""Evaluate a condition for one call, or for all calls that a listing stands for. Pure: time comes in as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from ostiary.core.model import Caller
from ostiary.core.rules import ERROR, FALSE, TRUE, Ask
from ostiary.policy.conditions import CALL, Branch, Condition, Steps

ANY: Final = TRUE | FALSE | ERROR
LONGEST: Final = 64 * 1024
"""Characters that a condition looks at in one call; a call with more in what it reads is an error."""
MOST: Final = 1_000
"""Values that it looks at."""
_EXACT: Final = 2**53
_SETS: Final = frozenset({"roles", "teams", "scopes"})


class Bound(Struct, frozen=True):
    """A condition that fits a tool: how its arguments are made ready, and what is known of the tool."""

    condition: Condition
    reads: frozenset[str]
    """The roots it reads; `method` instead of `call` where that is what it reads of the call."""
    wanted: tuple[Wanted, ...]
    caller: tuple[str, ...]
    claims: tuple[Wanted, ...]
    tool: Mapping[str, Any] | None
    """None: nothing is known of the tool."""
    args: bool
    now: bool
    call: bool

    def __call__(self, caller: Caller, ask: Ask) -> int:
        """Return what may come of it; `ERROR` whenever it cannot be told."""
        unknown = self._unknown(ask)
        try:
            given = self._given(caller, ask)
        except _Excess:
            return ERROR
        if unknown is None:
            return _outcome(self.condition.program, given)
        return possible(self.condition.tree, given, unknown)

    def leaves(self, caller: Caller, ask: Ask) -> Iterator[tuple[str, int]]:
        """Yield each part and what may come of it, for explaining."""
        unknown = self._unknown(ask) or frozenset()
        given = self._known(caller, ask)
        for leaf in _leaves(self.condition.tree):
            yield leaf.text, possible(leaf, given, unknown)

    def values(self, caller: Caller, ask: Ask) -> dict[str, Any]:
        """Return what it reads, and the value of each, for explaining."""
        given = self._known(caller, ask)
        found = {}
        for steps in sorted(self.condition.uses):
            here: Any = given
            for step in steps:
                here = here.get(step, _NOTHING) if isinstance(here, Mapping) else _NOTHING
            if here is not _NOTHING:
                found[".".join(steps)] = here
        return found

    def _known(self, caller: Caller, ask: Ask) -> dict[str, Any]:
        try:
            return self._given(caller, ask)
        except _Excess:
            return {}

    def _unknown(self, ask: Ask) -> frozenset[str] | None:
        """Return the roots of which nothing is known; None where everything that is read is known."""
        if ask.arguments is not None and ask.now is not None and ask.method and self.tool is not None and ask.placed:
            return None
        missing = {
            "args": ask.arguments is None, "now": ask.now is None, "tool": self.tool is None,
            "call": not ask.placed, "method": not (ask.placed and ask.method),
        }  # fmt: skip
        return frozenset(each for each in self.reads if missing.get(each)) or None

    def _given(self, caller: Caller, ask: Ask) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if self.args and ask.arguments is not None:
            given["args"] = _picked(ask.arguments, self.wanted, [MOST, LONGEST])
        if self.caller:
            given["caller"] = self._asking(caller)
        if self.tool is not None:
            given["tool"] = self.tool
        if self.call:
            given["call"] = {name: getattr(ask, name) for name in CALL}
        if self.now and ask.now is not None:
            given["now"] = datetime.fromtimestamp(ask.now, UTC)
        return given

    def _asking(self, caller: Caller) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in self.caller:
            value = getattr(caller, name)
            if name == "claims":
                value = _picked(value, self.claims, [MOST, LONGEST])
            found[name] = sorted(value) if name in _SETS else value
        return found


class Wanted(Struct, frozen=True):
    """One argument that a condition reads."""

    name: str
    below: tuple[Wanted, ...] = ()
    """The parts of it that are read; none: the whole."""
    cast: str = ""
    """`float` or `int`: what JSON's numbers have to be, so that the engine can calculate with them."""


class _Excess(Exception):
    """More was to be looked at than a condition looks at."""


_NOTHING: Final = object()


def bound(it: Condition, casts: Mapping[Steps, str], tool: Mapping[str, Any] | None) -> Bound:
    """Return the test that a condition is for one tool; `tool` is None where nothing is known of it yet."""
    every = it.uses | it.tested
    reads = frozenset(each[0] if each[:2] != ("call", "method") else "method" for each in every)
    of_caller = {each[1:] for each in every if each[0] == "caller"}
    claims = {each[1:] for each in of_caller if each[0] == "claims" and len(each) > 1}
    return Bound(
        it,
        reads,
        _wanted(it.arguments, casts),
        tuple(sorted({each[0] for each in of_caller})),
        () if ("claims",) in of_caller else _wanted(claims, {}),
        tool if tool is None or "tool" in reads else {},
        "args" in reads,
        "now" in reads,
        "call" in reads or "method" in reads,
    )


def _wanted(ways: Iterable[Steps], casts: Mapping[Steps, str], before: Steps = ()) -> tuple[Wanted, ...]:
    by_name: dict[str, set[Steps]] = {}
    for way in ways:
        by_name.setdefault(way[0], set()).add(way[1:])
    return tuple(
        Wanted(
            name,
            () if () in rest else _wanted(rest, casts, (*before, name)),
            casts.get((*before, name), ""),
        )
        for name, rest in sorted(by_name.items())
    )


def _picked(given: Mapping[str, Any], wanted: tuple[Wanted, ...], left: list[int]) -> dict[str, Any]:
    """Return what is read of arguments or claims, and nothing else of them; all of it counts towards what is `left`."""
    if not wanted:
        _weigh(given, left)
        return dict(given)
    found: dict[str, Any] = {}
    for each in wanted:
        value = given.get(each.name, _NOTHING)
        if value is _NOTHING:
            continue
        if each.below and isinstance(value, Mapping):
            found[each.name] = _picked(value, each.below, left)
            continue
        _weigh(value, left)
        found[each.name] = _cast(value, each.cast) if each.cast else value
    return found


def _weigh(value: Any, left: list[int]) -> None:
    stack = [value]
    while stack:
        each = stack.pop()
        left[0] -= 1
        if isinstance(each, str):
            left[1] -= len(each)
        elif isinstance(each, Mapping):
            left[1] -= sum(map(len, each))
            stack += each.values()
        elif isinstance(each, list):
            stack += each
        if left[0] < 0 or left[1] < 0:
            raise _Excess


def _cast(value: Any, cast: str) -> Any:
    # What cannot be converted exactly stays as it is: to compare is still exact then, to calculate is an error.
    if cast == "float" and type(value) is int and -_EXACT <= value <= _EXACT:
        return float(value)
    if cast == "int" and type(value) is float and value.is_integer() and -_EXACT <= value <= _EXACT:
        return int(value)
    return value


# Evaluating


def _outcome(program: Any, given: dict[str, Any]) -> int:
    try:
        value = program.eval(data=given).value()
    except (RuntimeError, TypeError, ValueError, OverflowError):
        return ERROR
    return TRUE if value is True else FALSE if value is False else ERROR


def possible(branch: Branch, given: dict[str, Any], unknown: frozenset[str]) -> int:
    """Return all that may come of a part where what these roots hold is not known."""
    if branch.word == "leaf":
        return ANY if branch.reads & unknown else _outcome(branch.program, given)
    found = [possible(each, given, unknown) for each in branch.parts]
    if branch.word == "not":
        return _NOT[found[0]]
    return (_AND if branch.word == "and" else _OR)[found[0], found[1]]


def _leaves(branch: Branch) -> Iterator[Branch]:
    if branch.word == "leaf":
        yield branch
    for each in branch.parts:
        yield from _leaves(each)


def both(left: int, right: int) -> int:
    """Return all that may come of two tests that must both hold."""
    return _AND[left, right]


_ALL: Final = (TRUE, FALSE, ERROR)
_NOT: Final = {
    mask: sum({TRUE: FALSE, FALSE: TRUE, ERROR: ERROR}[each] for each in _ALL if mask & each) for mask in range(8)
}


def _table(decisive: int) -> dict[tuple[int, int], int]:
    """Return, for masks of both sides, what may come of `&&` (decisive: FALSE) or `||` (decisive: TRUE)."""
    other = FALSE + TRUE - decisive

    def joined(left: int, right: int) -> int:
        if decisive in (left, right):
            return decisive
        return other if left == right == other else ERROR

    found = {}
    for left in range(8):
        for right in range(8):
            met = {joined(one, two) for one in _ALL if left & one for two in _ALL if right & two}
            found[left, right] = sum(met)
    return found


_AND: Final = _table(FALSE)
_OR: Final = _table(TRUE)
