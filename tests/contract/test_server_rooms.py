"""What clients may hold of a server's memory: unfinished bodies together, and nothing once they are gone."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections import Counter
from typing import Any

import pytest

from ostiary.adapters.http.bounds import Bodies, Limits, Refused, unfinished
from ostiary.adapters.http.connection import Connection
from ostiary.adapters.http.cycle import Cycle
from ostiary.adapters.http.server import serve
from tests.contract.test_server import POST, WAIT, deaf, echo, everything, heard, running, status, until

ROOM = 200_000


class Someone:
    """Whose body is not complete."""

    def __init__(self) -> None:
        self.given_up = False

    def overborne(self) -> None:
        self.given_up = True


def test_where_unfinished_bodies_are_too_much_the_oldest_goes() -> None:
    bodies, first, second, third = Bodies(100), Someone(), Someone(), Someone()
    for each in (first, second, first, third):
        bodies.grew(each, 30)
    assert [first.given_up, second.given_up, third.given_up] == [True, False, False]
    assert bodies.held == 60
    bodies.ended(second)
    bodies.ended(second)
    assert bodies.held == 30
    bodies.grew(third, 71)
    assert (third.given_up, bodies.held) == (True, 0)


def test_a_few_of_the_largest_bodies_have_room_however_large_they_may_be() -> None:
    assert unfinished(1).unfinished_bytes == Limits().unfinished_bytes
    assert unfinished(1 << 30).unfinished_bytes == 4 << 30


def begun(server: Any, size: int, sent: int) -> socket.socket:
    """Send a part of a body, and return when the server has taken it from the network."""
    client: socket.socket = server.connect()
    client.sendall(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size)
    assert until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    client.sendall(b"x" * sent)
    return client


def test_bodies_that_are_held_and_never_end_make_room_for_those_who_end_theirs() -> None:
    with running(limits=Limits(unfinished_bytes=ROOM)) as server:
        slow = [begun(server, 1_000_000, 50_000) for _ in range(8)]
        answers = [everything(each) for each in slow[:4]]
        assert [status(each) for each in answers] == [503] * 4
        assert all(b"retry-after: 1\r\n" in each for each in answers)
        said = server.said(POST + b"Connection: close\r\nContent-Length: 100000\r\n\r\n", b"y" * 99_999, b"z")
        assert heard(said)["body"] == "y" * 99_999 + "z"
        for each in slow:
            each.close()


def test_a_body_that_is_answered_before_it_ends_takes_no_room() -> None:
    with running(deaf, Limits(unfinished_bytes=1000)) as server:
        said = server.said(POST + b"Content-Length: 5000\r\n\r\n" + b"x" * 500, b"x" * 4500, b"GET / HTTP/1.0\r\n\r\n")
        assert said.count(b"HTTP/1.1 401") == 2


def test_a_body_that_alone_is_too_much_is_given_up() -> None:
    with running(limits=Limits(unfinished_bytes=1000)) as server:
        assert status(server.said(POST + b"Content-Length: 5000\r\n\r\n" + b"x" * 4000)) == 503


ONE = POST + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000


@pytest.mark.parametrize(
    "said",
    [
        ONE * 10,
        ONE * 30,
        ONE[:-1],
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["requests that wait", "too many of them", "a body that does not end", "a head that is refused"],
)
def test_nothing_of_a_client_who_left_waits_for_the_collector_of_cycles(said: bytes) -> None:
    came = threading.Event()

    async def patient(scope: Any, receive: Any, send: Any) -> None:
        came.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    gc.collect()
    gc.disable()
    try:
        with running(patient) as server, server.connect() as client:
            client.sendall(said)
            assert came.wait(WAIT) if said.startswith(POST) else everything(client)
        left = [type(each).__name__ for each in gc.get_objects() if isinstance(each, Connection | Cycle | Refused)]
    finally:
        gc.enable()
    assert left == []


async def test_what_is_turned_away_for_want_of_room_is_counted() -> None:
    shed, stop = Counter[str](), asyncio.Event()
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    room = Limits(connections=1, unfinished_bytes=10)
    where = ("127.0.0.1", 0)
    serving = asyncio.create_task(serve(echo, where, None, 1.0, started.set_result, stop=stop, limits=room, shed=shed))
    async with asyncio.timeout(WAIT):
        port = await started
        one, writer = await asyncio.open_connection("127.0.0.1", port)
        other, late = await asyncio.open_connection("127.0.0.1", port)
        assert b" 503 " in await other.read()
        writer.write(POST + b"Content-Length: 100\r\n\r\n" + b"x" * 50)
        assert b" 503 " in await one.read()
        assert shed == {"connections": 1, "bodies": 1}
        for each in (writer, late):
            each.close()
        stop.set()
        await serving
