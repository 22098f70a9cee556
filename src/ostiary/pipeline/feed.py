"""What one stream has yet to tell: each thing once, however often it changed while the reader was slow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.core.ports import Change

LISTS: Final = frozenset({"tools", "prompts", "resources"})
TOGETHER: Final = 0.1
"""Seconds to wait for more: a server that changes many things says so many times, and a client should look once."""
MOST: Final = 512
"""Things that wait; beyond, only what was asked about is named, and no longer which part of it changed."""


class Feed:
    """Changes, from those who say them, who never wait, to one stream that tells them."""

    def __init__(self, lists: Iterable[str] = LISTS) -> None:
        """Take the changes of these lists, and of every resource."""
        self._lists = frozenset(lists)
        self._waiting: dict[tuple[str, str, str], Change] = {}
        self._news, self._over = asyncio.Event(), asyncio.Event()

    def __len__(self) -> int:
        """Return how many changes wait."""
        return len(self._waiting)

    def tell(self, change: Change | None) -> None:
        """Take a change (port `Tell`); None ends the stream once everything was told."""
        if change is None:
            self._over.set()
            self._news.set()
            return
        if change.what in LISTS - self._lists:
            return
        if len(self._waiting) >= MOST and change.uri != change.watched:
            change = msgspec.structs.replace(change, uri=change.watched)
        self._waiting[change.what, change.server, change.uri] = change
        self._news.set()

    async def batch(self, patience: float) -> list[Change] | None:
        """Return what changed; nothing after `patience` seconds of silence; None when nothing more will come."""
        try:
            async with asyncio.timeout(patience):
                await self._news.wait()
        except TimeoutError:
            return []
        try:
            async with asyncio.timeout(TOGETHER):
                await self._over.wait()
        except TimeoutError:
            self._news.clear()
        batch = list(self._waiting.values())
        self._waiting.clear()
        return batch or (None if self._over.is_set() else [])
