"""Bytes of any kind are one JSON object or a refusal; what is read is what every other reader would read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ostiary.core.errors import Malformed, NotJson, TooLarge
from ostiary.protocol import jsonrpc

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
)
JSON = st.recursive(
    SCALARS,
    lambda it: (
        st.lists(it, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), it, max_size=5)
    ),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), JSON, max_size=6)
PIECES = st.sampled_from(
    [b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"a", b'"a"', b'"a":', b"0", b"-", b"1e9", b"1e999", b"true", b"null", b"NaN", b" ", b"\n",
     b"\\u0061", b"\\ud800", b"\\udc00", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xff", b"\x00", b"\xef\xbb\xbf", b"//", b"'"]
)  # fmt: skip


@settings(max_examples=400)
@given(
    st.binary(max_size=200)
    | st.lists(PIECES, max_size=20).map(b"".join)
    | st.lists(PIECES, max_size=15).map(lambda it: b'{"a":' + b"".join(it) + b"}")
)
@example(b'{"a":1,"a":2}')
@example(b'{"a":' + b"[" * 3000)
def test_anything_is_an_object_or_one_of_three_refusals(body: bytes) -> None:
    try:
        message = jsonrpc.read(body, 64)
    except (NotJson, Malformed, TooLarge):
        return
    else:
        assert message == json.loads(body)
        assert msgspec.json.decode(jsonrpc.encode(message)) == message


@settings(max_examples=200)
@given(OBJECTS, st.sampled_from([None, 1]), st.booleans(), st.booleans())
def test_every_spelling_of_an_object_is_read_the_same(
    value: dict[str, Any], indent: int | None, escaped: bool, turned: bool
) -> None:
    written = json.dumps(value, indent=indent, ensure_ascii=escaped, sort_keys=turned)
    assert jsonrpc.read(written.encode(), 64) == value


@settings(max_examples=200)
@given(st.data())
def test_a_key_that_is_doubled_anywhere_is_found(data: st.DataObject) -> None:
    """Objects are written with one of their members twice, spelled alike or escaped."""
    key = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
    spelled = json.dumps(key, ensure_ascii=False)
    other = data.draw(
        st.sampled_from(
            [spelled, '"' + "".join(f"\\u{ord(each):04x}" for each in key) + '"' if key.isascii() else spelled]
        )
    )
    inner = f"{{{spelled}:{json.dumps(data.draw(JSON))},{other}:{json.dumps(data.draw(JSON))}}}"
    before, after = data.draw(st.sampled_from([("", ""), ('{"x":', "}"), ('{"x":[1,', "]}"), ('{"x":{"y":', "}}")]))
    body = before + inner + after
    with pytest.raises(Malformed, match="twice"):
        jsonrpc.read(body.encode(), 64)


@given(st.integers(1, 80), st.integers(1, 70))
def test_depth_is_exact(levels: int, depth: int) -> None:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": [value]} if levels > 1 else value
    real = 2 * (levels - 1) + 1
    try:
        jsonrpc.read(jsonrpc.encode(value), depth)
    except TooLarge:
        assert real > depth
    else:
        assert real <= depth
