"""The shortest way to a server sends what the long way would send, and hears what it would hear."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from ostiary.adapters.upstream.heads import Head, Heads
from ostiary.adapters.upstream.health import Health
from ostiary.adapters.upstream.line import Line, Rest
from ostiary.adapters.upstream.modern import outgoing
from ostiary.adapters.upstream.places import Places
from ostiary.adapters.upstream.pool import Pool
from ostiary.adapters.upstream.wire import Heard, HTTPWire
from ostiary.core.errors import Garbled, GatewayError, Lost, TimedOut, UpstreamRefused
from ostiary.core.model import MODERN, Call, Caller, Client, Era, Json, Kind, Order, Target
from ostiary.core.ports import Back
from ostiary.protocol import modern
from ostiary.protocol.jsonrpc import encode, request
from tests.contract.hop.stage import SOON, Peer, Script, Stage, chunked, pooled, post, serving, stream, whole

TARGET = Target("files", Kind.TOOL, "read", "files.read", "files__read")
META = {modern.VERSION: MODERN, modern.CAPABILITIES: {}, modern.INFO: {"name": "somebody"}}
PARAMS: Json = {"_meta": META, "name": "files__read", "arguments": {"path": "/ä"}}
CALL = Call(1, "tools/call", "files__read", PARAMS, Client(Era.MODERN, MODERN, {}, "", {}))
ORDER = Order(CALL, TARGET, Caller("ana", "ostiary", "t", "token", 9e9), math.inf, "ref")


class Holder:
    """A server of the modern era."""

    def __init__(self, pool: Pool) -> None:
        self.era: Era | None = Era.MODERN
        self.health = Health("it", 5, 10.0, reached=True)
        self.places, self.pool = Places(2), pool
        self.reconsiders = 0
        self.carried: list[Order] = []

    async def carry(self, order: Order, back: Back) -> Json:
        self.carried.append(order)
        return {"result": {}}

    async def reconsidered(self, heard: Heard, order: Order, back: Back) -> Heard:
        self.reconsiders += 1
        return heard


class Ear:
    """Hears how it went."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.caller = ORDER.caller
        self.event = asyncio.Event()

    def answered(self, raw: Json) -> None:
        self._note(raw)

    def failed(self, error: GatewayError) -> None:
        self._note(error)

    def slow(self, rest: Rest) -> None:
        self._note(rest)

    def _note(self, what: Any) -> None:
        self.said.append(what)
        self.event.set()

    async def one(self) -> Any:
        async with asyncio.timeout(SOON):
            await self.event.wait()
        self.event.clear()
        return self.said[-1]


