"""What a gateway that starts again knows of budgets: what the ledger says was spent of them."""

from __future__ import annotations

from pathlib import Path

from ostiary.adapters.store.ledger_costs import Spent, spent
from ostiary.adapters.store.limits import MemoryLimits
from ostiary.config import moments
from ostiary.config.counting import Counting
from ostiary.config.schema import Config
from ostiary.core.costs import Budget
from ostiary.core.model import Caller, Inbound
from ostiary.policy.budgets import window


def counted(limits: MemoryLimits, config: Config, data: Path, now: float) -> int:
    """Count what earlier processes let calls spend of budgets whose windows are open; return how many calls it was.

    Whoever can make a gateway start again must not be able to make it forget what was spent. Call it when the ledger
    is open, so that its last records are whole, and before any call is let in.
    """
    begins = [
        window(Budget(each.spend.amount, each.spend.currency, each.spend.period, moments.clock(each.zone)), now)[0]
        for each in config.limits
        if each.spend is not None
    ]
    if not begins:
        return 0
    counting, count = Counting(config), 0
    for each in spent(data, min(begins)):
        caller, message = _whose(each)
        cost = (each.micros, each.currency)
        limits.remember(counting.budgets(each.label), caller, message, (each.begun, each.ended), cost)
        count += 1
    return count


def _whose(each: Spent) -> tuple[Caller, Inbound]:
    who = each.who
    caller = Caller(who.subject, who.issuer, who.client, "", float("inf"), teams=frozenset(who.teams), agent=who.agent)
    return caller, Inbound("POST", each.endpoint, {}, frozenset(), None, each.peer, _nothing)


async def _nothing() -> bytes:
    return b""
