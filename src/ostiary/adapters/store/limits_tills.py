"""What one caller pays for one thing again and again, worked out once: rates, places, and budgets of known prices.

A till pays what `MemoryLimits` would, by the same arithmetic, and writes nothing before everything is there. What is
new, has to wait or will be refused it leaves to the long way, which says why.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ostiary.adapters.store.limits_bill import Books, Key, Owed
from ostiary.core.model import Charge
from ostiary.core.ports import Settle
from ostiary.core.trail import Trail
from ostiary.policy import budgets
from ostiary.policy.budgets import Account
from ostiary.policy.limits import Bucket, poured

Pay = Callable[[], Settle | None]


def fits(charge: Charge) -> bool:
    """Say whether a till can take a charge: nothing of it is waited for, rehearsed, or known afterwards only."""
    known = charge.unit == "calls" or (charge.budget is not None and charge.reserve is not None)
    return known and not (charge.queue or charge.shadow)


def till(owed: Owed, books: Books, long: Pay) -> Pay:
    """Return what pays charges that fit; `long` is the long way."""
    one = len(owed) == 1 and owed[0][0].budget is None
    return _one(*owed[0], books, long) if one else _several(owed, books, long)


def _several(owed: Owed, books: Books, long: Pay) -> Pay:
    buckets, busy, accounts, clock, time, _ = books
    rates = tuple((key, charge.rate, charge.burst) for charge, key in owed if charge.rate)
    places = tuple((key, charge.concurrent) for charge, key in owed if charge.concurrent)
    spends = tuple((key, charge.budget, charge.reserve or 0) for charge, key in owed if charge.budget is not None)
    settle = _settling(owed, books)

    def pay() -> Settle | None:
        for key, most in places:
            if busy.get(key, 0) >= most:
                return long()
        now = clock()
        levels: list[tuple[Key, Bucket]] = []
        for key, rate, burst in rates:
            bucket = buckets.get(key)
            after = poured(bucket, rate, burst, now) if bucket is not None else None
            if after is None:
                return long()
            levels.append((key, after))
        held: list[tuple[Key, Account]] = []
        for key, budget, reserve in spends:
            account = accounts.get(key)
            if account is None or time() >= account.ends:
                return long()
            then, kept = budgets.booked(account, budget, reserve)
            if kept is None:
                return long()
            held.append((key, then))
        buckets.update(levels)
        accounts.update(held)
        for key, _ in places:
            busy[key] = busy.get(key, 0) + 1
        return partial(settle, held)

    return pay


def _settling(owed: Owed, books: Books) -> Callable[[list[tuple[Key, Account]], Trail | None], None]:
    """Return what ends a call for which so much was held of budgets."""
    busy, accounts, put = books.busy, books.accounts, books.put
    places = tuple(key for charge, key in owed if charge.concurrent)
    spends = {key: (charge, charge.reserve or 0) for charge, key in owed if charge.budget is not None}

    def settle(held: list[tuple[Key, Account]], trail: Trail | None) -> None:
        for key in places:
            left = busy[key] - 1
            if left:
                busy[key] = left
            else:
                del busy[key]
        for key, then in held:
            account = accounts.get(key)
            if account is not None and account.begins == then.begins:
                charge, reserve = spends[key]
                cost = trail.cost if trail is not None else None
                put(charge, key, budgets.settled(account, reserve, cost.micros if cost is not None else 0))

    return settle


def _one(charge: Charge, key: Key, books: Books, long: Pay) -> Pay:
    """Return what pays the one charge that most calls have: with less to look at."""
    rate, burst, most = charge.rate, charge.burst, charge.concurrent
    buckets, busy, clock = books.buckets, books.busy, books.clock

    def release(_trail: Trail | None) -> None:
        left = busy[key] - 1
        if left:
            busy[key] = left
        else:
            del busy[key]

    def pay() -> Settle | None:
        bucket, held = buckets.get(key), busy.get(key, 0)
        if bucket is None or (most and held >= most):
            # What has no rate is weighed there, too.
            return long()
        after = poured(bucket, rate, burst, clock())
        if after is None:
            return long()
        buckets[key] = after
        if not most:
            return nothing
        busy[key] = held + 1
        return release

    return pay


def nothing(_trail: Trail | None) -> None:
    """Settle what was never taken."""
