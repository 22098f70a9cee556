"""Servers on loopback that say exactly what they are told to, and a wire that is only a list."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network
from typing import Any

from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.pool import Limits, Pool, Stats
from ostiary.policy.egress import Origin

LOOPBACK = (ip_network("127.0.0.0/8"),)
SOON = 5.0
HEADERS = b"content-type: application/json\r\naccept: application/json, text/event-stream\r\n"
SMALL = Limits(connections=1, head=4096, body=8192)
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's side of one connection."""

    def __init__(self, stage: Stage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.stage, self.reader, self.writer = stage, reader, writer

    async def request(self) -> bytes:
        """Read one request, note it, and return its body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        sizes = [line for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
        body = await self.reader.readexactly(int(sizes[0].partition(b": ")[2])) if sizes else b""
        self.stage.requests.append((head, body))
        return body

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def trickle(self, data: bytes) -> None:
        for place in range(len(data)):
            await self.say(data[place : place + 1])
            await asyncio.sleep(0)

    async def hung_up(self) -> None:
        """Wait until the other side closes; what it still says is dropped."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Stage:
    """One server: what it heard, and how many connections it has had and has."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[tuple[bytes, bytes]] = []
        self.accepted = 0
        self.open = 0
        self.empty = asyncio.Event()

    def origin(self, host: str = "127.0.0.1", scheme: str = "http") -> Origin:
        return Origin(scheme, host, self.port, "/mcp")


@contextlib.asynccontextmanager
async def serving(
    script: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Stage]:
    """Run `script` for every connection; at the end none may be left."""
    stage = Stage()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stage.accepted += 1
        stage.open += 1
        stage.empty.clear()
        try:
            await script(Peer(stage, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            stage.open -= 1
            if not stage.open:
                stage.empty.set()

    server = await asyncio.start_server(accept, host, port, ssl=tls)
    stage.port = server.sockets[0].getsockname()[1]
    try:
        yield stage
        if stage.open:
            async with asyncio.timeout(SOON):
                await stage.empty.wait()
    finally:
        server.close()


@contextlib.asynccontextmanager
async def pooled(stage: Stage, dial: Any = None, **limits: Any) -> AsyncIterator[Pool]:
    """A pool to a stage, closed at the end, when it must not hold anything any more."""
    pool = Pool(stage.origin(), dial=dial or Dialer(LOOPBACK), limits=Limits(**limits))
    try:
        yield pool
    finally:
        async with asyncio.timeout(SOON):
            await pool.close()
        assert pool.stats == Stats(0, 0, 0, 0)


def soon() -> float:
    return asyncio.get_running_loop().time() + SOON


async def post(pool: Pool, body: bytes = b"{}", within: float = SOON) -> Any:
    deadline = asyncio.get_running_loop().time() + within
    return await pool.exchange(b"POST", b"/mcp", HEADERS, body, deadline)


async def events(response: Any) -> list[str]:
    found = []
    while (event := await response.next()) is not None:
        found.append(event.data)
    return found


def whole(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    fields = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, fields, len(body), body)


def chunked(*parts: bytes, media: bytes = b"application/json", end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % media
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + end


def stream(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return chunked(*parts, media=b"text/event-stream", end=end)


def saying(data: bytes, *, hold: bool = False) -> Script:
    """Answer every request with the same bytes; then hang up, or wait for the other side to do so."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.say(data)
            if not hold:
                return

    return script


async def echo(peer: Peer) -> None:
    while True:
        await peer.say(whole(await peer.request()))


class Wire(asyncio.Transport):
    """A transport whose other end is the test."""

    def __init__(self, *, mute: bool = False) -> None:
        super().__init__()
        self.mute = mute
        self.protocol: Any = None
        self.written: list[bytes] = []
        self.reading = True
        self.closing = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def writelines(self, parts: Any) -> None:
        self.written.extend(parts)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        if not self.closing:
            self.closing = True
            if self.mute:
                return
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class Wires:
    """A dialler that hands out wires."""

    def __init__(self, *, mute: bool = False) -> None:
        self.mute = mute
        self.made: list[Wire] = []

    async def __call__(self, origin: Origin, factory: Callable[[], Any], tls: ssl.SSLContext | None) -> Any:
        wire = Wire(mute=self.mute)
        wire.protocol = factory()
        self.made.append(wire)
        wire.protocol.connection_made(wire)
        return wire.protocol


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else run until the condition holds."""
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0)
