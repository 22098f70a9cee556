"""The HTTP server towards clients that are slow, huge, ambiguous or hostile, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
import uvloop

from ostiary.adapters.http.connection import Limits
from ostiary.adapters.http.server import Address, CannotServe, serve, tls_context

WAIT = 10.0
QUICK = Limits(sweep_seconds=0.02)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer what was understood of the request."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message.get("body", b""), message.get("more_body", False)
    said = {
        "method": scope["method"],
        "path": scope["path"],
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    await answer(send, 200, msgspec.json.encode(said))


async def deaf(scope: Any, receive: Any, send: Any) -> None:
    """Answer without reading the body, as the gateway does without a credential."""
    await answer(send, 401, b"who?")


async def answer(send: Any, status: int, body: bytes) -> None:
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


class Running:
    """A server in a thread of its own."""

    def __init__(self, app: Any, limits: Limits, tls: ssl.SSLContext | None, address: Address, seconds: float) -> None:
        self.port = 0
        self.failed: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(app, limits, tls, address, seconds))
        self._thread.start()
        assert self._ready.wait(WAIT)

    def _run(self, app: Any, limits: Limits, tls: ssl.SSLContext | None, address: Address, seconds: float) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            try:
                await serve(app, address, tls, seconds, self._started, stop=self._stop, limits=limits)
            except CannotServe as error:
                self.failed = error
            finally:
                self._ready.set()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())

    def _started(self, port: int) -> None:
        self.port = port
        self._ready.set()

    def ask_to_stop(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)

    def ended(self) -> bool:
        self._thread.join(WAIT)
        return not self._thread.is_alive()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)

    def said(self, *parts: bytes) -> bytes:
        """Return everything that comes back for these bytes, until the server closes."""
        with self.connect() as client:
            for part in parts:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    client.sendall(part)
            return everything(client)


def everything(client: socket.socket) -> bytes:
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(65536):
            got += chunk
    return got


def until(client: socket.socket, end: bytes) -> bytes:
    got = b""
    while end not in got:
        chunk = client.recv(65536)
        if not chunk:
            break
        got += chunk
    return got


@contextlib.contextmanager
def running(
    app: Any = echo,
    limits: Limits = QUICK,
    tls: ssl.SSLContext | None = None,
    address: Address = ("127.0.0.1", 0),
    seconds: float = 5.0,
) -> Iterator[Running]:
    server = Running(app, limits, tls, address, seconds)
    try:
        yield server
    finally:
        server.ask_to_stop()
        assert server.ended()


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as found:
        yield found


CLOSE = b"Connection: close\r\n"


def heard(answer: bytes) -> Any:
    return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_a_request_is_answered_and_names_no_server_software(server: Running) -> None:
    said = server.said(b"POST /x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n" + CLOSE + b"\r\nhi")
    assert status(said) == 200
    assert heard(said)["body"] == "hi"
    head = said.partition(b"\r\n\r\n")[0].lower()
    assert b"\r\nserver:" not in head
    assert b"\r\ndate:" in head


def test_white_space_around_values_is_no_part_of_them(server: Running) -> None:
    """RFC 9110 section 5.5."""
    said = server.said(b"GET / HTTP/1.1\r\nHost: \t a \t\r\nX-One: \tb c\t \r\nX-None: \r\n" + CLOSE + b"\r\n")
    found = dict(heard(said)["headers"])
    assert (found["host"], found["x-one"], found["x-none"]) == ("a", "b c", "")


def test_trailers_never_become_headers(server: Running) -> None:
    """An Authorization or Host after the body would speak for a request that was admitted without it."""
    said = server.said(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n"
        b"2\r\nhi\r\n0\r\nAuthorization: Bearer stolen\r\nHost: b\r\n\r\n"
    )
    assert heard(said)["body"] == "hi"
    assert [name for name, _ in heard(said)["headers"]] == ["host", "transfer-encoding", "connection"]


POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
AFTER = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"\r\n"

AMBIGUOUS = {
    "CL.TE": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" + AFTER,
    "TE.CL": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + AFTER + b"0\r\n\r\n",
    "TE.TE, one of them odd": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + AFTER,
    "TE of an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + AFTER,
    "TE with another coding before": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + AFTER,
    "TE, chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + AFTER,
    "TE with a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + AFTER,
    "TE behind a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + AFTER,
    "TE on HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + AFTER,
    "two lengths": POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd" + AFTER,
    "two equal lengths": POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd" + AFTER,
    "a list of lengths": POST + b"Content-Length: 4, 4\r\n\r\nabcd" + AFTER,
    "a signed length": POST + b"Content-Length: +4\r\n\r\nabcd" + AFTER,
    "a negative length": POST + b"Content-Length: -4\r\n\r\nabcd" + AFTER,
    "a length in hexadecimal": POST + b"Content-Length: 0x4\r\n\r\nabcd" + AFTER,
    "a huge length": POST + b"Content-Length: 99999999999999999999\r\n\r\nabcd" + AFTER,
    "a folded line": POST + b"X: a\r\n b\r\n\r\n" + AFTER,
    "a folded first line": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n" + AFTER,
    "bare LF everywhere": b"GET / HTTP/1.1\nHost: a\n\n" + AFTER,
    "bare LF after a value": POST + b"X: a\nY: b\r\n\r\n" + AFTER,
    "bare CR in a value": POST + b"X: a\rY: b\r\n\r\n" + AFTER,
    "NUL in a value": POST + b"X: a\x00b\r\n\r\n" + AFTER,
    "a byte beyond ASCII in a name": POST + b"X\xc3: a\r\n\r\n" + AFTER,
    "bare LF after a chunk's size": POST + b"Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n" + AFTER,
    "a chunk's size with a space": POST + b"Transfer-Encoding: chunked\r\n\r\n2 \r\nhi\r\n0\r\n\r\n" + AFTER,
    "a chunk's size that overflows": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhi\r\n" + AFTER,
    "a chunk longer than its size": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n" + AFTER,
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + AFTER,
    "the same host twice": b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n" + AFTER,
    "no host": b"GET / HTTP/1.1\r\nX: a\r\n\r\n" + AFTER,
    "a target at another host": b"GET http://evil/x HTTP/1.1\r\nHost: a\r\n\r\n" + AFTER,
    "a target with a user": b"GET http://a@evil/x HTTP/1.1\r\nHost: a\r\n\r\n" + AFTER,
    "a target of another scheme": b"GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n" + AFTER,
    "a target without a path": b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n" + AFTER,
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + AFTER,
    "CONNECT": b"CONNECT evil:443 HTTP/1.1\r\nHost: a\r\n\r\n" + AFTER,
    "a byte beyond ASCII in the target": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n" + AFTER,
    "HTTP/2 said in HTTP/1": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n" + AFTER,
    "HTTP/0.9": b"GET /\r\n" + AFTER,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + AFTER,
    "another expectation": POST + b"Expect: the-worst\r\nContent-Length: 2\r\n\r\nhi" + AFTER,
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
}


@pytest.mark.parametrize("asked", AMBIGUOUS.values(), ids=list(AMBIGUOUS))
def test_what_two_servers_could_read_in_two_ways_is_refused_and_ends_the_connection(
    server: Running, asked: bytes
) -> None:
    """The request-smuggling set: the request is refused and nothing behind it is ever taken for a request."""
    said = server.said(asked)
    assert 400 <= status(said) < 600
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in said
    assert b"smuggled" not in said


def test_ambiguity_is_refused_however_the_bytes_arrive(server: Running) -> None:
    for asked in (AMBIGUOUS["two hosts"], AMBIGUOUS["CL.TE"], AMBIGUOUS["a target at another host"]):
        with server.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for at in range(len(asked)):
                    client.sendall(asked[at : at + 1])
            said = everything(client)
        assert said.count(b"HTTP/1.1 ") == 1
        assert status(said) == 400


def test_a_target_in_absolute_form_of_the_same_host_is_a_path(server: Running) -> None:
    """RFC 9112 section 3.2.2: a server accepts the absolute form."""
    said = server.said(b"GET http://a:80/x?y HTTP/1.1\r\nHost: A:80\r\n" + CLOSE + b"\r\n")
    assert heard(said)["path"] == "/x"


def test_a_probe_that_speaks_http_1_0_needs_no_host(server: Running) -> None:
    assert heard(server.said(b"GET /h HTTP/1.0\r\n\r\n"))["path"] == "/h"


@pytest.mark.requirement("MCP-13")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"x" * 700 + b"\r\n" * 100, 200),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"x" * 300_000, 431),
        (b"X" * 300_000, 400),
    ],
)
def test_a_head_is_bounded_while_it_arrives(server: Running, asked: bytes, expected: int) -> None:
    asked = asked.replace(b"Host: a\r\n", b"Host: a\r\n" + CLOSE)
    assert status(server.said(asked)) == expected


def test_a_head_that_trickles_in_is_bounded_too(server: Running) -> None:
    assert status(server.said(b"GET / HTTP/1.1\r\nHost: a\r\n", *[b"X: " + b"x" * 4_000 + b"\r\n"] * 40)) == 431


def test_a_large_body_counts_for_no_head(server: Running) -> None:
    body = b"x" * 300_000
    one = POST + b"Content-Length: 300000\r\n\r\n" + body
    with server.connect() as client:
        client.sendall(one + one + AFTER)
        said = everything(client)
    assert said.count(b"HTTP/1.1 200") == 3


def test_pipelined_requests_are_answered_in_order_and_bounded(server: Running) -> None:
    asked = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(5))
    said = server.said(asked + AFTER)
    assert [part.split(b'"')[0] for part in said.split(b'"path":"')[1:]] == [
        b"/0", b"/1", b"/2", b"/3", b"/4", b"/smuggled",
    ]  # fmt: skip
    flood = server.said(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000)
    assert flood.count(b"HTTP/1.1 ") <= QUICK.pipelined + 1


def test_a_bad_request_behind_a_good_one_is_never_answered_in_its_place(server: Running) -> None:
    """The first answer on a connection belongs to the first request (RFC 9112 section 9.3.2)."""
    said = server.said(b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n" + AMBIGUOUS["two hosts"])
    assert status(said) == 200
    assert heard(said)["path"] == "/good"
    assert said.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "coding", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("split", [False, True])
def test_an_upgrade_is_ignored_and_the_body_kept(server: Running, coding: bytes, split: bool) -> None:
    """RFC 9110 section 7.8. Java's HttpClient asks for h2c on its first request; llhttp alone loses that body."""
    asked = (
        POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n" + coding
    )
    said = server.said(*([asked[:40], asked[40:150], asked[150:]] if split else [asked]), AFTER)
    assert said.count(b"HTTP/1.1 200") == 2
    assert heard(said.partition(b"HTTP/1.1 200")[2].partition(b"HTTP/1.1")[0])["body"] == "hello"


