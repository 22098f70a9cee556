"""Headers that mirror a body say exactly what the body says, or the message is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.errors import HeaderMismatch
from ostiary.protocol import headers

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def packed(content: bytes) -> str:
    return f"=?base64?{base64.b64encode(content).decode()}?="


@given(TEXTS)
def test_every_text_survives_a_header(text: str) -> None:
    """SEP-2243: the receiver can recover the exact bytes."""
    carried = headers.encoded(text)
    assert carried.isascii()
    assert carried.isprintable()
    assert carried == carried.strip()
    assert headers.decoded(carried) == text


@given(TEXTS, st.text(" \t", max_size=3), st.text(" \t", max_size=3))
def test_blanks_around_a_value_are_not_part_of_it(text: str, before: str, after: str) -> None:
    """RFC 9110 section 5.6.3; our HTTP parser leaves those at the end."""
    assert headers.decoded(before + headers.encoded(text) + after) == text


def test_plain_text_goes_as_it_is() -> None:
    assert headers.encoded("files__read file") == "files__read file"


@pytest.mark.parametrize("text", ["", " a", "a ", "é", "a\nb", "a\tb", "=?base64?YQ==?=", "=?base64?x"])
def test_ambiguous_text_goes_as_base64(text: str) -> None:
    assert headers.encoded(text) == packed(text.encode())


@pytest.mark.requirement("MCP-06")
@pytest.mark.parametrize(
    "value",
    [
        "=?base64?YQ=?=", "=?base64?Y?=", "=?base64?*?=", "=?base64?YQ==\x20?=", "=?base64?_-8=?=", packed(b"\xff"),
        packed(b"\xed\xa0\x80"), "=?base64?YR==?=", "=?base64?=", "a\x00b", "a\x1fb", "a\x7fb", "\xe9", "a\x85b", "a\nb",
    ],
)  # fmt: skip
def test_a_broken_header_is_refused(value: str) -> None:
    """Bad base64, padding bits that mean nothing, overlapping marks, controls, bytes beyond ASCII: -32020."""
    with pytest.raises(HeaderMismatch):
        headers.decoded(value)


@pytest.mark.parametrize("value", ["=?BASE64?YQ==?=", "=?base64?YQ==", "YQ==?=", "a=?base64?YQ==?=", "a\tb"])
def test_what_only_resembles_the_marks_is_plain_text(value: str) -> None:
    """The marks are case-sensitive."""
    assert headers.decoded(value) == value


@pytest.mark.parametrize(
    ("value", "bare"), [(None, ""), ("", ""), (" a\t", "a"), ("a\xa0", "a\xa0"), ("a\x1c", "a\x1c")]
)
def test_only_blanks_of_http_are_trimmed(value: str | None, bare: str) -> None:
    """A no-break space is a blank to Python and a letter to everyone in front of us."""
    assert headers.trimmed(value) == bare


@pytest.mark.requirement("MCP-07")
@pytest.mark.parametrize(
    ("header", "value", "same"),
    [
        ("true", True, True), ("false", False, True), ("True", True, False), ("1", True, False), ("false", True, False),
        ("42", 42, True), (" 42 ", 42, True), ("42.0", 42, True), ("42", 42.0, True), ("-7", -7, True), ("-0", 0, True),
        ("43", 42, False), ("4_2", 42, False), ("4e1", 40, False), ("0x2a", 42, False), ("042", 42, False), ("+42", 42, False),
        ("", 42, False), ("nan", 42, False), ("inf", 42, False), ("42.5", 42, False), ("42.5", 42.5, False),
        ("9007199254740993", 9007199254740992, False), ("9007199254740993", 9007199254740993, True),
        ("1", 10**400, False), ("9" * 50, 1, False),
        ("us-west", "us-west", True), ("us-west", "us-east", False), ("US-west", "us-west", False), (packed("é".encode()), "é", True),
        ("42", "42", True), ("x", None, False), ("x", ["x"], False), ("x", {"x": 1}, False),
    ],
)  # fmt: skip
def test_a_mirroring_header_is_compared_with_its_argument(header: str, value: object, same: bool) -> None:
    """Integers by number (42 equals 42.0) and exactly: beyond 2**53 two integers can be the same float."""
    assert headers.same(header, value) is same


@given(st.integers() | st.booleans() | TEXTS)
def test_what_we_spell_is_what_we_accept(value: Any) -> None:
    assert headers.same(headers.spelled(value), value) or (isinstance(value, int) and abs(value) >= 10**40)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (10**400, str(10**400)),
        ("é", packed("é".encode())),
    ],
)
def test_arguments_are_spelled_the_way_the_specification_says(value: Any, text: str) -> None:
    assert headers.spelled(value) == text


MIRRORED = (("region", ("region",)), ("tenant", ("who", "tenant")))


@pytest.mark.parametrize(
    ("sent", "arguments"),
    [
        ({"mcp-param-region": "eu", "mcp-param-tenant": "7"}, {"region": "eu", "who": {"tenant": 7}}),
        ({"mcp-param-region": "eu"}, {"region": "eu"}),
        ({}, {}),
        ({}, {"region": None, "who": "x"}),
        ({"mcp-param-other": "x"}, {"other": "y"}),
    ],
)
def test_mirrors_that_agree_pass(sent: dict[str, str], arguments: dict[str, Any]) -> None:
    headers.agree_params(sent, arguments, MIRRORED)


@pytest.mark.requirement("MCP-07")
@pytest.mark.parametrize(
    ("sent", "arguments"),
    [
        ({}, {"region": "eu"}),
        ({"mcp-param-region": "eu"}, {}),
        ({"mcp-param-region": "null"}, {"region": None}),
        ({"mcp-param-region": "us"}, {"region": "eu"}),
        ({"mcp-param-region": "=?base64?*?="}, {"region": "eu"}),
        ({"mcp-param-tenant": "7"}, {"who": {"tenant": 8}}),
        ({"mcp-param-tenant": "7"}, {"who": [7]}),
    ],
)
def test_a_missing_extra_unequal_or_broken_mirror_is_refused(sent: dict[str, str], arguments: dict[str, Any]) -> None:
    """Checklist line 7."""
    with pytest.raises(HeaderMismatch):
        headers.agree_params(sent, arguments, MIRRORED)


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def annotated(name: Any = "Region", **more: Any) -> dict[str, Any]:
    return {"type": "string", "x-mcp-header": name, **more}


def test_annotations_are_found_along_chains_of_properties() -> None:
    found = headers.mirrored(
        schema(region=annotated(), who=schema(id=annotated("Tenant-Id", type="integer", minimum=1)))
    )
    assert dict(found) == {"region": ("region",), "tenant-id": ("who", "id")}


@pytest.mark.requirement("MCP-19")
@pytest.mark.parametrize(
    "bad",
    [
        schema(a=annotated("")), schema(a=annotated("a b")), schema(a=annotated("a:b")), schema(a=annotated(5)),
        schema(a=annotated("é")), schema(a=annotated("a\r\nx")), schema(a=annotated(type="number")), schema(a=annotated(type=["string", "null"])),
        schema(a=annotated(type={})), schema(a={"x-mcp-header": "A"}), schema(a=annotated(type="array")),
        schema(a=annotated("X"), b=annotated("x")), schema(a=annotated(type="integer", maximum=2**53)),
        schema(a=annotated(type="integer", exclusiveMinimum=-(2**60))),
        schema(a={"type": "array", "items": annotated()}), schema(a={"anyOf": [annotated()]}), schema(a={"not": annotated()}),
        {"$defs": {"x": annotated()}, **schema()}, {"allOf": [schema(a=annotated())]}, {"if": schema(a=annotated())},
        {"patternProperties": {"x": annotated()}}, {"dependentSchemas": {"x": schema(a=annotated())}},
        {"x-mcp-header": "Root", "type": "object"}, {"x-mcp-header": "Root", "type": "string"},
    ],
)  # fmt: skip
def test_an_annotation_where_none_may_be_is_an_error(bad: dict[str, Any]) -> None:
    """2026-07-28, tools: the tool is dropped, and a type that is a list is no reason to crash."""
    with pytest.raises(ValueError, match="x-mcp-header"):
        headers.mirrored(bad)


@pytest.mark.parametrize(
    "good",
    [
        schema(**{"x-mcp-header": {"type": "string"}}),
        schema(a={"const": {"x-mcp-header": 5}, "default": {"x-mcp-header": 5}, "examples": [{"x-mcp-header": 5}]}),
        schema(a={"enum": [{"x-mcp-header": 5}]}),
        schema(properties={"type": "object", "properties": {}}),
        schema(a=True),
        {"type": "object", "properties": ["odd"], "allOf": [True, []]},
        {},
    ],
)
def test_data_and_names_that_look_like_annotations_are_none(good: dict[str, Any]) -> None:
    assert headers.mirrored(good) == ()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (True, True)), ("", (True, True)), ("application/json, text/event-stream", (True, True)),
        ("text/event-stream,application/json", (True, True)), ("*/*", (True, True)), ("application/json", (True, False)),
        ("text/event-stream", (False, True)), ("text/*", (False, True)), ("application/*;q=0.5", (True, False)),
        ("APPLICATION/JSON ; charset=utf-8", (True, False)), ("text/html", (False, False)),
        ("application/json;q=0, text/event-stream", (False, True)), ("application/json; charset=utf-8; q=0.000", (False, False)),
        ("application/json;q=0.001", (True, False)), (",,;", (False, False)),
    ],
)  # fmt: skip
def test_accept_is_read_as_rfc_9110_says(header: str | None, expected: tuple[bool, bool]) -> None:
    assert headers.accepts(header) == expected


def test_what_lies_at_a_path_may_be_nothing() -> None:
    assert headers.at({"a": {"b": 1}}, ("a", "b")) == 1
    assert headers.at({"a": [1]}, ("a", 0)) is None
    assert headers.at({}, ("a",)) is None
