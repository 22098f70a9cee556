"""Walk the strings of a JSON value, and put replaced ones back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ostiary.core.model import Path, Text


def leaves(value: Any, path: Path = ()) -> Iterator[Text]:
    """Yield every string value in `value` with the path that leads to it, in document order."""
    if isinstance(value, str):
        yield Text(path, value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))


def replaced(value: Any, new: Mapping[Path, str], path: Path = ()) -> Any:
    """Return `value` with the leaves named in `new` replaced; the shape never changes."""
    if isinstance(value, str):
        return new.get(path, value)
    if isinstance(value, dict):
        return {key: replaced(item, new, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, new, (*path, index)) for index, item in enumerate(value)]
    return value
