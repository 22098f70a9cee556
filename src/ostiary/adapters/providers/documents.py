"""What is asked as one JSON document, for providers that read documents, and back from a masked one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from ostiary.adapters.providers.formats import Portion
from ostiary.core.errors import GatewayError
from ostiary.core.screening import Path
from ostiary.protocol.jsonrpc import heard
from ostiary.protocol.leaves import NAMED


class Document(Struct, frozen=True):
    """A JSON value that has texts where they stood; of members that hold no words it has the names."""

    value: Any
    places: Mapping[Path, Path]
    """Where each text stood, by where it stands here: lists have only the items that are shown."""

    def __repr__(self) -> str:
        """Show how many texts it has and no word of them."""
        return f"Document({len(self.places)} texts)"


def document(parts: Iterable[Portion]) -> Document:
    """Return the document of these texts; parts of one text are joined in their order."""
    tree: dict[Any, Any] = {}
    for each in parts:
        _put(tree, each)
    places: dict[Path, Path] = {}
    return Document(_shown(tree.get("", {}), (), (), places), places)


def placed(parts: Iterable[Portion], masked: str) -> Mapping[Path, str] | None:
    """Return what a masked document has in place of which texts; None where it is not the same document masked."""
    parts = tuple(parts)
    before = document(parts)
    try:
        after = dict(_leaves(heard(masked.encode("utf-8", "surrogatepass")), ()))
    except GatewayError:
        return None
    if after.keys() != before.places.keys() or not all(isinstance(each, str) for each in after.values()):
        return None
    shown = dict(_leaves(before.value, ()))
    changed = {before.places[path]: value for path, value in after.items() if value != shown[path]}
    # What was masked in a part of a text may have been masked because of how the part was cut.
    whole = {each.path for each in parts if each.whole}
    return changed if changed.keys() <= whole else None


def _put(tree: dict[Any, Any], part: Portion) -> None:
    name = part.path[-1:] == (NAMED,)
    here = tree
    step: str | int = ""
    for each in part.path[:-1] if name else part.path:
        here, step = here.setdefault(step, {}), each
    if name:
        here.setdefault(step, {})
    else:
        before = here.get(step)
        here[step] = (before if isinstance(before, str) else "") + part.value


def _shown(value: Any, path: Path, at: Path, places: dict[Path, Path]) -> Any:
    if isinstance(value, str):
        places[at] = path
        return value
    if value and all(isinstance(each, int) for each in value):
        items = enumerate(sorted(value))
        return [_shown(value[step], (*path, step), (*at, index), places) for index, step in items]
    return {str(step): _shown(item, (*path, step), (*at, str(step)), places) for step, item in value.items()}


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value
