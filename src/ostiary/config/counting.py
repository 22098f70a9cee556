"""What each limit of a configuration charges for a call of one thing. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ostiary.config import moments
from ostiary.config.limits import Limit
from ostiary.config.patterns import Index
from ostiary.config.prices import priced
from ostiary.config.schema import Config
from ostiary.config.values import server_of
from ostiary.core.costs import Budget, Price
from ostiary.core.rules import Charge
from ostiary.protocol.names import label


class Counting:
    """The limits and the prices of a configuration."""

    def __init__(self, config: Config) -> None:
        """Read what a configuration says."""
        self._limits = config.limits
        self._index = Index([limit.on for limit in config.limits])
        self._prices = {
            label(server, "tool", name): price
            for server, each in config.servers.items()
            for name, tool in each.tools.items()
            if (price := priced(tool.price, config.prices)) is not None
        }

    def charges(self, name: str) -> tuple[Charge, ...]:
        """Return what a call of this label is charged for."""
        price = self._prices.get(name)
        return tuple(each for index in self._index.covering(name) for each in charges(self._limits[index], name, price))

    def budgets(self, name: str) -> tuple[Charge, ...]:
        """Return the budgets that count this label, whether it has a price or had one only once."""
        return tuple(each for index in self._index.covering(name) for each in budgets(self._limits[index], name))

    def price(self, name: str) -> Price | None:
        """Return what a call of this label costs; None: nothing."""
        return self._prices.get(name)


def charges(limit: Limit, name: str, price: Price | None) -> Iterator[Charge]:
    """Yield what a limit charges for one call: one charge for each window and unit.

    The first window of `calls` has the limit's own buckets, and the bound on calls in flight with it: most limits are
    one charge so, and most calls pay one.
    """
    within, shadow = _within(limit.per, name), limit.shadow
    first = limit.rates[0] if limit.rates else None
    if first is not None or limit.concurrent:
        rate, burst = (first.per_second, float(first.count)) if first is not None else (0.0, 0.0)
        yield Charge(
            limit.name, limit.per, rate, burst, limit.concurrent or 0, within=within,
            queue=limit.queue or 0.0, shadow=shadow,
        )  # fmt: skip
    for each in limit.rates[1:]:
        yield Charge(
            limit.name, limit.per, each.per_second, float(each.count), 0, within=(*within, str(each)), shadow=shadow,
        )  # fmt: skip
    for unit, quota in (("bytes", limit.bytes), ("seconds", limit.seconds)):
        if quota is not None:
            yield Charge(
                limit.name, limit.per, quota.per_second, float(quota.amount), 0, unit, (*within, unit), shadow=shadow,
            )  # fmt: skip
    if price is not None:
        yield from _budget(limit, within, price.reserve)


def budgets(limit: Limit, name: str) -> Iterator[Charge]:
    """Yield the budget of a limit that has one, as calls pay into it."""
    yield from _budget(limit, _within(limit.per, name), 0)


def _budget(limit: Limit, within: tuple[str, ...], reserve: int | None) -> Iterator[Charge]:
    spend = limit.spend
    if spend is not None:
        budget = Budget(spend.amount, spend.currency, spend.period, moments.clock(limit.zone))
        yield Charge(
            limit.name, limit.per, 0.0, 0.0, 0, "spend", (*within, "spend"), shadow=limit.shadow, budget=budget,
            reserve=reserve, warn=limit.warn_at or 0,
        )  # fmt: skip


def _within(per: str, name: str) -> tuple[str, ...]:
    """Return what of the thing that is called sets buckets apart."""
    named = per.split("+")
    return (*((server_of(name),) if "server" in named else ()), *((name,) if "tool" in named else ()))
