"""What is kept of a call, so that others like it can be carried; and whom they meet on their way. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from ostiary.core.errors import GatewayError
from ostiary.core.model import Allow, Answer, Caller, Check, Client, Json, Order, Target
from ostiary.core.ports import Back, Reply, Settle
from ostiary.pipeline.pacing import Way
from ostiary.protocol.frame import Frame

Rest = Callable[[Order, Back], Awaitable[Json]]
"""What is left to be heard of an answer that is not whole yet."""


class Told(Protocol):
    """Hears how an exchange with a server went: one of the three, once."""

    @property
    def caller(self) -> Caller:
        """Who called."""

    def answered(self, raw: Json, /) -> None:
        """Take the answer: `{"result": …}` or `{"error": …}`."""

    def failed(self, error: GatewayError, /) -> None:
        """Take why there is none."""

    def slow(self, rest: Rest, /) -> None:
        """Take over an answer that has begun and takes its time."""


class Exchange(Protocol):
    """One call at a server, for which there is a way."""

    def send(self, arguments: bytes, deadline: float, told: Told, /) -> None:
        """Send the call, with the compact JSON of its arguments; `told` may hear of it at once."""

    def abandon(self) -> None:
        """Give the way back, or tell the server that nobody waits any more; nothing is told after that."""


class Line(Protocol):
    """The way to one tool of one server that can be called without waiting for the way itself."""

    def hold(self) -> Exchange | None:
        """Keep a way for one call, which will be sent on it or abandoned; None: there is none at this moment."""


class Land(Protocol):
    """The way back to one client, which waits for nothing."""

    def finish(self, answer: Answer, /) -> int:
        """Send the last word, and return its size in bytes."""

    def linger(self, rest: Callable[[Reply], Awaitable[None]], /) -> None:
        """Let a task of its own do the rest, with a reply that can stream."""


class Plan(Struct, frozen=True):
    """What was said to one caller about one tool, and will be said again."""

    client: Client
    meta: Json
    """`_meta` of the requests that it is for."""
    frame: Frame | None
    """How these requests are spelled."""
    target: Target
    check: Check
    """The target's own."""
    allow: Allow
    pay: Callable[[], Settle | None]
    """Pays the rule's charges; None: it would have to wait, and has paid nothing."""
    line: Line
    told: bytes
    """What the ledger says of all of these calls."""
    way: Way = ()
    """What watches them for runs that go in circles."""
