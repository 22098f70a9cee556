"""How limits fare, for those who watch them: in numbers that name no caller. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from heapq import nlargest
from operator import itemgetter
from typing import Final

from ostiary.adapters.store.limits_bill import Key
from ostiary.core.model import Charge
from ostiary.policy import budgets
from ostiary.policy.budgets import Account

MOST: Final = 64
"""Teams, servers, tools and views that are told apart of one budget: those that have used most of theirs."""
_NAMED: Final = frozenset({"all", "team", "server", "tool", "view"})
"""What may stand in a metric. Who somebody is, and what programs call themselves, may not."""


class Fares:
    """What became of limits that bound money, or are rehearsed, since the gateway began."""

    __slots__ = ("charges", "refused", "shadowed", "warned")

    def __init__(self) -> None:
        self.charges: dict[str, Charge] = {}
        """The budgets, by the first part of their keys."""
        self.refused: Counter[str] = Counter()
        self.warned: Counter[str] = Counter()
        self.shadowed: Counter[str] = Counter()
        """Calls, and warnings, by limit."""

    def used(self, accounts: Mapping[Key, Account], now: float) -> dict[tuple[str, str], float]:
        """Return by limit, and by what is not a person, the part of the budget that was spent in the open window.

        Where callers have one each, it is that of whoever spent most.
        """
        found: defaultdict[str, dict[tuple[str, str], float]] = defaultdict(dict)
        for key, account in accounts.items():
            charge = self.charges[key[0]]
            budget, label = charge.budget, (charge.bucket, _whose(charge, key))
            if budget is None:
                continue
            part = budgets.current(account, budget, now).spent / budget.micros
            found[charge.bucket][label] = max(part, found[charge.bucket].get(label, 0.0))
        return dict(each for one in found.values() for each in nlargest(MOST, one.items(), itemgetter(1)))


def _whose(charge: Charge, key: Key) -> str:
    named = key[1:] if _NAMED.issuperset(charge.per.split("+")) else ()
    return " ".join(each for each in (*charge.within[:-1], *named) if each)
