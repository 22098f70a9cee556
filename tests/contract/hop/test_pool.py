"""The pool: who gets which connection, when one is given up, and what is never done twice."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from ostiary.adapters.upstream.pool import Pool, Stats
from ostiary.core.errors import Fault, Garbled, Lost, Overloaded, TimedOut, Unreachable
from ostiary.policy.egress import Origin
from tests.contract.hop.stage import (
    HEADERS,
    SMALL,
    SOON,
    Peer,
    Wires,
    echo,
    pooled,
    post,
    saying,
    serving,
    soon,
    until,
    whole,
)


async def test_the_request_is_what_was_asked_for_and_nothing_else() -> None:
    async with serving(echo) as stage, pooled(stage) as pool:
        await post(pool, b'{"a":1}')
        await pool.exchange(b"GET", b"/mcp?x=1", b"accept: text/event-stream\r\n", b"", soon())
        await pool.exchange(b"DELETE", b"/", b"", b"", soon())
        host = b"host: 127.0.0.1:%d\r\n" % stage.port
        assert stage.requests == [
            (b"POST /mcp HTTP/1.1\r\n" + host + b"content-length: 7\r\n" + HEADERS + b"\r\n", b'{"a":1}'),
            (b"GET /mcp?x=1 HTTP/1.1\r\n" + host + b"accept: text/event-stream\r\n\r\n", b""),
            (b"DELETE / HTTP/1.1\r\n" + host + b"\r\n", b""),
        ]


async def test_a_small_request_is_one_write() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    task = asyncio.create_task(post(pool))
    await until(lambda: bool(wires.made and wires.made[0].written))
    wires.made[0].protocol.data_received(whole(b""))
    await task
    assert len(wires.made[0].written) == 1
    await pool.close()


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        (b"HEAD", b"/", b""),
        (b"CONNECT", b"/", b""),
        (b"POST / HTTP/1.1\r\nx: y\r\n\r\nGET", b"/", b""),
        (b"POST", b"", b""),
        (b"POST", b"mcp", b""),
        (b"POST", b"/ HTTP/1.1\r\nx: y", b""),
        (b"POST", b"/a b", b""),
        (b"POST", b"/\xff", b""),
        (b"POST", b"/\n", b""),
        (b"POST", b"/", b"x: y"),
        (b"POST", b"/", b"x: y\n"),
        (b"POST", b"/", b"x: y\rz: a\r\n"),
        (b"POST", b"/", b"x: y\n\r\r\n"),
        (b"POST", b"/", b"\r\nx: y\r\n"),
        (b"POST", b"/", b"x: y\r\n\r\nGET / HTTP/1.1\r\n"),
    ],
)
async def test_a_request_that_could_be_read_as_two_is_not_sent(method: bytes, path: bytes, headers: bytes) -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    with pytest.raises(Fault):
        await pool.exchange(method, path, headers, b"", soon())
    assert not wires.made


async def test_a_thousand_exchanges_need_a_few_connections_and_never_cross() -> None:
    async with serving(echo) as stage, pooled(stage, connections=4) as pool:

        async def caller(name: int) -> None:
            for place in range(100):
                body = b'{"caller":%d,"call":%d}' % (name, place)
                assert (await post(pool, body)).body == body

        async with asyncio.TaskGroup() as group:
            for name in range(10):
                group.create_task(caller(name))
        assert len(stage.requests) == 1000
        assert stage.accepted == pool.stats.open == pool.stats.idle == 4


async def test_a_large_body_goes_there_and_comes_back() -> None:
    body = bytes(range(256)) * 20_000
    async with serving(echo) as stage, pooled(stage) as pool:
        assert (await post(pool, body)).body == body
        assert pool.stats.idle == 1


async def test_an_answer_before_the_request_was_out_costs_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(whole(b"", status=b"413 Content Too Large"))
        await peer.hung_up()

    async with serving(script) as stage, pooled(stage) as pool:
        assert (await post(pool, b"x" * (16 << 20))).status == 413
        assert pool.stats.idle == 0
        await until(lambda: pool.stats.open == 0)


async def test_waiters_are_served_in_the_order_they_came() -> None:
    async with serving(echo) as stage, pooled(stage, connections=1) as pool:
        async with asyncio.TaskGroup() as group:
            for name in range(8):
                group.create_task(post(pool, b"%d" % name))
        assert [body for _, body in stage.requests] == [b"%d" % name for name in range(8)]
        assert stage.accepted == 1


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.hung_up()


async def test_waiters_beyond_the_bound_are_turned_away() -> None:
    async with serving(silent) as stage, pooled(stage, connections=1, waiting=1) as pool:
        tasks = [asyncio.create_task(post(pool, within=SOON)) for _ in range(2)]
        await until(lambda: pool.stats.in_flight == 1 and pool.stats.waiting == 1)
        with pytest.raises(Overloaded) as caught:
            await post(pool)
        assert caught.value.retry_after == 1.0
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_a_waiter_waits_until_its_deadline_and_leaves_no_trace() -> None:
    async with serving(silent) as stage, pooled(stage, connections=1) as pool:
        first = asyncio.create_task(post(pool))
        await until(lambda: pool.stats.in_flight == 1)
        with pytest.raises(TimedOut, match="no connection"):
            await post(pool, within=0.02)
        assert pool.stats == Stats(1, 0, 1, 0)
        first.cancel()
        await asyncio.wait([first])
        await until(lambda: pool.stats.open == 0)


async def test_a_lost_connection_makes_room_for_a_waiter() -> None:
    async def script(peer: Peer) -> None:
        body = await peer.request()
        if body != b"drop":
            await peer.say(whole(body))
            await peer.hung_up()

    async with serving(script) as stage, pooled(stage, connections=1) as pool:
        dropped, served = await asyncio.gather(post(pool, b"drop"), post(pool, b"keep"), return_exceptions=True)
        assert isinstance(dropped, Lost)
        assert served.body == b"keep"  # type: ignore[union-attr]  # because a failure here is the test's failure


async def test_a_waiter_cancelled_as_it_was_granted_passes_the_connection_on() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires, limits=SMALL)
    first, second, third = (asyncio.create_task(post(pool, b"%d" % name)) for name in range(3))
    await until(lambda: bool(wires.made and wires.made[0].written) and pool.stats.waiting == 2)
    wires.made[0].protocol.data_received(whole(b"0"))
    second.cancel()  # In the same step of the loop: the connection is its own already.
    assert (await first).body == b"0"
    await until(lambda: len(wires.made[0].written) == 2)
    assert wires.made[0].written[1].endswith(b"\r\n2")
    wires.made[0].protocol.data_received(whole(b"2"))
    assert (await third).body == b"2"
    assert second.cancelled()
    await pool.close()


async def test_the_deadline_drops_the_connection() -> None:
    async with serving(silent) as stage, pooled(stage) as pool:
        with pytest.raises(TimedOut, match="deadline"):
            await post(pool, within=0.05)
        await until(lambda: pool.stats.open == 0)


async def test_nothing_is_sent_after_the_deadline() -> None:
    async with serving(echo) as stage, pooled(stage) as pool:
        with pytest.raises(TimedOut):
            await post(pool, within=-1.0)
        assert stage.accepted == 0


async def test_cancelling_drops_the_connection() -> None:
    async with serving(silent) as stage, pooled(stage) as pool:
        task = asyncio.create_task(post(pool))
        await until(lambda: len(stage.requests) == 1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await until(lambda: pool.stats.open == 0)


async def test_cancelling_while_dialling_leaves_no_trace() -> None:
    async with serving(silent) as stage, pooled(stage, connections=1) as pool:
        for _ in range(3):
            task = asyncio.create_task(post(pool))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        assert pool._dialing == 0
        await until(lambda: pool.stats.open == 0)


async def test_cancelling_too_late_does_not_touch_the_next_exchange() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires, limits=SMALL)
    first, second = asyncio.create_task(post(pool)), asyncio.create_task(post(pool))
    await until(lambda: bool(wires.made and wires.made[0].written) and pool.stats.waiting == 1)
    wires.made[0].protocol.data_received(whole(b"1"))
    first.cancel()
    await until(lambda: len(wires.made[0].written) == 2)
    wires.made[0].protocol.data_received(whole(b"2"))
    assert (await second).body == b"2"
    assert len(wires.made) == 1
    await pool.close()


async def test_an_answer_to_somebody_who_left_costs_the_connection() -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    task = asyncio.create_task(post(pool))
    await until(lambda: bool(wires.made and wires.made[0].written))
    task.cancel()
    wires.made[0].protocol.data_received(whole(b"1"))
    await asyncio.wait([task])
    assert wires.made[0].closing
    assert pool.stats.idle == 0
    await pool.close()


async def test_a_connection_closed_while_idle_is_not_used_again() -> None:
    async with serving(saying(whole(b"hello"))) as stage, pooled(stage) as pool:
        for _ in range(3):
            assert (await post(pool)).body == b"hello"
            await until(lambda: pool.stats.open == 0)
        assert stage.accepted == 3


async def test_a_request_that_crosses_the_closing_is_lost_and_not_sent_again() -> None:
    """Ours: a tool call may have had its effect, so it is never repeated behind the caller's back."""

    async def script(peer: Peer) -> None:
        await peer.say(whole(await peer.request()))
        await peer.request()

    async with serving(script) as stage, pooled(stage) as pool:
        await post(pool, b"1")
        with pytest.raises(Lost, match="before any byte"):
            await post(pool, b"2")
        assert [body for _, body in stage.requests] == [b"1", b"2"]


