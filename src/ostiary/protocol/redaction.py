"""What the ledger may know of arguments: their shape, and a keyed digest to compare them by. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

KEYS: Final = 64
ITEMS: Final = 32
DEPTH: Final = 8
KEY_LENGTH: Final = 64
# Width to the power of depth is a lot: without a bound on the whole, a body of 2 MB became a record of 9 MB.
NODES: Final = 256

_NUMBERS: Final = frozenset({int, float})
_SPELLED: Final = 256
_WIDE: Final = 16
_NARROWER: Final = 4
"""What needs no bounds but these: an object of 16 members, in each of which there may be 4, and in these one each.
All together that is less than `NODES`, and less deep than `DEPTH`."""
_STRINGS: Final = tuple(f"string({length})" for length in range(_SPELLED))
"""What is said of strings that are not longer than most: writing it anew each time would cost more than the look."""

_encoder: Final = msgspec.json.Encoder(order="sorted")


def masked(value: Any) -> Any:
    """Return the value's shape: keys, types and lengths, and nothing a string or number said."""
    # Most arguments are small objects of short texts and numbers: nothing of them can be cut.
    small = _small(value, _WIDE) if type(value) is dict else None
    return small if small is not None else _mask(value, DEPTH, [NODES])


def digest(key: bytes, value: Any) -> str:
    """Return 128 bits that are equal for equal values, and say nothing to whoever lacks the key."""
    return digester(key)(value)


def digester(key: bytes) -> Callable[[Any], str]:
    """Return `digest` for one key, at half the cost: the key is hashed once."""
    keyed = blake2b(key=key, digest_size=16)

    def digested(value: Any) -> str:
        state = keyed.copy()
        state.update(canonical(value))
        return state.hexdigest()

    return digested


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted keys, no space."""
    try:
        return _encoder.encode(value)
    except (UnicodeEncodeError, OverflowError, msgspec.MsgspecError):
        # Lone surrogates and integers beyond 64 bits are JSON to some parsers, so they need a digest too.
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _mask(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    kind = type(value)
    if kind is str:
        return f"string({len(value)})"
    if kind in _NUMBERS:
        return "number"
    if value is None or kind is bool:
        return value
    if kind is dict or isinstance(value, Mapping):
        return _masked_object(value, depth - 1, left)
    if kind is list or kind is tuple:
        return _masked_list(value, depth - 1, left)
    return kind.__name__


def _masked_object(value: Mapping[str, Any], depth: int, left: list[int]) -> Any:
    if depth < 0 or left[0] <= 0:
        return f"object({len(value)})"
    shape: dict[str, Any] = {}
    room = KEYS
    for key, item in value.items():
        if not room or left[0] <= 0:
            shape["…"] = f"+{len(value) - KEYS + room}"
            break
        room -= 1
        name = key if len(key) <= KEY_LENGTH else _cut(key)
        # Strings are most of what arguments hold, and a call for each would double the cost of a mask.
        if type(item) is str:
            left[0] -= 1
            shape[name] = f"string({len(item)})"
        else:
            shape[name] = _mask(item, depth, left)
    return shape


def _small(value: dict[str, Any], wide: int) -> dict[str, Any] | None:
    """Return the shape of an object that holds few members, and no objects but such of still fewer; else None."""
    if len(value) > wide:
        return None
    shape: dict[str, Any] = {}
    for key, item in value.items():
        if len(key) > KEY_LENGTH:
            return None
        kind = type(item)
        if kind is str:
            size = len(item)
            shape[key] = _STRINGS[size] if size < _SPELLED else f"string({size})"
        elif kind is int or kind is float:
            shape[key] = "number"
        elif kind is bool or item is None:
            shape[key] = item
        elif kind is not dict or (inner := _small(item, wide // _NARROWER)) is None:
            return None
        else:
            shape[key] = inner
    return shape


def _masked_list(value: list[Any] | tuple[Any, ...], depth: int, left: list[int]) -> Any:
    if depth < 0 or left[0] <= 0:
        return f"list({len(value)})"
    shape: list[Any] = []
    for at, item in enumerate(value):
        if at == ITEMS or left[0] <= 0:
            shape.append(f"+{len(value) - at}")
            break
        shape.append(_mask(item, depth, left))
    return shape


def _cut(key: str) -> str:
    mark = f"…({len(key)})"
    return key[: KEY_LENGTH - len(mark)] + mark
