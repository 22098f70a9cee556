"""What an agent run has met, and rules that look at it. Pure.

A run is tainted by what it called: by what people labelled it to read, by what guards found in its answers, and by
having called it. Taints are only ever added; so the order of calls decides, and nothing that is called undoes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.core.rules import FALSE, TRUE, Ask, Rule
from ostiary.core.screening import Flow

GUARD: Final = "guard:"
"""How a taint begins that says that a guard found something."""
LABELS: Final = frozenset(each.value for each in Flow)
_MET: Final[Mapping[str, str]] = {
    Flow.PRIVATE: "read private data",
    Flow.UNTRUSTED: "read what anybody may have written",
    Flow.OUTSIDE: "sent something outside",
    Flow.CHANGES: "changed something",
}


class After(Struct, frozen=True):
    """The test whether a run has met all of this before."""

    wanted: frozenset[str]

    def __call__(self, _caller: Any, ask: Ask) -> int:
        """Return what may come of it."""
        if ask.run is None:
            return TRUE | FALSE
        return TRUE if self.wanted <= ask.run else FALSE

    @property
    def said(self) -> str:
        """It, as people write it."""
        return said(self.wanted)


def said(wanted: Iterable[str]) -> str:
    """Return what a rule wants to have been met, as people say it."""
    return f"after {' and '.join(_ordered(wanted))}"


def met(taints: Iterable[str]) -> str:
    """Return what a run has met, as people say it."""
    told = [_MET.get(each) or _other(each) for each in _ordered(taints)]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _other(taint: str) -> str:
    if taint.startswith(GUARD):
        return f"had an answer in which the guard {taint.removeprefix(GUARD)} found something"
    return f"used {taint}"


def _ordered(taints: Iterable[str]) -> list[str]:
    """Return the labels in the order in which people think of them, then the rest by name."""
    order = [each.value for each in Flow]
    return sorted(taints, key=lambda each: (order.index(each) if each in LABELS else len(order), each))


def denied(rule: Rule, ask: Ask | None) -> str:
    """Return what to tell a client that a rule denies because of what its run met; nothing where that is not why."""
    if not rule.after or ask is None or ask.run is None:
        return ""
    return (
        f"the rule {rule.name} denies it in this run, which has {met(rule.after)} before. Trying again, or in other "
        "words, changes nothing: go on without it, or ask a person to do this step"
    )


def lacking(rule: Rule, ask: Ask | None) -> str:
    """Return what to tell a client whose run has not met yet what a rule wants; nothing where it has."""
    if ask is None or ask.run is None or rule.after <= ask.run:
        return ""
    return f"the rule {rule.name} allows it only in a run that has {met(rule.after - ask.run)} before"
