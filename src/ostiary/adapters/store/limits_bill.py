"""Whose buckets a call pays into, and what is said to who may not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Final, NamedTuple

from ostiary.core.costs import Cost
from ostiary.core.model import Caller, Charge, Inbound
from ostiary.policy.budgets import Account
from ostiary.policy.limits import Bucket, peer_network

Key = tuple[str, ...]
"""The limit with what sets its buckets apart, and whose it is."""
Owed = tuple[tuple[Charge, Key], ...]

_VIEWS: Final = "/views/"
_CALENDAR: Final = {"h": "an hour", "day": "a day", "month": "a month"}
_UNITS: Final = {"calls": "calls", "bytes": "bytes", "seconds": "seconds of servers' time"}


class Bill:
    """What a call is going to pay, before anything of it is paid."""

    __slots__ = ("accounts", "booked", "buckets", "busy", "metered", "shadowed")

    def __init__(self) -> None:
        self.buckets: list[tuple[Key, Bucket]] = []
        self.busy: list[Key] = []
        self.metered: list[tuple[Charge, Key, float]] = []
        """What was taken by estimate."""
        self.accounts: list[tuple[Key, Account]] = []
        self.booked: list[tuple[Charge, Key, float, int]] = []
        """What is held of budgets: in the window that began then, so much."""
        self.shadowed: list[str] = []
        """The limits that would have refused it."""


def owed(charges: tuple[Charge, ...], caller: Caller, message: Inbound | None) -> Owed:
    """Return each charge with the key of whom it is charged to: with a key for each team that the caller is in."""
    return tuple(
        (charge, ("\0".join((charge.bucket, *charge.within)), *who))
        for charge in charges
        for who in _whose(charge, caller, message)
    )


def _whose(charge: Charge, caller: Caller, message: Inbound | None) -> Iterator[tuple[str, ...]]:
    if charge.per == "caller":
        yield caller.issuer, caller.subject
        return
    named = [_named(dimension, caller, message) for dimension in charge.per.split("+")]
    for each in product(*named):
        yield tuple(part for parts in each for part in parts)


def _named(dimension: str, caller: Caller, message: Inbound | None) -> list[tuple[str, ...]]:
    """Return what a caller is in one respect. Whoever has no team, or no agent, shares with others who have none."""
    match dimension:
        case "caller":
            return [(caller.issuer, caller.subject)]
        case "team":
            return [(team,) for team in sorted(caller.teams)] or [("",)]
        case "client":
            return [(caller.issuer, caller.client)]
        case "agent":
            return [(caller.agent,)]
        case "address":
            return [(peer_network(message.peer) if message is not None else "",)]
        case "view":
            endpoint = message.endpoint if message is not None else ""
            return [(endpoint[len(_VIEWS) :].partition("/")[0] if endpoint.startswith(_VIEWS) else "",)]
    # What is called is in the charge already: it was made for one target.
    return [()]


def exhausted(charge: Charge, seconds: float) -> str:
    """Return what is said to who has to wait for a bucket."""
    every, unit = charge.burst / charge.rate, _UNITS[charge.unit]
    return f"{charge.bucket} allows {charge.burst:g} {unit} per {every:g} s; try again in {seconds:.1f} s"


def busy(charge: Charge) -> str:
    """Return what is said to who has to wait for a call to end."""
    return f"{charge.bucket} allows {charge.concurrent} calls at the same time; try again when one has ended"


def spent(charge: Charge, seconds: float) -> str:
    """Return what is said to who has to wait for a budget; not how much is left, for others share it."""
    budget = charge.budget
    if budget is None:
        return charge.bucket
    allowed = f"{Cost(budget.micros, budget.currency)} {_CALENDAR[budget.period]}"
    may = "what is left" if charge.reserve is None else str(Cost(charge.reserve, budget.currency))
    return f"{charge.bucket} allows {allowed}, and a call that may cost {may} goes beyond; try again in {seconds:.0f} s"


def crowded(charge: Charge) -> str:
    """Return what is said to who is new while everything that can be remembered is."""
    return f"{charge.bucket} counts as many callers as it can; try again in a moment"


class Books(NamedTuple):
    """What is known of buckets, of calls in flight and of budgets, and the clocks these go by."""

    buckets: dict[Key, Bucket]
    busy: dict[Key, int]
    accounts: dict[Key, Account]
    clock: Callable[[], float]
    time: Callable[[], float]
    put: Callable[[Charge, Key, Account], None]
    """Keeps an account after a call has ended, and warns of it."""
