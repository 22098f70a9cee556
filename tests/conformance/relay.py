"""A loopback relay that adds a bearer token to every request and changes nothing else.

The conformance suite cannot send a credential of its own. Bytes go through as they came, in both directions: heads
keep their order, case and blanks, streams are not buffered, and either side's hanging up is the other's.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

TOKEN = "RELAY_TOKEN"  # The variable, so that the token is on no command line.
MAX_HEAD = 256 * 1024  # More than any server accepts: refusing is the target's part, not ours.
CHUNK = 64 * 1024


def with_token(head: bytes, token: str) -> bytes:
    """Return a request's head with the credential as its last line, unless it brings one."""
    if not token or _value(head, b"authorization"):
        return head
    return head[:-2] + f"Authorization: Bearer {token}\r\n\r\n".encode()


def _value(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return b""


async def _request_body(head: bytes, client: asyncio.StreamReader) -> AsyncIterator[bytes]:
    if _value(head, b"transfer-encoding").lower() == b"chunked":
        while True:
            size = await client.readuntil(b"\r\n")
            length = int(size.partition(b";")[0], 16)
            yield size + await client.readexactly(length + 2)
            if length == 0:
                return
    left = int(_value(head, b"content-length") or 0)
    while left:
        part = await client.read(min(left, CHUNK))
        if not part:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(part)
        yield part


async def _requests(client: asyncio.StreamReader, target: asyncio.StreamWriter, token: str) -> None:
    while True:
        head = await client.readuntil(b"\r\n\r\n")
        target.write(with_token(head, token))
        async for part in _request_body(head, client):
            target.write(part)
            await target.drain()


async def _answers(target: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
    while part := await target.read(CHUNK):
        client.write(part)
        await client.drain()


async def _until_one_ends(*sides: asyncio.Task[None]) -> None:
    _, open_sides = await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
    for side in open_sides:
        side.cancel()
    for outcome in await asyncio.gather(*sides, return_exceptions=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, (asyncio.IncompleteReadError, OSError)):
            print(f"relay: {outcome!r}", file=sys.stderr)


@asynccontextmanager
async def relay(host: str, port: int, token: str, own_port: int = 0) -> AsyncIterator[int]:
    """Listen on loopback while the block runs, and yield the port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, requests = await asyncio.open_connection(host, port)
        except OSError as error:
            print(f"relay: the target {host}:{port} does not answer: {error}", file=sys.stderr)
            writer.close()
            return
        try:
            await _until_one_ends(
                asyncio.ensure_future(_requests(reader, requests, token)),
                asyncio.ensure_future(_answers(answers, writer)),
            )
        finally:
            requests.close()
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", own_port, limit=MAX_HEAD)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def _serve(target: str, own_port: int) -> None:
    parts = urlsplit(target)
    token = os.environ.get(TOKEN, "")
    async with relay(parts.hostname or "127.0.0.1", parts.port or 80, token, own_port) as port:
        print(f"ready http://127.0.0.1:{port}{parts.path}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Relay until stopped; the token is read from the environment."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"The token is read from {TOKEN}; empty adds none.")
    parser.add_argument("target", help="http://127.0.0.1:PORT/path")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    chosen = parser.parse_args()
    asyncio.run(_serve(chosen.target, chosen.port))


if __name__ == "__main__":
    main()
