"""Answers that are event streams: events as they come, and the connection's fate however the stream ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ostiary.adapters.upstream import connection
from ostiary.adapters.upstream.pool import Limits, Pool
from ostiary.core.errors import Garbled, Lost, TimedOut
from ostiary.policy.egress import Origin
from ostiary.protocol.sse import encode
from tests.contract.hop.stage import SOON, Peer, Wire, Wires, events, pooled, post, saying, serving, stream, until

ONE = b"event: message\r\nid: 1\r\ndata: one\r\n\r\n"
TWO = b": ping\n\ndata: two\n\n"


async def opened(wires: Wires, pool: Pool) -> tuple[Any, Wire]:
    """Post, answer with the head of a stream, and return both ends."""
    task = asyncio.create_task(post(pool))
    count = len(wires.made[-1].written) if wires.made else 0
    await until(lambda: bool(wires.made) and len(wires.made[-1].written) > count)
    wires.made[-1].protocol.data_received(stream(end=b""))
    return await task, wires.made[-1]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_events_arrive_and_the_connection_is_kept() -> None:
    async with serving(saying(stream(ONE, TWO), hold=True)) as stage, pooled(stage) as pool:
        for _ in range(3):
            response = await post(pool)
            assert (response.status, response.streaming, response.body) == (200, True, b"")
            first = await response.next()
            assert (first.data, first.id, first.event) == ("one", "1", "message")
            assert await events(response) == ["two"]
            assert await response.next() is None
            response.close()
        assert stage.accepted == pool.stats.idle == 1


async def test_a_stream_cut_anywhere_gives_the_same_events() -> None:
    says = stream(ONE, TWO[:9], TWO[9:])
    for cut in range(1, len(says)):
        wires = Wires()
        pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
        task = asyncio.create_task(post(pool))
        await until(lambda wires=wires: bool(wires.made and wires.made[0].written))
        wires.made[0].protocol.data_received(says[:cut])
        wires.made[0].protocol.data_received(says[cut:])
        assert await events(await task) == ["one", "two"]
        assert pool.stats.idle == 1
        await pool.close()


async def test_a_stream_that_trickles_arrives() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.trickle(stream(ONE, TWO))
        await peer.hung_up()

    async with serving(script) as stage, pooled(stage) as pool:
        assert await events(await post(pool)) == ["one", "two"]
        assert pool.stats.idle == 1


@pytest.mark.parametrize(
    "media",
    [b"text/event-stream", b"text/event-stream; charset=utf-8", b"Text/Event-Stream ;x=y", b" text/event-stream"],
)
async def test_a_stream_is_known_by_its_media_type(media: bytes) -> None:
    says = stream(ONE).replace(b"text/event-stream", media)
    async with serving(saying(says, hold=True)) as stage, pooled(stage) as pool:
        assert await events(await post(pool)) == ["one"]


@pytest.mark.parametrize("media", [b"text/event-streams", b"application/json", b"text/plain; text/event-stream"])
async def test_anything_else_is_a_body(media: bytes) -> None:
    says = stream(ONE).replace(b"text/event-stream", media)
    async with serving(saying(says, hold=True)) as stage, pooled(stage) as pool:
        assert (await post(pool)).body == ONE


@pytest.mark.parametrize(
    "says",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + ONE, id="HTTP/1.1"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + ONE, id="HTTP/1.0"),
    ],
)
async def test_a_stream_may_end_with_its_connection(says: bytes) -> None:
    async with serving(saying(says)) as stage, pooled(stage) as pool:
        assert await events(await post(pool)) == ["one"]
        await until(lambda: pool.stats.open == 0)


async def test_the_head_is_handed_over_before_any_event() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    response, wire = await opened(wires, pool)
    assert response.headers["content-type"] == "text/event-stream"
    task = asyncio.create_task(response.next())
    await asyncio.sleep(0)
    wire.protocol.data_received(chunk(ONE))
    assert (await task).data == "one"
    await pool.close()


@pytest.mark.parametrize("end", [b"", b"5\r\nda", b"0\r\n"])
async def test_a_stream_that_breaks_gives_its_events_and_then_the_loss(end: bytes) -> None:
    async with serving(saying(stream(ONE, end=end))) as stage, pooled(stage) as pool:
        response = await post(pool)
        assert (await response.next()).data == "one"
        for _ in range(2):
            with pytest.raises(Lost, match="within the answer"):
                await response.next()
        await until(lambda: pool.stats.open == 0)


async def test_a_stream_is_over_at_the_deadline() -> None:
    async with serving(saying(stream(ONE, end=b""), hold=True)) as stage, pooled(stage) as pool:
        response = await post(pool, within=0.05)
        assert (await response.next()).data == "one"
        with pytest.raises(TimedOut):
            await response.next()
        await until(lambda: pool.stats.open == 0)


async def test_a_stream_without_a_deadline_has_none() -> None:
    async with serving(saying(stream(ONE), hold=True)) as stage, pooled(stage) as pool:
        assert await events(await post(pool, within=float("inf"))) == ["one"]


@pytest.mark.parametrize(
    ("end", "why"),
    [
        pytest.param(chunk(b"data: " + b"x" * 300), "more than 256 bytes", id="a line over the bound"),
        pytest.param(chunk(b"data: x\n" * 40), "more than 256 bytes", id="an event over the bound"),
        pytest.param(b"zz\r\n", "not HTTP", id="no chunk"),
        pytest.param(b"0\r\n\r\nH", "bytes after", id="bytes after the end"),
    ],
)
async def test_a_stream_that_breaks_the_rules_is_dropped(end: bytes, why: str) -> None:
    async with serving(saying(stream(ONE, end=end), hold=True)) as stage, pooled(stage, event=256) as pool:
        response = await post(pool)
        assert (await response.next()).data == "one"
        with pytest.raises(Garbled, match=why):
            await response.next()
        await until(lambda: pool.stats.open == 0)


async def test_closing_a_stream_hangs_up() -> None:
    async with serving(saying(stream(ONE, end=b""), hold=True)) as stage, pooled(stage) as pool:
        response = await post(pool)
        response.close()
        response.close()
        with pytest.raises(Lost):
            await response.next()
        await until(lambda: pool.stats.open == 0)


async def test_closing_a_stream_that_has_ended_keeps_the_connection() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    response, wire = await opened(wires, pool)
    wire.protocol.data_received(chunk(ONE) + b"0\r\n\r\n")
    response.close()
    response.close()
    response.release()
    assert pool.stats.idle == 1
    await pool.close()


async def test_closing_late_does_not_touch_the_next_exchange() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    first, wire = await opened(wires, pool)
    wire.protocol.data_received(b"0\r\n\r\n")
    second, same = await opened(wires, pool)
    assert same is wire
    first.close()
    first.release()
    wire.protocol.data_received(chunk(TWO) + b"0\r\n\r\n")
    assert await events(second) == ["two"]
    await pool.close()


async def test_a_released_stream_that_ends_gives_its_connection_back() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    response, wire = await opened(wires, pool)
    response.release()
    assert pool.stats.in_flight == 1
    wire.protocol.data_received(chunk(ONE))
    wire.protocol.data_received(b"0\r\n\r\n")
    assert pool.stats.idle == 1
    await pool.close()


async def test_a_released_stream_that_goes_on_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER", 0.01)
    async with serving(saying(stream(ONE, end=b""), hold=True)) as stage, pooled(stage) as pool:
        response = await post(pool)
        response.release()
        async with asyncio.timeout(SOON):
            await pool._empty.wait()


async def test_cancelling_whoever_waits_for_an_event_hangs_up() -> None:
    async with serving(saying(stream(end=b""), hold=True)) as stage, pooled(stage) as pool:
        response = await post(pool)
        task = asyncio.create_task(response.next())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await until(lambda: pool.stats.open == 0)


async def test_a_stream_handed_to_somebody_who_left_is_dropped() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    task = asyncio.create_task(post(pool))
    await until(lambda: bool(wires.made and wires.made[0].written))
    wires.made[0].protocol.data_received(stream(ONE, end=b""))
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await until(lambda: pool.stats.open == 0)
    await pool.close()


async def test_a_reader_that_lags_stops_the_server() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires, limits=Limits(buffered=1000))
    response, wire = await opened(wires, pool)
    fed = 0
    while wire.reading:
        wire.protocol.data_received(chunk(encode(b"x" * 100)))
        fed += 1
    assert fed * 100 <= 1000
    while not wire.reading:
        assert (await response.next()).data == "x" * 100
        fed -= 1
    assert 0 < fed <= 5
    await pool.close()


async def test_empty_events_fill_the_buffer_too_and_cost_nothing_more_before_somebody_wants_them() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires, limits=Limits(buffered=1000))
    response, wire = await opened(wires, pool)
    wire.protocol.data_received(chunk(b"data\n\n" * 100))
    assert wire.reading
    wire.protocol.data_received(chunk(b"data\n\n" * 100))
    assert not wire.reading
    for _ in range(200):
        assert (await response.next()).data == ""
    assert wire.reading
    await pool.close()


async def test_a_flood_of_comments_lets_others_have_their_turn_and_whoever_hears_it_may_go() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    response, wire = await opened(wires, pool)
    wire.protocol.data_received(chunk(b": nothing\n\n" * 2000))
    task = asyncio.ensure_future(response.next())
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    await until(lambda: pool.stats.open == 0)
    await pool.close()


async def test_an_event_that_is_too_large_in_what_was_read_already_ends_the_stream() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires, limits=Limits(event=100))
    response, wire = await opened(wires, pool)
    wire.protocol.data_received(chunk(encode(b"x" * 200)) + b"0\r\n\r\n")
    with pytest.raises(Garbled, match="more than 100 bytes"):
        await response.next()
    assert await response.next() is None
    await pool.close()


@pytest.mark.parametrize("release", [False, True])
async def test_a_connection_comes_back_reading(release: bool) -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires, limits=Limits(buffered=100))
    response, wire = await opened(wires, pool)
    wire.protocol.data_received(chunk(encode(b"x" * 200)))
    assert not wire.reading
    if release:
        response.release()
        assert wire.reading
        wire.protocol.data_received(chunk(encode(b"x" * 200)))
    wire.protocol.data_received(b"0\r\n\r\n")
    assert wire.reading
    assert pool.stats.idle == 1
    await pool.close()


async def test_a_long_stream_arrives_whole_through_a_small_buffer() -> None:
    size, count = 1000, 3000
    said: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(stream(end=b""))
        for place in range(count):
            await peer.say(chunk(encode(b"%d:" % place + b"x" * size)))
            said.append(place)
        await peer.say(b"0\r\n\r\n")
        await peer.hung_up()

    async with serving(script) as stage, pooled(stage, buffered=4096) as pool:
        response = await post(pool, within=30.0)
        found = await events(response)
        assert [int(data.partition(":")[0]) for data in found] == list(range(count))
        assert said == list(range(count))
        assert pool.stats.idle == 1


async def test_many_streams_at_once_do_not_cross() -> None:
    async def script(peer: Peer) -> None:
        while True:
            body = await peer.request()
            await peer.say(stream(*(encode(body + b" %d" % place) for place in range(20))))

    async with serving(script) as stage, pooled(stage, connections=8) as pool:

        async def caller(name: int) -> None:
            for _ in range(5):
                assert await events(await post(pool, b"%d" % name)) == [f"{name} {place}" for place in range(20)]

        async with asyncio.TaskGroup() as group:
            for name in range(24):
                group.create_task(caller(name))
        assert stage.accepted == pool.stats.idle == 8


async def test_closing_the_pool_ends_streams() -> None:
    async with serving(saying(stream(ONE, end=b""), hold=True)) as stage:
        async with pooled(stage) as pool:
            response = await post(pool)
        assert (await response.next()).data == "one"
        with pytest.raises(Lost, match="closed"):
            await response.next()
