"""What a connection from a client may use, what all of them share, and how a request is refused before it is one."""

from __future__ import annotations

import asyncio
import http
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Protocol

from msgspec import Struct
from uvicorn.server import ServerState

_LARGEST: Final = 4
"""Bodies of the largest size there may be that have room at least."""
_HOP: Final = frozenset({b"upgrade", b"http2-settings", b"connection"})


class Limits(Struct, frozen=True):
    """What one connection may use. For a head, Node gives 16 KiB and 60 s; nginx 32 KiB and 60 s."""

    head_bytes: int = 64 * 1024
    head_fields: int = 128
    target_bytes: int = 8 * 1024
    unread_bytes: int = 1024 * 1024
    """How much of a body that nobody wanted is swallowed before the connection is closed."""
    unfinished_bytes: int = 128 * 1024 * 1024
    """What bodies that are not complete may have together; beyond, the one that began first is given up."""
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


def unfinished(body: int) -> Limits:
    """Return the limits where a body may have so many bytes: of the largest, at least a few are held at a time."""
    return Limits(unfinished_bytes=max(Limits().unfinished_bytes, _LARGEST * body))


class Bearer(Protocol):
    """Whose body is not complete."""

    def overborne(self) -> None:
        """Give it up."""


class Bodies:
    """The bodies that have begun and not ended.

    Whoever sends a body as fast as others do is done long before those who only hold memory: the oldest one goes.
    """

    def __init__(self, most: int) -> None:
        """Hold so many bytes of them at most."""
        self._most, self.held = most, 0
        self._sizes: dict[Bearer, int] = {}
        """By whose it is, in the order in which they began."""

    def grew(self, bearer: Bearer, size: int) -> None:
        """Count what came, and have others given up for it, or itself if it is alone."""
        self._sizes[bearer] = self._sizes.get(bearer, 0) + size
        self.held += size
        while self.held > self._most:
            oldest = next(iter(self._sizes))
            self.ended(oldest)
            oldest.overborne()

    def ended(self, bearer: Bearer) -> None:
        """Forget one: it is complete, or nobody wants it any more."""
        self.held -= self._sizes.pop(bearer, 0)


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
        self.bodies = Bodies(limits.unfinished_bytes)
        self.shed: Counter[str] = Counter()
        """What was turned away for want of room, by what there was too much of."""
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
        later = b"retry-after: 1\r\n" if self.status == http.HTTPStatus.SERVICE_UNAVAILABLE else b""
        return (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n%s%s\r\n%s"
            % (self.status, phrase, len(body), later, strict, body)
        )


class Nowhere(list[tuple[bytes, bytes]]):
    """Where trailers go."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Keep nothing of a trailer."""


def excess(
    limits: Limits, target: bytes, headers: Sequence[tuple[bytes, bytes]], waiting: int
) -> tuple[int, str] | None:
    """Return what a head has too much of: the status, and why."""
    if len(headers) > limits.head_fields:
        return 431, f"the request's head has more than {limits.head_fields} fields"
    if len(target) > limits.target_bytes:
        return 414, f"the request's target has more than {limits.target_bytes} bytes"
    if size(target, headers) > limits.head_bytes:
        return 431, f"the request's head has more than {limits.head_bytes} bytes"
    if waiting >= limits.pipelined:
        return 429, f"more than {limits.pipelined} requests wait for the answer to the one before"
    return None


def odd(version: str, hosts: int, *, chunked: bool) -> tuple[int, str] | None:
    """Return why a head can be read in two ways, or in none: the status, and the words."""
    if version not in {"1.0", "1.1"}:
        return 400, "speak HTTP/1.1"
    if hosts > 1 or (version == "1.1" and not hosts):
        return 400, "send exactly one Host header (RFC 9112 section 3.2)"
    if version == "1.0" and chunked:
        return 400, "HTTP/1.0 knows no Transfer-Encoding (RFC 9112 section 6.1)"
    return None


def again(parser: Any, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the head that a parser has just read, as if it had asked for no other protocol."""
    method, version = parser.get_method(), parser.get_http_version().encode()
    lines = [b"%b %b HTTP/%b\r\n" % (method, target, version)]
    lines += [b"%b: %b\r\n" % (name, value) for name, value in headers if name not in _HOP]
    if not parser.should_keep_alive():
        lines.append(b"connection: close\r\n")
    return b"".join([*lines, b"\r\n"])


def same_host(target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Say whether a target in absolute form has a path, and names the host that the Host header names."""
    scheme, _, rest = target.partition(b"://")
    authority, slash, _ = rest.partition(b"/")
    host = next((value for name, value in headers if name == b"host"), b"")
    return scheme.lower() in {b"http", b"https"} and bool(slash) and authority.lower() == host.lower()


def size(target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> int:
    """Return how many bytes a head has, without its first word and its version."""
    return len(target) + sum(len(name) + len(value) + 4 for name, value in headers)
