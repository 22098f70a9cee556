"""How fast a server may talk: what comes in a burst is handled, what floods is slowed, and what is late is given up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ostiary.adapters.upstream import connection, steady
from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.steady import BYTES, CROWD, SHORT, TOGETHER, Pace, Reading, Talk
from ostiary.core.errors import Garbled, TimedOut
from tests.contract.hop.stage import LOOPBACK, Peer, chunked, pooled, post, serving, soon


async def test_a_burst_is_handled_in_one_go_and_others_have_their_turn_in_between() -> None:
    talk, turns = Talk(Pace()), 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(others())
    for _ in range(100):
        await talk.turn(soon())
    other.cancel()
    assert turns >= 99


async def test_who_still_talks_at_the_deadline_is_not_listened_to_however_much_was_read_before() -> None:
    talk, late = Talk(Pace()), asyncio.get_running_loop().time() - 1
    await talk.turn(late)
    with pytest.raises(TimedOut):
        await talk.turn(late)


async def test_what_is_said_beyond_a_burst_waits_but_not_beyond_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "BURST", 1.0)
    monkeypatch.setattr(steady, "MESSAGES", 0.001)
    talk, deadline = Talk(Pace()), asyncio.get_running_loop().time() + 0.05

    async def flood() -> None:
        for _ in range(100_000):
            await talk.turn(deadline)

    with pytest.raises(TimedOut):
        await flood()
    assert asyncio.get_running_loop().time() > deadline - 0.001


def test_messages_before_all_answers_of_one_server_share_a_pace() -> None:
    pace = Pace()
    assert all(pace.due(10.0) <= 10.0 + 1 / TOGETHER for _ in range(int(CROWD)))
    assert max(pace.due(10.0) for _ in range(int(TOGETHER))) == pytest.approx(11.0)
    assert pace.due(20.0) < 20.0


async def test_answers_wait_for_the_pace_of_their_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "TOGETHER", 0.001)
    monkeypatch.setattr(steady, "CROWD", 1.0)
    pace, deadline = Pace(), asyncio.get_running_loop().time() + 0.05
    one, two = Talk(pace), Talk(pace)
    for each in (one, one, two):
        await each.turn(deadline)
    await two.turn(deadline)
    # A loop that counts in whole milliseconds may say one less than the sum of two numbers.
    assert asyncio.get_running_loop().time() > deadline - 0.001


def test_long_answers_of_one_server_share_what_is_read_in_a_second() -> None:
    reading = Reading()
    assert reading.wait(int(BYTES), 10.0) == pytest.approx(1.0)
    assert reading.wait(int(BYTES), 10.5) == pytest.approx(1.5)
    assert reading.wait(1, 20.0) == 0.0


async def test_a_long_answer_comes_whole_although_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SHORT", 1000)
    monkeypatch.setattr(steady, "TICK", 0.0)
    part = b"x" * 100_000

    async def long(peer: Peer) -> None:
        await peer.request()
        await peer.say(chunked(*[part] * 20))
        await peer.hung_up()

    async with serving(long) as stage, pooled(stage) as pool:
        assert (await post(pool)).body == part * 20


async def test_what_was_read_of_a_flood_is_let_go_of_at_once() -> None:
    async def flood(peer: Peer) -> None:
        await peer.request()
        await peer.say(chunked(*[b"x" * 100_000] * 30, end=b""))
        await peer.hung_up()

    made: list[connection.Connection] = []

    async def dial(origin: Any, factory: Any, tls: Any) -> Any:
        made.append(await Dialer(LOOPBACK)(origin, factory, tls))
        return made[-1]

    async with serving(flood) as stage, pooled(stage, dial, body=SHORT) as pool:
        with pytest.raises(Garbled):
            await post(pool)
        assert [each._chunks for each in made] == [[]]
