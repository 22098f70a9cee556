"""Small decision trees whose answers are summed up: what stands together may mean what none of it means alone. Pure.

They are arrays of numbers, walked from their roots; each answers in a few comparisons, so that what they cost is
bounded by how many there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Trees(Struct, frozen=True, forbid_unknown_fields=True):
    """Trees over values that have names; each node is a place in all of the arrays."""

    names: Sequence[str]
    """What the values are, in their order."""
    roots: Sequence[int]
    asks: Sequence[int]
    """The number of the value that a node compares; less than zero: it answers."""
    bounds: Sequence[float]
    """What that value is compared with, or the answer."""
    low: Sequence[int]
    high: Sequence[int]
    """The nodes after it, where the value is not above the bound, and where it is."""
    bias: float


def whole(trees: Trees) -> bool:
    """Say whether every walk ends: nodes lead to later ones only, and there are as many of each as of the others."""
    count, names = len(trees.asks), len(trees.names)
    if not len(trees.bounds) == len(trees.low) == len(trees.high) == count:
        return False
    nodes = zip(range(count), trees.asks, trees.low, trees.high, strict=True)
    return all(0 <= root < count for root in trees.roots) and all(
        asks < 0 or (asks < names and at < low < count and at < high < count) for at, asks, low, high in nodes
    )


def answered(trees: Trees, values: Sequence[float]) -> float:
    """Return the sum of what all trees answer of some values."""
    asks, bounds, low, high = trees.asks, trees.bounds, trees.low, trees.high
    total = trees.bias
    for root in trees.roots:
        at = root
        while (number := asks[at]) >= 0:
            at = low[at] if values[number] <= bounds[at] else high[at]
        total += bounds[at]
    return total


def places(trees: Trees) -> Mapping[str, int]:
    """Return the number of each value."""
    return {name: at for at, name in enumerate(trees.names)}
