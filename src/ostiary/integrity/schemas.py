"""Compile an approved input schema into the check that arguments must pass. Pure.

JSON Schema 2020-12 unless the schema says otherwise (2025-11-25, SEP-1613). References to the network are never
followed: a schema that has one does not compile, and its tool is held back. Patterns run in a linear-time engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn
from urllib.parse import unquote

import jsonschema_rs

from ostiary.core.errors import BadArguments
from ostiary.core.model import Check, Json

_COMBINING: Final = frozenset({
    "$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "dependencies",
})  # fmt: skip
_REFERRING: Final = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
# What is named here is an argument's name and not a keyword.
_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
_SHELVES: Final = frozenset({"$defs", "definitions"})
_DATA: Final = frozenset({"const", "enum", "default", "examples", "required"})
# The largest schemas in the field have some hundred subschemas; this many are checked in well under a millisecond.
_HEAVIEST: Final = 20_000
_STRANGE: Final = 16
_SHOWN: Final = 3
_PATTERNS: Final = jsonschema_rs.RegexOptions(size_limit=1 << 20)


def check(schema: Json, *, unknown: str) -> Check:
    """Return the check for arguments; `unknown` ones: `refuse`, `drop`, `allow`. ValueError: no valid schema."""
    _bounded(schema)
    closed = _closed(schema) if unknown == "refuse" else dict(schema)
    try:
        validator = jsonschema_rs.validator_for(closed, retriever=_no_network, pattern_options=_PATTERNS)
    except Exception as error:  # noqa: BLE001 - the engine's several classes all mean this
        raise ValueError(f"the schema does not compile: {str(error).partition(chr(10))[0][:200]}") from None
    valid, errors = validator.is_valid, validator.iter_errors
    names = _listed(schema) if unknown == "refuse" else None

    def checked(arguments: Json) -> None:
        if names is not None and not arguments.keys() <= names:
            strange = min(arguments.keys() - names)
            raise BadArguments("unknown argument", hint=f"the tool has no argument {strange[:80]!r}")
        if not valid(arguments):
            _refuse(errors, arguments)

    return checked


def known(schema: Json) -> frozenset[str]:
    """Return the names of the arguments that a schema declares, at its root or in what applies there with it."""
    return _declared(schema)[0]


def _listed(schema: Json) -> frozenset[str] | None:
    """Return the only arguments there may be, where the schema's own draft cannot be made to say so."""
    if not _old(schema) or _COMBINING.isdisjoint(schema) or _says(schema):
        return None
    names, more = _declared(schema)
    return None if more else names


def _declared(schema: Json) -> tuple[frozenset[str], bool]:
    """Return the names that a schema and all that applies with it declare, and whether one of them lets others in."""
    names: set[str] = set()
    more = False
    seen: set[int] = set()
    stack: list[Any] = [schema]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        names.update(_mapping(node.get("properties")))
        more |= bool(node.get("patternProperties")) or node.get("additionalProperties", False) is not False
        stack += [pointed(schema, node.get("$ref")), *(node.get(key) for key in ("if", "then", "else"))]
        for key in ("allOf", "anyOf", "oneOf"):
            stack += node[key] if isinstance(node.get(key), list) else []
        for key in ("dependentSchemas", "dependencies"):
            stack += _mapping(node.get(key)).values()
    return frozenset(names), more


def pointed(schema: Json, reference: object) -> Any:
    """Return what a reference inside the schema points to (RFC 6901 section 6), or None."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return None
    node: Any = schema
    for step in unquote(reference[1:]).split("/")[1:]:
        node = _mapping(node).get(step.replace("~1", "/").replace("~0", "~"))
    return node


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _bounded(schema: Json) -> None:
    """Refuse a schema that is small as written and endless as applied.

    Where `d0` refers twice to `d1`, which refers twice to `d2`, thirty lines are a billion checks. The engine
    remembers what it found for references that come back to themselves, and for no others.
    """
    try:
        weight = _weight(schema, schema, {})
    except RecursionError:
        weight = _HEAVIEST + 1
    if weight > _HEAVIEST or _strange(schema) > _STRANGE:
        raise ValueError("the schema is too deep, or its references multiply: arguments could not be checked in time")


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
        if key in _REFERRING:
            total += _weight(pointed(root, value), root, known)
        elif key in _MAPS:
            total += sum(_weight(item, root, known) for item in _mapping(value).values())
        elif key not in _DATA | _SHELVES:
            total += _weight(value, root, known)
    known[id(node)] = total = min(total, _HEAVIEST + 1)
    return total


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
        for key, value in _mapping(node).items():
            if isinstance(value, str):
                count += key in _REFERRING and not (value == "#" or value.startswith("#/"))
                count += (_STRANGE + 1) * (key == identity)
            elif key in _MAPS | _SHELVES:
                stack += _mapping(value).values()
            elif key not in _DATA:
                stack.append(value)
    return count


def _old(schema: Json) -> bool:
    """Say whether the schema's draft has no `unevaluatedProperties`, so that it cannot see through combinators."""
    return "draft-0" in str(schema.get("$schema", ""))


def _says(schema: Json) -> bool:
    return "additionalProperties" in schema or "unevaluatedProperties" in schema


def _no_network(uri: str) -> NoReturn:
    raise ValueError(f"a reference to {uri[:80]} would have to be fetched")


def _closed(schema: Json) -> dict[str, Any]:
    """Return the schema with undeclared arguments forbidden, unless it says itself what else may come."""
    if _says(schema):
        return dict(schema)
    if _COMBINING.isdisjoint(schema):
        return {**schema, "additionalProperties": False}
    return dict(schema) if _old(schema) else {**schema, "unevaluatedProperties": False}


def _refuse(errors: Any, arguments: Json) -> NoReturn:
    shown, places = [], []
    for error in errors(arguments):
        place = "/".join(str(part) for part in error.instance_path) or "arguments"
        shown.append(f"{place}: {error.message[:160]}")
        # The ledger masks values, so only the place and the broken keyword go there.
        places.append(f"{place} ({error.schema_path[-1] if error.schema_path else '?'})")
        if len(shown) == _SHOWN:
            break
    raise BadArguments("; ".join(places), hint="; ".join(shown))


def object_schema(definition: Mapping[str, Any]) -> Json:
    """Return a tool's input schema; ValueError where it is not an object's."""
    schema = definition.get("inputSchema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ValueError('inputSchema must be a schema with "type": "object"')
    return schema