async def test_what_an_idle_connection_says_is_never_an_answer() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(whole(b"good"))
        await peer.say(whole(b"evil"))
        await peer.hung_up()

    async with serving(script) as stage, pooled(stage) as pool:
        with contextlib.suppress(Garbled):  # Both came in one read.
            assert (await post(pool)).body == b"good"
        await until(lambda: pool.stats.open == 0)
        assert stage.accepted == 1


@pytest.mark.parametrize("says", [b"\r\n", b"H", whole(b"evil")])
async def test_an_idle_connection_that_speaks_is_dropped(says: bytes) -> None:
    wires = Wires()
    pool = Pool(Origin("http", "h", 80, "/"), dial=wires)
    task = asyncio.create_task(post(pool))
    await until(lambda: bool(wires.made and wires.made[0].written))
    wires.made[0].protocol.data_received(whole(b"good"))
    assert (await task).body == b"good"
    wires.made[0].protocol.data_received(says)
    assert wires.made[0].closing
    await pool.close()


async def test_idle_connections_are_dropped_in_time() -> None:
    async with serving(echo) as stage, pooled(stage, idle=0.03) as pool:
        await asyncio.gather(*(post(pool) for _ in range(3)))
        assert pool.stats.idle == stage.accepted
        async with asyncio.timeout(SOON):
            await pool._empty.wait()
        assert pool.stats == Stats(0, 0, 0, 0)
        await post(pool)


