"""What no part of a schema names is refused, or dropped, also where several parts describe one value at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from ostiary.core.errors import BadArguments
from ostiary.integrity import naming
from ostiary.integrity.naming import Naming, without
from ostiary.integrity.schemas import check, dropping
from tests.unit.integrity.test_closing import DEFS, DRAFT_7, SCHEMAS, VALUES, X, fits

Y: dict[str, Any] = {"type": "object", "properties": {"y": X}}
ANCHORED: dict[str, Any] = {"$anchor": "here", **X}

# What describes `v`, a value of which everything is named, and one of which something is not.
NAMED: list[tuple[Any, Any, Any]] = [
    ({"oneOf": [X, {"type": "string"}]}, {"x": 1}, {"x": 1, "z": 1}),
    ({"oneOf": [X, {"type": "string"}]}, "text", {"z": 1}),
    ({**X, "allOf": [Y]}, {"x": 1, "y": {"x": 1}}, {"x": 1, "z": 1}),
    ({**X, "allOf": [Y]}, {"x": 1, "y": {"x": 1}}, {"y": {"z": 1}}),
    ({"allOf": [X, Y]}, {"x": 1, "y": {}}, {"x": 1, "y": {"z": 1}}),
    ({"allOf": [X, {"properties": {"x": Y}}]}, {}, {"z": 1}),
    ({**X, "anyOf": [Y, {"required": ["x"]}]}, {"x": 1}, {"x": 1, "z": 1}),
    ({"if": X, "then": Y, "else": {"properties": {"w": {}}}}, {"x": 1, "y": {}}, {"x": 1, "z": 1}),
    ({**X, "dependentSchemas": {"x": Y}}, {"x": 1, "y": {"x": 2}}, {"x": 1, "y": {"z": 2}}),
    ({"$ref": "#/$defs/A", "required": ["x"]}, {"x": 1, "kids": [{"x": 2}]}, {"x": 1, "kids": [{"z": 2}]}),
    ({"$ref": "#/$defs/A", "properties": {"w": {}}}, {"w": 1, "x": 1}, {"z": 1}),
    ({"$ref": "#here"}, {"x": 1}, {"z": 1}),
    ({"$dynamicRef": "#here"}, {"x": 1}, {"z": 1}),
    ({"oneOf": [{"items": X}, {"type": "string"}]}, [{"x": 1}], [{"x": 1}, {"z": 1}]),
    ({"oneOf": [{"prefixItems": [X], "items": Y}]}, [{"x": 1}, {"y": {}}], [{"x": 1}, {"x": 1}]),
    ({"anyOf": [{"prefixItems": [X, True]}, {"prefixItems": [Y]}], "minItems": 0}, [{"x": 1}, {"z": 1}], [{"z": 1}]),
    ({"oneOf": [{"patternProperties": {"^x-": X}}]}, {"x-a": {"x": 1}}, {"x-a": {"z": 1}}),
    ({"oneOf": [{"patternProperties": {"^x-": X}}]}, {"x-a": {"x": 1}}, {"z": 1}),
    ({"oneOf": [{"additionalProperties": X}]}, {"any": {"x": 1}}, {"any": {"z": 1}}),
    ({"items": X, "unevaluatedItems": False}, [{"x": 1}], [{"z": 1}]),
    ({"unevaluatedItems": X}, [{"x": 1}], [{"z": 1}]),
    ({"unevaluatedProperties": X}, {"any": {"x": 1}}, {"any": {"z": 1}}),
]


def whole(part: Any, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"v": part}, "$defs": {**DEFS, "anchored": ANCHORED}, **more}


@pytest.mark.parametrize(("part", "good", "bad"), NAMED)
def test_what_no_part_names_is_refused(part: Any, good: Any, bad: Any) -> None:
    assert fits(whole(part), {"v": good})
    assert not fits(whole(part), {"v": bad})


@pytest.mark.parametrize(("part", "good", "bad"), NAMED)
def test_what_no_part_names_is_dropped_and_the_rest_stays_the_same(part: Any, good: Any, bad: Any) -> None:
    drop, given_, kept = dropping(whole(part)), {"v": bad, "other": 1}, {"v": good}
    before = copy.deepcopy(given_)
    after = drop(given_)
    assert given_ == before
    assert "other" not in after
    assert "z" not in str(after) or after["v"] == "z"
    assert drop(kept) is kept
    assert drop(after) is after


FREE: list[tuple[Any, Any]] = [
    ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "z": 1}),
    ({"allOf": [X, {"additionalProperties": True}]}, {"z": 1}),
    ({"allOf": [X, {"unevaluatedProperties": {"type": "integer"}}]}, {"x": 1}),
    ({"allOf": [{"type": "object"}, True]}, {"z": {"z": 1}}),
    ({"oneOf": [{"items": True}]}, [{"z": 1}]),
    ({"anyOf": [X, {"type": "object"}]}, {"x": 1, "z": 1}),
]


@pytest.mark.parametrize(("part", "value"), FREE)
def test_where_nothing_is_named_or_more_may_come_anything_may(part: Any, value: Any) -> None:
    assert fits(whole(part), {"v": value})
    given_ = {"v": value}
    assert dropping(whole(part))(given_) is given_


def test_a_schema_that_describes_its_root_by_several_parts_hides_nothing_inside() -> None:
    schema = {"allOf": [{"properties": {"options": X}}], "properties": {"path": {"type": "string"}}}
    assert fits(schema, {"path": "/a", "options": {"x": 1}})
    assert not fits(schema, {"path": "/a", "options": {"z": 1}})
    assert not fits(schema, {"path": "/a", "z": 1})
    assert dropping({"type": "object", **schema})({"path": "/a", "options": {"z": 1}, "z": 2}) == {
        "path": "/a", "options": {},
    }  # fmt: skip


def test_in_old_drafts_a_reference_stands_for_all_beside_it() -> None:
    old = {"definitions": {"A": X}, "$schema": DRAFT_7}
    schema = {"properties": {"v": {"$ref": "#/definitions/A", "properties": {"w": {}}}}, **old}
    assert fits(schema, {"v": {"x": 1}})
    assert not fits(schema, {"v": {"w": 1}})
    assert dropping({"type": "object", **schema})({"v": {"x": 1, "w": 1}}) == {"v": {"x": 1}}


def test_lists_of_old_drafts_are_looked_into_too() -> None:
    schema = {"$schema": DRAFT_7, "properties": {"v": {"items": [{}], "additionalItems": X}}}
    assert not fits(schema, {"v": [{"z": 1}, {"z": 1}]})
    assert dropping({"type": "object", **schema})({"v": [{"z": 1}, {"z": 1, "x": 1}]}) == {"v": [{"z": 1}, {"x": 1}]}


def test_what_cannot_be_followed_may_name_anything() -> None:
    names = Naming({"properties": {"v": {"allOf": [X, {"$ref": "#/$defs/gone"}]}}}, lambda _: lambda _: False)
    assert list(names.unknown({"v": {"z": 1}})) == []
    assert list(Naming({"properties": {"v": {"$ref": 5}}}, lambda _: lambda _: False).unknown({"v": {"z": 1}})) == []


def test_a_root_that_names_nothing_takes_nothing() -> None:
    assert dropping({"type": "object"})({"z": 1}) == {}
    assert dropping({"type": "object", "additionalProperties": True})({"z": 1}) == {"z": 1}
    assert dropping({"type": "object", "additionalProperties": False})({"z": 1}) == {}
    assert dropping({"type": "object", "patternProperties": {"^z": {}}})({"z": 1, "y": 1}) == {"z": 1}
    assert dropping({"type": "object", "properties": {"v": {"additionalProperties": False}}})({"v": {"z": 1}}) == {
        "v": {}
    }


def test_a_refusal_names_the_way_to_what_is_unknown() -> None:
    checked = check(whole({"allOf": [X, {"properties": {"deep": {"items": X}}}]}), unknown="refuse")
    with pytest.raises(BadArguments) as caught:
        checked({"v": {"deep": [{"x": 1}, {"z": 1}]}})
    assert "'v/deep/1/z'" in caught.value.hint


def test_only_what_changes_is_copied() -> None:
    arguments: dict[str, Any] = {"a": {"b": [{"z": 1, "x": 2}, {"z": 3}]}, "same": {"x": 1}}
    after = without(arguments, [("a", "b", 0, "z"), ("a", "b", 1, "z")])
    assert after == {"a": {"b": [{"x": 2}, {}]}, "same": {"x": 1}}
    assert after["same"] is arguments["same"]
    assert arguments["a"]["b"][1] == {"z": 3}


def test_a_schema_with_too_many_parts_to_tell_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place of a value may be described by another set of parts; what that may cost for one value is bounded."""
    monkeypatch.setattr(naming, "_STEPS", 10)
    checked = check(whole({"anyOf": [X, Y, {"allOf": [X, Y]}], "default": 1, "minProperties": 0}), unknown="refuse")
    with pytest.raises(BadArguments) as caught:
        checked({"v": {"x": 1}})
    assert "so many parts" in caught.value.hint


