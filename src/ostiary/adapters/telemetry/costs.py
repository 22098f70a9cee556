"""What calls cost, by server, tool and currency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from ostiary.core.costs import MICROS, Cost

_MOST: Final = 4096
_OTHER: Final = "other"
Key = tuple[str, str, str]


class Costs(Collector):
    """Adds up money, in the whole numbers that it is counted in."""

    def __init__(self) -> None:
        self._micros: Counter[Key] = Counter()

    def add(self, server: str, tool: str, cost: Cost) -> None:
        """Add what a call cost; names are as metrics show them."""
        key = (server, tool, cost.currency)
        if key not in self._micros and len(self._micros) >= _MOST:
            key = (_OTHER, _OTHER, _OTHER)
        self._micros[key] += cost.micros

    def collect(self) -> Iterator[Metric]:
        """Yield every sum, in units of its currency."""
        labels = ("server", "tool", "currency")
        family = CounterMetricFamily("ostiary_cost", "What calls cost, in units of the currency.", None, labels)
        for key, micros in self._micros.items():
            family.add_metric(key, micros / MICROS)
        yield family
