"""HTTP+SSE upstreams (2024-11-05) that fail, flood or vanish, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ostiary.adapters.upstream.channel import Channel
from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.hub import Hub
from ostiary.adapters.upstream.links import Links
from ostiary.adapters.upstream.pool import Limits, Pool
from ostiary.adapters.upstream.server import Setup
from ostiary.adapters.upstream.wire import deaf
from ostiary.core.errors import Garbled, GatewayError, Lost, Overloaded, TimedOut, Unreachable, UpstreamRefused
from ostiary.policy.egress import parse_url
from ostiary.protocol.jsonrpc import request
from tests.contract.sse_double import PATIENCE, Old, running
from tests.contract.sse_rig import LOOPBACK, OWN, Json, Person, order, said, served, soon

# What goes wrong.


async def test_a_call_whose_stream_ends_is_lost_and_never_made_again() -> None:
    async with served() as (old, hub):
        with pytest.raises(Lost) as caught:
            await said(hub, order("drop"))
        assert "new session" in caught.value.hint
        assert len(old.heard("tools/call")) == 1
        assert await said(hub, order("echo", n=1)) == {"n": 1}
    assert old.opened == 2


async def test_all_calls_in_flight_hear_that_the_stream_ended_each_in_an_error_of_its_own() -> None:
    async with served() as (old, hub):
        calls = [asyncio.create_task(said(hub, order("hold"))) for _ in range(3)]
        await old.until(lambda: len(old.heard("tools/call")) == 3)
        old.drop()
        failures = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in failures] == [Lost] * 3
    assert len({id(each) for each in failures}) == 3


@pytest.mark.parametrize("status", [404, 410])
async def test_a_forgotten_session_is_opened_anew_and_the_call_made_in_it(status: int) -> None:
    first: list[Any] = []

    def posting(message: Json) -> int:
        if message.get("method") != "tools/call" or first:
            return 202
        first.append(message)
        return status

    async with served(Old(posting=posting)) as (old, hub):
        assert await said(hub, order("echo", n=1)) == {"n": 1}
    assert old.opened == 2


async def test_a_server_that_forgets_every_session_at_once_is_not_asked_for_ever() -> None:
    async with served(Old(posting=lambda message: 202 if "initialize" in message["method"] else 404)) as (old, hub):
        with pytest.raises(Unreachable):
            await said(hub, order("echo"))
    assert old.opened == 2


async def test_a_message_that_is_refused_ends_its_call_and_no_other() -> None:
    refused = Old(posting=lambda message: 403 if message.get("params", {}).get("name") == "echo" else 202)
    async with served(refused) as (old, hub):
        held = asyncio.create_task(said(hub, order("hold", n=1)))
        await old.until(lambda: old.heard("tools/call"))
        with pytest.raises(UpstreamRefused, match="403"):
            await said(hub, order("echo"))
        old.release()
        assert await held == {"n": 1}
        assert old.heard("notifications/cancelled") == []


@pytest.mark.parametrize(
    ("old", "failure"),
    [
        (Old(status=404), UpstreamRefused), (Old(status=401), UpstreamRefused), (Old(media=b"application/json"), Garbled),
        (Old(endpoint="", first=": hi\n\n"), TimedOut), (Old(endpoint="", first="data: x\n\n"), TimedOut),
    ],
)  # fmt: skip
async def test_what_is_no_such_server_is_told_in_time(old: Old, failure: type[GatewayError]) -> None:
    async with served(old, start_timeout=0.3) as (_, hub):
        with pytest.raises(failure):
            await said(hub, order("echo"))


async def test_a_server_that_is_silent_at_the_handshake_is_given_up_and_its_stream_closed() -> None:
    async with served(Old(mute=True), start_timeout=0.3) as (old, hub):
        with pytest.raises(TimedOut):
            await said(hub, order("echo"))
        await old.until(lambda: not old.streams)
        assert old.heard("notifications/cancelled") == []


@pytest.mark.parametrize(
    "noise",
    [
        ": ping\r\n\r\n", "event: ping\r\ndata: {}\r\n\r\n", "data: {\r\n\r\n", "data: 7\r\n\r\n", "data: [[]]\r\n\r\n",
        'data: {"jsonrpc":"2.0","id":true,"result":{}}\r\n\r\n', 'data: {"jsonrpc":"2.0","id":99,"result":{}}\r\n\r\n',
        "event: endpoint\r\ndata: http://evil.example.com/\r\n\r\n", 'data: {"method":"notifications/progress"}\r\n\r\n',
        'data: {"method":"notifications/progress","params":{"progressToken":99}}\r\n\r\n', "data: " + "[" * 5000 + "\r\n\r\n",
    ],
)  # fmt: skip
async def test_what_is_of_no_use_is_dropped_and_the_session_goes_on(noise: str) -> None:
    async with served() as (old, hub):
        await said(hub, order("echo"))
        old.write(noise)
        assert await said(hub, order("echo", n=2)) == {"n": 2}
    assert old.opened == 1
    assert {each.target for each in old.seen if each.verb == "POST"} == {"/messages?session=s1"}


async def test_messages_in_a_batch_are_taken_one_by_one() -> None:
    async with served() as (old, hub):
        held = asyncio.create_task(hub.send(order("hold"), Person()))
        await old.until(lambda: old.heard("tools/call"))
        ident = old.heard("tools/call")[0]["id"]
        old.write(f'data: [{{"method":"notifications/x"}},{{"jsonrpc":"2.0","id":{ident},"result":{{"a":1}}}}]\r\n\r\n')
        assert (await held)["result"] == {"a": 1}
        old.release()


async def test_an_answer_that_is_neither_result_nor_error_is_garbled() -> None:
    async with served() as (old, hub):
        held = asyncio.create_task(hub.send(order("hold"), Person()))
        await old.until(lambda: old.heard("tools/call"))
        old.say({"jsonrpc": "2.0", "id": old.heard("tools/call")[0]["id"]})
        with pytest.raises(Garbled):
            await held
        old.release()


async def test_an_answer_over_the_bound_ends_the_session_and_not_the_gateway() -> None:
    async with served(answer=64 * 1024) as (old, hub):
        held = asyncio.create_task(hub.send(order("hold"), Person()))
        await old.until(lambda: old.heard("tools/call"))
        old.write("data: " + "x" * 100_000)
        with pytest.raises(Garbled, match="more than 65536 bytes"):
            await held
        await old.until(lambda: not old.streams)
        old.release()
        assert await said(hub, order("echo", n=3)) == {"n": 3}


async def test_progress_that_is_no_progress_is_dropped() -> None:
    async with served() as (old, hub):
        person = Person()
        held = asyncio.create_task(hub.send(order("hold"), person))
        await old.until(lambda: old.heard("tools/call"))
        token = old.heard("tools/call")[0]["params"]["_meta"]["progressToken"]
        about = {"progressToken": token, "progress": 1, "message": "x" * 70_000}
        old.say({"jsonrpc": "2.0", "method": "notifications/progress", "params": about})
        old.release()
        await held
    assert person.told == []


async def test_a_flood_of_messages_for_nobody_is_bounded_and_calls_go_on() -> None:
    class Slow(Person):
        async def notify(self, method: str, params: Json) -> None:
            await asyncio.Event().wait()

    async with served() as (old, hub):
        held = asyncio.create_task(hub.send(order("hold"), Slow()))
        await old.until(lambda: old.heard("tools/call"))
        for number in range(2000):
            old.say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": number}})
        old.release()
        async with asyncio.timeout(PATIENCE):
            assert "result" in await held
        waiting = [task for task in asyncio.all_tasks() if "_quietly" in str(task.get_coro())]
        assert len(waiting) <= 64


# Giving up.


async def test_cancelling_a_call_tells_the_server() -> None:
    async with served() as (old, hub):
        held = asyncio.create_task(said(hub, order("hold")))
        await old.until(lambda: old.heard("tools/call"))
        held.cancel()
        await old.until(lambda: old.heard("notifications/cancelled"))
        assert old.heard("notifications/cancelled")[0]["params"]["requestId"] == old.heard("tools/call")[0]["id"]
        assert await said(hub, order("echo", n=1)) == {"n": 1}
    assert old.opened == 1


async def test_a_deadline_tells_the_server_too() -> None:
    async with served() as (old, hub):
        await said(hub, order("echo"))
        with pytest.raises(TimedOut):
            await said(hub, order("hold", seconds=0.2))
        await old.until(lambda: old.heard("notifications/cancelled"))


@asynccontextmanager
async def opened(old: Old, patience: float) -> AsyncIterator[Channel]:
    pool = Pool(parse_url(old.url), dial=LOOPBACK, limits=Limits(connections=8))
    channel = Channel(pool, parse_url(old.url), OWN, patience=patience)
    await channel.open(soon(), lambda _: None)
    try:
        yield channel
    finally:
        channel.close()
        await pool.close()


async def given_up(channel: Channel) -> None:
    asked = request(channel.mint(), "tools/call", {"name": "hold"})
    with pytest.raises(TimedOut):
        await channel.request(asked, b"", soon(0.2), deaf)


async def test_a_stream_that_died_without_a_word_is_found_out() -> None:
    """A proxy may drop a stream and say nothing, while POSTs go on being accepted."""
    async with running(Old(mute=True)) as old, opened(old, 0.1) as channel:
        await given_up(channel)
        async with asyncio.timeout(PATIENCE):
            await channel.ended()
        assert len(old.heard("ping")) == 1
        assert not channel.alive


async def test_a_slow_server_that_answers_a_ping_keeps_its_session() -> None:
    async with running(Old()) as old, opened(old, 0.1) as channel:
        await given_up(channel)
        await old.until(lambda: old.heard("ping"))
        answered = await channel.request(request(channel.mint(), "tools/list", {}), b"", soon(), deaf)
        assert "result" in answered.message
        assert channel.alive
        old.release()


# Sessions come and go.


async def test_idle_sessions_are_ended_by_closing_their_streams() -> None:
    async with served() as (old, hub):
        await said(hub, order("echo"))
        await hub.sweep(soon(599))
        assert len(old.streams) == 1
        await hub.sweep(soon(700))
        await old.until(lambda: not old.streams)
        assert await said(hub, order("echo", n=1)) == {"n": 1}


async def test_a_session_with_a_call_in_flight_is_not_idle() -> None:
    async with served() as (old, hub):
        held = asyncio.create_task(said(hub, order("hold", n=1)))
        await old.until(lambda: old.heard("tools/call"))
        await hub.sweep(soon(7000))
        old.release()
        assert await held == {"n": 1}


async def test_the_session_unused_for_longest_gives_way_to_a_new_one_and_busy_ones_stay() -> None:
    async with running(Old()) as old:
        pool = Pool(parse_url(old.url), dial=LOOPBACK)
        links = Links("old", lambda: Channel(pool, parse_url(old.url), OWN), 10.0, lambda *_: None, most=2)
        for who in ("ana", "bea", "cem"):
            await links.session((who, "", ""), soon())
        await old.until(lambda: set(old.streams) == {"s2", "s3"})
        back = Person()
        busy = [await links.session((who, "", ""), soon()) for who in ("bea", "cem")]
        held = [asyncio.create_task(link.carry(order("hold"), back)) for link in busy]
        await old.until(lambda: len(old.heard("tools/call")) == 2)
        with pytest.raises(Overloaded):
            await links.session(("ana", "", ""), soon())
        old.release()
        await asyncio.gather(*held)
        await links.close()
        with pytest.raises(Unreachable):
            await links.session(("ana", "", ""), soon())
        await pool.close()


async def test_closing_while_a_session_opens_ends_whoever_waits_for_it() -> None:
    async with served(Old(endpoint="")) as (old, hub):
        waiting = asyncio.create_task(said(hub, order("echo")))
        await old.until(lambda: old.streams)
        await hub.servers["old"].close()
        with pytest.raises(Unreachable, match="closed"):
            await waiting


async def test_only_addresses_that_may_be_reached_are_dialled() -> None:
    async with running(Old()) as old:
        hub = Hub({})
        await hub.configure([Setup("old", parse_url(old.url), OWN, dial=Dialer(), era="handshake", sse=True)])
        with pytest.raises(Unreachable, match="loopback"):
            await said(hub, order("echo"))
        await hub.close()
    assert old.seen == []
