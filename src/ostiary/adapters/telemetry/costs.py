"""What calls cost, by server, tool and currency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from ostiary.core.costs import MICROS

_MOST: Final = 4096
_OTHER: Final = "other"
Key = tuple[str, str, str]


class Till:
    """What the calls of one tool came to, in millionths of one currency."""

    __slots__ = ("currency", "micros")

    def __init__(self, currency: str) -> None:
        self.currency, self.micros = currency, 0


class Costs(Collector):
    """Adds up money, in the whole numbers that it is counted in."""

    def __init__(self) -> None:
        self._tills: dict[Key, Till] = {}

    def till(self, server: str, tool: str, currency: str) -> Till:
        """Return where the calls of a tool are added up; names are as metrics show them."""
        key = (server, tool, currency)
        if key not in self._tills and len(self._tills) >= _MOST:
            key = (_OTHER, _OTHER, _OTHER)
        return self._tills.setdefault(key, Till(currency))

    def collect(self) -> Iterator[Metric]:
        """Yield every sum, in units of its currency."""
        labels = ("server", "tool", "currency")
        family = CounterMetricFamily("ostiary_cost", "What calls cost, in units of the currency.", None, labels)
        for key, till in self._tills.items():
            family.add_metric(key, till.micros / MICROS)
        yield family
