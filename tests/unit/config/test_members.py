"""What schemas say of each argument, for conditions."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.config.members import names, nothing, of_prompt, of_schema
from ostiary.policy.conditions import Member

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
        "either": {"type": ["string", "null"]},
        "place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "open": {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
        "wide": {"type": "object"},
        "one": {"properties": {"a": {}}, "oneOf": [{"properties": {"b": {}}}]},
        "loop": {"$ref": "#/properties/loop"},
        "there": {"$ref": "#/$defs/place"},
    },
    "required": ["amount"],
    "anyOf": [{"properties": {"more": {"type": "string"}}}],
    "$defs": {"tag": {"type": "string"}, "place": {"type": "object", "properties": {"zip": {"type": "string"}}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("amount", Member("integer", optional=False)),
        ("tags", Member("array", optional=True, items="string")),
        ("either", Member("", optional=True)),
        ("place", Member("object", optional=True)),
        ("place.city", Member("string", optional=False)),
        ("place.town", None),
        ("open.x", Member("", optional=True)),
        ("wide.x", Member("", optional=True)),
        ("one.b", Member("", optional=True)),
        ("loop", Member("", optional=True)),
        ("there.zip", Member("string", optional=True)),
        ("there.zap", None),
        ("more", Member("", optional=True)),
        ("nothing", None),
        ("nothing.x", None),
    ],
)
def test_a_member_is_what_the_schema_says(way: str, expected: Member | None) -> None:
    assert of_schema(SCHEMA, free=False)(tuple(way.split("."))) == expected


def test_arguments_that_go_through_anyway_may_be_there() -> None:
    assert of_schema(SCHEMA, free=True)(("nothing",)) == Member("", optional=True)
    assert of_schema({**SCHEMA, "additionalProperties": True}, free=False)(("nothing",)) == Member("", optional=True)
    assert of_schema({**SCHEMA, "patternProperties": {"^x": {}}}, free=False)(("xy",)) == Member("", optional=True)


def test_prompts_have_texts_and_resources_nothing() -> None:
    shape = of_prompt({"arguments": [{"name": "who", "required": True}, {"name": "how"}, 3]})
    assert shape(("who",)) == Member("string", optional=False)
    assert shape(("how",)) == Member("string", optional=True)
    assert shape(("who", "x")) is shape(("gone",)) is nothing(("x",)) is None
    assert of_prompt({"arguments": 3})(("x",)) is None


def test_names_are_for_suggestions() -> None:
    assert set(names({"inputSchema": SCHEMA})) == {*SCHEMA["properties"], "more"}
    assert list(names({"arguments": [{"name": "who"}, 3]})) == ["who"]
    assert list(names({})) == []
