"""Make a schema say that what it does not name may not come, inside of arguments too. Pure.

JSON Schema lets every object have members that nobody named, and a server may read one of them. Where a schema is
plain, `additionalProperties: false` is what its author meant; where it combines others, that would forbid what another
part allows. So only a schema that alone describes a value is closed: what a property or an array's items are, with
references followed, and the branches of an `anyOf` that stands alone. Where several describe one value, it is left as
it is, and `integrity/naming.py` looks at the value instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ostiary.core.model import Json
from ostiary.integrity.bounds import objects

COMBINING: Final = frozenset({
    "$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "dependencies",
})  # fmt: skip
# These say something to people, and of these nothing depends on what else there is.
_TELLING: Final = frozenset({
    "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$defs",
    "definitions", "nullable", "discriminator",
})  # fmt: skip
_SAYING: Final = ("additionalProperties", "unevaluatedProperties")
_HELD: Final = (
    "items", "prefixItems", "additionalItems", "unevaluatedItems", "additionalProperties", "unevaluatedProperties",
)  # fmt: skip
_SHELF: Final = "closed by the gateway"

Pointed = Callable[[Json, object], Any]
"""A schema and a reference → what it points to, or None."""


def closed(schema: Json, pointed: Pointed) -> dict[str, Any]:
    """Return the schema with undeclared members of its objects forbidden, unless it says itself what else may come."""
    shelf: dict[str, Any] = {}
    plain = COMBINING.isdisjoint(schema)
    made = _inside(schema, _Closing(schema, pointed, shelf)) if plain else dict(schema)
    if shelf:
        made[_SHELF] = shelf
    if any(key in schema for key in _SAYING):
        return made
    if plain:
        return {**made, "additionalProperties": False}
    return made if old(schema) else {**made, "unevaluatedProperties": False}


def old(schema: Json) -> bool:
    """Say whether the schema's draft has no `unevaluatedProperties`, so that it cannot see through combinators."""
    return "draft-0" in str(schema.get("$schema", ""))


def left(schema: Json, pointed: Pointed) -> bool:
    """Say whether something in a schema, or the whole, is described by several of its parts, and was left as it is."""
    return any(not COMBINING.isdisjoint(each) and not _leading(each, schema, pointed) for each in objects(schema))


def _leading(node: Json, root: Json, pointed: Pointed) -> bool:
    """Say whether a part is nothing but a reference, or a choice, so that what it leads to is closed."""
    if node is root or len(found := node.keys() - _TELLING) != 1:
        return False
    key = found.pop()
    if key == "$ref":
        return isinstance(pointed(root, node[key]), dict)
    return _single(key, node[key])


def _single(key: str, value: Any) -> bool:
    # Of `oneOf` exactly one may hold: to narrow one of them could let a value pass that two have refused.
    return isinstance(value, list) and (key == "anyOf" or (key == "allOf" and len(value) == 1))


class _Closing:
    """What was closed so far: a definition that contains itself is closed once."""

    def __init__(self, root: Json, pointed: Pointed, shelf: dict[str, Any]) -> None:
        self.root, self.pointed, self.shelf = root, pointed, shelf
        self.names: dict[str, str] = {}

    def reference(self, text: str) -> str:
        """Return a reference to the closed form of what a reference points to; itself where that cannot be closed."""
        found = self.pointed(self.root, text)
        if found is self.root or not isinstance(found, dict) or "$id" in found or "id" in found:
            return text
        if text not in self.names:
            name = self.names[text] = str(len(self.names))
            self.shelf[name] = {}
            self.shelf[name] = _whole(found, self)
        return f"#/{_SHELF.replace(' ', '%20')}/{self.names[text]}"


def _whole(node: Any, closing: _Closing) -> Any:
    """Return what alone describes a value, closed."""
    if not isinstance(node, dict):
        return node
    combining = [key for key in COMBINING if key in node]
    if combining:
        return _alone(node, combining[0], closing) if node.keys() - _TELLING == {combining[0]} else node
    made = _inside(node, closing)
    named = bool(node.get("properties")) or bool(node.get("patternProperties"))
    if named and not any(key in node for key in _SAYING):
        made["additionalProperties"] = False
    return made


def _alone(node: dict[str, Any], key: str, closing: _Closing) -> dict[str, Any]:
    """Return a schema that is nothing but a reference, or a choice, with what it leads to closed."""
    value = node[key]
    if key == "$ref" and isinstance(value, str):
        return {**node, key: closing.reference(value)}
    if _single(key, value):
        return {**node, key: [_whole(each, closing) for each in value]}
    return node


def _inside(node: Json, closing: _Closing) -> dict[str, Any]:
    """Return a schema with what is inside of its values closed."""
    made = dict(node)
    for key in ("properties", "patternProperties"):
        if isinstance(node.get(key), dict):
            made[key] = {name: _whole(each, closing) for name, each in node[key].items()}
    for key in _HELD:
        value = node.get(key)
        if isinstance(value, dict):
            made[key] = _whole(value, closing)
        elif isinstance(value, list):
            made[key] = [_whole(each, closing) for each in value]
    return made
