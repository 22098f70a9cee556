"""What stands around the id and the arguments of a tool call, for those that differ in nothing else. Pure.

Both holes must hold one whole JSON value each. What a text with two such values in it says can then be read in one way
only, and whoever knows the text around them has to read nothing but the two.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ostiary.core.errors import GatewayError
from ostiary.core.model import Json
from ostiary.protocol.frame import Frame
from ostiary.protocol.jsonrpc import MOST, decode, deeper, encode, more, proven

_decode: Final = msgspec.json.Decoder().decode
_MESSAGE: Final = {"jsonrpc", "id", "method", "params"}
_PARAMS: Final = {"name", "arguments", "_meta"}
_IDENTS: Final = frozenset({int, str})
_IDENT: Final = b"\x00"
_ARGUMENTS: Final = b"\x01"
"""JSON has no such characters, so that they stand for the holes."""
_AROUND: Final = 2
"""Levels around the arguments: the message, and its parameters."""
_BESIDE: Final = 64
"""More values than there are beside the arguments of a message that has a frame."""


def filled(frame: Frame, body: bytes, depth: int) -> tuple[str | int, Json, bytes] | None:
    """Return the id, the arguments, and their compact text, if the body is a frame with the two in it."""
    start, end = frame.start, frame.end
    if not (body.startswith(start) and body.endswith(end)):
        return None
    told, _, text = body[len(start) : -len(end)].partition(frame.middle)
    if not frame.ident_first:
        told, text = text, told
    try:
        arguments: Any = _decode(text)
        ident: Any = _decode(told)
        # An id has one spelling that needs no second look.
        if type(arguments) is not dict or type(ident) not in _IDENTS or encode(ident) != told:
            return None
        if encode(arguments) != text:
            text = proven(text, arguments)
    except (msgspec.MsgspecError, ValueError, RecursionError, GatewayError):
        # No JSON, or no UTF-8, or nested too deeply: whoever reads the whole says what is wrong.
        return None
    # Fewer brackets than allowed levels, and fewer bytes than allowed values: nothing to measure.
    levels = depth - _AROUND
    if len(text) > levels and (
        (text.count(b"{") + text.count(b"[") > levels and deeper(arguments, levels))
        or (len(text) > MOST and more(arguments, MOST - _BESIDE))
    ):
        return None
    return ident, arguments, text


def framed(body: bytes) -> Frame | None:
    """Return the frame of calls that are spelled like this one; None for a message that has more in it."""
    message = decode(body)
    if message.keys() != _MESSAGE or message["params"].keys() != _PARAMS:
        return None
    params = {**message["params"], "arguments": msgspec.Raw(_ARGUMENTS)}
    text = encode({**message, "id": msgspec.Raw(_IDENT), "params": params})
    ident_first = text.index(_IDENT) < text.index(_ARGUMENTS)
    first, second = (_IDENT, _ARGUMENTS) if ident_first else (_ARGUMENTS, _IDENT)
    start, _, rest = text.partition(first)
    middle, _, end = rest.partition(second)
    return Frame(start, middle, end, ident_first)
