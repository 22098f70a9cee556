"""How a view shows things: under other names, with other words, with arguments that are fixed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.config.rules import View
from ostiary.core.errors import BadArguments
from ostiary.core.model import Json, Kind, Target
from ostiary.integrity import schemas
from ostiary.protocol import names

_RESOURCES: Final = frozenset({Kind.RESOURCE, Kind.TEMPLATE})
_DEMANDS: Final = ("required", "minProperties", "dependentRequired", "dependencies")


def shown(target: Target, view: View | None) -> Target:
    """Return a target as an endpoint shows it; ValueError where the view fixes what cannot be fixed."""
    if view is None:
        return renamed(target, None)
    said = view.describe.get(target.label)
    if said is not None:
        target = msgspec.structs.replace(target, definition={**target.definition, "description": said})
    given = view.set.get(target.label)
    return renamed(fixed(target, given) if given else target, view)


def renamed(target: Target, view: View | None) -> Target:
    """Return a target under its name at the aggregate, or at a view."""
    if target.kind in _RESOURCES:
        return target
    new = view.rename.get(target.label) if view else None
    return msgspec.structs.replace(target, exposed=new or names.exposed(target.server, target.name))


def fixed(target: Target, given: Mapping[str, Any]) -> Target:
    """Return a tool or prompt some of whose arguments are fixed: clients neither see nor send them."""
    if target.kind not in (Kind.TOOL, Kind.PROMPT):
        raise ValueError("only tools and prompts have arguments to fix")
    strange = sorted(given.keys() - _known(target))
    if strange:
        raise ValueError(f"it has no argument {strange[0]!r} to fix")
    _fit(target, given)
    definition = _without(target.definition, given)
    mirrored = tuple(each for each in target.mirrored if each[1][0] not in given)
    return msgspec.structs.replace(target, definition=definition, fixed=dict(given), mirrored=mirrored)


def _known(target: Target) -> frozenset[str]:
    if target.kind is Kind.TOOL:
        return target.known
    return frozenset(str(each.get("name")) for each in _listed(target.definition))


def _fit(target: Target, given: Mapping[str, Any]) -> None:
    """Refuse values that the approved schema refuses; what else must come with them is seen at the call."""
    check = target.check
    if target.kind is Kind.TOOL:
        schema = {key: value for key, value in target.definition["inputSchema"].items() if key not in _DEMANDS}
        check = schemas.check(schema, unknown="allow")
    try:
        if check is not None:
            check(given)
    except BadArguments as error:
        raise ValueError(f"an argument that it fixes does not fit: {error.detail}") from None


def _without(definition: Json, given: Mapping[str, Any]) -> Json:
    """Return the definition without these arguments."""
    schema = definition.get("inputSchema")
    if not isinstance(schema, dict):
        return {**definition, "arguments": [each for each in _listed(definition) if each.get("name") not in given]}
    left = dict(schema)
    if isinstance(left.get("properties"), dict):
        left["properties"] = {key: value for key, value in left["properties"].items() if key not in given}
    if isinstance(left.get("required"), list):
        left["required"] = [name for name in left["required"] if name not in given]
    return {**definition, "inputSchema": left}


def _listed(definition: Json) -> list[Json]:
    listed = definition.get("arguments")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
