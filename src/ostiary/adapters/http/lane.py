"""Requests that begin like an earlier one: their head is not parsed again, and no task is made for them.

A head is cut where its tool's name and its body's length stand. What is left is looked up among the heads that the
parser and the door took before, byte for byte; the name must be one that came with exactly that head, and the length
the one that the body has, in the only spelling there is. So nothing can be read here that was not read there. A
request that came in any other way than whole and alone, or that finds no plan, goes the way of all others.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from ostiary.adapters.http.cycle import CLOSE, App, Cycle, Shared, fields
from ostiary.adapters.http.cycle import head as beginning
from ostiary.core.model import Answer, Snapshot
from ostiary.core.ports import Reply
from ostiary.core.trail import Trail
from ostiary.pipeline.flight import Flight
from ostiary.pipeline.swift import METHOD, Regular, Swift
from ostiary.protocol import headers as routing
from ostiary.protocol.jsonrpc import encode

PIECE: Final = "io.ostiary/piece"
"""An extension of ASGI: the connection, and the bytes it brought, of a request that came whole and alone."""
_END: Final = b"\r\n\r\n"
_LINE: Final = b"\r\n"
_NAME: Final = re.compile(rb"\r\n(?i:mcp-name): ?(?=[!-~]+(?:\r\n|\Z))")
_LENGTH: Final = re.compile(rb"\r\n(?i:content-length): ?(?=[0-9]+(?:\r\n|\Z))")
_KEPT: Final = 1024
"""Heads remembered: the callers who were here of late, by the programs that speak for them."""
_OK: Final = 200
_PLAIN: Final = beginning(_OK, fields(Answer({}), b"{}", b""))
_PLANS: Final = 8192
"""Pairs of callers and tools remembered, each in about a kilobyte."""

Attending = Callable[[Reply], Awaitable[None]]
Marks = tuple[bytes, bytes, bool]
"""How a client spells the two fields that differ, in the order of the head; True: the name comes first."""
Parts = tuple[bytes, bytes, bytes]
"""What a head is without the values of the two."""
USUAL: Final[Marks] = (b"\r\nmcp-name: ", b"\r\ncontent-length: ", True)


class Connection(Protocol):
    """The connection of a client, as far as a request on it needs to know."""

    client: tuple[str, int] | None
    marks: Marks
    transport: Any
    flow: Any
    loop: Any
    cycle: Any

    @property
    def shared(self) -> Shared:
        """What all connections share."""

    def on_response_complete(self) -> None:
        """Go on with the next request."""


class Lane:
    """Knows the heads that came before."""

    def __init__(self, swift: Swift, taken: Callable[[], int], slow: Callable[[Attending], App]) -> None:
        """`taken` says how many calls are in flight elsewhere; `slow` makes an application of what is left of one."""
        self._swift, self._taken, self.slow = swift, taken, slow
        self._known: dict[tuple[str, Parts], tuple[Marks, Regular]] = {}
        self._snapshot: Snapshot | None = None
        self._plans = 0
        self.marks = USUAL
        """What the client spelled who was learned last, for connections that are new."""
        self.flying: set[Passage] = set()
        self.landed: Callable[[], None] | None = None
        """Called when the last call in flight has ended, by whom that concerns."""

    def take(self, connection: Connection, data: bytes) -> bool:
        """Carry a request if it is like an earlier one; False: nothing has happened."""
        head, _, body = data.partition(_END)
        marks, client = connection.marks, connection.client
        parts, name, length = _cut(head, marks)
        found = self._known.get((client[0] if client is not None else "", parts))
        if found is None or (found[0] is not marks and found[0] != marks):
            return False
        regular = found[1]
        bounds, size = regular.snapshot.bounds, len(body)
        if length != b"%d" % size or size > bounds.body or len(self.flying) + self._taken() >= bounds.in_flight:
            return False
        passage = Passage(self, connection)
        flight = self._swift.begin(regular, name.decode("latin-1"), body, passage)
        if flight is None:
            return False
        connection.cycle = passage
        if not passage.response_complete:
            passage.flight = flight
            self.flying.add(passage)
        return True

    def over(self, passage: Passage) -> None:
        """Forget a call that has ended, or goes on as others do."""
        self.flying.discard(passage)
        if self.landed is not None and not self.flying:
            self.landed()

    def learn(self, connection: Connection, data: bytes, trail: Trail) -> None:
        """Remember the head of a request that `serve` carried, and what it said to it."""
        message, (head, _, body) = trail.message, data.partition(_END)
        marks = _marks(head)
        if marks is None or message.doubled or message.headers.get(routing.METHOD) != METHOD:
            return
        connection.marks = self.marks = marks
        now = self._swift.world.current()
        if now is not self._snapshot:
            # What was said in an earlier snapshot is said no more, and must not keep that one in memory.
            self._snapshot = now
            self._forget()
        parts, spelled, length = _cut(head, marks)
        name = spelled.decode("latin-1")
        if length != b"%d" % len(body) or message.headers.get(routing.NAME) != name:
            return
        key = (message.peer, parts)
        found = self._known.pop(key, None)
        regular = found[1] if found is not None and self._swift.holds(found[1]) else self._swift.regular(trail)
        if regular is None:
            return
        if name not in regular.plans:
            if self._plans >= _PLANS:
                self._forget()
                regular.plans.clear()
            self._plans += 1
            self._swift.plan(regular, trail, body)
        if len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = (marks, regular)

    def _forget(self) -> None:
        self._known.clear()
        self._plans = 0


def _cut(head: bytes, marks: Marks) -> tuple[Parts, bytes, bytes]:
    """Return a head without the values of two fields, and the values: the name, and the length."""
    one, other, name_first = marks
    start, _, rest = head.partition(one)
    first, line, rest = rest.partition(_LINE)
    # A mark begins with the end of the line before it: whatever else ends in these words is another field.
    middle, _, rest = (line + rest).partition(other)
    second, _, rest = rest.partition(_LINE)
    return ((start, middle, rest), first, second) if name_first else ((start, middle, rest), second, first)


def _marks(head: bytes) -> Marks | None:
    """Return how a head spells the two fields, if it has each of them once."""
    names, lengths = _NAME.findall(head), _LENGTH.findall(head)
    if len(names) != 1 or len(lengths) != 1:
        return None
    name, length = names[0], lengths[0]
    return (name, length, True) if head.index(name) < head.index(length) else (length, name, False)


class Passage:
    """One request that goes this way, where the connection expects a cycle."""

    # What never changes for most requests is not written for each of them.
    response_started = False
    response_complete = False
    disconnected = False
    waiting_for_100_continue = False
    more_body = False
    keep_alive = True
    body = b""
    flight: Flight | None = None
    """None when it has landed: they refer to each other, and memory would wait for the collector of cycles."""

    def __init__(self, lane: Lane, connection: Connection) -> None:
        self._lane, self._connection = lane, connection

    # What the connection says.

    def wake(self) -> None:
        """Hear that the client is gone."""
        if self.disconnected and not self.response_complete:
            self.response_complete = True
            self._abandon()

    def feed(self, data: bytes) -> None:
        """Take nothing: the request is complete."""

    def cut(self) -> None:
        """End the call, which takes longer than the gateway can wait."""
        if not self.response_complete:
            self._abandon()
            self.finish(Answer(None, 202))

    def _abandon(self) -> None:
        flight = self.flight
        self._over()
        if flight is not None:
            flight.abandon()

    def _over(self) -> None:
        self.flight = None
        self._lane.over(self)

    # What the flight says.

    def finish(self, answer: Answer) -> int:
        """Send the last word, and return its size."""
        connection = self._connection
        body = b"" if answer.payload is None else encode(answer.payload)
        self.response_complete = True
        self._over()
        if self.disconnected:
            return len(body)
        plain = answer.status == _OK and body and not answer.headers
        lines, closes = _PLAIN if plain else beginning(answer.status, fields(answer, body, b""))
        if closes or not self.keep_alive:
            self.keep_alive = False
            lines = lines if closes else lines + CLOSE
        connection.transport.write(
            b"%b%bcontent-length: %d\r\n\r\n%b" % (lines, connection.shared.date, len(body), body)
        )
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()
        return len(body)

    def linger(self, rest: Attending) -> None:
        """Let a cycle do the rest: it can stream, and has a task."""
        connection = self._connection
        scope: dict[str, Any] = {"type": "http", "method": "POST", "extensions": {}}
        cycle = Cycle(
            scope, connection.transport, connection.flow, connection.shared,
            keep_alive=self.keep_alive, expect_100_continue=False,
        )  # fmt: skip
        cycle.more_body = False
        connection.cycle = cycle
        cycle.start(self._lane.slow(rest), connection.loop, connection.on_response_complete)
        self.response_complete = True
        self._over()
