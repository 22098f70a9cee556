"""How much an answer holds is known before anything of it is made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.errors import TooLarge
from ostiary.protocol import jsonrpc
from ostiary.protocol.jsonrpc import more
from ostiary.protocol.volume import crowded

LEAVES = st.none() | st.booleans() | st.integers() | st.text(alphabet='a,[{"\\ü\u2028', max_size=6)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)


@pytest.mark.parametrize(
    ("body", "borders"),
    [
        (b"1", 0), (b"[]", 1), (b"[1,2,3]", 3), (b'["a,b","[[["]', 2), (b'{"a,":{"b":[]}}', 3), (json.dumps(['"', ",", "\\", ","]).encode(), 4),
        (b'["\\\\\\",,,"]', 1), (b'"[[[[[[[["', 0), (b'[,,,,"', 5),
    ],
)  # fmt: skip
def test_only_what_stands_between_texts_is_counted(body: bytes, borders: int) -> None:
    assert crowded(body, borders - 1)
    assert not crowded(body, borders)


@given(VALUES, st.integers(0, 30), st.booleans())
def test_what_is_not_crowded_holds_no_more_than_it_may(value: Any, most: int, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    if not crowded(body, most):
        assert not more(value, most + 1)
    elif not more(value, most):
        assert crowded(body, most // 2)


def test_what_a_server_sends_is_counted_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(_body: bytes) -> Any:
        raise AssertionError("it was read")

    monkeypatch.setattr(jsonrpc, "decode", unread)
    with pytest.raises(TooLarge) as caught:
        jsonrpc.heard(b"[" + b"[]," * jsonrpc.FULLEST + b"[]]")
    assert "1000000 values" in caught.value.hint


def test_a_long_text_is_one_value() -> None:
    text = '[{",:}]\\"' * 200_000
    assert jsonrpc.heard(json.dumps([text]).encode()) == [text]
