"""What a connection from a client may use, what all of them share, and how a request is refused before it is one."""

from __future__ import annotations

import asyncio
import http
from collections.abc import Sequence

from msgspec import Struct
from uvicorn.server import ServerState


class Limits(Struct, frozen=True):
    """What one connection may use. For a head, Node gives 16 KiB and 60 s; nginx 32 KiB and 60 s."""

    head_bytes: int = 64 * 1024
    head_fields: int = 128
    target_bytes: int = 8 * 1024
    unread_bytes: int = 1024 * 1024
    """How much of a body that nobody wanted is swallowed before the connection is closed."""
    pipelined: int = 16
    connections: int = 16_384
    handshake_seconds: float = 10.0
    head_seconds: float = 10.0
    """From the first byte of a head, or from the start of a connection, to the head's end."""
    body_seconds: float = 30.0
    idle_seconds: float = 75.0
    """Between two requests."""
    write_seconds: float = 60.0
    """How long a client may leave its answer unread."""
    linger_seconds: float = 2.0
    """After a refusal, so that the client reads it before its own bytes make the kernel reset the connection."""
    sweep_seconds: float = 1.0


class State(ServerState):
    """What all connections of a server share."""

    def __init__(self, limits: Limits, now: float) -> None:
        super().__init__()
        self.limits = limits
        self.now = now
        """The loop's time at the last sweep."""
        self.date = b""
        """The lines that answers begin with."""
        self.strict = b""
        """The line that all answers have where connections are encrypted."""
        self.emptied = asyncio.Event()
        """Set when the last connection ended."""


class Refused(Exception):
    """A request cannot be read safely: the status to answer, and why in words that repeat nothing of it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why

    def said(self, strict: bytes) -> bytes:
        """Return the whole answer; `strict` is the line that all answers have where connections are encrypted."""
        body = b'{"error":{"code":"bad_http","what":"%s"}}' % self.why.encode("ascii")
        phrase = http.HTTPStatus(self.status).phrase.encode()
        return (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n%s\r\n%s"
            % (self.status, phrase, len(body), strict, body)
        )


class Nowhere(list[tuple[bytes, bytes]]):
    """Where trailers go."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Keep nothing of a trailer."""


def size(target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> int:
    """Return how many bytes a head has, without its first word and its version."""
    return len(target) + sum(len(name) + len(value) + 4 for name, value in headers)
