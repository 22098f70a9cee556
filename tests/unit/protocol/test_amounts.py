"""How much there may be in one message, and how deep."""

from __future__ import annotations

import json

import pytest

from ostiary.core.errors import NotJson, TooLarge
from ostiary.protocol.jsonrpc import DEEPEST, MOST, heard, more, read


def test_a_message_has_a_bounded_number_of_values() -> None:
    """Each may be held against hundreds of subschemas, on the thread that everybody waits for."""
    good = json.dumps({"a": [1] * (MOST - 2)}, separators=(",", ":")).encode()
    assert read(good, 64)
    with pytest.raises(TooLarge, match="100000 values"):
        read(json.dumps({"a": [1] * (MOST + 1)}).encode(), 64)


def test_commas_in_a_text_are_no_values() -> None:
    assert read(json.dumps({"a": "," * (2 * MOST)}, separators=(",", ":")).encode(), 64)


def test_values_of_every_kind_count() -> None:
    assert not more({"a": [1, {"b": None}]}, 5)
    assert more({"a": [1, {"b": None}]}, 4)


def test_what_a_server_sends_is_nested_within_reason() -> None:
    assert heard(b"[" * DEEPEST + b"]" * DEEPEST)
    assert heard(b"[" + b",".join([b"{}"] * (2 * DEEPEST)) + b"]")
    for levels in (DEEPEST + 1, 100_000):
        with pytest.raises(TooLarge, match="deep"):
            heard(b"[" * levels + b"]" * levels)
    with pytest.raises(NotJson):
        heard(b"{")
