"""Decide what a caller may list. Pure; it asks `decide`, so lists and calls cannot disagree."""

from __future__ import annotations

from ostiary.core.model import Allow, Caller, Kind, Surface, Target
from ostiary.policy.decide import decide


def visible(caller: Caller, kind: Kind, surface: Surface) -> list[Target]:
    """Return the targets of this kind that the caller could call, by exposed name."""
    return sorted(
        (
            target
            for (each, _), target in surface.targets.items()
            if each is kind and isinstance(decide(caller, target), Allow)
        ),
        key=lambda target: target.exposed,
    )
