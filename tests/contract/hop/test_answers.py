"""Answers from servers that keep the rules, and from servers that break them one at a time."""

from __future__ import annotations

import asyncio
import math

import pytest

from ostiary.adapters.upstream.heads import promised_idle
from ostiary.adapters.upstream.pool import Pool, Stats
from ostiary.core.errors import Garbled, Lost, UpstreamFailure
from ostiary.policy.egress import Origin
from tests.contract.hop.stage import (
    SMALL,
    Peer,
    Wires,
    chunked,
    pooled,
    post,
    saying,
    serving,
    stream,
    until,
    whole,
)

GOOD = [
    # id, what the server says, status, body, whether the connection is kept
    ("content-length", whole(b"hello"), 200, b"hello", True),
    ("empty", whole(b""), 200, b"", True),
    ("chunked", chunked(b"he", b"llo"), 200, b"hello", True),
    ("chunk extensions", chunked(end=b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), 200, b"hello", True),
    ("trailers", chunked(b"hello", end=b"0\r\nx: y\r\n\r\n"), 200, b"hello", True),
    ("no content", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    ("accepted", whole(b"", status=b"202 Accepted"), 202, b"", True),
    ("not modified", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99999999999\r\n\r\n", 304, b"", True),
    ("continue", b"HTTP/1.1 100 Continue\r\n\r\n" + whole(b"hello"), 200, b"hello", True),
    ("early hints", b"HTTP/1.1 103 Early Hints\r\nx: no\r\n\r\n" * 3 + whole(b"hello"), 200, b"hello", True),
    ("redirect", whole(b"", b"location: http://169.254.169.254/", status=b"302 Found"), 302, b"", True),
    ("failure", whole(b"oh", status=b"500 Internal Server Error"), 500, b"oh", True),
    ("no reason", b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok", 200, b"ok", True),
    ("close", whole(b"hello", b"connection: close"), 200, b"hello", False),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, b"hello", False),
    ("HTTP/1.0 until the end", b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello", False),
    ("HTTP/1.1 until the end", b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nhello", 200, b"hello", False),
]

BAD: list[tuple[str, bytes, type[UpstreamFailure], str]] = [
    ("nothing", b"", Lost, "before any byte"),
    ("half a status line", b"HTTP/1.1 2", Lost, "within the answer"),
    ("half a head", b"HTTP/1.1 200 OK\r\nconte", Lost, "within the answer"),
    ("half a body", whole(b"hello")[:-1], Lost, "within the answer"),
    ("half a chunk", chunked(end=b"5\r\nhel"), Lost, "within the answer"),
    ("no last chunk", chunked(b"hello", end=b""), Lost, "within the answer"),
    ("half a last chunk", chunked(b"hello", end=b"0\r\n"), Lost, "within the answer"),
    ("only an interim answer", b"HTTP/1.1 100 Continue\r\n\r\n", Lost, "within the answer"),
    ("text", b"hello\r\n\r\n", Garbled, "not HTTP"),
    ("HTTP/0.9", b"<html>", Garbled, "not HTTP"),
    ("TLS", b"\x15\x03\x01\x00\x02\x02\x46", Garbled, "not HTTP"),
    ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", Garbled, "not HTTP"),
    ("bare line feeds", b"HTTP/1.1 200 OK\ncontent-length: 0\n\n", Garbled, "not HTTP"),
    ("a folded field", whole(b"", b"x: y\r\n z"), Garbled, "not HTTP"),
    ("a space before the colon", whole(b"", b"x : y"), Garbled, "not HTTP"),
    ("NUL in a field", whole(b"", b"x: \0"), Garbled, "not HTTP"),
    ("a bare CR in a field", whole(b"", b"x: a\ry: b"), Garbled, "not HTTP"),
    ("status 99", b"HTTP/1.1 099 No\r\ncontent-length: 0\r\n\r\n", Garbled, "status 99"),
    ("status of two digits", b"HTTP/1.1 20 No\r\ncontent-length: 0\r\n\r\n", Garbled, "not HTTP"),
    ("length and chunks", whole(b"", b"transfer-encoding: chunked"), Garbled, "not HTTP"),
    ("chunks and length", chunked(b"hello").replace(b"d\r\n\r", b"d\r\ncontent-length: 5\r\n\r"), Garbled, "not HTTP"),
    ("two lengths", whole(b"hello", b"content-length: 5"), Garbled, "not HTTP"),
    ("a list of lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello", Garbled, "not HTTP"),
    ("a negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", Garbled, "not HTTP"),
    ("a signed length", b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello", Garbled, "not HTTP"),
    ("an endless length", b"HTTP/1.1 200 OK\r\ncontent-length: %b\r\n\r\n" % (b"9" * 40), Garbled, "not HTTP"),
    ("another coding", b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello", Garbled, "transfer coding"),
    ("codings", chunked(b"a").replace(b": chunked", b": gzip, chunked"), Garbled, "transfer coding"),
    ("chunked twice", chunked(b"a").replace(b": chunked", b": chunked, chunked"), Garbled, "transfer coding"),
    ("a compressed body", whole(b"hello", b"content-encoding: gzip"), Garbled, "compressed"),
    ("a chunk without size", chunked(end=b"\r\nhello\r\n"), Garbled, "not HTTP"),
    ("a chunk of letters", chunked(end=b"xyz\r\n"), Garbled, "not HTTP"),
    ("a chunk that is longer than it says", chunked(end=b"4\r\nhello\r\n"), Garbled, "not HTTP"),
    (
        "another protocol",
        b"HTTP/1.1 101 No\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        Garbled,
        "switched protocols",
    ),
    ("another protocol, unnamed", b"HTTP/1.1 101 No\r\n\r\n", Garbled, "not HTTP"),
    ("a byte after the body", whole(b"hello") + b"x", Garbled, ""),
    ("a second answer", whole(b"hello") * 2, Garbled, "bytes after"),
    ("a second stream", whole(b"hello") + stream(b"data: a\n\n"), Garbled, "bytes after"),
    ("a byte after the chunks", chunked(b"hello") + b"H", Garbled, "bytes after"),
    ("a byte after no content", b"HTTP/1.1 204 No Content\r\n\r\nH", Garbled, "bytes after"),
    ("a byte after the close", whole(b"hello", b"connection: close") + b"x", Garbled, "not HTTP"),
    ("a long field", whole(b"", b"x: " + b"y" * 5000), Garbled, "head of more than 4096"),
    ("a long name", whole(b"", b"x" * 5000 + b": y"), Garbled, "head of more than 4096"),
    ("a long head with a body", whole(b"hello", b"x: " + b"y" * 5000), Garbled, "head of more than 4096"),
    ("many fields", whole(b"", *(b"x%d: y" % place for place in range(900))), Garbled, "head of more than 4096"),
    ("a head without end", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 5000, Garbled, "head of more than 4096"),
    ("a reason without end", b"HTTP/1.1 200 " + b"y" * 5000, Garbled, "head of more than 4096"),
    ("interim answers without end", b"HTTP/1.1 100 Continue\r\n\r\n" * 300, Garbled, "head of more than 4096"),
    ("a long body", whole(b"x" * 9000), Garbled, "body of more than 8192"),
    ("a promised long body", b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n", Garbled, "body of more than 8192"),
    ("long chunks", chunked(b"x" * 5000, b"x" * 5000), Garbled, "body of more than 8192"),
    ("a long body until the end", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 9000, Garbled, "body of more than 8192"),
]


@pytest.mark.parametrize(("says", "status", "body", "kept"), [pytest.param(*row[1:], id=row[0]) for row in GOOD])
async def test_an_answer_arrives_as_it_was_said(says: bytes, status: int, body: bytes, kept: bool) -> None:
    async with serving(saying(says, hold=kept)) as stage, pooled(stage) as pool:
        response = await post(pool)
        assert (response.status, response.body, response.streaming) == (status, body, False)
        assert await response.next() is None
        assert pool.stats.idle == kept
        await post(pool)
        assert stage.accepted == (1 if kept else 2)


@pytest.mark.parametrize("says", [pytest.param(row[1], id=row[0]) for row in GOOD])
async def test_an_answer_cut_anywhere_is_the_same_answer(says: bytes) -> None:
    for cut in [*range(1, len(says)), 0]:
        pieces = [says[:cut], says[cut:]] if cut else [says[place : place + 1] for place in range(len(says))]
        wires = Wires()
        pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
        task = asyncio.create_task(post(pool))
        await until(lambda wires=wires: bool(wires.made and wires.made[0].written))
        for piece in pieces:
            wires.made[0].protocol.data_received(piece)
        wires.made[0].protocol.eof_received()
        response = await task
        assert (response.status, response.body) == next(row[2:4] for row in GOOD if row[1] == says)
        await pool.close()


@pytest.mark.parametrize(("says", "error", "why"), [pytest.param(*row[1:], id=row[0]) for row in BAD])
async def test_a_broken_answer_is_named_and_its_connection_dropped(
    says: bytes, error: type[UpstreamFailure], why: str
) -> None:
    hold = error is Garbled  # To see that it is we who hang up.
    async with serving(saying(says, hold=hold)) as stage, pooled(stage, head=4096, body=8192) as pool:
        with pytest.raises(error) as caught:
            await post(pool)
        assert why in caught.value.detail
        await until(lambda: pool.stats == Stats(0, 0, 0, 0))


@pytest.mark.parametrize("says", [pytest.param(row[1], id=row[0]) for row in BAD if row[2] is Garbled])
async def test_a_broken_answer_that_trickles_is_broken_too(says: bytes) -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires, limits=SMALL)
    task = asyncio.create_task(post(pool))
    await until(lambda: bool(wires.made and wires.made[0].written))
    for place in range(len(says)):
        wires.made[0].protocol.data_received(says[place : place + 1])
    # What follows a whole answer comes too late to spoil it, and still ends the connection.
    outcome = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(outcome, Garbled) or outcome.body in {b"hello", b""}
    assert wires.made[0].closing
    await pool.close()


@pytest.mark.parametrize(
    ("end", "why"),
    [
        pytest.param(b"1;" + b"x" * 9000, "head of more", id="a chunk extension without end"),
        pytest.param(b"0\r\n" + b"x: y\r\n" * 2000, "head of more", id="trailers without end"),
        pytest.param(b"0\r\nx: " + b"y" * 9000, "head of more", id="a trailer without end"),
    ],
)
async def test_what_surrounds_chunks_is_bounded(end: bytes, why: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(chunked(b"hello", end=b""))
        for place in range(0, len(end), 100):
            await peer.say(end[place : place + 100])
        await peer.hung_up()

    async with serving(script) as stage, pooled(stage, head=4096) as pool:
        with pytest.raises(Garbled, match=why):
            await post(pool)


async def test_a_reset_is_a_loss() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(whole(b"hello")[:-1])
        peer.reset()

    async with serving(script) as stage, pooled(stage) as pool:
        with pytest.raises(Lost):
            await post(pool)


async def test_an_answer_that_trickles_arrives() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.trickle(chunked(b"he", b"llo"))

    async with serving(script) as stage, pooled(stage) as pool:
        assert (await post(pool)).body == b"hello"


async def test_repeated_fields_are_joined_and_names_are_lower_case() -> None:
    says = whole(b"", b"WWW-Authenticate: Bearer", b"www-authenticate: Basic", b"X: \xe9 ")
    async with serving(saying(says, hold=True)) as stage, pooled(stage) as pool:
        headers = (await post(pool)).headers
        assert headers == {"www-authenticate": "Bearer, Basic", "x": "\xe9", "content-length": "0"}


async def test_trailers_are_no_headers() -> None:
    async with (
        serving(saying(chunked(b"a", end=b"0\r\nmcp-session-id: x\r\n\r\n"), hold=True)) as stage,
        pooled(stage) as pool,
    ):
        assert "mcp-session-id" not in (await post(pool)).headers


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"timeout=5", 4.0),
        (b"max=3, Timeout=60", 59.0),
        (b"timeout=0", 0.0),
        (b"timeout=x", math.inf),
        (b"", math.inf),
        (b"timeout=999999999", math.inf),
    ],
)
def test_a_keep_alive_field_is_read(value: bytes, seconds: float) -> None:
    assert promised_idle(value) == seconds


@pytest.mark.parametrize(("said", "heard"), [(b"", False), (b"HTTP/1.1 200 OK\r\ncontent-le", True)])
async def test_a_lost_call_says_whether_anything_was_heard(said: bytes, heard: bool) -> None:
    async with serving(saying(said)) as stage, pooled(stage) as pool:
        with pytest.raises(Lost) as raised:
            await post(pool)
        assert raised.value.heard is heard
