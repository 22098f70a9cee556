"""What a provider is shown of a payload, and where what it shows stood. Pure.

Names of members are words, and every path repeats them: a name that was masked has to be masked in the paths of all
that stands under it, or it would be sent after all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ostiary.adapters.providers.formats import Asked
from ostiary.core.screening import Path, Payload, Text
from ostiary.protocol.leaves import NAMED


class Shown(Struct, frozen=True):
    """What is asked, and where each text of it stands in the payload, where that is elsewhere."""

    asked: Asked
    stood: Mapping[Path, Path]


def shown(payload: Payload, masked: Payload, run: str) -> Shown:
    """Return what a provider is shown of a payload, by its masked copy; `run` is the digest of its run."""
    names = _names(payload.texts, masked.texts)
    stood: dict[Path, Path] = {}
    texts: list[Text] = []
    for text in masked.texts:
        if text.value:
            path = _renamed(text.path, names) if names else text.path
            if path != text.path:
                stood[path] = text.path
                text = replace(text, path=path)  # noqa: PLW2901 - the same text, under the name that is shown
            texts.append(text)
    return Shown(Asked(masked.side, masked.server, masked.label, masked.method, run, tuple(texts)), stood)


def without(payload: Payload, skip: frozenset[str]) -> Payload:
    """Return a payload without what stands under members of these names."""
    return replace(payload, texts=tuple(each for each in payload.texts if _under(each) not in skip))


def _names(before: Iterable[Text], after: Iterable[Text]) -> Mapping[Path, str]:
    """Return the names that were masked, by where they stand; two that were masked alike are still two."""
    changed: dict[Path, str] = {}
    taken: set[tuple[Path, str]] = {(each.path[:-2], each.value) for each in before if each.path[-1:] == (NAMED,)}
    for was, now in zip(before, after, strict=True):
        if was.path[-1:] == (NAMED,) and was.value != now.value:
            parent, name = was.path[:-2], now.value
            while (parent, name) in taken:
                name += "_"
            taken.add((parent, name))
            changed[was.path[:-1]] = name
    return changed


def _renamed(path: Path, names: Mapping[Path, str]) -> Path:
    return tuple(names.get(path[: depth + 1], step) for depth, step in enumerate(path))


def _under(text: Text) -> str:
    """Return the name of the member that a text stands under; a member's name stands under itself."""
    return next((step for step in reversed(text.path) if isinstance(step, str)), "")
