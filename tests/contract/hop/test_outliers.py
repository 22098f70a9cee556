"""Of a name's addresses, one that fails again and again is left out for a while, and the others serve."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.pool import Pool
from ostiary.core.errors import Lost, TimedOut
from tests.contract.hop.stage import LOOPBACK, SOON, Peer, Script, Stage, echo, post, saying, serving, whole
from tests.contract.hop.test_dial import Names

ABSENT = whole(b"", status=b"503 Service Unavailable")


class Street(NamedTuple):
    """Two servers of one name, and who asks it."""

    bad: Stage
    good: Stage
    pool: Pool
    dialer: Dialer

    @property
    def resting(self) -> int:
        return self.dialer.outliers.resting(asyncio.get_running_loop().time())


@contextlib.asynccontextmanager
async def street(script: Script) -> AsyncIterator[Street]:
    """Run a server that does this at the first address of a name, and one that is well at the second."""
    async with serving(echo) as good, serving(script, host="127.0.0.2", port=good.port) as bad:
        dialer = Dialer(LOOPBACK, resolve=Names(["127.0.0.2", "127.0.0.1"]))
        pool = Pool(good.origin("server.test"), dial=dialer, outliers=dialer.outliers)
        yield Street(bad, good, pool, dialer)
        async with asyncio.timeout(SOON):
            await pool.close()


@pytest.mark.parametrize("script", [saying(b""), saying(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")])
async def test_an_address_whose_answers_are_lost_is_left_out_and_the_other_one_serves(script: Script) -> None:
    async with street(script) as on:
        for _ in range(5):
            with pytest.raises(Lost):
                await post(on.pool)
        assert (await post(on.pool, b"hello")).body == b"hello"
        assert (on.bad.accepted, on.good.accepted, on.resting) == (5, 1, 1)


async def test_an_address_that_lets_calls_run_out_of_time_is_left_out() -> None:
    async def silent(peer: Peer) -> None:
        await peer.hung_up()

    async with street(silent) as on:
        ended = await asyncio.gather(*(post(on.pool, within=0.05) for _ in range(5)), return_exceptions=True)
        assert [type(each) for each in ended] == [TimedOut] * 5
        assert (await post(on.pool, b"hello")).body == b"hello"


async def test_an_address_that_says_that_nobody_is_there_is_left_out_and_no_open_connection_to_it_is_used() -> None:
    async with street(saying(ABSENT, hold=True)) as on:
        assert [(await post(on.pool)).status for _ in range(5)] == [503] * 5
        assert (await post(on.pool, b"hello")).body == b"hello"
        assert (on.bad.accepted, on.pool.stats.open) == (1, 1)


async def test_connections_that_wait_are_dropped_when_their_address_is_left_out() -> None:
    together = asyncio.Barrier(3)

    async def script(peer: Peer) -> None:
        await peer.request()
        await together.wait()
        await peer.say(ABSENT)
        await peer.hung_up()

    async with street(script) as on:
        assert [each.status for each in await asyncio.gather(*(post(on.pool) for _ in range(3)))] == [503] * 3
        assert on.pool.stats.idle == 3
        ended = await asyncio.gather(*(post(on.pool, within=0.05) for _ in range(2)), return_exceptions=True)
        assert [type(each) for each in ended] == [TimedOut] * 2
        assert on.pool.stats.idle == 0


async def test_an_answer_between_failures_is_enough_to_stay() -> None:
    async def now_and_then(peer: Peer) -> None:
        for _ in range(4):
            await peer.request()
            await peer.say(ABSENT)
        while True:
            await peer.say(whole(await peer.request()))

    async with street(now_and_then) as on:
        assert [(await post(on.pool)).status for _ in range(6)] == [503] * 4 + [200] * 2
        assert (on.dialer.outliers.marks, on.good.accepted) == ({}, 0)


async def test_an_address_that_takes_no_connection_is_tried_last_from_then_on() -> None:
    async with serving(echo) as good:
        dialer = Dialer(LOOPBACK, resolve=Names(["127.0.0.3", "127.0.0.1"]))
        pool = Pool(good.origin("server.test"), dial=dialer, outliers=dialer.outliers)
        assert (await post(pool, b"hello")).body == b"hello"
        assert dialer.outliers.resting(asyncio.get_running_loop().time()) == 1
        await pool.close()


async def test_a_name_with_one_address_is_left_to_its_breaker() -> None:
    async with serving(saying(b"")) as only:
        dialer = Dialer(LOOPBACK, resolve=Names(["127.0.0.1"]))
        pool = Pool(only.origin("server.test"), dial=dialer, outliers=dialer.outliers)
        for _ in range(6):
            with pytest.raises(Lost):
                await post(pool)
        assert dialer.outliers.marks == {}
        await pool.close()
