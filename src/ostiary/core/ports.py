"""What the inside needs from the outside: small doors, each one callable or one short protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from ostiary.core.capturing import Capture, Captured, Half
from ostiary.core.model import Answer, Caller, Charge, Inbound, Json, Order, Snapshot
from ostiary.core.rules import Approval
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
    """Whether the client reads a stream at all; one that does not can be told nothing before the answer."""

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

    async def event(self, name: str, data: bytes, /) -> None:
        """Send one line of data as an event of this name (2024-11-05 has others than `message`)."""

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

Settle = Callable[[Trail | None], None]
"""Takes how a call ended, and pays what was only known then; None: nothing but that it ended. It neither waits nor
raises."""


class Spend(Protocol):
    """Pay every charge or none; raise `Limited` if one cannot be paid. Call what it returns when the call ends, once.

    `message` is what the call came by, as far as it did: from where, and at which endpoint.
    """

    async def __call__(
        self, charges: tuple[Charge, ...], caller: Caller, message: Inbound | None = None, /
    ) -> Settle: ...


Owing = Callable[[tuple[Charge, ...], Caller, Inbound], Callable[[], Settle | None]]
"""Returns what pays like `Spend`, each time that it is called, and waits for nothing: it returns None, and has paid
nothing, where it would have to."""


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


class Wish(Struct, frozen=True):
    """A call that a person has to approve: whose it is, what it asks for, and what holds it."""

    issuer: str
    subject: str
    client: str
    label: str
    method: str
    by: str
    """The guard or rule that holds it, and which way its words were going."""
    reason: str
    arguments: Json
    needs: tuple[Approval, ...] = ()
    """Whose approvals it takes, all of them; empty: that of whoever runs the gateway."""
    state: str = ""
    """What shows that it goes on with a call that was approved: the state that its server handed out, sealed."""


class Approving(Protocol):
    """Return who approved a wish, which uses the approval up; raise `Held` where nobody did."""

    async def __call__(self, wish: Wish, /) -> str: ...


class Capturing(Protocol):
    """Keep one half of a call, sealed; it is on the disk when this returns. Raise `NotCaptured` where it cannot be."""

    async def __call__(
        self, capture: Capture, half: Half, caller: Caller, reference: str, said: Json, /
    ) -> Captured: ...


class Change(Struct, frozen=True):
    """Something changed at a server: a list (`tools`, `prompts`, `resources`), or one resource (`resource`)."""

    server: str
    """Empty: at any of them."""
    what: str
    uri: str = ""
    """The resource that changed."""
    watched: str = ""
    """The resource that was asked about: the same, or one that the changed one is a part of."""


Tell = Callable[[Change | None], None]
"""Takes a change, or None: nothing more will come. It neither waits nor raises."""


class Changes(Protocol):
    """Tell which lists change at these servers, until what is returned is called; nothing is replayed."""

    def __call__(self, servers: tuple[str, ...], tell: Tell, /) -> Release: ...


class Watched(Struct, frozen=True):
    """A resource that is watched until `release` is called, or the JSON-RPC error with which the server refused."""

    release: Release
    error: Json | None = None


class Watch(Protocol):
    """Have a server say when the resource that an order addresses changes; tell each time, until it is released.

    When it returns, the server has agreed or refused; it raises where the server could not be asked. What is watched
    already for the same principal is not asked for a second time. After an interruption `tell` is called once.
    """

    async def __call__(self, order: Order, tell: Tell, /) -> Watched: ...


class Standing(Protocol):
    """Say whether a caller who was identified earlier would still be: not if their credential ended or was revoked."""

    async def __call__(self, caller: Caller, /) -> bool: ...
