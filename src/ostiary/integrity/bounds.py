"""How much is there to check in a schema, and in a value? Pure.

A schema is a program that a server wrote and a caller gives the input to: what it may cost is told beforehand, by what
is in it once every reference is replaced by what it points to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from ostiary.core.model import Json

REFERRING: Final = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
# What is named here is an argument's name and not a keyword.
_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
_SHELVES: Final = frozenset({"$defs", "definitions"})
_DATA: Final = frozenset({"const", "enum", "default", "examples", "required"})
# The largest schemas in the field have some hundred subschemas; this many are checked in well under a millisecond.
_HEAVIEST: Final = 20_000
_LARGEST: Final = 1 << 20
"""Octets of one schema."""
_STRANGE: Final = 16
_MOST_PATTERNS: Final = 100
"""Each may take a megabyte once it is compiled."""
_DEEP: Final = 16
_PARTS: Final = 500
"""Parts that are referred to; with more, everything is taken to lead back."""
_TEXT: Final = 64
"""Characters that cost as much as a value where reasons are told: every reason holds a copy of its value."""


def pointed(schema: Json, reference: object) -> Any:
    """Return what a reference inside the schema points to (RFC 6901 section 6), or None."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return None
    node: Any = schema
    for step in unquote(reference[1:]).split("/")[1:]:
        node = mapping(node).get(step.replace("~1", "/").replace("~0", "~"))
    return node


def mapping(value: Any) -> dict[str, Any]:
    """Return a JSON object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def weighed(schema: Json) -> int:
    """Return how much there is to check; ValueError for a schema that is small as written and endless as applied.

    Where `d0` refers twice to `d1`, which refers twice to `d2`, thirty lines are a billion checks. The engine
    remembers what it found for references that come back to themselves, and for no others.
    """
    try:
        weight, written = _weight(schema, schema, {}), len(msgspec.json.encode(schema))
    except RecursionError:
        weight, written = _HEAVIEST + 1, 0
    if weight > _HEAVIEST or _strange(schema) > _STRANGE:
        raise ValueError("the schema is too deep, or its references multiply: arguments could not be checked in time")
    if written > _LARGEST or _patterned(schema) > _MOST_PATTERNS:
        raise ValueError(f"the schema is larger than {_LARGEST} octets, or has more than {_MOST_PATTERNS} patterns")
    return weight


def _weight(node: Any, root: Json, known: dict[int, int]) -> int:
    """Return how many subschemas there are once every reference is replaced by what it points to."""
    if isinstance(node, list):
        return sum(_weight(item, root, known) for item in node)
    if not isinstance(node, dict):
        return 0
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = total = 1
    for key, value in node.items():
        if key in REFERRING:
            total += _weight(pointed(root, value), root, known)
        elif key in _MAPS:
            total += sum(_weight(item, root, known) for item in mapping(value).values())
        elif key == "enum":
            # Texts are looked up; anything else is compared with one after the other.
            total += sum(not isinstance(item, str) for item in value) if isinstance(value, list) else 0
        elif key not in _DATA | _SHELVES:
            total += _weight(value, root, known)
    known[id(node)] = total = min(total, _HEAVIEST + 1)
    return total


def _patterned(schema: Json) -> int:
    return sum(
        isinstance(each.get("pattern"), str) + len(mapping(each.get("patternProperties"))) for each in objects(schema)
    )


def objects(schema: Json) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in a schema, whatever it is there for."""
    stack: list[Any] = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            yield node
            stack += node.values()


def _strange(schema: Json) -> int:
    """Return how many references `pointed` cannot follow; a part with an identity of its own counts as many."""
    identity = "id" if "draft-04" in str(schema.get("$schema", "")) else "$id"
    count = 0
    stack: list[Any] = [{**schema, identity: None}]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
            continue
        for key, value in mapping(node).items():
            if isinstance(value, str):
                count += key in REFERRING and not (value == "#" or value.startswith("#/"))
                count += (_STRANGE + 1) * (key == identity)
            elif key in _MAPS | _SHELVES:
                stack += mapping(value).values()
            elif key not in _DATA:
                stack.append(value)
    return count


def returning(schema: Json) -> int:
    """Return how many ways lead from a part of the schema back to itself, at most: 0 where none contains itself."""
    if _strange(schema):
        return _STRANGE
    bodies: dict[int, list[int]] = {}
    todo: list[Any] = [schema]
    while todo:
        if len(bodies) > _PARTS:
            return _STRANGE
        body = todo.pop()
        if id(body) not in bodies:
            found = [part for part in _referred(body, schema) if isinstance(part, dict)]
            bodies[id(body)] = [id(part) for part in found]
            todo += found
    reach = {body: _reached(body, bodies) for body in bodies}
    return max(sum(body in reach[each] for each in leads) for body, leads in bodies.items())


def _referred(body: Json, root: Json) -> Iterator[Any]:
    """Yield what the references in a body point to, as often as they do."""
    stack: list[Any] = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
            continue
        for key, value in mapping(node).items():
            if key in REFERRING:
                yield pointed(root, value)
            elif key in _MAPS:
                stack += mapping(value).values()
            elif key not in _DATA | _SHELVES:
                stack.append(value)


def _reached(start: int, bodies: dict[int, list[int]]) -> set[int]:
    seen: set[int] = {start}
    stack = [start]
    while stack:
        for each in bodies[stack.pop()]:
            if each not in seen:
                seen.add(each)
                stack.append(each)
    return seen


def telling(value: Any, weight: int, ways: int) -> int:
    """Return what it may take to say where a value does not fit: the engine then remembers nothing."""
    # What contains itself is gone through anew at every level, by every way that leads back.
    again: int = max(ways, 1) ** min(_levels(value), _DEEP)
    return size(value, text=_TEXT) * weight * again


def size(value: Any, *, text: int) -> int:
    """Return how many values there are in a value; with `text`, so many characters are as much as a value."""
    count = 0
    stack = [value]
    while stack:
        each = stack.pop()
        count += 1
        if isinstance(each, dict):
            stack += each.values()
        elif isinstance(each, list):
            stack += each
        elif text and isinstance(each, str):
            count += len(each) // text
    return count


def _levels(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def exceeding(value: Any, depth: int, values: int) -> str:
    """Return how a value exceeds what it may be: `depth` levels, or a number of `values`; empty: it does not."""
    level, left, deep = [value], values - 1, 0
    while level:
        inside = [each for each in level if isinstance(each, dict | list)]
        if inside and deep == depth:
            return f"is nested deeper than {depth} levels"
        left -= sum(map(len, inside))
        if left < 0:
            return f"holds more than {values} values"
        deep += 1
        level = [item for each in inside for item in (each.values() if isinstance(each, dict) else each)]
    return ""
