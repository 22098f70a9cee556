"""Compile an approved schema into the check that arguments, or results, must pass. Pure.

JSON Schema 2020-12 unless the schema says otherwise (2025-11-25, SEP-1613). References to the network are never
followed: a schema that has one does not compile, and its tool is held back. Patterns run in a linear-time engine, and
formats are demanded. What a check may cost is known before it begins: by how much there is in the schema, and, where
that is much, by how much there is in the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import jsonschema_rs

from ostiary.core.errors import BadArguments
from ostiary.core.model import Check, Dropping, Json
from ostiary.integrity.bounds import mapping, pointed, returning, size, telling, weighed
from ostiary.integrity.closing import COMBINING, closed, left, old
from ostiary.integrity.naming import Naming, without

_SHOWN: Final = 3
_PATTERNS: Final = jsonschema_rs.RegexOptions(size_limit=1 << 20)
# Generators that say draft-07 write these two all the same; drafts before 2019-09 do not know them.
_LATER: Final = {
    name: jsonschema_rs.validator_for({"format": name}, validate_formats=True).is_valid for name in ("uuid", "duration")
}
_LIGHT: Final = 500
_WORK: Final = 50_000_000
"""Subschemas times values: a fifth of a second. A message has no more than 100,000 values (`protocol.jsonrpc`), so
that for a light schema they need not be counted."""
_TELLING: Final = 20_000
"""The same, for saying where something does not fit: that takes longer, for every reason holds a copy of its value."""


def check(schema: Json, *, unknown: str) -> Check:
    """Return the check for arguments; `unknown` ones: `refuse`, `drop`, `allow`. ValueError: no valid schema."""
    weight = weighed(schema)
    valid, errors = _compiled(schema, close=unknown == "refuse")
    names = _listed(schema) if unknown == "refuse" else None
    ways = returning(schema)
    naming = Naming(schema, _matching) if unknown == "refuse" and left(schema, pointed) else None

    def checked(arguments: Json) -> None:
        if names is not None and not arguments.keys() <= names:
            strange = min(arguments.keys() - names)
            raise BadArguments("unknown argument", hint=f"the tool has no argument {strange[:80]!r}")
        if weight > _LIGHT and weight * size(arguments, text=0) > _WORK:
            raise BadArguments("too many values for this schema", hint="there are too many values; send fewer at once")
        if not valid(arguments):
            if telling(arguments, weight, ways) > _TELLING:
                raise BadArguments("do not fit", hint=_UNSAID)
            _refuse(errors, arguments)
        if naming is not None:
            _refuse_unknown(naming, arguments)

    return checked


def _refuse_unknown(naming: Naming, arguments: Json) -> None:
    way = next(naming.unknown(arguments), None)
    if way is not None:
        place = "/".join(str(step)[:80] for step in way)[:160]
        raise BadArguments("unknown argument", hint=f"the tool has no argument {place!r}")


def dropping(schema: Json) -> Dropping:
    """Return what takes the arguments out that a schema does not name, at any depth. ValueError: no valid schema.

    What `check` would take although it refuses unknown arguments stays whole: a choice of which one part names nothing.
    """
    refusing = check(schema, unknown="refuse")
    naming = Naming(schema, _matching)

    def dropped(arguments: Json) -> Json:
        unknown = list(naming.unknown(arguments))
        return without(arguments, unknown) if unknown and not _taken(refusing, arguments) else arguments

    return dropped


def _taken(refusing: Check, arguments: Json) -> bool:
    try:
        refusing(arguments)
    except BadArguments:
        return False
    return True


def _matching(pattern: str) -> Callable[[str], bool]:
    """Return whether a name fits a pattern, in the engine that the schema is checked by."""
    fits, _ = _compiled({"type": "string", "pattern": pattern}, close=False)
    return fits


def fitting(schema: Json) -> Callable[[Any], bool]:
    """Return whether a value fits a schema, which names all or some of its members. ValueError: no valid schema."""
    weight = weighed(schema)
    valid, _ = _compiled(schema, close=False)
    return lambda value: (weight <= _LIGHT or weight * size(value, text=0) <= _WORK) and valid(value)


def _compiled(schema: Json, *, close: bool) -> tuple[Callable[[Any], bool], Callable[[Any], Any]]:
    try:
        made = jsonschema_rs.validator_for(
            closed(schema, pointed) if close else dict(schema),
            retriever=_no_network,
            pattern_options=_PATTERNS,
            validate_formats=True,
            formats=_LATER if old(schema) else None,
        )
    except Exception as error:  # noqa: BLE001 - the engine's several classes all mean this
        raise ValueError(f"the schema does not compile: {_told(str(error))}") from None
    return made.is_valid, made.iter_errors


def _told(said: str) -> str:
    first = said.partition("\n")[0][:200]
    if not first.endswith('is not a "regex"'):
        return first
    return f"{first}: it is malformed or too large, or it looks around or back, which no engine in linear time can"


_UNSAID: Final = "they do not fit the tool's schema, and are too much to say where; hold them against it"


def known(schema: Json) -> frozenset[str]:
    """Return the names of the arguments that a schema declares, at its root or in what applies there with it."""
    return _declared(schema)[0]


def _listed(schema: Json) -> frozenset[str] | None:
    """Return the only arguments there may be, where the schema's own draft cannot be made to say so."""
    if not old(schema) or COMBINING.isdisjoint(schema) or _says(schema):
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
        names.update(mapping(node.get("properties")))
        more |= bool(node.get("patternProperties")) or node.get("additionalProperties", False) is not False
        stack += [pointed(schema, node.get("$ref")), *(node.get(key) for key in ("if", "then", "else"))]
        for key in ("allOf", "anyOf", "oneOf"):
            stack += node[key] if isinstance(node.get(key), list) else []
        for key in ("dependentSchemas", "dependencies"):
            stack += mapping(node.get(key)).values()
    return frozenset(names), more


def _says(schema: Json) -> bool:
    return "additionalProperties" in schema or "unevaluatedProperties" in schema


def _no_network(uri: str) -> NoReturn:
    raise ValueError(f"a reference to {uri[:80]} would have to be fetched")


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
