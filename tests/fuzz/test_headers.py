"""Header values of any kind are text or a mismatch, and no two texts share a header."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.errors import HeaderMismatch
from ostiary.protocol import headers

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
WIRE = st.text(st.characters(max_codepoint=255), max_size=60)
MARKED = st.text(st.sampled_from("=?base64YQ/+-_ \t\x7f\xe9"), max_size=30).map(lambda it: f"=?base64?{it}?=")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda it: st.lists(it, max_size=3) | st.dictionaries(TEXT, it, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "allOf",
        "anyOf",
        "not",
        "$defs",
        "$ref",
        "x-mcp-header",
        "const",
        "enum",
        "default",
        "minimum",
        "a",
        "b",
    ]
)
SCHEMAS = st.recursive(
    st.sampled_from(["string", "integer", "boolean", "number", "object", "Region", "", 5, None, True, 2**60]),
    lambda it: st.lists(it, max_size=3) | st.dictionaries(WORDS, it, max_size=5),
    max_leaves=20,
)


@settings(max_examples=400)
@given(WIRE | MARKED)
def test_any_value_decodes_or_is_a_mismatch(value: str) -> None:
    try:
        text = headers.decoded(value)
    except HeaderMismatch:
        return
    again = headers.encoded(text)
    assert headers.decoded(again) == text


@settings(max_examples=300)
@given(WIRE | MARKED, WIRE | MARKED)
def test_two_values_that_mean_the_same_differ_in_blanks_or_marks_alone(one: str, other: str) -> None:
    try:
        same = headers.decoded(one) == headers.decoded(other)
    except HeaderMismatch:
        return
    bare = one.strip(" \t"), other.strip(" \t")
    assert not same or bare[0] == bare[1] or any(each.startswith("=?base64?") for each in bare)


@settings(max_examples=300)
@given(WIRE | MARKED, JSON)
def test_comparing_never_fails_in_another_way(header: str, value: Any) -> None:
    try:
        assert headers.same(header, value) in {True, False}
    except HeaderMismatch:
        return


@given(TEXT, TEXT)
def test_headers_are_the_same_only_for_the_same_text(one: str, other: str) -> None:
    assert headers.same(headers.encoded(one), other) is (one == other)


@given(st.integers(-(10**39), 10**39), st.integers(-3, 3))
def test_integers_are_compared_exactly(number: int, off: int) -> None:
    assert headers.same(headers.spelled(number), number + off) is (off == 0)


@settings(max_examples=300)
@given(SCHEMAS)
def test_any_schema_has_mirrors_or_a_reason_why_not(schema: Any) -> None:
    try:
        found = headers.mirrored(schema)
    except ValueError:
        return
    assert len({name for name, _ in found}) == len(found)
    assert all(name == name.lower() and path for name, path in found)


@given(WIRE)
def test_any_accept_header_is_read(value: str) -> None:
    assert set(headers.accepts(value)) <= {True, False}