def test_a_pattern_is_compiled_once() -> None:
    asked: list[str] = []

    def matches(pattern: str) -> Callable[[str], bool]:
        asked.append(pattern)
        return str.isascii

    part = {"patternProperties": {"^x": X}}
    names = Naming({"properties": {"v": {"allOf": [part]}, "w": part}}, matches)
    assert list(names.unknown({"v": {"x": {}}, "w": {"x": {}}})) == []
    assert asked == ["^x"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "_KEPT", 1)
    names = Naming(whole({"allOf": [X, Y]}), lambda _: lambda _: False)
    for _ in range(2):
        assert list(names.unknown({"v": {"y": {"x": 1, "z": 1}}})) == [("v", "y", "z")]
    assert len(names._known) == 1


@given(SCHEMAS, VALUES)
def test_to_drop_leaves_what_to_refuse_would_take(schema: Any, value: Any) -> None:
    """What was dropped is gone for good; what is taken whole loses nothing, what is refused for its names alone does.

    A choice of closed parts may be refused although one or the other of them names everything: nothing is dropped.
    """
    made = whole(schema)
    arguments = {"v": value}
    after = dropping(made)(arguments)
    assert dropping(made)(after) is after
    if fits(made, arguments):
        assert after is arguments
    elif fits(made, arguments, "allow"):
        assert after is not arguments or not _plain(schema)


def _plain(schema: Any) -> bool:
    """Say whether a schema is one that closing does not narrow beyond names: a choice of closed parts may refuse more."""
    return not any(key in str(schema) for key in ("anyOf", "oneOf", "not", "allOf"))
