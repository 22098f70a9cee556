"""Guards see every string value, and can replace strings and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol.leaves import leaves, replaced

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


def test_leaves_come_in_document_order_with_their_paths() -> None:
    found = leaves({"a": ["x", 1, {"b": "y"}], "c": "z", "d": None})
    assert [(text.path, text.value) for text in found] == [(("a", 0), "x"), (("a", 2, "b"), "y"), (("c",), "z")]


def test_a_string_is_its_own_leaf() -> None:
    assert [(text.path, text.value) for text in leaves("x")] == [((), "x")]
    assert replaced("x", {(): "y"}) == "y"


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
