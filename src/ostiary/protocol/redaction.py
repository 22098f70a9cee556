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
_STRINGS: Final = tuple(f"string({length})" for length in range(_SPELLED))
"""What is said of strings that are not longer than most: writing it anew each time would cost more than the look."""

_encoder: Final = msgspec.json.Encoder(order="sorted")


def masked(value: Any) -> Any:
    """Return the value's shape: keys, types and lengths, and nothing a string or number said."""
    return _mask(value, DEPTH, [NODES])


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
    if len(value) <= min(KEYS, left[0]) and (flat := _flat(value)) is not None:
        # Most arguments are like that, and nothing of them can be cut.
        left[0] -= len(value)
        return flat
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


def _flat(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the shape of an object that holds no other one, and whose keys are short; None for any other."""
    shape: dict[str, Any] = {}
    for key, item in value.items():
        kind = type(item)
        if len(key) > KEY_LENGTH:
            return None
        if kind is str:
            shape[key] = _STRINGS[len(item)] if len(item) < _SPELLED else f"string({len(item)})"
        elif kind in _NUMBERS:
            shape[key] = "number"
        elif item is None or kind is bool:
            shape[key] = item
        else:
            return None
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