def test_a_websocket_is_an_ordinary_request_here(server: Running) -> None:
    said = server.said(
        b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert status(said) == 200


@pytest.mark.parametrize(
    "after", [b"0\r\nX: " + b"x" * 900_000, b"0\r\n" + b"X: a\r\n" * 150_000, b"1;" + b"x" * 900_000]
)
def test_what_surrounds_the_chunks_of_a_body_is_bounded(server: Running, after: bytes) -> None:
    """Trailers and chunk extensions count towards no body limit (CVE-2023-39326)."""
    with server.connect() as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(after)
        assert status(everything(client)) in {413, 0}


def test_a_body_in_many_small_chunks_is_a_body(server: Running) -> None:
    said = server.said(POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
    assert heard(said)["body"] == "x" * 50_000


def test_a_head_that_never_ends_is_cut_off() -> None:
    """Slowloris: every byte comes, none completes the head."""
    with running(limits=Limits(sweep_seconds=0.02, head_seconds=0.1)) as server:
        assert server.said() == b""
        assert status(server.said(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")) == 408
        with server.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"200" in until(client, b"}")
            client.sendall(b"GET / HTTP/1.1\r\nHo")
            assert status(everything(client)) == 408


def test_a_body_that_never_ends_is_cut_off() -> None:
    with running(limits=Limits(sweep_seconds=0.02, body_seconds=0.1)) as server:
        assert status(server.said(POST + b"Content-Length: 10\r\n\r\nabc")) == 408
        assert status(server.said(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc")) == 408


def test_an_idle_connection_is_closed() -> None:
    with running(limits=Limits(sweep_seconds=0.02, idle_seconds=0.1)) as server:
        assert status(server.said(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")) == 200


def test_a_client_that_reads_nothing_is_cut_off() -> None:
    gone = threading.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        reading = asyncio.ensure_future(receive())
        while not reading.done() or reading.result()["type"] != "http.disconnect":
            if reading.done():
                reading = asyncio.ensure_future(receive())
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await asyncio.sleep(0)
        gone.set()

    with running(endless, Limits(sweep_seconds=0.02, write_seconds=0.1)) as server, server.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert gone.wait(WAIT)


def test_a_body_that_nobody_wanted_is_swallowed_within_a_bound() -> None:
    with running(deaf, Limits(unread_bytes=100_000)) as server:
        said = server.said(POST + b"Content-Length: 50000\r\n\r\n" + b"x" * 50_000 + AFTER)
        assert said.count(b"HTTP/1.1 401") == 2
        with server.connect() as client:
            client.sendall(POST + b"Content-Length: 900000000\r\n\r\n")
            assert status(until(client, b"who?")) == 401
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(10_000):
                    client.sendall(b"x" * 65536)
                pytest.fail("the server went on reading")


def test_after_a_refusal_in_place_of_100_continue_the_connection_ends() -> None:
    """Whether the body follows is the client's choice: what comes next cannot be told from a request."""
    with running(deaf) as server, server.connect() as client:
        client.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")
        assert status(everything(client)) == 401


def test_a_client_that_waits_is_told_to_continue(server: Running) -> None:
    with server.connect() as client:
        client.sendall(POST + CLOSE + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.sendall(b"hi")
        assert heard(everything(client))["body"] == "hi"


def test_more_connections_than_the_bound_are_turned_away() -> None:
    with running(limits=Limits(connections=2)) as server, server.connect() as one, server.connect() as two:
        for client in (one, two):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b" 200 " in until(client, b"}")
        assert status(server.said()) == 503


class Held:
    """An application that answers when it is let go."""

    def __init__(self) -> None:
        self.began, self.cancelled = threading.Event(), threading.Event()
        self._go: Callable[[], None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        gate, loop = asyncio.Event(), asyncio.get_running_loop()
        self._go = lambda: loop.call_soon_threadsafe(gate.set)  # type: ignore[assignment]  # the handle is not wanted
        self.began.set()
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        await answer(send, 200, b"done")

    def go(self) -> None:
        assert self._go is not None
        self._go()


def test_a_call_in_flight_finishes_when_the_server_stops() -> None:
    held = Held()
    with running(held) as server, server.connect() as client, server.connect() as idle:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert held.began.wait(WAIT)
        server.ask_to_stop()
        assert everything(idle) == b""
        with pytest.raises(ConnectionRefusedError):
            server.connect().close()
        held.go()
        said = everything(client)
        assert said.endswith(b"done")
        assert server.ended()


def test_a_call_that_outlasts_the_shutdown_is_cancelled() -> None:
    held = Held()
    with running(held, seconds=0.05) as server, server.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert held.began.wait(WAIT)
        server.ask_to_stop()
        assert held.cancelled.wait(WAIT)
        assert server.ended()


async def test_cancelling_the_task_stops_the_server() -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(echo, ("127.0.0.1", 0), None, 1.0, started.set_result))
    port = await asyncio.wait_for(started, WAIT)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, WAIT)
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_a_socket_that_is_bound_already_is_used() -> None:
    bound = socket.create_server(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    with running(address=bound) as server:
        assert server.port == port
        assert status(server.said(AFTER)) == 200


def test_an_address_in_use_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Running(echo, QUICK, None, ("127.0.0.1", taken.getsockname()[1]), 1.0)
    assert server.ended()
    assert isinstance(server.failed, CannotServe)
    assert "Address already in use" in str(server.failed)
    assert "gateway.listen" in str(server.failed)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    leaf = authority.issue_cert("127.0.0.1")
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(str(folder / "chain.pem"), append=True)
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return folder


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_tls_speaks_1_3_and_refuses_what_is_older_than_1_2(authority: trustme.CA, files: Path) -> None:
    tls = tls_context(str(files / "chain.pem"), str(files / "key.pem"))
    with running(tls=tls) as server:
        context = client_context(authority)
        with context.wrap_socket(server.connect(), server_hostname="127.0.0.1") as client:
            assert client.version() == "TLSv1.3"
            client.sendall(AFTER)
            assert status(everything(client)) == 200
        with context.wrap_socket(server.connect(), server_hostname="127.0.0.1") as client:
            client.sendall(AMBIGUOUS["two hosts"])
            assert status(everything(client)) == 400
        old = client_context(authority)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)), server.connect() as plain:
            old.wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_client_without_a_certificate_is_turned_away_where_one_is_demanded(
    authority: trustme.CA, files: Path
) -> None:
    tls = tls_context(str(files / "chain.pem"), str(files / "key.pem"), str(files / "ca.pem"))
    with running(tls=tls) as server:
        context = client_context(authority)
        # With TLS 1.3 the client learns it from its first read: an alert, a reset or an end, but never an answer.
        with context.wrap_socket(server.connect(), server_hostname="127.0.0.1") as client:
            got = b""
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                client.sendall(AFTER)
                got = client.recv(1)
            assert got == b""
        authority.issue_cert("client@example.com").configure_cert(context)
        with context.wrap_socket(server.connect(), server_hostname="127.0.0.1") as client:
            client.sendall(AFTER)
            assert status(everything(client)) == 200


def test_a_certificate_that_cannot_be_used_is_said_with_what_to_do(files: Path) -> None:
    for certificate, key in (("missing.pem", "key.pem"), ("chain.pem", "chain.pem")):
        with pytest.raises(CannotServe, match=r"gateway\.tls"):
            tls_context(str(files / certificate), str(files / key))
