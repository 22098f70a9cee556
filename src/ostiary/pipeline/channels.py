"""The channels of HTTP+SSE clients (2024-11-05): what is to be said to each, until its stream takes it.

A channel lives in the process that holds its stream, and nowhere else: it cannot be handed over, for the stream is a
connection. Where several processes stand behind one address, what is in front of them must bring the POSTs of a channel
to the process that opened it; any other answers 404.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from ostiary.core.errors import Overloaded, SessionUnknown
from ostiary.core.model import Caller, Json
from ostiary.core.ports import Seal
from ostiary.protocol.jsonrpc import encode

log: Final = structlog.get_logger()

PURPOSE: Final = "channel"
EACH: Final = 64
"""Channels of one principal: an editor opens one for each server and window."""
_ALL: Final = 4096
MESSAGES: Final = 1024
_OCTETS: Final = 8 * 1024 * 1024
"""What may wait in one channel. A message of any size may wait alone."""
BUDGET: Final = 64 * 1024 * 1024
"""Bytes that may wait in all channels together."""
BUSY: Final = 128
"""Messages of one channel carried at the same time."""

Owner = tuple[str, str, str]
"""Issuer, subject, endpoint."""


class Channel:
    """One client's stream, seen from those who want to say something on it."""

    def __init__(self, token: str, owner: Owner, stream: asyncio.Task[Any], weigh: Callable[[int], None]) -> None:
        """Let `stream` be the task that says what is put here, and that is cancelled where the client reads nothing."""
        self.token, self.owner, self._stream, self._weigh = token, owner, stream, weigh
        self.session = ""
        """The sealed session that `initialize` began; the client never sees it."""
        self.begun = asyncio.Event()
        self.size = 0
        """Bytes that wait."""
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._carried: set[asyncio.Task[Any]] = set()
        self._over = False

    def begin(self, session: str) -> None:
        """Take the session that was begun; a channel has one, and keeps its first."""
        self.session = self.session or session
        self.begun.set()

    def say(self, message: Json) -> int:
        """Put a message where the stream takes it, and return its size; who reads too slowly is cut off."""
        if self._over:
            return 0
        data = encode(message)
        if self.size and (self.size + len(data) > _OCTETS or self._waiting.qsize() >= MESSAGES):
            self.cut()
            return 0
        self._waiting.put_nowait(data)
        self._grow(len(data))
        return len(data)

    def cut(self) -> None:
        """End the channel of a client that does not read."""
        log.warning("a client that does not read its stream was cut off", subject=self.owner[1], waiting=self.size)
        self._stream.cancel()
        self.close()

    def close(self) -> None:
        """Forget what waits, and cancel what is still carried: there is nobody left to tell."""
        if self._over:
            return
        self._over = True
        self._grow(-self.size)
        self._waiting = asyncio.Queue()
        # The one that runs goes on to its own end: it may be the one whose answer was too much.
        for task in self._carried - {asyncio.current_task()}:
            task.cancel()

    async def following(self) -> bytes:
        """Return the next message, encoded."""
        return await self._waiting.get()

    def said(self, data: bytes) -> None:
        """Note that the client's connection took a message."""
        if not self._over:
            self._grow(-len(data))
            self._waiting.task_done()

    def _grow(self, size: int) -> None:
        self.size += size
        self._weigh(size)

    @contextmanager
    def carrying(self) -> Iterator[None]:
        """Let the running task end with the channel."""
        task = asyncio.current_task()
        if task is None or len(self._carried) >= BUSY:
            raise Overloaded(f"{BUSY} messages of one channel are being carried", retry_after=1.0)
        self._carried.add(task)
        try:
            yield
        finally:
            self._carried.discard(task)

    async def rest(self) -> None:
        """Wait until everything that was asked is answered, and everything was said."""
        if self._carried:
            await asyncio.wait(self._carried)
        await self._waiting.join()


class Channels:
    """Every open channel of this process."""

    def __init__(self, seal: Seal, ident: Callable[[], str]) -> None:
        """Use `ident` to make ids that cannot be guessed."""
        self._seal, self._ident = seal, ident
        self._open: dict[str, Channel] = {}
        self._principals: Counter[tuple[str, str]] = Counter()
        self._size = 0

    def __len__(self) -> int:
        """Return how many channels are open."""
        return len(self._open)

    @contextmanager
    def opened(self, caller: Caller, endpoint: str) -> Iterator[Channel]:
        """Give a new channel, open until the context ends; `Overloaded` where there are too many."""
        principal, stream = (caller.issuer, caller.subject), asyncio.current_task()
        if stream is None or len(self._open) >= _ALL or self._principals[principal] >= EACH:
            raise Overloaded(f"{len(self)} channels", hint=f"one caller may open {EACH} streams", retry_after=10.0)
        ident = self._ident()
        token = self._seal.close(PURPOSE, ident.encode())
        channel = self._open[ident] = Channel(token, (*principal, endpoint), stream, self._weigh)
        self._principals[principal] += 1
        try:
            yield channel
        finally:
            del self._open[ident]
            self._principals[principal] -= 1
            if not self._principals[principal]:
                del self._principals[principal]
            channel.close()

    def _weigh(self, size: int) -> None:
        self._size += size
        if size > 0 and self._size > BUDGET:
            # Not whoever happens to be spoken to: slow readers must not push out those who read.
            max(self._open.values(), key=lambda channel: channel.size).cut()

    def find(self, token: str, caller: Caller, endpoint: str) -> Channel:
        """Return the channel of this name that is this caller's, or raise `SessionUnknown`."""
        try:
            channel = self._open.get(self._seal.open(PURPOSE, token).decode())
        except ValueError as error:
            raise SessionUnknown(str(error)) from None
        if channel is None:
            raise SessionUnknown("the channel is closed, or another process has it")
        if channel.owner != (caller.issuer, caller.subject, endpoint):
            raise SessionUnknown("the channel belongs to another principal or endpoint")
        return channel
