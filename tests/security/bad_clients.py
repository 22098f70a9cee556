"""Clients that behave badly, or that behave well towards a server that does not, in a process of their own.

It reads one line of JSON, `{"port": …, "host": …, "token": …}`, then a line for each thing to do from then on: a name of
`WAYS`, a server's name, or `quiet`. It answers each with a line when it has begun, so that nobody has to guess.

    python -m tests.security.bad_clients
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

import uvloop

from tests.security import raw, speech

Json = dict[str, Any]

QUIET: Final = "quiet"
WORKERS: Final = 12
PAUSE: Final = 0.05
"""Seconds between two deeds of a worker: the machine has to have some strength left for whoever is measured."""
LONG: Final = 64 * 1024
LARGE: Final = 3 * 1024 * 1024
"""A body of so many bytes may be sent."""
PATIENCE: Final = 5.0
AT_ONCE: Final = 64
"""Requests that are sent in a row by whoever never reads."""


class Where(NamedTuple):
    """The gateway, and who calls."""

    port: int
    host: str
    token: str

    def request(self, server: str, secret: str, progress: Any = None, ms: int = 0) -> bytes:
        """Return a call of a server's tool."""
        params = speech.call("echo", {"secret": secret, "ms": ms})
        path = f"/servers/{server}/mcp"
        return speech.modern(path, self.host, self.token, "tools/call", params, 1, progress=progress)


async def slow_heads(where: Where) -> None:
    """Send a head a few bytes at a time."""
    wire = await raw.connect(where.port)
    try:
        for byte in where.request("good", "x")[:200]:
            if wire.ended:
                return
            wire.put(bytes([byte]))
            await asyncio.sleep(PAUSE)
    finally:
        wire.close()


async def slow_bodies(where: Where) -> None:
    """Send a body a few bytes at a time."""
    wire = await raw.connect(where.port)
    head, _, body = where.request("good", "x" * 200).partition(b"\r\n\r\n")
    wire.put(head + b"\r\n\r\n")
    try:
        for byte in body:
            if wire.ended:
                return
            wire.put(bytes([byte]))
            await asyncio.sleep(PAUSE)
    finally:
        wire.close()


async def large_bodies(where: Where) -> None:
    """Send most of a body that is as large as may be, at once, and the rest never."""
    wire = await raw.connect(where.port)
    head, _, body = where.request("good", "x" * LARGE).partition(b"\r\n\r\n")
    try:
        wire.put(head + b"\r\n\r\n" + body[:-1])
        until = asyncio.get_running_loop().time() + PATIENCE
        while not wire.ended and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(PAUSE)
    finally:
        wire.close()


async def never_reading(where: Where) -> None:
    """Ask for long answers, many at once, and read none."""
    wire = await raw.connect(where.port)
    wire.transport.pause_reading()
    try:
        wire.put(where.request("good", "x" * LONG) * AT_ONCE)
        await asyncio.sleep(2 * PATIENCE)
    finally:
        wire.transport.abort()


async def leaving(where: Where) -> None:
    """Ask, and go before the answer comes."""
    wire = await raw.connect(where.port)
    wire.put(where.request("good", "x", ms=200))
    await asyncio.sleep(PAUSE * random.random())
    wire.transport.abort()
    await asyncio.sleep(PAUSE)


async def silent(where: Where) -> None:
    """Open a connection and say nothing."""
    wire = await raw.connect(where.port)
    try:
        await asyncio.sleep(PATIENCE)
    finally:
        wire.close()


async def calling(where: Where, server: str) -> None:
    """Call a bad server like anybody would, wait for what comes, and call again."""
    wire = await raw.connect(where.port)
    body = where.request(server, "x", progress="p" if server == "chatters" else None)
    try:
        while True:
            wire.put(body)
            async with asyncio.timeout(PATIENCE):
                await wire.take()
            # Callers do not know of each other, and do not call in step.
            await asyncio.sleep(4 * PAUSE * random.random())
    finally:
        wire.close()


WAYS: Final[dict[str, Callable[[Where], Awaitable[None]]]] = {
    way.__name__: way for way in (slow_heads, slow_bodies, large_bodies, never_reading, leaving, silent)
}


async def worker(where: Where, name: str) -> None:
    """Misbehave in one way until cancelled."""
    way = WAYS.get(name)
    while True:
        # However the gateway takes it, this goes on.
        with suppress(raw.Ended, OSError, TimeoutError, ValueError):
            await (way(where) if way is not None else calling(where, name))
        await asyncio.sleep(PAUSE)


async def main() -> None:
    loop = asyncio.get_running_loop()
    where = Where(**json.loads(await loop.run_in_executor(None, sys.stdin.readline)))
    at_work: list[asyncio.Task[None]] = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        for each in at_work:
            each.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)
        name = line.strip()
        at_work = [] if name == QUIET else [loop.create_task(worker(where, name)) for _ in range(WORKERS)]
        print(name, flush=True)
    for each in at_work:
        each.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main())
