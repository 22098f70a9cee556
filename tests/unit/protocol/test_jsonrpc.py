"""One body is one message, to every reader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.core.errors import GatewayError, Malformed, NotJson, TooLarge
from ostiary.protocol import jsonrpc

DEPTH = 64


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nul", b"{}x", b"{}\0", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":01}', b'{"a":1.}',
        b'{"a":.5}', b'{"a":+1}', b'{"a":"\t"}', b"\xef\xbb\xbf{}", b'{"a":1e400}', b"{'a':1}", b'{"a":1,}', b"{a:1}",
        b"\xff\xfe{\0}\0", b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b'{"\xff":1}', b"// {}", b"{}{}",
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(body: bytes) -> None:
    """RFC 8259; a number beyond all bounds would be infinity to one reader and an error to another."""
    with pytest.raises(NotJson):
        jsonrpc.read(body, DEPTH)


@pytest.mark.parametrize(
    "text", [r"\ud800", r"\udc00", r"\ud800\u0041", r"\ud800\ud800", r"\udc00\ud800", r"\ud83d end"]
)
def test_a_lone_surrogate_is_refused(text: str) -> None:
    """Readers disagree on what it is, and it cannot be sent on."""
    with pytest.raises(NotJson):
        jsonrpc.read(b'{"a":"%b"}' % text.encode(), DEPTH)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert jsonrpc.read(rb'{"a":"\ud83d\ude00"}', DEPTH) == {"a": "😀"}


@pytest.mark.parametrize("body", [b'"x"', b"1", b"null", b"true"])
def test_a_body_is_one_object(body: bytes) -> None:
    with pytest.raises(Malformed):
        jsonrpc.read(body, DEPTH)


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b'[{"a":1},[2]]'])
def test_or_the_array_of_a_batch(body: bytes) -> None:
    """2025-03-26; whose sessions may have batches is not asked here."""
    assert jsonrpc.read(body, DEPTH) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{ "a" : 1 , "a" : 2 }',
        rb'{"a":1,"\u0061":2}',
        b'{"params":{"name":"read","name":"drop"}}',
        b'{"params":[{"x":{"k":null,"k":null}}]}',
        b'{"":1,"":1}',
        b'[{"a":1,"a":1}]',
        b'[{"a":1},{ "b":[{"c":1,"c":2}] }]',
    ],
)
def test_a_doubled_key_is_refused_at_any_depth(body: bytes) -> None:
    """First-wins and last-wins readers would see two messages."""
    with pytest.raises(Malformed, match="twice"):
        jsonrpc.read(body, DEPTH)


@pytest.mark.parametrize(
    "body",
    [
        b'{ "a" : [ 1 , 2 ] }', b'{"a":"\\/"}', rb'{"a":"\u00e9"}', b'{"a":1e5}', b'{"a":1.50}', b'{"a":-0}',
        b'\n{"a":{"b":{"b":1}},"b":1}\r\n\t',
    ],
)  # fmt: skip
def test_another_spelling_of_a_good_body_is_read(body: bytes) -> None:
    assert jsonrpc.read(body, DEPTH) == json.loads(body)


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30, -(10**300)])
def test_an_integer_of_any_size_keeps_its_digits(number: int) -> None:
    body = b'{"n":%d}' % number
    assert jsonrpc.encode(jsonrpc.read(body, DEPTH)) == body


def test_nesting_is_counted_from_the_body_itself() -> None:
    assert jsonrpc.read(nested(DEPTH), DEPTH)
    with pytest.raises(TooLarge, match="deeper than 64"):
        jsonrpc.read(nested(DEPTH + 1), DEPTH)
    with pytest.raises(TooLarge, match="deeper than 64"):
        jsonrpc.read(b"[%b]" % nested(DEPTH), DEPTH)


def test_many_brackets_are_not_deep_ones() -> None:
    wide: dict[str, Any] = {"a": [[] for _ in range(1000)], "b": "[[[[{{{{" * 100}
    assert jsonrpc.read(json.dumps(wide).encode(), 2 + 1) == wide


@pytest.mark.parametrize("depth", [2_000, 100_000])
def test_endless_nesting_is_refused_and_not_a_crash(depth: int) -> None:
    with pytest.raises(TooLarge):
        jsonrpc.read(b'{"a":' + b"[" * depth + b"]" * depth + b"}", DEPTH)


def test_a_body_that_only_the_slow_reader_finds_too_deep_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two readers count their depth apart; whichever gives up first, the answer is the same."""

    def endless(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(jsonrpc.json, "loads", endless)
    with pytest.raises(TooLarge):
        jsonrpc.read(b'{ "a": 1 }', DEPTH)


def test_a_body_that_only_the_slow_reader_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two readers disagree whether it is JSON at all, it is not."""

    def strict(*_: object, **__: object) -> None:
        raise ValueError("not for me")

    monkeypatch.setattr(jsonrpc.json, "loads", strict)
    with pytest.raises(NotJson):
        jsonrpc.read(b'{ "a": 1 }', DEPTH)


def test_what_servers_send_is_decoded_and_keeps_its_last_key() -> None:
    assert jsonrpc.decode(b'{"a":1,"a":2}') == {"a": 2}
    with pytest.raises(GatewayError):
        jsonrpc.decode(b"[" * 10_000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", True),
        ("", True),
        (0, True),
        (-1, True),
        (10**30, True),
        (None, False),
        (True, False),
        (1.0, False),
        ([], False),
    ],
)
def test_an_id_is_a_string_or_an_integer(value: object, expected: bool) -> None:
    """2026-07-28, basic/index: never null; a boolean is an integer to Python only."""
    assert jsonrpc.is_id(value) is expected


def test_messages_have_the_shape_of_json_rpc() -> None:
    assert jsonrpc.request(1, "ping", {}) == {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}
    assert jsonrpc.notification("x", {"a": 1}) == {"jsonrpc": "2.0", "method": "x", "params": {"a": 1}}


def test_depth_of_lists_and_objects_counts_alike() -> None:
    assert not jsonrpc.deeper([{"a": [1]}], 3)
    assert jsonrpc.deeper([{"a": [1]}], 2)
    assert jsonrpc.deeper({}, 0)
    assert not jsonrpc.deeper(1, 1)
