"""Decide what a caller may list. Pure; it asks `decide`, so lists and calls cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.core.model import Allow, Caller, Kind, Surface, Target
from ostiary.core.rules import Ask
from ostiary.policy.decide import decide

_USING: Final[Mapping[Kind, str]] = {
    Kind.TOOL: "tools/call",
    Kind.PROMPT: "prompts/get",
    Kind.RESOURCE: "resources/read",
    Kind.TEMPLATE: "resources/read",
}
"""What is done with what a list shows: were a list to ask about any method, a rule for another one would show it."""


def visible(caller: Caller, kind: Kind, surface: Surface, ask: Ask | None = None) -> list[Target]:
    """Return the targets of this kind that the caller could call with some arguments, by exposed name."""
    if ask is not None:
        ask = msgspec.structs.replace(ask, method=_USING.get(kind, ""))
    return sorted(
        (
            target
            for (each, _), target in surface.targets.items()
            if each is kind and isinstance(decide(caller, target, ask), Allow)
        ),
        key=lambda target: target.exposed,
    )
