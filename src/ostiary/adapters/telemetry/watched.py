"""Numbers that other parts of the gateway have to tell: each is read whenever somebody asks for the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ostiary.adapters.telemetry.logs import shown

Numbers = (
    float | Mapping[str, float] | Mapping[tuple[str, str], float] | Mapping[tuple[str, str, str], float]
    | Mapping[tuple[str, ...], float]
)  # fmt: skip
Look = Callable[[], Numbers]
"""What is true now: a number, or numbers by the value of the one label, or by those of all labels."""
_MOST: Final = 1024
"""Combinations of labels of one metric; further ones are left out, so that a page stays readable."""
_COUNTED: Final = "_total"


class Watched(Collector):
    """What is looked at."""

    def __init__(self) -> None:
        self._looks: dict[str, tuple[str, Look, tuple[str, ...]]] = {}

    def add(self, name: str, told: str, look: Look, labels: tuple[str, ...] = ()) -> None:
        """Have a number read from now on; one whose name ends in `_total` only grows. Its labels have to be bounded."""
        if not name.startswith("ostiary_") or name in self._looks:
            raise ValueError(f"{name}: a metric has a name of its own that begins with ostiary_")
        self._looks[name] = (told, look, labels)

    def collect(self) -> Iterator[Metric]:
        """Yield every number as it is now."""
        for name, (told, look, labels) in self._looks.items():
            found = look()
            family = (CounterMetricFamily if name.endswith(_COUNTED) else GaugeMetricFamily)(name, told, None, labels)
            if not isinstance(found, Mapping):
                family.add_metric((), found)
                yield family
                continue
            for key, value in islice(found.items(), _MOST):
                values = key if isinstance(key, tuple) else (key,)
                family.add_metric([shown(each) for each in values], value)
            yield family
