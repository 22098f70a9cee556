"""What connections and pools are told, and what they tell, as values. Pure."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

_OK: Final = 200


class Limits(Struct, frozen=True):
    """What one upstream may take from us."""

    connections: int = 256
    waiting: int = 1024
    """Exchanges that may queue for a connection."""
    idle: float = 4.0
    """Seconds. uvicorn and Node close idle connections after 5: be first, or a request may cross their closing."""
    head: int = 64 * 1024
    body: int = 32 * 1024 * 1024
    event: int = 4 * 1024 * 1024
    buffered: int = 128 * 1024
    """Bytes of a stream that may wait for their reader before we stop reading from the socket."""


class Stats(Struct, frozen=True):
    """How busy a pool is."""

    open: int
    idle: int
    in_flight: int
    waiting: int


class Head(Struct, frozen=True):
    """What was read from one head."""

    status: int
    fields: dict[bytes, bytes]
    idle: float


class Heard(Struct, frozen=True):
    """The answer to one request."""

    message: dict[str, Any]
    status: int = _OK
    session: str = ""
    """`Mcp-Session-Id`, where the answer carried one."""
