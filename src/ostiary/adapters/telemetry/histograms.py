"""Counts by size, with an example for each size: a call that was traced. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.samples import Exemplar

Bucket = tuple[str, float] | tuple[str, float, Exemplar]


class Histogram:
    """Counts by size; the last count is of what is larger than every bound."""

    __slots__ = ("bounds", "counts", "exemplars", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0
        self.exemplars: dict[int, Exemplar] = {}
        """By bucket, the newest; there are none where nothing is traced."""

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def take(self, values: Sequence[float]) -> None:
        """Count many values, at a tenth of the cost for each: sorted, they are counted by their bounds."""
        ordered, before = sorted(values), 0
        for at, bound in enumerate(self.bounds):
            until = bisect_right(ordered, bound)
            self.counts[at] += until - before
            before = until
        self.counts[-1] += len(ordered) - before
        self.total += sum(ordered)

    def exemplify(self, value: float, exemplar: Exemplar) -> None:
        """Name a traced call of this size, which is counted elsewhere."""
        self.exemplars[bisect_left(self.bounds, value)] = exemplar

    def buckets(self) -> list[Bucket]:
        """Return the cumulated counts, as the text formats have them."""
        names = [*(repr(bound) for bound in self.bounds), "+Inf"]
        found: list[Bucket] = []
        for at, (name, count) in enumerate(zip(names, accumulate(self.counts), strict=True)):
            exemplar = self.exemplars.get(at)
            found.append((name, float(count)) if exemplar is None else (name, float(count), exemplar))
        return found


def merged(bounds: tuple[float, ...], histograms: Iterable[Histogram]) -> Histogram:
    """Return what all of them counted together, with the newest examples."""
    made = Histogram(bounds)
    for each in histograms:
        made.counts = [one + other for one, other in zip(made.counts, each.counts, strict=True)]
        made.total += each.total
        for at, exemplar in each.exemplars.items():
            known = made.exemplars.get(at)
            if known is None or float(known.timestamp or 0.0) <= float(exemplar.timestamp or 0.0):
                made.exemplars[at] = exemplar
    return made
