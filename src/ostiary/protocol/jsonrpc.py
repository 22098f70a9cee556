"""Bytes to one JSON-RPC message and back (JSON-RPC 2.0; RFC 8259). Pure.

Two readers of one body must not be able to see two different messages, so a body with a doubled key, a number that
is not finite, or a lone surrogate is refused, and what is sent on is always encoded anew from what was read here.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeGuard

import msgspec

from ostiary.core.errors import Malformed, NotJson, TooLarge
from ostiary.core.model import Json
from ostiary.protocol.volume import crowded

_decoder: Final = msgspec.json.Decoder()
_encoder: Final = msgspec.json.Encoder()
_BODIES: Final = (dict, list)

MOST: Final = 100_000
"""Values in one message: what looks at each of them takes a second for some millions."""
DEEPEST: Final = 128
"""Levels of what a server sends."""
FULLEST: Final = 1_000_000
"""Values of what a server sends, with the commas and brackets of the empty ones."""

encode: Final = _encoder.encode
"""Return the compact JSON of a value. Integers of any size keep their digits."""


def decode(body: bytes) -> Any:
    """Return the value in `body`, or raise `NotJson`; doubled keys go unnoticed: `read` is for what clients send."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJson(str(error)) from None
    except RecursionError:
        raise TooLarge(hint="the JSON is nested too deeply") from None


def read(body: bytes, depth: int) -> dict[str, Any] | list[Any]:
    """Return the JSON object in `body`, or the array of a batch, nested at most `depth` deep, without a doubled key."""
    message: Any = decode(body)
    if not isinstance(message, _BODIES):
        raise Malformed(hint="a body is one JSON object")
    # Fewer brackets than allowed levels: nothing to measure.
    opened = body.count(b"{") + body.count(b"[")
    if opened > depth and deeper(message, depth):
        raise TooLarge(hint=f"the JSON is nested deeper than {depth} levels")
    # A value begins with a bracket, or after a bracket or a comma.
    if 2 * opened + body.count(b",") > MOST and more(message, MOST):
        raise TooLarge(hint=f"the JSON has more than {MOST} values")
    proven(body, message)
    return message


def proven(body: bytes, value: Any) -> bytes:
    """Return the compact JSON of the value that was decoded from `body`, which must not name a key twice."""
    # The round trip is the proof: had a key been doubled, encoding could not give the same bytes. Only a body that
    # another encoder spaced or escaped differently pays for the slow look.
    text = encode(value)
    if text != body:
        _refuse_doubled(body)
    return text


def heard(body: bytes) -> Any:
    """Return the value in what a server sent; `NotJson`, or `TooLarge` where that is more than anybody needs."""
    if len(body) > FULLEST and crowded(body, FULLEST):
        raise TooLarge(hint=f"it holds more than {FULLEST} values")
    message = decode(body)
    if body.count(b"{") + body.count(b"[") > DEEPEST and deeper(message, DEEPEST):
        raise TooLarge(hint=f"it is nested deeper than {DEEPEST} levels")
    return message


def more(value: Any, most: int) -> bool:
    """Say whether there are more than `most` values in `value`."""
    stack = [value]
    while stack:
        most -= 1
        if most < 0:
            return True
        each = stack.pop()
        if isinstance(each, dict | list):
            stack += each.values() if isinstance(each, dict) else each
    return False


def deeper(value: Any, depth: int) -> bool:
    """Say whether `value` nests deeper than `depth` levels."""
    level = [value]
    while level:
        if depth <= 0:
            return True
        depth -= 1
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, dict | list)
        ]
    return False


def _refuse_doubled(body: bytes) -> None:
    try:
        json.loads(body, object_pairs_hook=_no_doubles)
    except RecursionError:
        raise TooLarge(hint="the JSON is nested too deeply") from None
    except ValueError as error:
        raise NotJson(str(error)) from None


def _no_doubles(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise Malformed(hint="a JSON object names the same key twice")


def request(ident: str | int, method: str, params: Json) -> dict[str, Any]:
    """Return a JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


def notification(method: str, params: Json) -> dict[str, Any]:
    """Return a JSON-RPC notification."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def is_id(value: object) -> TypeGuard[str | int]:
    """Say whether `value` may be a request's id: a string or an integer, never null or a boolean."""
    return isinstance(value, str | int) and not isinstance(value, bool)
