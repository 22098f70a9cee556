"""What a check may cost is known before it begins."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.core.errors import BadArguments
from ostiary.integrity import schemas
from ostiary.integrity.bounds import exceeding, returning, size, telling, weighed
from ostiary.integrity.schemas import check, fitting


def tree(ways: int) -> dict[str, Any]:
    """A part that leads back to itself so often."""
    inner = {"anyOf": [{"$ref": "#/$defs/t"}] * ways + [{"type": "null"}]}
    return {"type": "object", "properties": {"t": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"properties": {"t": inner, "x": {"type": "integer"}}}}}  # fmt: skip


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"x": "no integer"}
    for _ in range(levels):
        value = {"t": value}
    return value


@pytest.mark.parametrize(
    ("schema", "ways"),
    [
        ({"type": "object"}, 0), (tree(1), 1), (tree(3), 3), ({"properties": {"a": {"$ref": "#"}, "b": {"items": {"$ref": "#"}}}}, 2), ({"properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"$ref": "#/$defs/y"}, "y": {}}}, 0),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b"}]}, "b": {"items": {"$ref": "#/$defs/a"}}}}, 2), ({"$ref": "#named"}, 16), ({"enum": [{"$ref": "#"}], "default": {"$ref": "#"}}, 0),
        ({"properties": {str(n): {"$ref": f"#/$defs/{n}"} for n in range(600)}, "$defs": {str(n): {} for n in range(600)}}, 16),
    ],
)  # fmt: skip
def test_how_often_a_part_leads_back_to_itself(schema: dict[str, Any], ways: int) -> None:
    assert returning(schema) == ways


def test_to_say_where_it_does_not_fit_grows_by_every_way_at_every_level() -> None:
    """The engine remembers what it found when it judges, and forgets it when it explains: two ways at twenty levels took a
    minute of it. What it would take is reckoned by this, and not done beyond a bound."""
    assert telling(nested(20), 10, 2) > schemas._TELLING > telling(nested(20), 10, 1)
    assert telling(nested(21), 10, 2) <= 2 * telling(nested(20), 10, 2), "and the reckoning itself is bounded"
    assert telling({"v": "x" * 1_000_000}, 500, 0) > schemas._TELLING, "each of 500 reasons would hold a copy"
    assert telling({"v": "x" * 1_000}, 500, 0) < schemas._TELLING


@pytest.mark.parametrize(("ways", "levels", "told"), [(1, 40, True), (2, 3, True), (2, 40, False), (50, 40, False)])
def test_what_would_take_too_long_to_explain_is_refused_all_the_same(ways: int, levels: int, told: bool) -> None:
    with pytest.raises(BadArguments) as caught:
        check(tree(ways), unknown="allow")(nested(levels))
    assert (caught.value.hint == schemas._UNSAID) is not told


def test_what_is_large_is_refused_without_a_reason_for_each() -> None:
    with pytest.raises(BadArguments, match="do not fit"):
        check({"type": "object", "properties": {"v": {"items": {"type": "string"}}}}, unknown="refuse")(
            {"v": [1] * 50_000}
        )


def test_many_values_are_not_held_against_a_heavy_schema() -> None:
    heavy = {"type": "object", "properties": {"v": {"items": {"allOf": [{"not": {"const": n}} for n in range(600)]}}}}
    good = check(heavy, unknown="refuse")
    good({"v": ["x"] * 100})
    with pytest.raises(BadArguments, match="too many values"):
        good({"v": ["x"] * 60_000})
    assert fitting(heavy)({"v": ["x"] * 100})
    assert not fitting(heavy)({"v": ["x"] * 60_000})


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"v": {"enum": [{"a": n} for n in range(30_000)]}}}, {"properties": {"v": {"description": "x" * 1_100_000}}}, {"properties": {"v": {"allOf": [{"pattern": f"a{n}"} for n in range(101)]}}},
        {"patternProperties": {f"a{n}": {} for n in range(101)}}, {"$defs": {str(n): {"pattern": "a"} for n in range(101)}},
    ],
)  # fmt: skip
def test_a_schema_has_bounds(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"larger than|multiply"):
        check({"type": "object", **schema}, unknown="refuse")


def test_a_long_list_of_words_is_no_burden() -> None:
    assert weighed({"enum": [str(n) for n in range(30_000)]}) == 1
    assert weighed({"enum": "odd"}) == 1


@pytest.mark.parametrize("pattern", ["(?=x)y", "(?<!a)b", r"(a)\1", "(a{1000}){1000}", "("])
def test_a_pattern_of_another_engine_is_named_with_the_reason(pattern: str) -> None:
    with pytest.raises(ValueError, match="no engine in linear time") as caught:
        check({"type": "object", "properties": {"v": {"pattern": pattern}}}, unknown="refuse")
    assert len(str(caught.value)) < 500


DRAFT_7 = "http://json-schema.org/draft-07/schema#"
FORMATS = {
    "email": ("a@example.com", "nobody"), "uri": ("https://a.example/x", "a b"), "date-time": ("2026-01-05T09:00:00Z", "2026-01-05"), "date": ("2026-01-05", "5.1."), "time": ("09:00:00Z", "nine"), "duration": ("PT1H", "1h"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "123"), "ipv4": ("192.0.2.1", "0300.0.2.1"), "ipv6": ("::1", "1::2::3"), "hostname": ("a.example", "-a"), "json-pointer": ("/a", "a"), "regex": ("a+", "("),
    "uri-reference": ("/a?b", "\\\\x"), "iri": ("https://\u00e4.example/", "a b"), "iri-reference": ("/\u00e4", "\\\\x"), "idn-email": ("\u00e4@example.com", "nobody"), "idn-hostname": ("\u00e4.example", "-a"), "uri-template": ("/{x}", "/{x"),
    "relative-json-pointer": ("1/a", "/a"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "draft"),
    [(name, {}) for name in FORMATS] + [(name, {"$schema": DRAFT_7}) for name in FORMATS],
)
def test_formats_are_demanded(name: str, draft: dict[str, str]) -> None:
    good, bad = FORMATS[name]
    checked = check(
        {**draft, "type": "object", "properties": {"v": {"type": "string", "format": name}}}, unknown="refuse"
    )
    checked({"v": good})
    with pytest.raises(BadArguments, match="format"):
        checked({"v": bad})


def test_a_format_that_nobody_knows_says_nothing() -> None:
    check({"type": "object", "properties": {"v": {"format": "color"}}}, unknown="refuse")({"v": "x"})


def test_size_counts_values_and_with_text_their_length() -> None:
    assert size({"a": [1, 2], "b": "x" * 640}, text=0) == 5
    assert size({"a": [1, 2], "b": "x" * 640}, text=64) == 15


@pytest.mark.parametrize(
    ("value", "depth", "values", "expected"),
    [
        ({}, 1, 1, ""), ({"a": 1}, 1, 2, ""), ({"a": 1}, 1, 1, "holds more than 1 values"), ([[1]], 2, 3, ""),
        ([[1]], 1, 3, "is nested deeper than 1 levels"), ([[]] * 9, 2, 10, ""), ([[]] * 9, 2, 9, "holds more than 9 values"),
        ({"a": {"b": {"c": []}}}, 4, 4, ""), ({"a": {"b": {"c": []}}}, 3, 4, "is nested deeper than 3 levels"), ("x", 0, 1, ""),
    ],
)  # fmt: skip
def test_what_exceeds_its_bounds_is_told_how(value: Any, depth: int, values: int, expected: str) -> None:
    assert exceeding(value, depth, values) == expected
