"""What the inside needs from the outside: small doors, each one callable or one short protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from ostiary.core.model import Answer, Caller, Charge, Inbound, Json, Order, Snapshot
from ostiary.core.trail import Trail


class Journal(Protocol):
    """Keeps what is said on a stream, so that a client that lost it can take it up again."""

    def append(self, data: bytes, /) -> str:
        """Keep an event, and return its id."""

    def finish(self) -> None:
        """Say that nothing follows."""


class Reply(Protocol):
    """The way back to one client for one message."""

    stream: bool
    """Whether the client reads a stream at all; one that does not cannot be asked or told anything before the answer."""

    async def keep(self, journal: Journal, prime: bool, /) -> None:
        """Make this answer a stream that can be taken up again; `prime` begins it with an event id (2025-11-25)."""

    async def interlude(self) -> None:
        """End the response but not the call: the client comes back for the rest (2025-11-25, SSE polling)."""

    async def replay(self, ident: str, data: bytes, /) -> None:
        """Send an event of another stream again, under its own id."""

    async def put(self, message: Json, /) -> None:
        """Send a JSON-RPC message that belongs to this call, before its answer; dropped where the client reads none."""

    async def open(self) -> None:
        """Begin a stream now, before there is anything to say."""

    async def pulse(self) -> None:
        """Send a comment, so that nobody in between takes a quiet stream for a dead one."""

    async def finish(self, answer: Answer, /) -> int:
        """Send the last word, and return its size in bytes."""


class Back(Protocol):
    """What an upstream may say to the client while it carries out a call."""

    async def notify(self, method: str, params: Json, /) -> None:
        """Pass a notification on."""

    async def ask(self, method: str, params: Json, /) -> Json:
        """Put a server's request to the client and return its answer: `{"result": …}` or `{"error": …}`."""


class Identify(Protocol):
    """Turn a credential into a caller, or raise `Unauthenticated`."""

    async def __call__(self, message: Inbound, /) -> Caller: ...


Release = Callable[[], None]


class Spend(Protocol):
    """Pay every charge or none; raise `Limited` if one cannot be paid. Call what it returns when the call ends."""

    async def __call__(self, charges: tuple[Charge, ...], caller: Caller, /) -> Release: ...


class Send(Protocol):
    """Carry out an order and return its answer: `{"result": …}` or `{"error": …}`. Cancelling it cancels upstream."""

    async def __call__(self, order: Order, back: Back, /) -> Json: ...


class Audit(Protocol):
    """Write down what is about to happen, then how it ended.

    `begin` has written when it returns, and raises `LedgerStopped` when it could not. `end` neither waits nor
    raises, so that cancelling a call cannot lose its last line.
    """

    def begin(self, trail: Trail, /) -> None: ...

    def end(self, trail: Trail, /) -> None: ...


class Seal(Protocol):
    """Make and open tokens that only a gateway with our keys can make. `open` raises `ValueError`."""

    def close(self, purpose: str, content: bytes, /) -> str: ...

    def open(self, purpose: str, token: str, /) -> bytes: ...


class Surfaces(Protocol):
    """Fetch what the endpoint offers for a set of capabilities that no snapshot has yet, and return one that has it."""

    async def __call__(self, endpoint: str, offer: str, /) -> Snapshot: ...


class Ended(Protocol):
    """The handshake-era sessions that were ended before their time, in every process."""

    def add(self, session: str, until: float, /) -> None: ...

    def __contains__(self, session: object, /) -> bool: ...


class Change(Struct, frozen=True):
    """Something changed at a server: a list (`tools`, `prompts`, `resources`), or one resource."""

    server: str
    what: str
    uri: str = ""
    session: str = ""
    """For a resource that one handshake-era session subscribed to: that session; empty: for everyone who asked."""


class Changes(Protocol):
    """Follow what changes at these servers until the context ends; nothing is replayed."""

    def __call__(self, servers: tuple[str, ...], /) -> AbstractAsyncContextManager[AsyncIterator[Change]]: ...
