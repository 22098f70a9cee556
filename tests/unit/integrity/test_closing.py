"""What a schema does not name may not come, inside of arguments too, wherever one schema alone describes a value."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.errors import BadArguments
from ostiary.integrity.bounds import pointed
from ostiary.integrity.closing import closed
from ostiary.integrity.schemas import check

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
X: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "integer"}}}
DEFS: dict[str, Any] = {
    "A": {**X, "properties": {**X["properties"], "kids": {"type": "array", "items": {"$ref": "#/$defs/A"}}}},
    "B": {"$ref": "#/$defs/A"},
}


def fits(schema: dict[str, Any], arguments: dict[str, Any], unknown: str = "refuse") -> bool:
    try:
        check({"type": "object", **schema}, unknown=unknown)(arguments)
    except BadArguments:
        return False
    return True


CLOSED: list[tuple[dict[str, Any], Any, Any]] = [
    (X, {"x": 1}, {"y": 1}),
    ({**X, "properties": {"deep": X}}, {"deep": {"x": 1}}, {"deep": {"y": 1}}),
    ({"type": "array", "items": X}, [{"x": 1}], [{"x": 1}, {"y": 1}]),
    ({"type": "object", "additionalProperties": X}, {"any": {"x": 1}}, {"any": {"y": 1}}),
    ({"type": "object", "patternProperties": {"^x-": X}}, {"x-a": {"x": 1}}, {"y": 1}),
    ({"type": "object", "patternProperties": {"^x-": X}}, {"x-a": {"x": 1}}, {"x-a": {"y": 1}}),
    ({"anyOf": [X, {"type": "null"}], "default": None}, None, {"y": 1}),
    ({"anyOf": [X, {"type": "string"}]}, {"x": 1}, {"x": 1, "y": 1}),
    ({"allOf": [X], "description": "an X"}, {"x": 1}, {"y": 1}),
    ({"$ref": "#/$defs/A", "title": "A"}, {"kids": [{"kids": [{"x": 1}]}]}, {"kids": [{"kids": [{"y": 1}]}]}),
    ({"$ref": "#/$defs/B"}, {"x": 1}, {"y": 1}),
    ({"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}, {"x": 1}, {"y": 1}),
]


@pytest.mark.parametrize("draft", [None, DRAFT_7])
@pytest.mark.parametrize(("schema", "good", "bad"), CLOSED)
def test_a_member_that_nobody_named_is_refused_inside_too(
    schema: dict[str, Any], good: Any, bad: Any, draft: str | None
) -> None:
    whole: dict[str, Any] = {"properties": {"v": schema}, "$defs": DEFS} | ({"$schema": draft} if draft else {})
    assert fits(whole, {"v": good})
    assert not fits(whole, {"v": bad})
    assert fits(whole, {"v": bad}, "allow")


OPEN: list[tuple[Any, Any]] = [
    ({"type": "object"}, {"y": 1}),
    ({"type": "object", "properties": {}}, {"y": 1}),
    ({**X, "additionalProperties": True}, {"y": 1}),
    ({**X, "unevaluatedProperties": True}, {"y": 1}),
    ({**X, "additionalProperties": {"type": "integer"}}, {"y": 1}),
    ({**X, "allOf": [{"properties": {"y": {}}}]}, {"x": 1, "y": 1}),
    ({**X, "anyOf": [{"properties": {"y": {}}}, {"required": ["x"]}]}, {"x": 1, "y": 1}),
    ({"allOf": [X, {"properties": {"y": {}}}]}, {"x": 1, "y": 1}),
    ({"oneOf": [X, {"type": "string"}]}, {"x": 1}),
    ({"if": X, "then": {}}, {"x": 1}),
    ({"$ref": "#/$defs/A", "required": []}, {"x": 1}),
    ({"oneOf": [{"required": ["y"]}, {"required": ["z"]}]}, {"y": 1}),
    (True, {"y": 1}),
    ({"prefixItems": [True, X]}, {"y": 1}),
]


@pytest.mark.parametrize(("schema", "value"), OPEN)
def test_what_is_described_by_several_or_says_what_may_come_stays_as_it_is(schema: Any, value: Any) -> None:
    assert fits({"properties": {"v": schema}, "$defs": DEFS}, {"v": value})


def test_lists_of_schemas_are_closed_one_by_one() -> None:
    assert not fits({"properties": {"v": {"prefixItems": [X]}}}, {"v": [{"y": 1}]})
    assert not fits({"$schema": DRAFT_7, "properties": {"v": {"items": [X]}}}, {"v": [{"y": 1}]})


def test_narrowing_one_of_several_never_lets_a_value_pass_that_both_refused() -> None:
    both = {"properties": {"v": {"oneOf": [X, {"type": "object", "properties": {"x": {}, "y": {}}}]}}}
    assert not fits(both, {"v": {"x": 1, "y": 1}}, "allow")
    assert not fits(both, {"v": {"x": 1, "y": 1}})


def test_a_reference_to_the_whole_or_to_nothing_stays() -> None:
    assert fits({"properties": {"v": {"$ref": "#"}}}, {"v": {"v": {}}})
    assert not fits({"properties": {"v": {"$ref": "#"}}}, {"v": {"w": {}}})
    made = closed({"properties": {"v": {"$ref": "#/$defs/gone"}, "w": {"$ref": 5}}}, pointed)
    assert made["properties"] == {"v": {"$ref": "#/$defs/gone"}, "w": {"$ref": 5}}
    own = closed({"properties": {"v": {"$ref": "#/$defs/i"}}, "$defs": {"i": {"$id": "urn:x", **X}}}, pointed)
    assert own["properties"]["v"] == {"$ref": "#/$defs/i"}


SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([X, {"type": "object"}, {"type": "integer"}, True, {"$ref": "#/$defs/A"}, {"type": "null"}]),
    lambda inner: st.one_of(
        st.builds(lambda a, b: {"type": "object", "properties": {"x": a, "z": b}}, inner, inner),
        st.builds(lambda a: {"items": a}, inner),
        st.builds(lambda key, a, b: {key: [a, b]}, st.sampled_from(["anyOf", "oneOf", "allOf"]), inner, inner),
        st.builds(lambda a, b: {"type": "object", "properties": {"x": a}, "anyOf": [b]}, inner, inner),
        st.builds(lambda a: {"not": a}, inner),
        st.builds(lambda a, b: {"type": "object", "properties": {"x": a}, "additionalProperties": b}, inner, inner),
    ),
    max_leaves=6,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(0, 1) | st.just({}),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["x", "y", "z"]), inner, max_size=3),
    max_leaves=6,
)


@given(SCHEMAS, VALUES)
def test_to_close_only_narrows(schema: Any, value: Any) -> None:
    """Whatever a closed schema takes, the schema as it was approved takes."""
    whole: dict[str, Any] = {"type": "object", "properties": {"v": schema}, "$defs": DEFS}
    before = copy.deepcopy(whole)
    made = closed(whole, pointed)
    assert whole == before
    if jsonschema_rs.validator_for(made).is_valid({"v": value}):
        assert jsonschema_rs.validator_for(whole).is_valid({"v": value})
