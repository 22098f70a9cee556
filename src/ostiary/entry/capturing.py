"""Payloads of calls in a running gateway: kept as its rules say, and destroyed when it is time or a person asks."""

from __future__ import annotations

import asyncio
import secrets
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from ostiary.adapters.store import captures_gone
from ostiary.adapters.store.captures import Captures, Terms
from ostiary.adapters.store.captures_gone import Gone
from ostiary.adapters.store.captures_places import gone_folder
from ostiary.config.capture import Capture
from ostiary.entry.annexes import Annex

log: Final = structlog.get_logger(__name__)

_EVERY: Final = 600
"""Seconds after which it is looked for what need not be kept any longer."""


class Keeping:
    """What a gateway keeps of calls, and what it does about it beside them."""

    def __init__(
        self, section: Capture, data: Path, event: Callable[[str, Mapping[str, Any]], None],
        stopped: Callable[[], bool], clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """`event` writes into the ledger; `stopped` says that it would only wait there."""
        self._data, self._event, self._stopped, self._clock = data, event, stopped, clock
        self._keep = {name: each.keep for name, each in section.classes.items()}
        terms = {name: Terms(each.keep, each.size) for name, each in section.classes.items()}
        self.captures = Captures(data, b64decode(section.to), terms, spare=section.spare, time=clock)
        self._seconds = 0

    def annex(self) -> Annex:
        """Return what the gateway has to do for it."""
        return Annex("captures", chores=(self.erase, self.expire), notes=self._notes, close=self.captures.close)

    async def erase(self) -> None:
        """Take in what commands erased: forget the keys that are in memory, and tell the ledger."""
        if self._stopped():
            # It stays noted, and is told when there is somebody to tell.
            return
        for gone in await asyncio.to_thread(self._noted):
            if gone.kind == "erased":
                await self.captures.forget(gone.issuer, gone.subject)
            done = await asyncio.to_thread(captures_gone.again, self._data, gone)
            captures_gone.told(done, self._event)
            await asyncio.to_thread(captures_gone.forget, self._data, gone)
            log.info("payloads were destroyed", kind=gone.kind, keys=len(done.keys), payloads=done.payloads)

    async def expire(self) -> None:
        """Destroy what need not be kept any longer."""
        due, self._seconds = not self._seconds % _EVERY, self._seconds + 1
        if due and not self._stopped():
            await asyncio.to_thread(self._expired, self._clock())

    def _noted(self) -> list[Gone]:
        return list(captures_gone.noted(self._data)) if gone_folder(self._data).is_dir() else []

    def _expired(self, now: float) -> None:
        keys = captures_gone.expired(self._data, self._keep, now)
        if keys:
            ident = f"{int(now):012d}-{secrets.token_hex(4)}"
            captures_gone.destroy(self._data, Gone(ident, "expired", now, keys))

    def _notes(self) -> Iterator[str]:
        if self.captures.failing:
            yield f"payloads cannot be kept: {self.captures.failing}"
