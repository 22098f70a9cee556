"""Every law by its name, as something that a random source is held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from tests.properties import drawn, flying, listing, running
from tests.properties.changes import CHANGES, Change

Law = Callable[[Random], Mapping[str, int]]
"""Draws a gateway, raises AssertionError where it does not keep the law, and returns which cases came up."""


def _changing(change: Change) -> Law:
    return lambda draw: change(drawn.scene(draw), draw)


LAWS: Final[Mapping[str, Law]] = {
    "listing": lambda draw: listing.kept(drawn.scene(draw)),
    "flying": lambda draw: flying.kept(drawn.scene(draw), draw),
    "running": running.kept,
    **{name: _changing(change) for name, change in CHANGES.items()},
}


def broken_after(law: str, most: int) -> int:
    """Return how many gateways it took until one broke the law; 0: none of so many did."""
    for seed in range(most):
        try:
            LAWS[law](Random(seed))
        except AssertionError:
            return seed + 1
    return 0
