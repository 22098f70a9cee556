"""Requests that begin like an earlier one, over real sockets: they are answered alike, and nothing else gets in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from ostiary.adapters.http.bounds import Limits
from ostiary.adapters.http.door import Door
from ostiary.adapters.http.server import serve as listen
from ostiary.core.errors import Unreachable
from ostiary.core.model import Json, Order
from ostiary.core.ports import Back
from ostiary.pipeline.serve import serve
from tests.pipeline.test_swift import NAME, Runway, body_of

WAIT = 10.0
HEAD = (
    b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer ana-token\r\n"
    b"Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
    b"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: files__read\r\n"
)
CARRIED = ["limit", "intent", "sent", "outcome", "metered"]
SLOWLY = ["identify", *CARRIED]


def request(body: bytes, head: bytes = HEAD, length: bytes | None = None) -> bytes:
    return head + b"Content-Length: " + (length if length is not None else b"%d" % len(body)) + b"\r\n\r\n" + body


class House:
    """A door, and one client before it."""

    def __init__(self) -> None:
        self.stage, self.stop, self.port = Runway(), asyncio.Event(), 0
        self.door = Door(
            lambda message, reply: serve(message, reply, self.stage.world),
            lambda message, reply: serve(message, reply, self.stage.world),
            lambda: self.stage.snapshot,
            self._nowhere,
        )
        self.door.open(self.stage.swift)

    async def _nowhere(self, *_: object) -> None:
        raise AssertionError("no test asks for a page")

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def said(self, *pieces: bytes) -> tuple[bytes, bytes]:
        """Send a request in these pieces, each by itself, and return the head and the body of its answer."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.02 if len(pieces) > 1 else 0)
        return await self.heard()

    async def heard(self) -> tuple[bytes, bytes]:
        async with asyncio.timeout(WAIT):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            return head, await self.reader.readexactly(int(length.partition(b":")[2]))

    def took(self) -> list[str]:
        """Return the steps of what was carried since this was last asked."""
        steps = [*self.stage.log]
        self.stage.log.clear()
        return steps

    async def eventually(self, test: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT):
            while not test():
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def opened(seconds: float = 5.0) -> AsyncIterator[House]:
    found, started = House(), asyncio.Event()

    def listening(port: int) -> None:
        found.port = port
        started.set()

    limits = Limits(sweep_seconds=0.02)
    running = asyncio.create_task(
        listen(found.door, ("127.0.0.1", 0), None, seconds, listening, stop=found.stop, limits=limits)
    )
    try:
        await started.wait()
        await found.connect()
        yield found
    finally:
        found.stop.set()
        async with asyncio.timeout(WAIT):
            await running
        found.writer.close()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A house whose client was here before."""
    async with opened() as found:
        await found.said(request(body_of()))
        assert found.took() == SLOWLY
        yield found


async def test_what_begins_like_an_earlier_request_is_answered_like_it(house: House) -> None:
    first = await house.said(request(body_of({"path": "/b"}, ident="x")))
    assert house.took() == CARRIED
    slow = await house.said(request(body_of({"path": "/b"}, ident="x"), HEAD + b"X-Other: 1\r\n"))
    assert house.took() == SLOWLY
    assert first == slow


async def test_a_new_connection_of_the_same_client_is_known(house: House) -> None:
    house.writer.close()
    await house.connect()
    await house.said(request(body_of()))
    assert house.took() == CARRIED


async def test_a_length_before_the_name_is_no_other_thing(house: House) -> None:
    body = body_of()
    head = HEAD.replace(b"Mcp-Name: files__read\r\n", b"content-length: %d\r\nmcp-name:files__read" % len(body))
    await house.said(head + b"\r\n\r\n" + body)
    assert house.took() == SLOWLY
    await house.said(head + b"\r\n\r\n" + body)
    assert house.took() == CARRIED


DIFFERENT = {
    "another credential": (HEAD.replace(b"ana-token", b"eve-token"), ["identify", "outcome", "metered"]),
    "no credential": (HEAD.replace(b"Authorization: Bearer ana-token\r\n", b""), ["identify", "outcome", "metered"]),
    "another name": (HEAD.replace(b"files__read", b"files__drop"), ["identify", "outcome", "metered"]),
    "a name that is no ASCII": (HEAD.replace(b"files__read", b"files__r\xe9ad"), ["identify", "outcome", "metered"]),
    "another method": (HEAD.replace(b"tools/call", b"tools/list"), ["identify", "outcome", "metered"]),
    "another version": (HEAD.replace(b"2026-07-28", b"2027-01-01"), ["identify", "outcome", "metered"]),
    "another host": (HEAD.replace(b"127.0.0.1:8080", b"evil.example"), []),
    "another origin": (HEAD + b"Origin: https://evil.example\r\n", []),
    "another media type": (HEAD.replace(b"n/json\r\nMCP", b"n/xml\r\nMCP"), ["identify", "outcome", "metered"]),
    "a second name": (HEAD + b"Mcp-Name: files__read\r\n", ["identify", "outcome", "metered"]),
}


@pytest.mark.parametrize(("head", "steps"), DIFFERENT.values(), ids=DIFFERENT.keys())
async def test_a_head_that_differs_is_looked_at_anew(house: House, head: bytes, steps: list[str]) -> None:
    answers = []
    for _ in range(2):
        answers.append(await house.said(request(body_of(), head)))
        assert house.took() == steps
    assert answers[0][0] == answers[1][0]


async def test_a_caller_who_is_known_no_more_is_asked_again(house: House) -> None:
    house.stage.known.clear()
    await house.said(request(body_of()))
    assert house.took() == SLOWLY


async def test_a_length_has_one_spelling(house: House) -> None:
    body = body_of()
    await house.said(request(body, length=b"0%d" % len(body)))
    assert house.took() == SLOWLY


async def test_a_request_in_pieces_is_read_as_a_whole(house: House) -> None:
    whole = request(body_of())
    await house.said(whole[:50], whole[50:-20], whole[-20:])
    assert house.took() == SLOWLY
    await house.said(whole)
    assert house.took() == CARRIED


async def test_two_requests_in_one_piece_are_two(house: House) -> None:
    whole = request(body_of(ident=1)) + request(body_of(ident=2))
    first, second = await house.said(whole), await house.heard()
    assert b'"id":1' in first[1]
    assert b'"id":2' in second[1]
    await house.said(whole[:-10])
    third = await house.said(whole[-10:])
    assert b'"id":2' in third[1]
    assert "identify" in house.took()


async def test_a_request_that_comes_during_another_waits_for_it(house: House) -> None:
    house.stage.way.now = False
    house.writer.write(request(body_of(ident=1)))
    await house.eventually(lambda: house.door.in_flight == 1)
    house.writer.write(request(body_of(ident=2)))
    await house.writer.drain()
    await asyncio.sleep(0.02)
    house.stage.way.tell()
    first, second = await house.heard(), await house.heard()
    assert b'"id":1' in first[1]
    assert b'"id":2' in second[1]
    assert house.door.in_flight == 0


async def test_a_client_that_hangs_up_is_heard_at_once(house: House) -> None:
    house.stage.way.now = False
    house.writer.write(request(body_of()))
    await house.eventually(lambda: house.door.in_flight == 1)
    house.writer.close()
    await house.eventually(lambda: house.stage.way.abandoned == 1)
    assert [each.outcome for each in house.stage.audit.ended][-1] == "abandoned"
    assert house.door.in_flight == 0


async def test_an_answer_that_takes_its_time_becomes_a_stream(house: House) -> None:
    house.stage.way.now = False
    house.writer.write(request(body_of(ident=5)))
    await house.eventually(lambda: house.door.in_flight == 1)

    async def rest(_order: Order, back: Back) -> Json:
        await back.notify("notifications/message", {"level": "info", "data": 1})
        return house.stage.answer

    assert house.stage.way.told is not None
    house.stage.way.told.slow(rest)
    async with asyncio.timeout(WAIT):
        said = await house.reader.readuntil(b"0\r\n\r\n")
    assert b"text/event-stream" in said
    assert said.index(b"notifications/message") < said.index(b'"id":5')
    house.stage.way.now = True
    house.took()
    await house.said(request(body_of()))
    assert house.took() == CARRIED


async def test_a_stream_whose_client_hangs_up_is_cancelled(house: House) -> None:
    house.stage.way.now = False
    house.writer.write(request(body_of()))
    await house.eventually(lambda: house.door.in_flight == 1)
    ended = asyncio.Event()

    async def rest(_order: Order, _back: Back) -> Json:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise Unreachable

    assert house.stage.way.told is not None
    house.stage.way.told.slow(rest)
    await asyncio.sleep(0.02)
    house.writer.close()
    async with asyncio.timeout(WAIT):
        await ended.wait()
    await house.eventually(lambda: house.door.in_flight == 0)
    assert [each.outcome for each in house.stage.audit.ended][-1] == "abandoned"


async def test_stopping_waits_for_a_call_in_flight() -> None:
    async with opened() as house:
        await house.said(request(body_of()))
        house.stage.way.now = False
        house.writer.write(request(body_of(ident=9)))
        await house.eventually(lambda: house.door.in_flight == 1)
        house.stop.set()
        await asyncio.sleep(0.05)
        house.stage.way.tell()
        head, body = await house.heard()
        assert b"connection: close" in head
        assert b'"id":9' in body


async def test_stopping_cuts_off_a_call_that_takes_too_long() -> None:
    async with opened(seconds=0.05) as house:
        await house.said(request(body_of()))
        house.stage.way.now = False
        house.writer.write(request(body_of()))
        await house.eventually(lambda: house.door.in_flight == 1)
        house.stop.set()
        head, _ = await house.heard()
        assert b" 202 " in head
        assert [each.outcome for each in house.stage.audit.ended][-1] == "abandoned"
        assert house.stage.way.abandoned == 1


def test_the_name_is_the_one_that_is_asked_for() -> None:
    assert NAME.encode() in HEAD
