"""An MCP server that answers everything rightly but calls, and those as badly as the path it is asked at says.

It writes its port to standard output.

    python -m tests.security.bad_upstream
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable
from typing import Any, Final

import uvloop

from tests.security.echo_upstream import STREAM_HEAD, Connection, Seen, event, packed, token_of

Json = dict[str, Any]

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BLOCK: Final = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
TRICKLE_SECONDS: Final = 0.05
LIES: Final = itertools.cycle((b"9000000", b"3", b"-1", b"9" * 40, b"5\r\nContent-Length: 7"))


class Bad(Connection):
    """One connection; what is written waits for whoever reads it."""

    kind = ""
    held = False
    again: Callable[[], None] | None = None

    def request(self, head: bytes, body: bytes) -> None:
        """Note where this was asked."""
        self.kind = head.split(b" ", 2)[1].strip(b"/").decode()
        super().request(head, body)

    def call(self, message: Json) -> None:
        """Answer badly."""
        self.seen.calls += 1
        WAYS[self.kind](self, message)

    def pause_writing(self) -> None:
        """Wait until what was written is read."""
        self.held = True

    def resume_writing(self) -> None:
        """Go on."""
        self.held, again, self.again = False, self.again, None
        if again is not None:
            again()

    def pour(self, data: bytes) -> None:
        """Write this for ever, as fast as it is read."""
        if self.transport.is_closing():
            return
        self.transport.write(data)
        if self.held:
            self.again = lambda: self.pour(data)
        else:
            asyncio.get_running_loop().call_soon(self.pour, data)

    def drip(self, data: bytes) -> None:
        """Write this a byte at a time."""
        if data and not self.transport.is_closing():
            self.transport.write(data[:1])
            asyncio.get_running_loop().call_later(TRICKLE_SECONDS, self.drip, data[1:])


def right(message: Json) -> bytes:
    """Return the body that would be right."""
    result = {"content": [{"type": "text", "text": "right"}], "resultType": "complete"}
    return packed({"jsonrpc": "2.0", "id": message["id"], "result": result})


def hangs(connection: Bad, message: Json) -> None:
    """Say nothing."""


def trickles(connection: Bad, message: Json) -> None:
    """Say the right thing, too slowly."""
    body = right(message)
    connection.drip(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def floods(connection: Bad, message: Json) -> None:
    """Say something without end."""
    connection.transport.write(CHUNKED)
    connection.pour(BLOCK)


def chatters(connection: Bad, message: Json) -> None:
    """Tell of progress without end."""
    params = {"progressToken": token_of(message), "progress": 1}
    told = event({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
    connection.transport.write(STREAM_HEAD + b"\r\n")
    connection.pour(told * 50)


def lies(connection: Bad, message: Json) -> None:
    """Say the right thing, and a wrong length."""
    connection.transport.write(OK + b"Content-Length: %b\r\n\r\n%b" % (next(LIES), right(message)))


def cuts(connection: Bad, message: Json) -> None:
    """Close in the middle of a stream."""
    connection.transport.write(STREAM_HEAD + b"\r\n" + event({"jsonrpc": "2.0", "method": "notifications/x"})[:20])
    connection.transport.close()


WAYS: Final[dict[str, Callable[[Bad, Json], None]]] = {
    way.__name__: way for way in (hangs, trickles, floods, chatters, lies, cuts)
}


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Bad(Seen(None)), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Whoever started us holds our standard input; its end is ours.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    uvloop.run(main())
