"""Server-sent events: the standard's own examples, every way of cutting them, and the bounds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol.sse import Event, EventTooLarge, Parser, encode

STANDARD = [
    (b"data: YHOO\ndata: +2\ndata: 10\n\n", [Event("YHOO\n+2\n10")]),
    (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [Event("first event", "1"), Event("second event", ""), Event(" third event", "")],
    ),
    (b"data\n\ndata\ndata\n\ndata:", [Event(""), Event("\n")]),
    (b"data:test\n\ndata: test\n\n", [Event("test"), Event("test")]),
    (b"event: add\ndata: 73857293\n\n", [Event("73857293", None, "add")]),
]

OURS = [
    ("crlf", b"event: message\r\ndata: {}\r\n\r\n", [Event("{}", None, "message")]),
    ("cr", b"data: a\rdata: b\r\r", [Event("a\nb")]),
    ("mixed line ends", b"data: a\r\ndata: b\rdata: c\n\r\n", [Event("a\nb\nc")]),
    ("byte order mark", b"\xef\xbb\xbfdata: a\n\n", [Event("a")]),
    ("only the first byte order mark", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [Event("b")]),
    ("a byte order mark before a blank line", b"\xef\xbb\xbf\ndata: a\n\n", [Event("a")]),
    ("comments", b":\n: data: no\n:data: no\n\ndata: a\n\n", [Event("a")]),
    ("a comment inside an event", b"data: a\n: ping\ndata: b\n\n", [Event("a\nb")]),
    ("unknown fields", b"datum: a\nDATA: b\n data: c\ndata : d\n\n", []),
    ("an event without data is not an event", b"event: x\n\ndata: a\n\n", [Event("a")]),
    ("an id without data is kept", b"id: 7\n\ndata: a\n\n", [Event("a", "7")]),
    ("an id stays", b"id: 7\ndata: a\n\ndata: b\n\n", [Event("a", "7"), Event("b", "7")]),
    ("an id with NUL is ignored", b"id: 1\nid: 2\x003\ndata: a\n\n", [Event("a", "1")]),
    ("an empty event name is no name", b"event:\ndata: a\n\n", [Event("a")]),
    ("retry", b"retry: 1500\ndata:\n\ndata: b\n\n", [Event("", None, None, 1500), Event("b")]),
    ("retry with other characters", b"retry: 15s\ndata: a\n\n", [Event("a")]),
    ("retry with foreign digits", "retry: ١٥\ndata: a\n\n".encode(), [Event("a")]),
    ("retry without end", b"retry: " + b"9" * 5000 + b"\ndata: a\n\n", [Event("a")]),
    ("an unfinished event is dropped", b"data: a\n\ndata: b\n", [Event("a")]),
    ("other Unicode line ends are text", "data: a\u2028b\u0085c\x0bd\n\n".encode(), [Event("a\u2028b\u0085c\x0bd")]),
    ("broken UTF-8", b"data: \xff\xe2\x82\ndata: \xe2\x82\xac\n\n", [Event("\ufffd\ufffd\n\u20ac")]),
    ("a value with colons", b'data: {"a":"b:c"}\n\n', [Event('{"a":"b:c"}')]),
    ("many in one", b"data: 1\n\n\n\ndata: 2\n\n", [Event("1"), Event("2")]),
]


def parsed(*chunks: bytes, bound: int = 65536) -> list[Event]:
    parser = Parser(bound)
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(("stream", "events"), STANDARD)
def test_the_examples_of_the_standard_mean_what_it_says(stream: bytes, events: list[Event]) -> None:
    assert parsed(stream) == events


@pytest.mark.parametrize(("stream", "events"), [pytest.param(*row[1:], id=row[0]) for row in OURS])
def test_a_stream_means_its_events(stream: bytes, events: list[Event]) -> None:
    assert parsed(stream) == events


@pytest.mark.parametrize("stream", [row[0] for row in STANDARD] + [row[1] for row in OURS])
def test_a_stream_cut_at_any_one_place_means_the_same(stream: bytes) -> None:
    whole = parsed(stream)
    for place in range(min(len(stream), 200) + 1):
        assert parsed(stream[:place], stream[place:]) == whole


@pytest.mark.parametrize("stream", [row[0] for row in STANDARD] + [row[1] for row in OURS])
def test_a_stream_fed_byte_by_byte_means_the_same(stream: bytes) -> None:
    assert parsed(*(stream[place : place + 1] for place in range(len(stream)))) == parsed(stream)


PIECES = [
    *(b"data", b"data:", b"data: ", b"id: ", b"event: ", b"retry: ", b":", b"\n", b"\r", b"\r\n", b"\n\n", b"1", b"x"),
    *(b"\xef\xbb\xbf", b"\xe2\x82\xac", b"\xe2", b"\xff", b"\0", b" ", b"\x85", b"\x0b"),
]
STREAMS = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=40).map(b"".join)


def outcome(chunks: list[bytes], bound: int) -> list[Event] | None:
    try:
        return parsed(*chunks, bound=bound)
    except EventTooLarge:
        return None


@given(STREAMS, st.lists(st.integers(0, 400), max_size=30), st.sampled_from([8, 20, 65536]))
def test_no_way_of_cutting_a_stream_changes_its_events(stream: bytes, cuts: list[int], bound: int) -> None:
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(places)]
    assert outcome(chunks, bound) == outcome([stream], bound)


@given(STREAMS)
def test_events_follow_a_plain_reading_of_the_standard(stream: bytes) -> None:
    """The standard's algorithm, written down again the slow way: decode everything, then go line by line."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    data, kind, last, expected = "", "", None, []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                expected.append((data[:-1], last, kind or None))
            data = kind = ""
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last = value
    assert [(event.data, event.id, event.event) for event in parsed(stream)] == expected


