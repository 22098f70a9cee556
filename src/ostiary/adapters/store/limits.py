"""Limits kept in this process: token buckets, calls in flight, and budgets."""

from __future__ import annotations

import asyncio
import time as system
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ostiary.adapters.store import limits_bill as bills
from ostiary.adapters.store.limits_bill import Bill, Books, Key, Owed
from ostiary.adapters.store.limits_lines import Lines, Waiter, refused
from ostiary.adapters.store.limits_tills import fits, nothing, till
from ostiary.adapters.store.limits_told import Fares
from ostiary.core.costs import Budget, Cost
from ostiary.core.errors import Limited
from ostiary.core.model import Caller, Charge, Inbound
from ostiary.core.ports import Settle
from ostiary.core.trail import Trail
from ostiary.policy import budgets
from ostiary.policy.budgets import Account
from ostiary.policy.limits import Bucket, corrected, drawn, full

MOST: Final = 200_000
"""Buckets, and accounts of budgets, that are remembered."""
_RETRY: Final = 1.0
"""What a caller over its calls in flight is told to wait: when one of them ends is not ours to know."""
_SWEEP: Final = 1.0
"""Seconds between two looks for what may be forgotten: a flood of new keys must not have each of them look."""
_LEARNT: Final = 8
"""A call's bytes and seconds are estimated by those of about so many before it."""
Tell = Callable[[str, Mapping[str, Any]], None]
"""Write an event into the ledger."""


