"""Measures that forget: medians of what was lately, and averages that follow slowly. Pure.

Medians and the median absolute deviation are not moved by the very outlier that they are to tell (Rousseeuw and Croux,
1993, *Alternatives to the Median Absolute Deviation*): an attacker cannot raise the bound by one loud hour.
"""

from __future__ import annotations

from statistics import median
from typing import Final

from msgspec import Struct, field

LATELY: Final = 96
"""Hours with calls that are remembered: two or three weeks of somebody who works."""
_MAD: Final = 1.4826
"""The median absolute deviation of a normal distribution, times this, is its standard deviation."""


class Lately(Struct):
    """The newest values, oldest first."""

    values: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        """Remember a value, and forget the oldest where there are too many."""
        self.values.append(value)
        if len(self.values) > LATELY:
            del self.values[0]

    def bound(self, deviations: float, factor: float) -> float:
        """Return what is out of the ordinary: so many deviations above the median, and so many times the largest."""
        if not self.values:
            return 0.0
        middle = median(self.values)
        spread = _MAD * median(abs(value - middle) for value in self.values)
        return max(middle + deviations * spread, factor * max(self.values))

    @property
    def middle(self) -> float:
        """The median; 0.0 of nothing."""
        return median(self.values) if self.values else 0.0


class Share(Struct):
    """A share that follows slowly what it is given: an exponentially weighted moving average."""

    value: float = 0.0
    known: float = 0.0
    """How much it rests on: weights add up to 1."""

    def add(self, value: float, weight: float = 0.1) -> None:
        """Move towards a value."""
        self.value += (value - self.value) * (weight if self.known else 1.0)
        self.known += (1.0 - self.known) * weight
