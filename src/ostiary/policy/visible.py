"""Decide what a caller may list. Pure; it asks `decide`, so lists and calls cannot disagree."""

from __future__ import annotations

from ostiary.core.model import Allow, Caller, Kind, Surface, Target
from ostiary.core.rules import Ask
from ostiary.policy.decide import decide


def visible(caller: Caller, kind: Kind, surface: Surface, ask: Ask | None = None) -> list[Target]:
    """Return the targets of this kind that the caller could call with some arguments, by exposed name."""
    return sorted(
        (
            target
            for (each, _), target in surface.targets.items()
            if each is kind and isinstance(decide(caller, target, ask), Allow)
        ),
        key=lambda target: target.exposed,
    )
