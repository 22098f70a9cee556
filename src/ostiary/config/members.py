"""What an approved definition says of each argument, for conditions: its type, and whether it may be missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ostiary.core.model import Json
from ostiary.integrity import bounds, schemas
from ostiary.policy.conditions import Member, Shape, Steps

_TYPES: Final = frozenset({"string", "integer", "number", "boolean", "array", "object"})
_COMBINED: Final = ("allOf", "anyOf", "oneOf", "if", "dependentSchemas", "dependencies")
_FOLLOWED: Final = 16


def of_schema(schema: Json, *, free: bool) -> Shape:
    """Return the shape of a tool's arguments; `free`: arguments that its schema does not name go through."""

    def shape(way: Steps) -> Member | None:
        here: Any = schema
        member: Member | None = None
        for depth, step in enumerate(way):
            member = _member(here, step, schema, free=free and not depth)
            if member is None:
                return None
            here = _followed(_plain(_plain(here).get("properties")).get(step), schema)
        return member

    return shape


def of_prompt(definition: Json) -> Shape:
    """Return the shape of a prompt's arguments, which are texts."""
    listed = definition.get("arguments")
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    known = {str(each.get("name")): each.get("required") is not True for each in entries}

    def shape(way: Steps) -> Member | None:
        return Member("string", known[way[0]]) if len(way) == 1 and way[0] in known else None

    return shape


def nothing(_way: Steps) -> Member | None:
    """Return None: the shape of what takes no arguments."""
    return None


def _member(here: Any, step: str, root: Json, *, free: bool) -> Member | None:
    """Return what a schema says of one of its members; where it combines others, only that there may be one."""
    here = _plain(_followed(here, root))
    own = _plain(here.get("properties")).get(step)
    if own is None:
        return Member("", optional=True) if free or _open(here, step, root) else None
    found = _plain(_followed(own, root))
    required = here.get("required")
    sure = isinstance(required, list) and step in required
    kind = found.get("type")
    items = _plain(_followed(found.get("items"), root)).get("type")
    return Member(
        kind if isinstance(kind, str) and kind in _TYPES else "", not sure, items if isinstance(items, str) else ""
    )


def _open(here: Json, step: str, root: Json) -> bool:
    """Say whether an object may have a member that its `properties` do not name."""
    more = here.get("additionalProperties")
    if more is True or isinstance(more, dict) or "patternProperties" in here:
        return True
    if here is root:
        return step in schemas.known(root)
    return "properties" not in here or any(key in here for key in _COMBINED)


def _followed(node: Any, root: Json) -> Any:
    """Return what a chain of references within the schema ends at."""
    for _ in range(_FOLLOWED):
        reference = node.get("$ref") if isinstance(node, dict) else None
        if reference is None:
            return node
        node = bounds.pointed(root, reference)
    return None


def _plain(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}


def names(definition: Json) -> Iterable[str]:
    """Return the arguments that a definition names, for suggestions."""
    schema = definition.get("inputSchema")
    if isinstance(schema, dict):
        return schemas.known(schema)
    listed = definition.get("arguments")
    return [str(each.get("name")) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
