"""Texts as one document, and back from a masked one: exactly where they stood, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.adapters.providers.documents import document, placed
from ostiary.adapters.providers.formats import Portion, portions
from ostiary.core.screening import Text
from ostiary.protocol.leaves import replaced, words

TREES = st.recursive(
    st.text(max_size=8) | st.booleans() | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def shown(value: Any, most: int = 1_000) -> tuple[Portion, ...]:
    return tuple(portions((each for each in words(value) if isinstance(each, Text)), most))


def test_a_document_has_the_texts_where_they_stood_and_all_names() -> None:
    value = {"arguments": {"a": ["x", 7, "y"], "flag": True, "n": 1234567890, "": "z"}}
    assert document(shown(value)).value == {"arguments": {"a": ["x", "y"], "flag": {}, "n": "1234567890", "": "z"}}


def test_parts_of_a_text_are_one_text_again() -> None:
    assert document(shown({"a": "x" * 25}, 10)).value == {"a": "x" * 25}


def test_a_text_alone_is_a_document() -> None:
    assert document((Portion((), "hello"),)).value == "hello"
    assert document(()).value == {}


def test_what_was_masked_is_placed_though_items_without_words_are_left_out() -> None:
    value = {"a": [1, "keep", {"b": "bad"}], "c": "bad"}
    parts = shown(value)
    masked = json.dumps(document(parts).value, indent=2).replace("bad", "***")
    assert placed(parts, masked) == {("a", 2, "b"): "***", ("c",): "***"}
    assert placed(parts, json.dumps(document(parts).value)) == {}


@pytest.mark.parametrize(
    "masked",
    [
        "", "no JSON", "[]", '"***"', '{"a": "***"}', '{"a": "***", "b": "x", "c": "y"}', '{"b": "***", "a": ["***"]}',
        '{"A": "***", "b": "x"}', '{"a": 7, "b": "x"}', '{"a": null, "b": "x"}', '{"a": "***", "b": "x"',
    ],
)  # fmt: skip
def test_another_document_is_not_placed(masked: str) -> None:
    assert placed(shown({"a": "bad", "b": "x"}), masked) is None


def test_what_was_masked_in_a_part_of_a_text_is_not_placed() -> None:
    parts = shown({"a": "bad" + "x" * 25, "b": "bad"}, 10)
    whole = document(parts).value
    assert placed(parts, json.dumps({**whole, "b": "***"})) == {("b",): "***"}
    assert placed(parts, json.dumps({**whole, "a": "***"})) is None


@given(TREES, st.data())
def test_every_text_can_be_masked_where_it_stands(value: Any, data: Any) -> None:
    parts = shown({"result": value})
    made = document(parts)
    places = list(made.places)
    chosen = data.draw(st.sets(st.sampled_from(places))) if places else set()
    masked = json.dumps(replaced(made.value, dict.fromkeys(chosen, "[masked]")))
    stood = {each.path: each.value for each in parts if each.path[-1] != -1}
    assert placed(parts, masked) == {
        made.places[place]: "[masked]" for place in chosen if stood[made.places[place]] != "[masked]"
    }
