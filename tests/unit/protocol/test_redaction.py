"""The ledger learns the shape of arguments and never what they say."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol.redaction import DEPTH, ITEMS, KEY_LENGTH, KEYS, NODES, digest, masked

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=90), inner, max_size=70),
    max_leaves=25,
)
KEY = b"k" * 32


def nodes(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(nodes(item) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(nodes(item) for item in value)
    return 1


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def test_each_type_has_its_mark() -> None:
    said = {"path": "/etc/passwd!", "limit": 3, "ratio": 0.5, "deep": [True, None, "x"]}
    assert masked(said) == {
        "path": "string(12)", "limit": "number", "ratio": "number", "deep": [True, None, "string(1)"],
    }  # fmt: skip


@given(JSON)
def test_nothing_but_types_and_lengths_is_left_of_values(value: Any) -> None:
    for leaf in leaves(masked(value)):
        if isinstance(leaf, str):
            kind = leaf.split("(")[0] if not leaf.startswith("+") else "+"
            assert kind in {"string", "number", "object", "list", "+"}
            assert leaf.removeprefix(kind).strip("()").isdigit() or leaf == "number"
        else:
            assert leaf is None or isinstance(leaf, bool)


@given(JSON)
def test_a_mask_is_bounded(value: Any) -> None:
    shape = masked(value)
    assert depth(shape) <= DEPTH
    assert nodes(shape) <= NODES + DEPTH * 2 + ITEMS


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(), max_size=KEYS))
def test_small_objects_keep_every_key(value: dict[str, str]) -> None:
    assert masked(value) == {key: f"string({len(said)})" for key, said in value.items()}


def test_wide_and_deep_values_say_how_much_was_left_out() -> None:
    wide = masked({f"k{at}": 1 for at in range(KEYS + 5)})
    assert len(wide) == KEYS + 1
    assert wide["…"] == "+5"
    assert masked([1] * (ITEMS + 7))[-1] == "+7"
    nested: Any = "x"
    for _ in range(DEPTH + 3):
        nested = {"a": nested}
    assert "object(1)" in json.dumps(masked(nested))


def test_a_small_body_cannot_become_a_large_record() -> None:
    """Found by arithmetic: 32 lists of 32 lists of 32 lists are 2 bytes each going in and 10 coming out."""
    value = [[[[1] * 32] * 32] * 32] * 32
    assert len(json.dumps(masked(value))) < 16_000


def test_long_keys_are_cut_and_say_how_long_they_were() -> None:
    (key,) = masked({"k" * 500: 1})
    assert len(key) == KEY_LENGTH
    assert key.endswith("…(500)")


@given(JSON)
def test_masking_changes_nothing_in_the_original(value: Any) -> None:
    before = json.dumps(value)
    masked(value)
    assert json.dumps(value) == before


@given(st.dictionaries(st.text(), JSON, max_size=8))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    assert digest(KEY, value) == digest(KEY, dict(reversed(value.items())))


@given(JSON, JSON)
def test_different_values_have_different_digests(one: Any, two: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    assert (digest(KEY, one) == digest(KEY, two)) == same


def test_a_digest_needs_the_key_so_it_cannot_be_guessed() -> None:
    assert digest(KEY, {"pin": "1234"}) != digest(b"j" * 32, {"pin": "1234"})
    assert len(digest(KEY, {})) == 32


def test_what_some_parsers_accept_has_a_digest_too() -> None:
    assert digest(KEY, {"a": "\ud800"}) != digest(KEY, {"a": "\ud801"})
    assert digest(KEY, 2**80) != digest(KEY, 2**81)


def test_lists_within_lists_end_somewhere() -> None:
    value: Any = []
    for _ in range(20):
        value = [value]
    assert "list(1)" in json.dumps(masked(value))


def test_what_json_does_not_know_is_said_by_its_name() -> None:
    assert masked({"a": b"secret"}) == {"a": "bytes"}
