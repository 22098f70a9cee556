"""The routing headers of 2026-07-28 (Streamable HTTP, "Standard headers"; SEP-2243) and content negotiation. Pure.

Headers exist so that others can route on them without reading the body; a disagreement is an attack or a bug.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ostiary.core.errors import HeaderMismatch
from ostiary.core.model import Json
from ostiary.core.screening import Path

VERSION: Final = "mcp-protocol-version"
METHOD: Final = "mcp-method"
NAME: Final = "mcp-name"
PARAM: Final = "mcp-param-"
SESSION: Final = "mcp-session-id"

_SENTINEL: Final = ("=?base64?", "?=")
_BLANKS: Final = " \t"
"""Optional whitespace (RFC 9110 section 5.6.3). Some servers leave it at the end of a value."""
_PLAIN: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NUMBER: Final = re.compile(r"(-?(?:0|[1-9][0-9]{0,39}))(?:\.0{1,20})?")
_MIRRORABLE: Final = ("string", "integer", "boolean")
"""A tuple: a schema's type may be a list, which cannot be looked up in a set."""
_SAFE_INTEGER: Final = 2**53 - 1
_CONTROLS: Final = 0x20


def trimmed(value: str | None) -> str:
    """Return a header's value without the blanks around it; nothing for a header that is missing."""
    return value.strip(_BLANKS) if value else ""


def decoded(value: str) -> str:
    """Return the text that a header carries, undoing the base64 form; raise `HeaderMismatch` where it is broken."""
    value = value.strip(_BLANKS)
    if _PLAIN.fullmatch(value) and not value.startswith(_SENTINEL[0]):
        return value
    if any(ord(letter) < _CONTROLS or ord(letter) == 0x7F for letter in value if letter != "\t"):  # noqa: PLR2004 - DEL
        raise HeaderMismatch(hint="a routing header holds control characters")
    if not (value.startswith(_SENTINEL[0]) and value.endswith(_SENTINEL[1])):
        if not value.isascii():
            raise HeaderMismatch(hint="a routing header holds bytes that are not ASCII; use the =?base64?…?= form")
        return value
    packed = value[len(_SENTINEL[0]) : -len(_SENTINEL[1])]
    try:
        content = base64.b64decode(packed, validate=True)
        # One text has one spelling: padding bits that decoders ignore, or overlapping marks, would make more.
        if f"{_SENTINEL[0]}{base64.b64encode(content).decode('ascii')}{_SENTINEL[1]}" != value:
            raise HeaderMismatch(hint="a routing header is not canonical base64")
        return content.decode("utf-8")
    except (binascii.Error, ValueError):
        raise HeaderMismatch(hint="a routing header is not valid base64 of UTF-8") from None


def encoded(text: str) -> str:
    """Return the header form of `text`: verbatim where that is unambiguous, otherwise base64."""
    if _PLAIN.fullmatch(text) and not text.startswith(_SENTINEL[0]):
        return text
    return f"{_SENTINEL[0]}{base64.b64encode(text.encode()).decode('ascii')}{_SENTINEL[1]}"


def spelled(value: str | float | bool) -> str:
    """Return an argument as its mirroring header spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return encoded(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def same(header: str, value: object) -> bool:
    """Say whether a mirroring header and its argument are equal: integers by number, everything else by text."""
    text = decoded(header)
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if isinstance(value, int | float):
        # Exactly, and not as floating point: beyond 2**53 different integers are the same float.
        number = _NUMBER.fullmatch(text)
        return number is not None and int(number[1]) == value
    return text == value


def agree_params(headers: Mapping[str, str], arguments: Json, mirrored: Iterable[tuple[str, Path]]) -> None:
    """Refuse `Mcp-Param-*` headers that are missing, extra or unequal to the argument they mirror."""
    for name, path in mirrored:
        header, value = headers.get(PARAM + name), at(arguments, path)
        if value is None and header is None:
            continue
        if header is None:
            raise HeaderMismatch(hint=f"Mcp-Param-{name} is missing for an argument that is present")
        if value is None or not same(header, value):
            raise HeaderMismatch(hint=f"Mcp-Param-{name} disagrees with the arguments")


def at(value: Any, path: Path) -> Any:
    """Return what lies at `path`, or None."""
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def mirrored(schema: Json) -> tuple[tuple[str, Path], ...]:
    """Return the `x-mcp-header` names (lower-case) of an input schema, each with the argument it mirrors.

    Raises ValueError where an annotation is invalid (2026-07-28, tools, "x-mcp-header"): drop the tool then.
    """
    found: dict[str, Path] = {}
    for path, node, reachable in _nodes(schema, (), True):
        if "x-mcp-header" not in node:
            continue
        name = node["x-mcp-header"]
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ValueError(f"x-mcp-header {name!r} is not a header token")
        if not path or not reachable or node.get("type") not in _MIRRORABLE:
            raise ValueError(f"x-mcp-header {name!r} is not on a plain string, integer or boolean property")
        if _unsafe_integer(node):
            raise ValueError(f"x-mcp-header {name!r} allows integers beyond the safe range")
        if name.lower() in found:
            raise ValueError(f"x-mcp-header {name!r} is used twice")
        found[name.lower()] = path
    return tuple(found.items())


def _unsafe_integer(node: Json) -> bool:
    bounds = [node.get(key) for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")]
    return node.get("type") == "integer" and any(
        isinstance(bound, int | float) and abs(bound) > _SAFE_INTEGER for bound in bounds
    )


def _nodes(schema: Any, path: Path, reachable: bool) -> Iterable[tuple[Path, Json, bool]]:
    """Walk every subschema; only a chain of `properties` from the root is reachable."""
    stack: list[tuple[Path, Any, bool]] = [(path, schema, reachable)]
    while stack:
        here, node, open_ = stack.pop()
        if isinstance(node, list):
            stack.extend((here, item, False) for item in node)
            continue
        if not isinstance(node, dict):
            continue
        yield here, node, open_
        for key, value in node.items():
            if key == "properties" and isinstance(value, dict):
                stack.extend(((*here, name), item, open_) for name, item in value.items())
            elif key in {"const", "enum", "default", "examples", "x-mcp-header"}:
                continue
            elif isinstance(value, dict) and key in {"$defs", "definitions", "patternProperties", "dependentSchemas"}:
                stack.extend((here, item, False) for item in value.values())
            else:
                stack.append((here, value, False))


_REFUSED: Final = frozenset({"q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000"})


def accepts(header: str | None) -> tuple[bool, bool]:
    """Return whether `Accept` admits JSON and event streams (RFC 9110 section 12.5.1; absent: both)."""
    if not header:
        return True, True
    if header == "application/json, text/event-stream":
        return True, True
    json = stream = False
    for part in header.lower().split(","):
        media, *params = (piece.strip(_BLANKS) for piece in part.split(";"))
        if not _REFUSED.isdisjoint(params):
            continue
        json |= media in {"application/json", "application/*", "*/*"}
        stream |= media in {"text/event-stream", "text/*", "*/*"}
    return json, stream
