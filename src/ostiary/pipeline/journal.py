"""What was said on the streams of handshake-era calls, so that a client that lost one can take it up again.

Resumability (2025-03-26 and later, "Resumability and Redelivery"): an event id names its stream and its place in it,
and is worth nothing outside the session it was given to. Bounded: the oldest finished streams are forgotten first.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Final

_BUDGET: Final = 8 * 1024 * 1024
"""Bytes kept over all sessions."""
_STREAM_COST: Final = 512
_EVENT_COST: Final = 48
"""What a stream and an event take beside their text: counted too, for most answers are smaller than that."""
_EVENTS: Final = 1024
"""Events kept of one stream."""


class Journal:
    """One stream: what was said, and what is still to come."""

    __slots__ = ("_news", "_weigh", "done", "events", "first", "ident", "size")

    def __init__(self, ident: str, weigh: Callable[[int], None]) -> None:
        self.ident, self._weigh = ident, weigh
        self.events: list[bytes] = []
        self.first = 0
        self.size = _STREAM_COST
        self.done = False
        self._news: asyncio.Event | None = None
        """Made when somebody waits, which hardly anybody ever does."""
        weigh(self.size)

    def append(self, data: bytes) -> str:
        """Keep an event, and return its id."""
        self.events.append(data)
        self._grow(len(data) + _EVENT_COST)
        if len(self.events) > _EVENTS:
            self.first += 1
            self._grow(-len(self.events.pop(0)) - _EVENT_COST)
        self._tell()
        return f"{self.ident}_{self.first + len(self.events) - 1}"

    def finish(self) -> None:
        """Say that nothing follows."""
        self.done = True
        self._tell()

    def weightless(self) -> int:
        """Return what it weighs, and weigh nothing from now on: it was forgotten, though its call may still speak."""
        self._weigh = _nothing
        return self.size

    def _grow(self, size: int) -> None:
        self.size += size
        self._weigh(size)

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()

    async def after(self, place: int) -> AsyncIterator[tuple[str, bytes]]:
        """Yield every event after a place, those to come included, with its id."""
        place = max(place + 1, self.first)
        while True:
            while place - self.first < len(self.events):
                place = max(place, self.first)
                yield f"{self.ident}_{place}", self.events[place - self.first]
                place += 1
            if self.done:
                return
            if self._news is None:
                self._news = asyncio.Event()
            self._news.clear()
            await self._news.wait()


def _nothing(_size: int) -> None:
    """Weigh what is forgotten."""


class Journals:
    """Every stream that can still be taken up, by session."""

    def __init__(self, ident: Callable[[], str], budget: int = _BUDGET) -> None:
        self._ident, self._left = ident, budget
        self._kept: OrderedDict[tuple[str, str], Journal] = OrderedDict()

    def begin(self, session: str) -> Journal:
        """Return a new stream's journal."""
        journal = Journal(self._ident(), self._weigh)
        self._kept[session, journal.ident] = journal
        return journal

    def find(self, session: str, event: str) -> tuple[Journal, int] | None:
        """Return the journal and the place that an event id of this session names."""
        ident, _, place = event.rpartition("_")
        journal = self._kept.get((session, ident))
        return (journal, int(place)) if journal is not None and place.isdecimal() and place.isascii() else None

    def forget(self, session: str) -> None:
        """Forget every stream of a session."""
        for key in [key for key in self._kept if key[0] == session]:
            self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        self._left += self._kept.pop(key).weightless()

    def _weigh(self, size: int) -> None:
        self._left -= size
        while self._left < 0:
            oldest = next((key for key, journal in self._kept.items() if journal.done), None)
            if oldest is None:
                return
            self._drop(oldest)
