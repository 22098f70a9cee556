"""Arguments fit the approved schema, or the call does not happen; a schema that cannot be checked safely is no schema."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.errors import BadArguments
from ostiary.integrity.schemas import check, known, object_schema

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
PATH = {"properties": {"path": {"type": "string"}}}


def fits(schema: dict[str, Any], arguments: dict[str, Any], unknown: str = "refuse") -> bool:
    try:
        check({"type": "object", **schema}, unknown=unknown)(arguments)
    except BadArguments:
        return False
    return True


def of(kind: Any, **more: Any) -> dict[str, Any]:
    return {"properties": {"v": {"type": kind, **more}}}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (of("integer"), 1, True), (of("integer"), True, False), (of("integer"), 1.0, True), (of("integer"), 1.5, False), (of("integer"), "1", False),
        (of("integer"), 10**30, True), (of("integer", maximum=5), 10**400, False), (of("integer"), None, False), (of("boolean"), 1, False),
        (of("boolean"), True, True), (of("number"), True, False), (of("number"), 2, True), (of("string"), "", True), (of("string"), None, False),
        (of("string", enum=["a"]), "b", False), (of("string", const="a"), "a", True), (of("array", items={"type": "integer"}), [1, True], False),
        (of(["string", "null"]), None, True), (of("null"), 0, False), (of("string", minLength=2), "é", False), (of("string", minLength=1), "😀", True),
        (of("string", maxLength=1), "😀", True), (of("integer", enum=[1]), True, False), (of("integer", const=1), 1.0, True),
    ],
)  # fmt: skip
def test_values_are_checked_strictly(schema: dict[str, Any], value: Any, expected: bool) -> None:
    """A boolean is no integer, and nothing is converted."""
    assert fits(schema, {"v": value}) is expected


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.none() | st.booleans() | st.integers() | st.text(max_size=3))
)
def test_the_engine_agrees_with_the_reference_implementation(arguments: dict[str, Any]) -> None:
    schema = {
        "type": "object", "properties": {"a": {"type": "integer", "minimum": 0}, "b": {"type": ["string", "null"], "maxLength": 2}},
        "required": ["a"], "additionalProperties": False,
    }  # fmt: skip
    assert fits(schema, arguments) is jsonschema.Draft202012Validator(schema).is_valid(arguments)


# Unknown arguments


COMBINED: list[dict[str, Any]] = [
    PATH,
    {"allOf": [PATH]},
    {"allOf": [{"$ref": "#/$defs/p"}], "$defs": {"p": PATH}},
    {"$ref": "#/$defs/p", "$defs": {"p": PATH}},
    {"$ref": "#/definitions/p~1~0%20", "definitions": {"p/~ ": PATH}},
    {"anyOf": [PATH, {"properties": {"other": {}}}]},
    {"oneOf": [PATH]},
    {"if": {"required": ["path"]}, "then": PATH, "else": {"properties": {}}},
    {"properties": {"path": {}}, "dependentSchemas": {"path": {"properties": {"more": {}}}}},
    {"properties": {"path": {}}, "patternProperties": {"^x-": {}}},
]


@pytest.mark.parametrize("schema", COMBINED)
@pytest.mark.parametrize(
    "draft",
    [
        None,
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/schema#",
    ],
)
def test_an_unknown_argument_is_refused_however_the_schema_is_built(schema: dict[str, Any], draft: str | None) -> None:
    it = {"$schema": draft, **schema} if draft else schema
    assert fits(it, {"path": "x"})
    assert not fits(it, {"path": "x", "sneaked": "in"})
    assert fits(it, {"path": "x", "sneaked": "in"}, "allow")
    assert fits(it, {"path": "x", "sneaked": "in"}, "drop")


OLD: list[dict[str, Any]] = [
    PATH,
    {"allOf": [PATH]},
    {"allOf": [{"$ref": "#/definitions/p"}], "definitions": {"p": PATH}},
    {"$ref": "#/definitions/p", "definitions": {"p": PATH}},
    {"anyOf": [{"anyOf": [PATH]}]},
    {"oneOf": [PATH, {"properties": {"other": {}}, "required": ["other"]}]},
    {"properties": {"path": {}}, "dependencies": {"path": {"properties": {"more": {}}}, "more": ["path"]}},
    {"allOf": [{"$ref": "#"}, PATH]},
]


@pytest.mark.parametrize("schema", OLD)
@pytest.mark.parametrize("draft", [DRAFT_7, DRAFT_4, "http://json-schema.org/draft-06/schema#"])
def test_an_old_draft_is_no_way_around_that(schema: dict[str, Any], draft: str) -> None:
    """It cannot say `unevaluatedProperties`, so what it declares is counted instead."""
    it = {"$schema": draft, **schema}
    assert fits(it, {"path": "x"})
    assert not fits(it, {"path": "x", "sneaked": "in"})


@pytest.mark.parametrize(
    "schema",
    [
        {"additionalProperties": True}, {"additionalProperties": {"type": "string"}}, {"unevaluatedProperties": True},
        {"$schema": DRAFT_7, "additionalProperties": True, "allOf": [PATH]}, {"$schema": DRAFT_7, "allOf": [{"additionalProperties": True}]},
        {"$schema": DRAFT_7, "anyOf": [{"patternProperties": {"x": {}}}]}, {"allOf": [{"additionalProperties": True}]},
    ],
)  # fmt: skip
def test_a_schema_that_says_itself_what_else_may_come_is_believed(schema: dict[str, Any]) -> None:
    assert fits(schema, {"x": "y"})


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ({}, set()), ({"properties": []}, set()), ({"properties": {"a": {}}}, {"a"}), ({"allOf": [{"properties": {"b": {}}}], "properties": {"a": {}}}, {"a", "b"}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {}}}}}, {"a"}), ({"$ref": "#/$defs/gone"}, set()), ({"$ref": "x.json"}, set()),
        ({"$ref": 5, "allOf": {}, "dependencies": []}, set()), ({"properties": {"a": {"properties": {"inner": {}}}}}, {"a"}),
    ],
)  # fmt: skip
def test_what_is_dropped_is_only_what_no_part_declares(schema: dict[str, Any], names: set[str]) -> None:
    assert known(schema) == names


# What is not followed, and what is not endless


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://169.254.169.254/latest"}, {"properties": {"a": {"$ref": "https://x.example/s.json"}}}, {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"$schema": "https://x.example/meta"}, {"$schema": "http://json-schema.org/draft-03/schema#"}, {"$ref": "#/$defs/gone"},
        {"type": "objct"}, {"properties": []}, {"required": "a"}, {"properties": {"a": {"pattern": "("}}}, {"properties": {"a": {"pattern": "(?=x)y"}}},
        {"properties": {"a": {"pattern": r"(a)\1"}}}, {"properties": {"a": {"pattern": "(a{1000}){1000}"}}},
    ],
)  # fmt: skip
def test_what_cannot_be_compiled_is_no_schema(schema: dict[str, Any]) -> None:
    """Checklist line 63: no network, no file, no pattern that an engine linear in its input does not know."""
    with pytest.raises(ValueError, match="does not compile") as caught:
        check({"type": "object", **schema}, unknown="refuse")
    assert "\n" not in str(caught.value)


def test_a_pattern_is_linear() -> None:
    assert not fits(of("string", pattern="^(a+)+$"), {"v": "a" * 100_000 + "!"})


def doubling(levels: int, refer: str = "#/$defs/{}", **more: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        f"d{n}": {"allOf": [{"$ref": refer.format(f"d{n + 1}")}] * 2, **more} for n in range(levels)
    }
    return {"properties": {"v": {"$ref": refer.format("d0")}}, "$defs": {**parts, f"d{levels}": {"type": "string"}}}


def anchored(levels: int) -> dict[str, Any]:
    schema = doubling(levels, "#{}")
    for name, part in schema["$defs"].items():
        part["$anchor"] = name
    return schema


def hidden(levels: int) -> dict[str, Any]:
    """An argument whose name is that of a keyword that holds data."""
    schema = doubling(levels)
    return {**schema, "properties": {"default": schema["properties"]["v"]}}


def elsewhere(levels: int) -> dict[str, Any]:
    """After `$id`, the same references mean other things."""
    schema = doubling(levels)
    inner = {"$id": "urn:inner", "$ref": "#/$defs/d0", "$defs": schema["$defs"]}
    return {"properties": {"v": inner}, "$defs": {"d0": {}, "d1": {}}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return {"properties": {"v": schema}}


@pytest.mark.parametrize(
    "schema",
    [
        doubling(40),
        anchored(40),
        hidden(40),
        elsewhere(40),
        nested(600),
        nested(20_000),
        {"$schema": DRAFT_4, "properties": {"v": {"id": "urn:x"}}},
    ],
)
def test_a_schema_whose_references_multiply_is_held_back(schema: dict[str, Any]) -> None:
    """Checklist line 63: two references to the next of forty definitions are a million million checks."""
    with pytest.raises(ValueError, match=r"multiply|does not compile"):
        check({"type": "object", **schema}, unknown="refuse")


@pytest.mark.parametrize(
    "schema",
    [
        doubling(8), anchored(4), {"properties": {"v": {"type": "string"}, "id": {"type": "string"}, "$id": {}}}, {"$id": "urn:x", **of("string")},
        {"properties": {"v": {"$ref": "#/$defs/s"}, "w": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"type": "string"}}},
        of("string", default={"$id": "x"}, examples=[{"$ref": "#/nowhere"}]), {"properties": {"v": True}}, {"properties": {"v": {"id": "note"}}},
    ],
)  # fmt: skip
def test_ordinary_references_and_names_are_no_reason(schema: dict[str, Any]) -> None:
    assert fits(schema, {"v": "x"})


@pytest.mark.parametrize(
    "schema", [{"properties": {"v": {"$ref": "#"}}}, {"$ref": "#", **of("object", additionalProperties={"$ref": "#"})}]
)
def test_a_schema_may_contain_itself(schema: dict[str, Any]) -> None:
    value: dict[str, Any] = {}
    for _ in range(60):
        value = {"v": value}
    assert fits(schema, value)
    assert not fits(schema, {"v": {"v": 5}})


# What is said


def test_a_refusal_names_the_places_and_tells_the_ledger_no_values() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}},
        "required": ["c"],
    }
    with pytest.raises(BadArguments) as caught:
        check(schema, unknown="refuse")({"a": {"b": "s3cret"}})
    assert "a/b: " in caught.value.hint
    assert "s3cret" not in caught.value.detail
    assert "a/b (type)" in caught.value.detail


def test_a_refusal_is_short() -> None:
    with pytest.raises(BadArguments) as caught:
        check({"type": "object", "properties": {"a": {"items": {"type": "string"}}}}, unknown="refuse")(
            {"a": [1] * 1000}
        )
    assert caught.value.detail.count("(type)") == 3
    with pytest.raises(BadArguments) as caught:
        check({"type": "object", "properties": {"a": {"type": "integer"}}}, unknown="refuse")({"a": "x" * 10_000})
    assert len(caught.value.hint) < 1000


def test_a_schema_that_refuses_everything_has_something_to_say() -> None:
    with pytest.raises(BadArguments, match="arguments"):
        check({"type": "object", "not": {}}, unknown="allow")({})


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"inputSchema": None},
        {"inputSchema": True},
        {"inputSchema": {}},
        {"inputSchema": {"type": ["object"]}},
        {"inputSchema": {"type": "array"}},
    ],
)
def test_an_input_schema_is_of_an_object(definition: dict[str, Any]) -> None:
    """2025-11-25: the root type must be "object"."""
    with pytest.raises(ValueError, match="inputSchema"):
        object_schema(definition)


def test_an_input_schema_is_given_as_it_is() -> None:
    schema = {"type": "object", "future": None}
    assert object_schema({"inputSchema": schema}) is schema
