"""What a tool returns fits the output schema that was approved, or it is not handed on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.core.errors import Garbled
from ostiary.core.model import Fitted
from ostiary.integrity.results import NOTE, STRIPPED, Most, held, within

SCHEMA = {
    "type": "object", "required": ["n"], "$defs": {"p": {"properties": {"x": {}}}},
    "properties": {"n": {"type": "integer"}, "parts": {"items": {"$ref": "#/$defs/p"}}, "any": {"anyOf": [{"properties": {"x": {}}}]}, "map": {"type": "object"}, "open": {"properties": {"x": {}}, "additionalProperties": True}, "pair": {"prefixItems": [True]}},
}  # fmt: skip


def of(how: str, schema: Any = SCHEMA) -> Fitted:
    found = held({"outputSchema": schema}, how)
    assert found is not None
    return found


def result(structured: Any, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": json.dumps(structured)}], "structuredContent": structured, **more}


@pytest.mark.parametrize("how", ["block", "strip", "note"])
@pytest.mark.parametrize(
    "given",
    [
        result({"n": 1}),
        result({"n": 1}, resultType="complete"),
        {"content": [], "isError": True},
        {"resultType": "input_required"},
        {"resultType": "task"},
    ],
)
def test_what_fits_or_is_no_result_passes_as_it_is(how: str, given: dict[str, Any]) -> None:
    assert of(how)(given) == (given, "")


@pytest.mark.parametrize(
    "given",
    [
        result({"n": "1"}),
        result({}),
        result([]),
        {"content": []},
        result(None),
        result({"n": 1, "parts": 5} | {"n": None}),
    ],
)
def test_what_does_not_fit_is_blocked_or_noted(given: dict[str, Any]) -> None:
    for how in ("block", "strip"):
        with pytest.raises(Garbled) as caught:
            of(how)(given)
        assert "results: note" in caught.value.hint
    assert of("note")(given) == (given, NOTE)


def test_what_nobody_named_is_stripped_from_the_text_too() -> None:
    more = {
        "n": 1,
        "secret": 2,
        "parts": [{"x": 1, "y": 2}],
        "any": {"x": 1, "y": 2},
        "map": {"z": 1},
        "open": {"x": 1, "y": 2},
        "pair": [{"y": 1}],
    }
    less = {
        "n": 1,
        "parts": [{"x": 1}],
        "any": {"x": 1, "y": 2},
        "map": {"z": 1},
        "open": {"x": 1, "y": 2},
        "pair": [{"y": 1}],
    }
    given = result(more)
    given["content"] += [
        {"type": "text", "text": "kept"},
        {"type": "text", "text": "5"},
        {"type": "image", "data": "x"},
        "odd",
    ]
    fit, finding = of("strip")(given)
    assert finding == STRIPPED
    assert fit["structuredContent"] == less
    assert json.loads(fit["content"][0]["text"]) == less
    assert fit["content"][1:] == given["content"][1:]
    assert of("block")(result(more)) == (result(more), "")


def test_what_does_not_fit_when_it_is_stripped_is_blocked() -> None:
    with pytest.raises(Garbled):
        of("strip")(result({"n": "1", "secret": 2}))
    assert of("strip", {"type": "object", "properties": {"a": {}}})({"structuredContent": {"b": 1}, "content": 5})[
        0
    ] == {"structuredContent": {}, "content": 5}


def test_a_part_that_refers_in_a_circle_is_left_as_it_is() -> None:
    schema = {
        "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "#/$defs/b"}},
        "$defs": {"a": {"properties": {"a": {"$ref": "#/$defs/a"}}}, "b": {"$ref": "#/$defs/b"}},
    }
    assert of("strip", schema)(result({"a": {"a": {"z": 1}}, "b": {"z": 1}}))[0]["structuredContent"] == {
        "a": {"a": {}},
        "b": {"z": 1},
    }


@pytest.mark.parametrize("schema", [5, [], True, {"type": "objct"}, {"$ref": "http://x.example/s"}])
def test_an_output_schema_is_a_schema(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"schema"):
        held({"outputSchema": schema}, "block")


def test_no_output_schema_is_no_promise() -> None:
    assert held({}, "block") is None
    assert held({"outputSchema": None}, "block") is None


# Bounds


def test_a_result_that_is_more_than_it_may_be_is_not_handed_on_whatever_it_says() -> None:
    for given in (
        result({"n": [[1]]}),
        {"content": [], "isError": True, "x": [[1]]},
        {"resultType": "task", "x": [[1]]},
    ):
        for fitted in (None, of("note")):
            bounded = within(fitted, Most(depth=2))
            assert bounded is not None
            with pytest.raises(Garbled, match="nested deeper than 2 levels"):
                bounded(given)
    many = within(None, Most(values=5))
    assert many is not None
    with pytest.raises(Garbled) as caught:
        many(result([1, 2, 3]))
    assert "holds more than 5 values" in caught.value.hint


def test_one_that_is_not_is_held_against_the_schema() -> None:
    bounded, free = within(of("strip"), Most(depth=5)), within(None, Most(depth=5))
    assert bounded is not None
    assert free is not None
    assert bounded(result({"n": 1, "more": 2}))[1] == STRIPPED
    assert free(result({"n": "x"})) == (result({"n": "x"}), "")


def test_bounds_that_every_answer_keeps_cost_nothing() -> None:
    fitted = of("block")
    assert within(fitted, Most()) is fitted
    assert within(None, Most()) is None