@given(st.lists(st.text(st.characters(blacklist_characters="\r\n", codec="utf-8")), max_size=8))
def test_what_is_encoded_is_read_back(messages: list[str]) -> None:
    stream = b"".join(encode(message.encode(), id=str(place)) for place, message in enumerate(messages))
    assert parsed(stream) == [Event(message, str(place)) for place, message in enumerate(messages)]


def test_an_event_without_id_is_one_line() -> None:
    assert encode(b"{}") == b"data: {}\n\n"


@pytest.mark.parametrize("data", [b"a\nb", b"a\rb", b"a\r\n", b"\n\ndata: forged"])
def test_data_with_a_line_end_is_not_encoded(data: bytes) -> None:
    with pytest.raises(ValueError, match="single line"):
        encode(data)


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\0b"])
def test_an_id_that_would_break_the_line_is_not_encoded(name: str) -> None:
    with pytest.raises(ValueError, match="single line"):
        encode(b"{}", id=name)


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"data: " + b"x" * 64, id="one long line"),
        pytest.param(b"data: " + b"x" * 64 + b"\n\n", id="one long line that ends"),
        pytest.param(b"data: xxxxxxxx\n" * 8, id="many lines"),
        pytest.param(b"data\n" * 20, id="many empty lines"),
        pytest.param(b":" + b"x" * 80, id="a long comment"),
        pytest.param(b"event: " + b"x" * 80 + b"\n", id="a long name"),
    ],
)
def test_an_event_over_the_bound_is_refused_however_it_is_cut(stream: bytes) -> None:
    with pytest.raises(EventTooLarge, match="more than 64 bytes"):
        parsed(stream, bound=64)
    with pytest.raises(EventTooLarge, match="more than 64 bytes"):
        parsed(*(stream[place : place + 1] for place in range(len(stream))), bound=64)


def test_many_events_under_the_bound_are_not_added_up() -> None:
    assert len(parsed(encode(b"x" * 40) * 100, bound=64)) == 100


def test_the_stream_remembers_where_to_resume() -> None:
    parser = Parser()
    parser.feed(b"retry: 20\nid: 4\ndata: a\n\nid: 5\n\nid: 6\n")
    assert (parser.last_id, parser.retry) == ("5", 20)
