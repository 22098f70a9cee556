"""Guards see every string value, and can replace strings and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.screening import Text
from ostiary.protocol.leaves import replaced, words

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "text" if isinstance(value, str) else value


def leaves(value: Any) -> list[Text]:
    """Return the strings that can be replaced."""
    return [word for word in words(value) if isinstance(word, Text) and not word.rigid]


def test_words_come_in_document_order_with_their_paths() -> None:
    found = leaves({"a": ["x", 1, {"b": "y"}], "c": "z", "d": None})
    assert [(text.path, text.value) for text in found] == [(("a", 0), "x"), (("a", 2, "b"), "y"), (("c",), "z")]


def test_a_string_is_its_own_leaf() -> None:
    assert [(text.path, text.value) for text in leaves("x")] == [((), "x")]
    assert replaced("x", {(): "y"}) == "y"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"name": True}, ["name"]),
        ([12345678, 1234567, -1234567, 12345.678, True, None], ["12345678", "-1234567", "12345.678"]),
        ({"cvv": 123, "size": 123}, ["cvv", "123", "size"]),
        (
            {"cardPin": 4711, "cardCVC2": 123, "user_otp": [482913]},
            ["cardPin", "4711", "cardCVC2", "123", "user_otp", "482913"],
        ),
        ({"pin": 12, "spin": 4711, "x" * 99 + "_pin": 4711}, ["pin", "spin", "x" * 99 + "_pin"]),
        ({"passcode": 4711, "security_code": 123}, ["passcode", "4711", "security_code", "123"]),
        ({"mimeType": "text/plain", "blob": "aGVsbG8="}, ["mimeType", "blob", "hello"]),
        ({"mimeType": "Application/JSON", "data": "aGVsbG8="}, ["mimeType", "data", "hello"]),
        ({"mimeType": "text/plain", "blob": "/w=="}, ["mimeType", "blob", "/w==", "text/plain"]),
        ({"mimeType": "image/png", "data": "aGVsbG8="}, ["mimeType", "data", "image/png"]),
        ({"mimeType": "image/png", "data": "words, not bytes"}, ["mimeType", "data", "words, not bytes", "image/png"]),
    ],
)
def test_names_numbers_and_files_are_words_that_cannot_be_replaced(value: Any, said: list[str]) -> None:
    stiff = [word if isinstance(word, str) else word.value for word in words(value) if not _soft(word)]
    assert stiff == said


def _soft(word: Text | str) -> bool:
    return isinstance(word, Text) and not word.rigid


def test_bytes_without_a_kind_are_a_string_like_any_other() -> None:
    assert [text.value for text in leaves({"data": "aGVsbG8=", "mimeType": 7})] == ["aGVsbG8="]
    assert [text.value for text in leaves({"data": 7, "mimeType": "image/png"})] == ["image/png"]


@given(JSON)
def test_replacing_nothing_changes_nothing(value: Any) -> None:
    assert replaced(value, {}) == value


@given(JSON)
def test_replacing_everything_keeps_the_shape(value: Any) -> None:
    paths = [text.path for text in leaves(value)]
    assert len(set(paths)) == len(paths)
    new = replaced(value, dict.fromkeys(paths, "█"))
    assert shape(new) == shape(value)
    assert [text.path for text in leaves(new)] == paths
    assert all(text.value == "█" for text in leaves(new))


@given(JSON, st.text(max_size=3))
def test_a_path_that_leads_nowhere_replaces_nothing(value: Any, new: str) -> None:
    assert replaced(value, {("no", "such", "path", 0): new}) == value
