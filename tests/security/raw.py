"""HTTP/1.1 as a client that may say anything: it sends the bytes it is given and reads what comes back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, cast

Json = dict[str, Any]

BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Said:
    """One answer; `whole` is false where the connection ended within it."""

    status: int
    head: bytes
    body: bytes
    whole: bool = True

    def header(self, name: str) -> str:
        """Return a header's value, or nothing."""
        wanted = name.lower().encode() + b":"
        for line in self.head.split(b"\r\n")[1:]:
            if line.lower().startswith(wanted):
                return line[len(wanted) :].strip().decode("latin-1")
        return ""

    @property
    def streaming(self) -> bool:
        """Say whether the body is an event stream."""
        return b"text/event-stream" in self.head

    def messages(self) -> list[Json]:
        """Return every JSON-RPC message of the body."""
        if not self.streaming:
            return [json.loads(self.body)] if self.body else []
        return [json.loads(line[6:]) for line in self.body.split(b"\n") if line.startswith(b"data: {")]

    def event_ids(self) -> list[str]:
        """Return the ids of the stream's events."""
        return [line[4:].decode() for line in self.body.split(b"\n") if line.startswith(b"id: ")]


def first(data: bytes, bare: bool = False) -> tuple[Said, int] | None:
    """Return the first complete answer in `data` and where it ends; `bare`: the answer to a HEAD."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, start, status = data[:end], end + 4, int(data[9:12])
    if 100 <= status < 200:
        found = first(data[start:], bare)
        return None if found is None else (found[0], found[1] + start)
    if bare or status in BODILESS:
        return Said(status, head, b""), start
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        return _chunked(data, head, status, start)
    at = lower.find(b"content-length:")
    if at < 0:
        return None
    length = int(lower[at + 15 :].split(b"\r\n", 1)[0])
    if len(data) < start + length:
        return None
    return Said(status, head, data[start : start + length]), start + length


def _chunked(data: bytes, head: bytes, status: int, start: int) -> tuple[Said, int] | None:
    at = start
    parts: list[bytes] = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line], 16)
        if len(data) < line + size + 4:
            return None
        if size == 0:
            return Said(status, head, b"".join(parts)), line + 4
        parts.append(data[line + 2 : line + 2 + size])
        at = line + size + 4
    return None


def partial(data: bytes) -> Said | None:
    """Return what came of an answer that is not complete, if its head did."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, at = data[:end], end + 4
    parts: list[bytes] = []
    if b"transfer-encoding: chunked" not in head.lower():
        return Said(int(data[9:12]), head, data[at:], whole=False)
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line], 16)
        parts.append(data[line + 2 : line + 2 + size])
        at = line + size + 4
    return Said(int(data[9:12]), head, b"".join(parts), whole=False)


class Ended(Exception):
    """The connection ended before a whole answer came; `said` is what came of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"the connection ended after {len(data)} bytes")
        self.data, self.said = data, partial(data)


class Wire(asyncio.Protocol):
    """One connection: what is put is sent as it is, and answers are taken in their order."""

    def __init__(self) -> None:
        self.data = b""
        self.ended = self.bare = False
        self.transport: asyncio.Transport
        self._news: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.data = self.data + data if self.data else data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def put(self, data: bytes) -> None:
        """Send."""
        self.transport.write(data)

    async def take(self) -> Said:
        """Return the next whole answer; raise `Ended` where the connection ends before."""
        while True:
            found = first(self.data, self.bare) if self.data else None
            if found is not None:
                self.data = self.data[found[1] :]
                return found[0]
            if self.ended:
                raise Ended(self.data)
            await self._more()

    async def until(self, mark: bytes) -> None:
        """Return when these bytes have come, or the connection ended."""
        while mark not in self.data and not self.ended:
            await self._more()

    async def closed(self) -> bytes:
        """Return everything that still came when the other side has closed."""
        while not self.ended:
            await self._more()
        return self.data

    async def _more(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None

    def close(self) -> None:
        """Hang up."""
        self.ended = True
        self.transport.abort()


async def connect(port: int) -> Wire:
    """Return a connection to a loopback port."""
    _, wire = await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", port)
    return wire


async def once(port: int, data: bytes, seconds: float = 20.0, *, bare: bool = False) -> Said:
    """Send one request on a connection of its own, and return the answer."""
    wire = await connect(port)
    wire.bare = bare
    try:
        wire.put(data)
        async with asyncio.timeout(seconds):
            return await wire.take()
    finally:
        wire.close()
