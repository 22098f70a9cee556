"""What spoke against calls: rules, limits and guards. Labels come from the configuration, and are bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ostiary.adapters.telemetry.histograms import Histogram
from ostiary.adapters.telemetry.logs import shown
from ostiary.core.errors import Limited
from ostiary.core.model import Allow, Deny
from ostiary.core.trail import Trail

# From a few strings that are looked at here to a provider that takes seconds.
SECONDS: Final[tuple[float, ...]] = (
    0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
)  # fmt: skip
DOOR: Final = "door"
"""What refuses those who have not been identified: no limit of the configuration's."""
_OTHER: Final = "other"
_MOST: Final = 1024
"""Rules, limits and guards that are told apart; configurations come and go in the life of a process."""


class Refusals(Collector):
    """Counts what spoke against calls."""

    def __init__(self) -> None:
        self._denied: Counter[tuple[str, ...]] = Counter()
        self._limited: Counter[tuple[str, ...]] = Counter()
        self._verdicts: Counter[tuple[str, ...]] = Counter()
        self._seconds: dict[str, Histogram] = {}

    def add(self, trail: Trail) -> None:
        """Count what guards, rules and limits said to a call."""
        for each in trail.looked:
            _count(self._verdicts, (each.guard, each.side.value, each.verdict))
            self._timed(each.guard).add(each.seconds)
        if isinstance(trail.decision, Deny):
            _count(self._denied, (trail.decision.rule or "", trail.decision.reason.value))
        elif trail.outcome == Limited.code:
            _count(self._limited, (trail.detail if isinstance(trail.decision, Allow) else DOOR,))

    def _timed(self, guard: str) -> Histogram:
        if guard not in self._seconds and len(self._seconds) >= _MOST:
            guard = _OTHER
        return self._seconds.setdefault(guard, Histogram(SECONDS))

    def collect(self) -> Iterator[Metric]:
        """Yield every count."""
        yield _told("ostiary_denied", "Calls that no rule allowed, or one denied.", ("rule", "reason"), self._denied)
        yield _told("ostiary_limited", "Calls that a limit refused.", ("limit",), self._limited)
        labels = ("guard", "side", "verdict")
        yield _told("ostiary_guard_verdicts", "What guards said to what they read.", labels, self._verdicts)
        took = HistogramMetricFamily("ostiary_guard_seconds", "How long a guard read.", labels=("guard",))
        for guard, histogram in self._seconds.items():
            took.add_metric((shown(guard),), histogram.buckets(), histogram.total)
        yield took


def _count(counter: Counter[tuple[str, ...]], key: tuple[str, ...]) -> None:
    counter[key if key in counter or len(counter) < _MOST else (_OTHER,) * len(key)] += 1


def _told(name: str, told: str, labels: tuple[str, ...], counter: Counter[tuple[str, ...]]) -> Metric:
    family = CounterMetricFamily(name, told, None, labels)
    for key, count in counter.items():
        family.add_metric([shown(each) for each in key], count)
    return family
