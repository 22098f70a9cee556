"""Scopes that bring others: who was granted the broader one has the narrower ones as well. Pure.

2026-07-28, "Step-Up Authorization Flow": servers must account for hierarchies of scopes when they decide whether a
token is sufficient. Which scope brings which is for the configuration to say; nothing follows from how they are spelt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

Brings = Mapping[str, frozenset[str]]
"""A scope → all that it brings, those that are brought by what it brings among them."""


def closure(direct: Mapping[str, Iterable[str]]) -> Brings:
    """Return what each scope brings in the end; ValueError where scopes bring each other in a circle."""
    found: dict[str, frozenset[str]] = {}
    # What is brought comes before what brings it, so that each one is looked at once.
    for scope in TopologicalSorter(direct).static_order():
        brought = frozenset(direct.get(scope, ()))
        found[scope] = brought.union(*(found[each] for each in brought))
    return {scope: brought for scope, brought in found.items() if brought}


def circle(direct: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return scopes each of which brings the next, the last being the first again; empty where there is no circle."""
    try:
        TopologicalSorter(direct).prepare()
    except CycleError as error:
        # The module lists what is brought before what brings it.
        return tuple(reversed(error.args[1]))
    return ()


def widened(granted: Iterable[str], brings: Brings) -> frozenset[str]:
    """Return the granted scopes and all that they bring."""
    held = frozenset(granted)
    return held.union(*(brings[each] for each in held if each in brings)) if brings else held


def narrowest(named: Iterable[str], brings: Brings) -> frozenset[str]:
    """Return those of the scopes that bring none of the others: where to begin, as the rest is a step up from there."""
    every = frozenset(named)
    return frozenset(scope for scope in every if brings.get(scope, frozenset()).isdisjoint(every))