class MemoryLimits:
    """Pays every charge of a call, or none."""

    def __init__(
        self,
        clock: Callable[[], float],
        time: Callable[[], float] = system.time,
        tell: Tell = lambda _kind, _facts: None,
        *,
        most: int = MOST,
    ) -> None:
        """Measure rates by `clock`, which only goes on, and budgets by `time`, in seconds since the epoch."""
        self._clock, self._time, self._tell, self._most = clock, time, tell, most
        self._buckets: dict[Key, Bucket] = {}
        self._busy: dict[Key, int] = {}
        self._accounts: dict[Key, Account] = {}
        self._terms: dict[str, tuple[float, float]] = {}
        """Rate and burst of the buckets, by the first part of their keys."""
        self._guesses: dict[str, float] = {}
        """What a call takes of what is known afterwards, by the same."""
        self._lines = Lines()
        self.fares = Fares()
        """What became of budgets and of rehearsed limits, for metrics."""
        self._swept = -_SWEEP
        self._books = Books(self._buckets, self._busy, self._accounts, clock, time, self._put)

    async def __call__(self, charges: tuple[Charge, ...], caller: Caller, message: Inbound | None = None, /) -> Settle:
        """Pay, or raise `Limited` with the limit's name and the seconds to wait; wait where a limit has a queue."""
        owed = bills.owed(charges, caller, message)
        if not owed:
            return nothing
        found = self._full(owed)
        return self._pay(owed) if found is None else await self._wait(owed, (caller.issuer, caller.subject), *found)

    def owing(
        self, charges: tuple[Charge, ...], caller: Caller, message: Inbound | None = None
    ) -> Callable[[], Settle | None]:
        """Return what pays these charges for this caller each time that it is called; None where it has to wait."""
        owed = bills.owed(charges, caller, message)
        for charge, key in owed:
            self._note(charge, key)
        if owed and all(fits(charge) for charge, _ in owed):
            return till(owed, self._books, partial(self._pay, owed))
        if any(_queued(charge) for charge, _ in owed):
            return lambda: None if self._full(owed) else self._pay(owed)
        return partial(self._pay, owed) if owed else _free

    def _note(self, charge: Charge, key: Key) -> None:
        """Remember by which terms buckets and accounts of a limit are kept."""
        if charge.rate:
            self._terms[key[0]] = charge.rate, charge.burst
        if charge.budget is not None:
            self.fares.charges[key[0]] = charge

    def _pay(self, owed: Owed) -> Settle:
        bill = self._bill(owed)
        # Nothing was written until here: a call that one limit refuses costs nothing of another.
        self._buckets.update(bill.buckets)
        self._accounts.update(bill.accounts)
        for key in bill.busy:
            self._busy[key] = self._busy.get(key, 0) + 1
        if not (bill.busy or bill.metered or bill.booked or bill.shadowed):
            return nothing
        return partial(self._settle, bill)

    # What a call is going to pay.

    def _bill(self, owed: Owed) -> Bill:
        bill, now = Bill(), self._clock()
        for charge, key in owed:
            try:
                self._weigh(charge, key, now, bill)
            except Limited:
                if not charge.shadow:
                    raise
                bill.shadowed.append(charge.bucket)
        return bill

    def _weigh(self, charge: Charge, key: Key, now: float, bill: Bill) -> None:
        if charge.budget is not None:
            self._book(charge, charge.budget, key, now, bill)
        if charge.concurrent and self._busy.get(key, 0) >= charge.concurrent:
            raise Limited(charge.bucket, hint=bills.busy(charge), retry_after=_RETRY)
        if charge.rate:
            amount = 1.0 if charge.unit == "calls" else min(charge.burst, max(1e-3, self._guesses.get(key[0], 0.0)))
            self._draw(charge, key, now, amount, bill)
        if charge.concurrent:
            bill.busy.append(key)

    def _draw(self, charge: Charge, key: Key, now: float, amount: float, bill: Bill) -> None:
        terms, bucket = (charge.rate, charge.burst), self._buckets.get(key)
        if bucket is None and not self._room(self._buckets, now):
            raise Limited(charge.bucket, hint=bills.crowded(charge), retry_after=_RETRY)
        after, seconds = drawn(bucket, terms, now, amount)
        if seconds:
            raise Limited(charge.bucket, hint=bills.exhausted(charge, seconds), retry_after=seconds)
        self._note(charge, key)
        bill.buckets.append((key, after))
        if charge.unit != "calls":
            bill.metered.append((charge, key, amount))

    def _book(self, charge: Charge, budget: Budget, key: Key, now: float, bill: Bill) -> None:
        time = self._time()
        self._note(charge, key)
        if key not in self._accounts and not self._room(self._accounts, now):
            raise Limited(charge.bucket, hint=bills.crowded(charge), retry_after=_RETRY)
        account = budgets.current(self._accounts.get(key), budget, time)
        after, held = budgets.booked(account, budget, charge.reserve)
        bill.accounts.append((key, after))
        if held is None and not charge.shadow:
            self.fares.refused[charge.bucket] += 1
            seconds = budgets.patience(account, budget, charge.reserve, time)
            raise Limited(charge.bucket, hint=bills.spent(charge, seconds), retry_after=seconds)
        if held is None:
            bill.shadowed.append(charge.bucket)
        bill.booked.append((charge, key, account.begins, held or 0))

    # What it has paid when it ends.

    def _settle(self, bill: Bill, trail: Trail | None) -> None:
        for key in bill.busy:
            self._release(key)
        for charge, key, amount in bill.metered:
            self._measured(charge, key, amount, trail)
        for charge, key, begins, held in bill.booked:
            self._spent(charge, key, (begins, held), trail)
        if trail is not None and bill.shadowed:
            shadowed = dict.fromkeys(bill.shadowed)
            self.fares.shadowed.update(shadowed.keys())
            trail.findings += [f"shadow: limit {name} would have refused it" for name in shadowed]
        for key in bill.busy:
            self._call(key)

    def _release(self, key: Key) -> None:
        left = self._busy[key] - 1
        if left:
            self._busy[key] = left
        else:
            del self._busy[key]

    def _measured(self, charge: Charge, key: Key, amount: float, trail: Trail | None) -> None:
        took = _took(charge.unit, trail)
        if trail is not None and trail.sent:
            guess = self._guesses.get(key[0], took)
            self._guesses[key[0]] = guess + (took - guess) / _LEARNT
        now, terms = self._clock(), (charge.rate, charge.burst)
        self._buckets[key] = corrected(self._buckets.get(key), terms, now, took - amount)

    def _spent(self, charge: Charge, key: Key, hold: tuple[float, int], trail: Trail | None) -> None:
        account, (begins, held) = self._accounts.get(key), hold
        if account is None or account.begins != begins:
            # Its window is over: what is left to be settled is of no consequence any more.
            return
        cost = trail.cost if trail is not None else None
        self._put(charge, key, budgets.settled(account, held, cost.micros if cost is not None else 0))

    def _put(self, charge: Charge, key: Key, account: Account) -> None:
        budget = charge.budget
        if budget is not None and budgets.warns(account, budget, charge.warn):
            account = budgets.told(account)
            self.fares.warned[charge.bucket] += 1
            self._tell("budget_warning", {
                "limit": charge.bucket, "whose": [*charge.within[:-1], *key[1:]],
                "spent": str(Cost(account.spent, budget.currency)), "of": str(Cost(budget.micros, budget.currency)),
                "percent": charge.warn, "period": budget.period,
            })  # fmt: skip
        self._accounts[key] = account

    def remember(
        self,
        charges: tuple[Charge, ...],
        caller: Caller,
        message: Inbound,
        span: tuple[float, float],
        cost: tuple[int | None, str],
    ) -> None:
        """Count what an earlier process let a call spend: micros (None: nobody knows), and their currency.

        A call counts in each window that its `span` touches: too much is counted so, and never too little.
        """
        micros, currency = cost
        for charge, key in bills.owed(charges, caller, message):
            budget = charge.budget
            if budget is None or budget.currency != currency:
                continue
            self._note(charge, key)
            account = budgets.current(self._accounts.get(key), budget, self._time())
            if account.begins <= span[1] and span[0] < account.ends:
                left = max(0, budget.micros - account.spent)
                account = budgets.settled(account, 0, left if micros is None else micros)
                # Whoever wants to be warned was, by the process before.
                warned = account.warned or budgets.warns(account, budget, charge.warn)
                self._accounts[key] = budgets.told(account) if warned else account

    def used(self) -> dict[tuple[str, str], float]:
        """Return by limit, and by what shares it and is no person, the part of budgets that was spent."""
        return self.fares.used(self._accounts, self._time())

    # Who waits.

    def _full(self, owed: Owed) -> tuple[Charge, Key] | None:
        """Return what a new call has to wait for: where others wait, it is not its turn even if there is room."""
        waited = (each for each in owed if _queued(each[0]) and each[1] in self._lines)
        return self._taken(owed) or next(waited, None)

    async def _wait(self, owed: Owed, who: Key, charge: Charge, key: Key) -> Settle:
        # What would be refused whatever calls end is refused now.
        self._bill(tuple(each for each in owed if not _queued(each[0])))
        waiter = Waiter(owed, who, asyncio.get_running_loop().create_future())
        self._lines.join(waiter, charge, key)
        try:
            await asyncio.wait((waiter.paid,), timeout=charge.queue)
        except asyncio.CancelledError:
            self._lines.leave(waiter)
            if waiter.paid.done() and waiter.paid.exception() is None:
                waiter.paid.result()(None)
            raise
        if not waiter.paid.done():
            self._lines.leave(waiter)
            raise refused(waiter.charge)
        return waiter.paid.result()

    def _call(self, key: Key) -> None:
        """Let those go on whose turn it is, as far as there is room."""
        while (waiter := self._lines.first(key)) is not None:
            if self._busy.get(key, 0) >= waiter.charge.concurrent:
                return
            self._lines.go(waiter)
            try:
                elsewhere = self._taken(waiter.owed)
                if elsewhere is not None:
                    self._lines.join(waiter, *elsewhere)
                else:
                    waiter.paid.set_result(self._pay(waiter.owed))
            except Limited as error:
                waiter.paid.set_exception(error)

    def _taken(self, owed: Owed) -> tuple[Charge, Key] | None:
        """Return what there is no room in at this moment, of all that may be waited for."""
        return next(
            (each for each in owed if _queued(each[0]) and self._busy.get(each[1], 0) >= each[0].concurrent), None
        )

    # What is forgotten.

    def _room(self, table: dict[Key, Any], now: float) -> bool:
        """Say whether one more key can be remembered. Only what says nothing is forgotten, to make room."""
        if len(table) < self._most:
            return True
        if now - self._swept >= _SWEEP:
            self._swept = now
            self._forget(now)
        return len(table) < self._most

    def _forget(self, now: float) -> None:
        buckets, accounts, time = self._buckets, self._accounts, self._time()
        for key in [key for key, bucket in buckets.items() if full(bucket, self._terms[key[0]], now)]:
            del buckets[key]
        for key in [key for key, account in accounts.items() if time >= account.ends]:
            del accounts[key]


def _queued(charge: Charge) -> bool:
    """Say whether calls wait where a charge allows no more of them at the same time."""
    return bool(charge.queue and charge.concurrent and not charge.shadow)


def _took(unit: str, trail: Trail | None) -> float:
    """Return what a call took of what is known afterwards."""
    if trail is None:
        return 0.0
    if unit == "bytes":
        return float(trail.request_bytes + trail.answer_bytes)
    return max(0.0, (trail.answered or trail.ended) - trail.sent) if trail.sent else 0.0


def _free() -> Settle:
    """Pay nothing."""
    return nothing
