"""Lines of calls that wait for one in flight to end: in turns by caller, so that nobody starves the others."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from ostiary.adapters.store.limits_bill import Key, Owed, busy
from ostiary.core.errors import Limited
from ostiary.core.model import Charge
from ostiary.core.ports import Settle

LONGEST: Final = 1024
"""Calls that wait in one line."""


class Waiter:
    """One call that waits."""

    __slots__ = ("charge", "key", "owed", "paid", "who")

    def __init__(self, owed: Owed, who: Key, paid: asyncio.Future[Settle]) -> None:
        self.owed, self.who, self.paid = owed, who, paid
        self.charge: Charge
        self.key: Key
        """The line that it stands in."""


class Lines:
    """Every line, by what is waited for."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._lines: dict[Key, dict[Key, deque[Waiter]]] = {}
        """By caller; the order of the callers is whose turn it is."""
        self._lengths: dict[Key, int] = {}
        self._longest = longest

    def __contains__(self, key: object) -> bool:
        """Say whether anybody waits there."""
        return key in self._lines

    def __len__(self) -> int:
        """Return how many calls wait."""
        return sum(self._lengths.values())

    def join(self, waiter: Waiter, charge: Charge, key: Key) -> None:
        """Let a call wait; where the line is full, whoever has the most calls in it has one refused."""
        line = self._lines.setdefault(key, {})
        if self._lengths.get(key, 0) >= self._longest:
            greedy = max(line, key=lambda who: len(line[who]))
            if len(line[greedy]) <= len(line.get(waiter.who, ())) + 1:
                raise refused(charge)
            last = line[greedy][-1]
            self.leave(last)
            last.paid.set_exception(refused(charge))
        line = self._lines.setdefault(key, {})
        waiter.charge, waiter.key = charge, key
        line.setdefault(waiter.who, deque()).append(waiter)
        self._lengths[key] = self._lengths.get(key, 0) + 1

    def leave(self, waiter: Waiter) -> None:
        """Take a call out of its line, if it still stands there."""
        line = self._lines.get(waiter.key, {})
        own = line.get(waiter.who)
        if own is None or waiter not in own:
            return
        own.remove(waiter)
        if not own:
            del line[waiter.who]
        self._shorter(waiter.key)

    def first(self, key: Key) -> Waiter | None:
        """Return the call whose turn it is; None: nobody waits."""
        line = self._lines.get(key)
        return None if line is None else next(iter(line.values()))[0]

    def go(self, waiter: Waiter) -> None:
        """Let the call whose turn it is out of its line: its caller's next one comes after everybody's."""
        line = self._lines[waiter.key]
        own = line.pop(waiter.who)
        own.popleft()
        if own:
            line[waiter.who] = own
        self._shorter(waiter.key)

    def _shorter(self, key: Key) -> None:
        self._lengths[key] -= 1
        if not self._lengths[key]:
            del self._lengths[key], self._lines[key]


def refused(charge: Charge) -> Limited:
    """Return the refusal of a call that cannot wait, or has waited long enough."""
    return Limited(charge.bucket, hint=busy(charge), retry_after=1.0)
