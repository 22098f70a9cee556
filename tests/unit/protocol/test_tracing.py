"""Where a call stands in a trace: what is believed of what clients say, and what is passed on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.model import Call, Client, Era, Inbound
from ostiary.protocol import tracing
from ostiary.protocol.tracing import Context, baggage, context, fields, named, state

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)])
def test_a_place_is_read_and_written(flags: str, sampled: bool) -> None:
    """Trace Context, section 3.2.2.5: only the last bit has a meaning."""
    found = context({"traceparent": f"00-{TRACE}-{SPAN}-{flags}", "tracestate": "a=1"})
    assert found == Context(TRACE, SPAN, sampled, "a=1")
    assert found is not None
    assert found.parent == f"00-{TRACE}-{SPAN}-{int(sampled):02d}"


def test_a_version_that_is_not_known_yet_is_read_as_far_as_it_is_known() -> None:
    """Trace Context, section 3.2.4."""
    assert context({"traceparent": f"cc-{TRACE}-{SPAN}-01-what-the-future-holds"}) == Context(TRACE, SPAN, True)
    assert context({"traceparent": f"cc-{TRACE}-{SPAN}-01"}) == Context(TRACE, SPAN, True)


@pytest.mark.parametrize(
    "said",
    [
        None, 7, "", "00", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01", f"{PARENT}-more", f"{PARENT}\n", f" {PARENT}", PARENT[:-1], f"cc-{TRACE}-{SPAN}-01.x",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 600}", f"cc-{TRACE}-{SPAN}-01-a\r\nb",
    ],
)  # fmt: skip
def test_what_is_malformed_names_no_place(said: Any) -> None:
    assert context({"traceparent": said, "tracestate": "a=1"}) is None
    assert fields({"traceparent": said, "tracestate": "a=1", "baggage": "a=1"}) == b""


@pytest.mark.parametrize("meta", [None, [], "traceparent", {}, {"tracestate": "a=1"}])
def test_without_a_parent_there_is_no_place(meta: Any) -> None:
    assert context(meta) is None
    assert fields(meta) == b""


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a=1", "a=1"),
        ("a=1,b@c=x y", "a=1,b@c=x y"),
        ("a=1 ,\t b=2,,", "a=1,b=2"),
        ("", ""), (None, ""), (["a=1"], ""), ("A=1", ""), ("a=1\r\nb: 2", ""), ("a=ü", ""), ("a=1=2", ""), (",", ""),
        (",".join(f"k{number}=1" for number in range(32)), ",".join(f"k{number}=1" for number in range(32))),
        (",".join(f"k{number}=1" for number in range(33)), ""),
        ("a=" + "1" * 600, ""),
    ],
)  # fmt: skip
def test_a_state_is_passed_on_as_it_came_or_not_at_all(said: Any, kept: str) -> None:
    assert state(said) == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [("k=v;p=1, x=y", "k=v;p=1, x=y"), ("k=v\r\nx: y", ""), ("ü=1", ""), ("", ""), (3, ""), ("k=" + "v" * 9000, "")],
)
def test_baggage_is_plain_text_of_a_bounded_length(said: Any, kept: str) -> None:
    assert baggage(said) == kept


def test_headers_say_what_meta_says() -> None:
    meta = {"traceparent": PARENT, "tracestate": "a=1", "baggage": "k=v"}
    assert fields(meta) == f"traceparent: {PARENT}\r\ntracestate: a=1\r\nbaggage: k=v\r\n".encode()
    assert fields({"traceparent": PARENT}) == f"traceparent: {PARENT}\r\n".encode()


def test_a_state_that_reads_like_a_header_of_ours_makes_none() -> None:
    meta = {"traceparent": PARENT, "tracestate": "a=Mcp-Session-Id: x", "baggage": "k=mcp-session-id"}
    assert fields(meta) == f"traceparent: {PARENT}\r\n".encode()


@given(
    st.fixed_dictionaries({"traceparent": st.just(PARENT) | st.text()}, optional={
        "tracestate": st.text() | st.integers(), "baggage": st.text() | st.none(),
    })
)  # fmt: skip
def test_whatever_a_client_says_makes_no_other_header(meta: dict[str, Any]) -> None:
    lines = fields(meta).decode("ascii").split("\r\n")
    assert lines.pop() == ""
    assert {line.partition(": ")[0] for line in lines} <= {"traceparent", "tracestate", "baggage"}
    assert all(line.isprintable() for line in lines)


async def nothing() -> bytes:
    return b""


INBOUND = Inbound(
    "POST", "/mcp", {"traceparent": PARENT, "tracestate": "a=1", "baggage": "k=v"}, frozenset(), None, "", nothing
)
CALL = Call(1, "tools/call", "x", {"name": "x"}, Client(Era.MODERN, "", {}, "", {}))


def test_a_header_counts_where_meta_says_nothing() -> None:
    assert named(CALL, INBOUND).params == {"name": "x", "_meta": {"traceparent": PARENT, "tracestate": "a=1"}}
    with_meta = msgspec.structs.replace(CALL, params={"name": "x", "_meta": {"k": 1}})
    assert named(with_meta, INBOUND).params["_meta"] == {"k": 1, "traceparent": PARENT, "tracestate": "a=1"}


@pytest.mark.parametrize("name", tracing.NAMES)
def test_what_the_program_says_beats_the_headers(name: str) -> None:
    said = msgspec.structs.replace(CALL, params={"_meta": {name: "x"}})
    assert named(said, INBOUND) is said


def test_a_header_that_came_twice_says_nothing() -> None:
    """Which of the two counts is anybody's guess, and everybody's own."""
    twice = msgspec.structs.replace(INBOUND, doubled=frozenset({"traceparent"}))
    assert named(CALL, twice) is CALL
    twice = msgspec.structs.replace(INBOUND, doubled=frozenset({"tracestate"}))
    assert named(CALL, twice).params["_meta"] == {"traceparent": PARENT}


def test_what_is_no_request_has_no_place() -> None:
    note = msgspec.structs.replace(CALL, id=None)
    assert named(note, INBOUND) is note
    odd = msgspec.structs.replace(CALL, params={"_meta": 7})
    assert named(odd, INBOUND) is odd
    malformed = msgspec.structs.replace(INBOUND, headers={"traceparent": "x"})
    assert named(CALL, malformed) is CALL