class Silent:
    """A client that is told everything."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def notify(self, method: str, params: Json) -> None:
        self.told.append(method)

    async def ask(self, method: str, params: Json) -> Json:
        raise AssertionError


class Rig:
    def __init__(self, pool: Pool, server: Stage) -> None:
        self.pool, self.server, self.holder, self.current = pool, server, Holder(pool), True
        self.wire = HTTPWire(pool, b"/mcp", b"authorization: Bearer ours\r\n")
        self.line = Line(self.holder, pool, self.wire, TARGET, lambda: self.current)
        self.ear = Ear()

    async def warm(self) -> None:
        await post(self.pool, b"{}")

    def send(self, seconds: float = SOON) -> Any:
        exchange = self.line.hold()
        assert exchange is not None
        exchange.send(encode(PARAMS["arguments"]), asyncio.get_running_loop().time() + seconds, self.ear)
        return exchange

    def ready(self) -> bool:
        """Say whether there is a way, and give it back."""
        exchange = self.line.hold()
        if exchange is None:
            return False
        exchange.abandon()
        exchange.abandon()
        return True


@contextlib.asynccontextmanager
async def rigged(script: Script) -> AsyncIterator[Rig]:
    async with serving(script) as server, pooled(server) as pool:
        rig = Rig(pool, server)
        await rig.warm()
        yield rig


def answer(body: bytes, message: Any = None) -> bytes:
    ident = msgspec.json.decode(body)["id"]
    return msgspec.json.encode(message or {"jsonrpc": "2.0", "id": ident, "result": {"content": []}})


async def good(peer: Peer) -> None:
    await peer.request()
    await peer.say(whole(b"{}"))
    while True:
        await peer.say(whole(answer(await peer.request())))


def saying(make: Any) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(whole(b"{}"))
        await peer.say(make(await peer.request()))
        await peer.hung_up()

    return script


async def test_it_sends_what_the_long_way_sends() -> None:
    async with rigged(good) as rig:
        assert rig.ready()
        rig.send()
        assert (await rig.ear.one())["result"] == {"content": []}
        short = rig.server.requests[-1]

        async def deaf(_message: dict[str, Any]) -> None: ...

        ident = msgspec.json.decode(short[1])["id"]
        message = request(ident, "tools/call", outgoing(ORDER))
        await rig.wire.request(message, rig.line.lines, asyncio.get_running_loop().time() + SOON, deaf)
        (head, body), (other, long) = short, rig.server.requests[-1]
        assert (head, msgspec.json.decode(body)) == (other, msgspec.json.decode(long))
        assert rig.holder.places.taken == 0


@pytest.mark.parametrize("framed", [whole, chunked])
async def test_many_answers_are_heard_one_after_the_other(framed: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(framed(b"{}"))
        for count in range(20):
            body = await peer.request()
            ident = msgspec.json.decode(body)["id"]
            message = {"jsonrpc": "2.0", "id": ident, "result": {"n": "x" * count}}
            await peer.say(framed(answer(body, message)))
        await peer.hung_up()

    async with rigged(script) as rig:
        for count in range(20):
            assert rig.ready()
            rig.send()
            assert (await rig.ear.one())["result"] == {"n": "x" * count}
        assert rig.server.accepted == 1


@pytest.mark.parametrize(
    ("make", "error"),
    [
        pytest.param(lambda _: whole(b"{"), Garbled, id="no JSON"),
        pytest.param(lambda body: whole(answer(body, {"id": 99, "result": {}})), Garbled, id="another's answer"),
        pytest.param(lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", TimedOut, id="a part of one"),
        pytest.param(lambda _: b"nonsense\r\n\r\n", Garbled, id="no HTTP"),
    ],
)
async def test_what_is_no_answer_is_told_as_what_it_is(make: Any, error: type[GatewayError]) -> None:
    async with rigged(saying(make)) as rig:
        rig.send(0.2)
        assert type(await rig.ear.one()) is error
        assert rig.holder.health.failing
        assert (rig.holder.places.taken, len(rig.ear.said)) == (0, 1)


async def test_a_lost_connection_is_told() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(whole(b"{}"))
        await peer.request()
        peer.reset()

    async with rigged(script) as rig:
        rig.send()
        assert type(await rig.ear.one()) is Lost


async def test_bytes_after_a_known_head_are_no_second_answer() -> None:
    """A head that came before, and a body that is longer than it says: the parser has to look."""
    async with rigged(saying(lambda body: whole(answer(body)) + whole(b"{}"))) as rig:
        rig.send()
        assert type(await rig.ear.one()) is Garbled


@pytest.mark.parametrize("refused", [True, False])
async def test_what_cannot_be_told_at_once_is_told_as_a_rest(refused: bool) -> None:
    def make(body: bytes) -> bytes:
        if refused:
            ident = msgspec.json.decode(body)["id"]
            error = {"jsonrpc": "2.0", "id": ident, "error": {"code": -32601, "message": "no"}}
            return whole(answer(body, error), status=b"404 Not Found")
        note = b'{"jsonrpc":"2.0","method":"notifications/x"}'
        return stream(b"data: " + note + b"\n\ndata: " + answer(body) + b"\n\n")

    async with rigged(saying(make)) as rig:
        rig.send()
        rest, back = await rig.ear.one(), Silent()
        assert rig.holder.places.taken == 1
        raw = await rest(ORDER, back)
        assert ("error" in raw, rig.holder.reconsiders) == (refused, int(refused))
        assert back.told == ([] if refused else ["notifications/x"])
        assert rig.holder.places.taken == 0


async def test_a_rest_that_fails_is_noted() -> None:
    async with rigged(saying(lambda _: whole(b"gone", status=b"502 Bad Gateway"))) as rig:
        rig.send()
        rest = await rig.ear.one()
        with pytest.raises(UpstreamRefused):
            await rest(ORDER, Silent())
        assert rig.holder.health.failing
        assert rig.holder.places.taken == 0


async def test_giving_up_drops_the_connection_and_tells_nothing() -> None:
    async with rigged(good) as rig:
        exchange = rig.send()
        exchange.abandon()
        exchange.abandon()
        await asyncio.sleep(0.02)
        assert (rig.ear.said, rig.holder.places.taken) == ([], 0)
        assert not rig.ready()


async def test_a_way_that_closed_before_the_call_was_written_is_left_for_the_way_that_waits() -> None:
    async with rigged(good) as rig:
        exchange = rig.line.hold()
        assert exchange is not None
        exchange.connection.abort()
        exchange.send(b"{}", asyncio.get_running_loop().time() + SOON, rig.ear)
        rest = await rig.ear.one()
        assert rig.holder.places.taken == 0
        exchange.abandon()
        assert await rest(ORDER, Silent()) == {"result": {}}
        assert rig.holder.carried == [ORDER]
        assert rig.holder.places.taken == 0


async def test_a_way_that_closed_is_not_given_back() -> None:
    async with rigged(good) as rig:
        exchange = rig.line.hold()
        assert exchange is not None
        exchange.connection.abort()
        exchange.abandon()
        assert rig.line.hold() is None
        assert rig.holder.places.taken == 0


async def test_a_line_is_ready_only_where_nothing_stands_in_the_way() -> None:
    async with rigged(good) as rig:
        assert rig.ready()
        rig.current = False
        assert not rig.ready()
        rig.current, rig.holder.era = True, None
        assert not rig.ready()
        rig.holder.era = Era.MODERN
        assert rig.holder.places.entered()
        assert rig.holder.places.entered()
        assert not rig.ready()


HEAD = Head(200, {b"content-type": b"application/json"}, 4.0)


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: y\r\n\r\nhi", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 02\r\nx: y\r\n\r\nhi", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx: y\r\n\r\nhi", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx: y\r\n\r\nhi", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\nhi", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: z\r\n\r\nhi", False),
        (b"HTTP/1.1 201 OK\r\nContent-Length: 2\r\nx: y\r\n\r\nhi", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\nx: y\r\n\r\nhi", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\nhello, world", False),
        (b"", False),
    ],
)
def test_a_head_is_known_byte_for_byte_or_not_at_all(data: bytes, known: bool) -> None:
    heads = Heads()
    heads.learn(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello", HEAD)
    found = heads.find(data, 10)
    assert (found is not None) == known
    if found is not None:
        assert found == (HEAD, data.partition(b"\r\n\r\n")[2])


def test_heads_without_one_length_are_not_learned() -> None:
    heads = Heads()
    for data in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"):
        heads.learn(data, HEAD)
        assert heads.find(data, 10) is None
