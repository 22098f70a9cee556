"""Names of people and places, which no pattern knows: found by a model that somebody else brings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from ostiary.guards.found import Found

KIND: Final = "personal"
SLUGS: Final = ("name", "place")
"""The last parts of the rules that this module can report."""


class Entity(Struct, frozen=True):
    """One name in a text."""

    start: int
    end: int
    slug: str
    score: float
    """How sure the model is, 0 to 1."""


Names = Callable[[str], Iterable[Entity]]
"""A text → the names in it. It takes its time, and is asked beside the event loop only."""
Detect = Callable[[str, str, str], tuple[Found, ...]]


def naming(detect: Detect, names: Names) -> Detect:
    """Return what finds names as well, where the other finds nothing: a card is a card, whatever a model takes it for.

    They are looked for in texts as they are written, and not in what is hidden or encoded in them.
    """

    def both(text: str, key: str, surface: str) -> tuple[Found, ...]:
        own = detect(text, key, surface)
        more = (
            Found(each.start, each.end, KIND, f"{KIND}.{each.slug}", each.score)
            for each in names(text)
            if each.start < each.end and not any(it.start < each.end and each.start < it.end for it in own)
        )
        return tuple(sorted((*own, *more), key=lambda each: (each.start, each.end, each.rule)))

    return both
