"""What waits for one receiver: sent in order by one task, tried again while that may help, and never without bound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from ostiary.adapters.notify.forms import Told, Verdict
from ostiary.core.errors import GatewayError

log: Final = structlog.get_logger(__name__)

MOST: Final = 256
"""Messages that wait at most; the oldest make room."""
TRIES: Final = 10
"""With the pauses below, about seven minutes: then others should be heard of."""
_LONGEST: Final = 60.0

Deliver = Callable[[Told], Awaitable[Verdict]]
"""Tells a receiver; raises `GatewayError`, `OSError` or `LookupError` where there was no answer."""


def pause(tries: int) -> float:
    """Return how long to wait after so many attempts."""
    return float(min(2 ** (tries - 1), _LONGEST))


async def attempted(deliver: Deliver, told: Told) -> Verdict:
    """Return how one attempt ended, whatever went wrong; the reason holds no secret."""
    try:
        return await deliver(told)
    except GatewayError as error:
        return Verdict(arrived=False, again=True, why=error.detail or error.code)
    except LookupError as error:
        # A secret that cannot be read may be half written; its reference is named, and never a content.
        return Verdict(arrived=False, again=True, why=str(error))
    except OSError as error:
        return Verdict(arrived=False, again=True, why=error.strerror or type(error).__name__)
    except Exception:
        # One message that cannot be written down must end neither those after it nor what calls depend on.
        log.exception("an alert could not be written", alert=told.notice.alert)
        return Verdict(arrived=False, why="it could not be written; see the log")


class Outbox:
    """Messages on their way to one receiver. `run` it as a task."""

    def __init__(
        self, name: str, deliver: Deliver, failed: Callable[[str, str], None], pause: Callable[[int], float] = pause
    ) -> None:
        """`failed` is told the name and why, once, when a message is given up."""
        self.name, self._deliver, self._failed, self._pause = name, deliver, failed, pause
        self._waiting: deque[Told] = deque()
        self._woken = asyncio.Event()
        self.failing = ""
        """Why the last attempt failed; empty: it did not."""
        self.sent = self.dropped = 0

    def put(self, told: Told) -> None:
        """Take a message; it neither waits nor raises."""
        if len(self._waiting) >= MOST:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(told)
        self._woken.set()

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                await self._first()

    async def flush(self) -> None:
        """Send what waits, each once more: at the end."""
        while self._waiting:
            first = self._waiting[0]
            verdict = await self._tried(first)
            self._done(first, arrived=verdict.arrived)

    async def _first(self) -> None:
        """Send the oldest message until it arrived or is given up; it stays in the queue until then."""
        first = self._waiting[0]
        for tries in range(1, TRIES + 1):
            verdict = await self._tried(first)
            if verdict.arrived or not verdict.again or tries == TRIES:
                break
            await asyncio.sleep(max(self._pause(tries), verdict.wait))
        self._done(first, arrived=verdict.arrived)
        if not verdict.arrived:
            log.error("an alert did not arrive", receiver=self.name, alert=first.notice.alert, reason=verdict.why)
            self._failed(self.name, verdict.why)

    async def _tried(self, told: Told) -> Verdict:
        verdict = await attempted(self._deliver, told)
        self.failing = "" if verdict.arrived else verdict.why
        return verdict

    def _done(self, told: Told, *, arrived: bool) -> None:
        self.sent += arrived
        self.dropped += not arrived
        if self._waiting and self._waiting[0] is told:
            self._waiting.popleft()
