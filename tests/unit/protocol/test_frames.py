"""What is read through a frame is what reading the whole would have read; whatever else comes is read by nobody here."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.errors import GatewayError
from ostiary.protocol.frame import Frame
from ostiary.protocol.frames import filled, framed
from ostiary.protocol.jsonrpc import MOST, read

PARAMS = {"name": "read", "arguments": {"path": "/a"}, "_meta": {"v": "1", "c": {}}}
MESSAGE = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": PARAMS}
BODY = msgspec.json.encode(MESSAGE)
# As clients that begin with the method have it.
LATE = msgspec.json.encode({"method": "tools/call", "params": PARAMS, "jsonrpc": "2.0", "id": 1})
DEPTH = 64


def frame(body: bytes = BODY) -> Frame:
    found = framed(body)
    assert found is not None
    return found


@pytest.mark.parametrize("body", [BODY, LATE, b" ".join(BODY.partition(b","))], ids=["early", "late", "spaced"])
@pytest.mark.parametrize(
    ("ident", "arguments"),
    [(7, {}), ("x", {"a": [1, {"b": None}]}), (-1, {"id": 1}), (2**63, {"é": "\n"}), ('"', {'"arguments":': '\\"'})],
)
def test_a_body_like_the_one_before_is_read(body: bytes, ident: Any, arguments: Any) -> None:
    known = frame(body)
    order = MESSAGE if known.ident_first else msgspec.json.decode(LATE)
    like = msgspec.json.encode({**order, "id": ident, "params": {**PARAMS, "arguments": arguments}})
    assert filled(known, like, DEPTH) == (ident, arguments, msgspec.json.encode(arguments))


def test_arguments_that_are_spelled_in_another_way_are_handed_on_in_ours() -> None:
    body = BODY.replace(b'{"path":"/a"}', b'{"path": "\\u00e9"}')
    assert filled(frame(), body, DEPTH) == (1, {"path": "é"}, '{"path":"é"}'.encode())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(BODY[:-1], id="no end"),
        pytest.param(BODY.replace(b"read", b"drop"), id="another tool"),
        pytest.param(BODY.replace(b'"v":"1"', b'"v":"2"'), id="another envelope"),
        pytest.param(BODY.replace(b'"id":1', b'"id":true'), id="an id that is true"),
        pytest.param(BODY.replace(b'"id":1', b'"id":1.0'), id="an id that is a fraction"),
        pytest.param(BODY.replace(b'"id":1', b'"id":"\\u0061"'), id="an id that is escaped"),
        pytest.param(BODY.replace(b'"id":1', b'"id": 1'), id="an id that is spaced"),
        pytest.param(BODY.replace(b'"id":1', b'"id":'), id="no id"),
        pytest.param(BODY.replace(b'"id":1', b'"id":2,"id":1'), id="two ids"),
        pytest.param(BODY.replace(b'{"path":"/a"}', b"[1]"), id="a list"),
        pytest.param(BODY.replace(b'{"path":"/a"}', b'{"a":1},"arguments":{}'), id="two arguments"),
        pytest.param(BODY.replace(b'{"path":"/a"}', b'{"a":1,"a":2}'), id="a doubled key"),
        pytest.param(BODY.replace(b"/a", b"\xff"), id="no UTF-8"),
        pytest.param(BODY.replace(b'"/a"', b"[" * 70 + b"]" * 70), id="too deep"),
        pytest.param(BODY.replace(b'"/a"', b"[" + b"1," * MOST + b"1]"), id="too many"),
        pytest.param(BODY.replace(b'"/a"', b"[" * 9_999 + b"]" * 9_999), id="far too deep"),
    ],
)
def test_what_is_not_like_the_one_before_is_not_read(body: bytes) -> None:
    assert filled(frame(), body, DEPTH) is None


def test_many_bytes_are_not_many_values() -> None:
    body = BODY.replace(b"/a", b"x" * 2 * MOST)
    assert filled(frame(), body, DEPTH) is not None


@pytest.mark.parametrize(
    "message",
    [
        {**MESSAGE, "more": 1},
        {**MESSAGE, "params": {**PARAMS, "task": {}}},
        {"jsonrpc": "2.0", "method": "tools/call", "params": PARAMS},
    ],
    ids=["a member more", "a parameter more", "no id"],
)
def test_messages_with_more_or_less_in_them_have_no_frame(message: Any) -> None:
    assert framed(msgspec.json.encode(message)) is None


PIECES = st.sampled_from(
    [b'"', b"{", b"}", b",", b":", b"\\", b" ", b"1", b'"id":2,', b'"arguments":{},', b"\x00", b"[]"]
)


@settings(deadline=None)
@given(body=st.sampled_from([BODY, LATE]), swaps=st.lists(st.tuples(PIECES, st.integers(0, len(BODY))), max_size=4))
def test_a_frame_never_reads_what_the_whole_does_not_say(body: bytes, swaps: list[tuple[bytes, int]]) -> None:
    known = frame(body)
    for piece, at in swaps:
        body = body[:at] + piece + body[at:]
    found = filled(known, body, DEPTH)
    if found is None:
        return
    try:
        message = read(body, DEPTH)
    except GatewayError as error:
        raise AssertionError("the frame read what is refused") from error
    assert message == {**MESSAGE, "id": found[0], "params": {**PARAMS, "arguments": found[1]}}
    assert found[2] == msgspec.json.encode(found[1])
