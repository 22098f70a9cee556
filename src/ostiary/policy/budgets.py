"""What was spent of a budget, and what calls in flight may still spend of it. Pure: the caller supplies the time.

The arithmetic is whole: a state, a time and an amount go in, a state and a verdict come out, and nothing else is read
or written. All numbers are integers but the times, so a store can do the same in a script of its own (Lua in Valkey:
GET, the lines of `booked`, SET), and two processes that share the state share the budget. A state that is missing is
a budget of which nothing was spent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from ostiary.core.costs import Budget


class Account(Struct, frozen=True):
    """What one window of one budget has come to."""

    begins: float
    ends: float
    """Seconds since the epoch; the window before it ended."""
    spent: int = 0
    """By calls that have ended."""
    held: int = 0
    """At most, by calls in flight."""
    warned: bool = False


def window(budget: Budget, now: float) -> tuple[float, float]:
    """Return when the hour, day or month of the budget's calendar began, and when it ends."""
    there = datetime.fromtimestamp(now, budget.zone)
    if budget.period == "h":
        # Counted in seconds: where clocks are set back an hour comes twice, and is two hours all the same.
        begin = now - (there.minute * 60 + there.second + there.microsecond / 1e6)
        return float(round(begin)), float(round(begin)) + 3600.0
    day = there.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    first = day if budget.period == "day" else day.replace(day=1)
    after = first + timedelta(days=1) if budget.period == "day" else (first + timedelta(days=31)).replace(day=1)
    return _at(first, budget), _at(after, budget)


def _at(wall: datetime, budget: Budget) -> float:
    return wall.replace(tzinfo=budget.zone).timestamp()


def current(account: Account | None, budget: Budget, now: float) -> Account:
    """Return the account as it is at `now`; a clock that steps back never opens a window anew."""
    if account is not None and now < account.ends:
        return account
    return Account(*window(budget, now))


def booked(account: Account, budget: Budget, amount: int | None) -> tuple[Account, int | None]:
    """Return the account with `amount` held for a call, and how much is held; None: it is not there to be held.

    What nobody knows the price of (`amount` is None) takes all that is left, and goes only where something is; so
    calls of that kind go one after the other. `spent + held` is never more than the budget by what was booked.
    """
    left = budget.micros - account.spent - account.held
    wanted = left if amount is None else amount
    if wanted > left or (amount is None and left <= 0):
        return account, None
    held = Account(account.begins, account.ends, account.spent, account.held + wanted, account.warned)
    return held, wanted


def settled(account: Account, held: int, spent: int) -> Account:
    """Return the account after a call ended for which `held` was held, and which cost `spent`."""
    return Account(account.begins, account.ends, account.spent + spent, account.held - held, account.warned)


def warns(account: Account, budget: Budget, percent: int) -> bool:
    """Say whether so much was spent that somebody wants to hear of it, and was not told in this window."""
    return bool(percent) and not account.warned and account.spent * 100 >= budget.micros * percent


def told(account: Account) -> Account:
    """Return the account of which somebody was told."""
    return Account(account.begins, account.ends, account.spent, account.held, warned=True)


def patience(account: Account, budget: Budget, amount: int | None, now: float) -> float:
    """Return the seconds after which it makes sense to ask again: a moment, where calls in flight hold what is left."""
    left = budget.micros - account.spent
    soon = account.held > 0 and left > 0 and (amount is None or amount <= left)
    return 1.0 if soon else max(0.0, account.ends - now)
