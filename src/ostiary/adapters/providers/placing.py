"""Where what a provider masked belongs: texts joined for formats that take one, and parted again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ostiary.adapters.providers.formats import Portion
from ostiary.core.screening import Path

BETWEEN: Final = "\n\x1e\n"
"""What joins texts: the record separator of ASCII, which no text for people has."""


def joined(portions: Iterable[Portion]) -> str:
    """Return the texts as one, for formats that take only one."""
    return BETWEEN.join(each.value for each in portions)


def parted(portions: Sequence[Portion], text: str) -> list[str] | None:
    """Return what became of each of the texts that were joined; None where that cannot be told.

    A text that has the separator itself could push its words into the place of another one.
    """
    if any(BETWEEN in each.value for each in portions):
        return None
    parts = text.split(BETWEEN)
    return parts if len(parts) == len(portions) else None


def placed(portions: Sequence[Portion], texts: Sequence[str] | None) -> Mapping[Path, str] | None:
    """Return what to put where; None where a change cannot be placed, or where nothing changed.

    Parts of a long text overlap, so a change in one of them has no place of its own.
    """
    if texts is None or len(texts) != len(portions):
        return None
    changed = [(each, text) for each, text in zip(portions, texts, strict=True) if text != each.value]
    if not changed or not all(each.whole for each, _ in changed):
        return None
    return {each.path: text for each, text in changed}
