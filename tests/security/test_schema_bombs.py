"""A schema that is small as written and endless as applied is held back, or its work is bounded; so is that of a value.

Work is counted and not timed: by what a schema weighs once its references are replaced, by how many values a message may
have, and by what it would take to say where a value does not fit.
"""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.integrity import schemas
from ostiary.integrity.bounds import telling, weighed
from ostiary.protocol.jsonrpc import MOST
from tests.security.composed import EVERYTHING, Json, body, fields, inbound, refused, stage, told, tool

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def chain(levels: int, key: str = "allOf", shelf: str = "$defs") -> Json:
    """Two references to the next, which has two to the next: 2 ** levels."""
    parts: Json = {f"d{n}": {key: [{"$ref": f"#/{shelf}/d{n + 1}"}] * 2} for n in range(levels)}
    return {shelf: {**parts, f"d{levels}": {"type": "string"}}, "properties": {"v": {"$ref": f"#/{shelf}/d0"}}}


def properties(levels: int) -> Json:
    parts: Json = {f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "abcd"}} for n in range(levels)}
    return {"$defs": {**parts, f"d{levels}": {}}, "properties": {"v": {"$ref": "#/$defs/d0"}}}


def deep(levels: int, key: str) -> Json:
    node: Json = {}
    for _ in range(levels):
        node = (
            {key: [node]}
            if key in {"allOf", "anyOf", "oneOf", "prefixItems"}
            else {key: {"x": node}}
            if key == "properties"
            else {key: node}
        )
    return {"properties": {"v": node}}


BOMBS: dict[str, Json] = {
    **{f"doubling by {key}": chain(40, key) for key in ("allOf", "anyOf", "oneOf")}, "doubling in an old draft": {"$schema": DRAFT_7, **chain(40, shelf="definitions")}, "doubling by properties": properties(20),
    **{f"deep by {key}": deep(2_000, key) for key in ("not", "allOf", "anyOf", "oneOf", "items", "properties", "prefixItems", "additionalProperties", "if")},
    "many alternatives": {"properties": {"v": {"anyOf": [{"const": n} for n in range(30_000)]}}}, "a list of objects to compare with": {"properties": {"v": {"enum": [{"a": n} for n in range(30_000)]}}}, "a very long description": {"properties": {"v": {"description": "x" * 2_000_000}}},
    "many patterns": {"properties": {f"p{n}": {"pattern": r"\\w{1,100}"} for n in range(500)}}, "many patterns for names": {"patternProperties": {f"^p{n}": {} for n in range(500)}}, "one large pattern": {"properties": {"v": {"pattern": "(a{1000}){1000}"}}},
    "a reference to the network": {"properties": {"v": {"$ref": "http://169.254.169.254/latest"}}}, "a reference to a file": {"properties": {"v": {"$ref": "file:///dev/zero"}}}, "a schema of schemas from the network": {"$schema": "https://evil.example/meta"},
    "a reference to nothing": {"properties": {"v": {"$ref": "#/$defs/gone"}}}, "dynamic references": {"$defs": {f"d{n}": {"$dynamicAnchor": f"n{n}", "allOf": [{"$dynamicRef": f"#n{n + 1}"}] * 2} for n in range(40)}, "properties": {"v": {"$dynamicRef": "#n0"}}},
    "an identity of its own": {"properties": {"v": {"$id": "urn:x", "$ref": "#/$defs/a", "$defs": {"a": {}}}}},
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_held_back_and_its_neighbours_are_not(bomb: str) -> None:
    definition = tool("read", {}) | {"inputSchema": {"type": "object", **BOMBS[bomb]}}
    made = stage(EVERYTHING, [definition, tool("good", {})])
    names = {target.name for target in made.snapshot.surfaces["/servers/files/mcp", ""].targets.values()}
    assert "good" in names
    assert "read" not in names
    assert told(made, {"v": "x"})
    assert told(made, {}, "good") == ""


@pytest.mark.parametrize("bomb", BOMBS)
def test_so_it_is_in_the_schema_of_what_a_tool_returns(bomb: str) -> None:
    definition = tool("read", {}) | {"outputSchema": {"type": "object", **BOMBS[bomb]}}
    made = stage(EVERYTHING, [definition])
    assert told(made, {})


def returning(ways: int) -> Json:
    choice = {"anyOf": [{"$ref": "#/$defs/t"}] * ways + [{"type": "null"}]}
    return {
        "$defs": {"t": {"type": "object", "properties": {"t": choice, "x": {"type": "integer"}}}},
        "properties": {"v": {"$ref": "#/$defs/t"}},
    }


def nested(levels: int, last: Any) -> Json:
    value: Any = {"x": last}
    for _ in range(levels):
        value = {"t": value}
    return {"v": value}


@pytest.mark.parametrize("ways", [1, 2, 5, 50])
def test_a_schema_that_contains_itself_takes_any_depth_that_a_message_has(ways: int) -> None:
    """To judge is linear, for the engine remembers; to explain is not, and at two ways and twenty levels took it a minute."""
    made = stage(EVERYTHING, [tool("read", {}) | {"inputSchema": {"type": "object", **returning(ways)}}])
    assert told(made, nested(50, 1)) == ""
    assert told(made, nested(50, "no integer"))
    assert told(made, nested(50, 1) | {"w": 1})
    assert ways == 1 or telling(nested(50, 1), 5, ways) > schemas._TELLING


def test_what_is_explained_is_bounded_by_what_it_would_take() -> None:
    """Each reason holds a copy of its value: half a million of them took a gigabyte."""
    made = stage(
        EVERYTHING,
        [tool("read", {"v": {"items": {"type": "string"}}, "w": {"allOf": [{"const": str(n)} for n in range(400)]}})],
    )
    assert "too much to say where" in told(made, {"v": [1] * 90_000})
    assert "too much to say where" in told(made, {"w": "x" * 1_000_000})
    light = stage(EVERYTHING, [tool("read", {"v": {"items": {"type": "string"}}})])
    assert "v/0" in told(light, {"v": [1] * 100})


def test_a_message_has_no_more_values_than_a_check_can_take() -> None:
    made = stage(EVERYTHING, [tool("read", {"v": {}})])
    assert "100000 values" in refused(made, inbound(body("read", {"v": [0] * (MOST + 1)}), fields("read")))
    assert "deep" in refused(made, inbound(body("read", {"v": _nest(100)}), fields("read")))
    heavy = {"items": {"anyOf": [{"const": n} for n in range(2_000)]}}
    assert weighed(heavy) * 90_000 > schemas._WORK
    assert "too many values" in told(stage(EVERYTHING, [tool("read", {"v": heavy})]), {"v": [-1] * 90_000})


def _nest(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def test_honest_schemas_that_are_large_are_no_bombs() -> None:
    words = [f"word-{n}" for n in range(5_000)]
    many = {
        f"p{n}": {"type": "object", "properties": {f"q{m}": {"type": "string", "enum": words[:20]} for m in range(20)}}
        for n in range(50)
    }
    made = stage(
        EVERYTHING,
        [
            tool("read", {**many, "word": {"enum": words}}),
            tool("tree", {}) | {"inputSchema": {"type": "object", **chain(8)}},
        ],
    )
    assert told(made, {"word": "word-7", "p3": {"q4": "word-5"}}) == ""
    assert told(made, {"word": "none"})
    assert told(made, {"v": "x"}, "tree") == ""
