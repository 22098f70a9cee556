"""A provider's side of the conversation: a server on loopback that follows a format, or breaks it on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.config.guards import GuardEntry
from ostiary.core.screening import Guard, Payload, Side, Text
from ostiary.entry.asking import Providers
from ostiary.policy.breakers import Pace
from ostiary.protocol.leaves import words

SOON = 10.0
KEY = "the-key-of-the-gateway-0123456789abcdef"
LOOPBACK = ["127.0.0.0/8"]
QUICK = Pace(rest=0.02, longest=0.05, asked_for=300.0)


@dataclass(frozen=True)
class Heard:
    """One request, as it came over the socket."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which has to be declared as JSON and to be JSON."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What the server answers; `raw` is written as it is, and nothing else."""

    value: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    raw: bytes | None = None
    hang: bool = False

    def bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        body = json.dumps(self.value).encode() if self.body is None else self.body
        fields = {"content-type": "application/json", "content-length": str(len(body)), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {self.status} Status\r\n{lines}\r\n".encode() + body


Answer = Callable[[Heard], Reply]


class House:
    """One server: what it heard, and what it says to the next request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heard: list[Heard] = []
        self.port = 0
        self.waiting = 0
        self.gate: asyncio.Event | None = None
        """Answers wait for it, if there is one."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=64 * 1024 * 1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        """Stop listening and drop every connection in the middle of what it does."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        async with asyncio.timeout(SOON):
            while self._writers:
                await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        heard = await _request(reader)
        self.heard.append(heard)
        reply = self.answer(heard)
        self.waiting += 1
        if self.gate is not None:
            await self.gate.wait()
        if reply.hang:
            await reader.read()
        writer.write(reply.bytes())
        await writer.drain()
        return reply.raw is None


async def _request(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = head.split("\r\n")[:-2]
    method, path, version = start.split(" ")
    assert version == "HTTP/1.1"
    names = [line.partition(": ")[0].lower() for line in lines]
    assert len(set(names)) == len(names), "no header twice"
    headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}
    return Heard(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[House]:
    house = House(answer)
    await house.open()
    try:
        yield house
    finally:
        await house.kill()


@contextlib.asynccontextmanager
async def asking(
    use: str, url: str, keys: Mapping[str, Any], pace: Pace = QUICK, key: Callable[[], str] = lambda: KEY, **more: Any
) -> AsyncIterator[Guard]:
    """Make a guard as the gateway makes it, from an entry of a configuration."""
    said = {"name": "asked", "use": use, "url": url, "then": "block", "allow_private": LOOPBACK, "timeout": "5s"}
    entry = GuardEntry.model_validate({**said, **keys, **more})
    providers = Providers(lambda _reference: key(), Pseudonyms(b"k" * 32), pace=pace)
    try:
        yield providers.guard(entry)
    finally:
        await providers.close()


def payload(value: Any, side: Side = Side.ANSWER, **more: Any) -> Payload:
    """Return what a guard is shown of a tool call's arguments, or of its result."""
    said = {"arguments": value} if side is Side.REQUEST else {"result": value}
    texts = tuple(word for word in words(said) if isinstance(word, Text))
    whose = {"server": "crm", "label": "crm.find", "method": "tools/call", "run": "issuer\nann\nclient\nsession:1"}
    return Payload(side=side, texts=texts, **{**whose, **more})


def result(*texts: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text} for text in texts]}


async def soon(guard: Guard, wanted: Callable[[Any], bool], shown: Callable[[int], Payload]) -> Any:
    """Look again and again, at something else each time, until the verdict is the one that is waited for."""
    async with asyncio.timeout(SOON):
        for count in range(1_000_000):
            verdict = await guard(shown(count))
            if wanted(verdict):
                return verdict
            await asyncio.sleep(0.005)
    raise AssertionError("unreachable")