async def test_a_server_that_announces_how_long_it_waits_is_believed() -> None:
    async with serving(saying(whole(b"", b"keep-alive: timeout=1, max=5"), hold=True)) as stage, pooled(stage) as pool:
        await post(pool)
        await post(pool)
        assert stage.accepted == 2


async def test_the_connection_used_last_is_used_next() -> None:
    async with serving(echo) as stage, pooled(stage) as pool:
        await asyncio.gather(*(post(pool) for _ in range(3)))
        last = pool._free[-1]
        await post(pool)
        assert pool._free[-1] is last


async def test_a_dial_that_fails_frees_its_place_and_says_why() -> None:
    async def refuse(*_: object) -> Any:
        raise Unreachable("10.1.2.3 is private")

    async with serving(echo) as stage, pooled(stage, dial=refuse, connections=1) as pool:
        outcomes = await asyncio.gather(*(post(pool) for _ in range(5)), return_exceptions=True)
        assert [getattr(outcome, "detail", None) for outcome in outcomes] == ["10.1.2.3 is private"] * 5
        assert pool.stats == Stats(0, 0, 0, 0)


async def test_what_a_failed_dial_had_connected_is_forgotten() -> None:
    """uvloop closes a socket whose dialling is cancelled late, without ever telling its protocol."""
    wires = Wires(mute=True)

    async def late(*args: Any) -> Any:
        await wires(*args)
        raise Unreachable("cancelled late")

    pool = Pool(Origin("http", "h", 80, "/"), dial=late, limits=SMALL)
    for _ in range(3):
        with pytest.raises(Unreachable, match="late"):
            await post(pool)
        assert pool.stats == Stats(0, 0, 0, 0)
    assert all(wire.closing for wire in wires.made)
    await pool.close()


async def test_a_server_that_hangs_up_at_once_is_never_a_success() -> None:
    async def script(peer: Peer) -> None:
        peer.writer.close()

    async with serving(script) as stage, pooled(stage) as pool:
        with pytest.raises((Unreachable, Lost)):
            await post(pool)


async def test_closing_the_pool_ends_everything() -> None:
    async with serving(silent) as stage:
        async with pooled(stage, connections=1) as pool:
            working, waiting = asyncio.create_task(post(pool)), asyncio.create_task(post(pool))
            await until(lambda: len(stage.requests) == 1 and pool.stats.waiting == 1)
        outcomes = await asyncio.gather(working, waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Lost, Unreachable]
        with pytest.raises(Unreachable, match="removed"):
            await post(pool)
        await pool.close()


async def test_a_connection_that_was_being_dialled_does_not_outlive_the_pool() -> None:
    wires, gate = Wires(), asyncio.Event()

    async def slow(*args: Any) -> Any:
        await gate.wait()
        return await wires(*args)

    pool = Pool(Origin("http", "h", 80, "/"), dial=slow)
    task = asyncio.create_task(post(pool))
    await until(lambda: pool._dialing == 1)
    await pool.close()
    gate.set()
    with pytest.raises(Unreachable, match="removed"):
        await task
    await until(lambda: pool.stats == Stats(0, 0, 0, 0))
    assert wires.made[0].closing
    assert not wires.made[0].written
