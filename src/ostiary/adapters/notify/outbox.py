"""What waits for one receiver: sent in order by one task, tried again while that may help, and never without bound."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from ostiary.adapters.notify.forms import Told, Verdict
from ostiary.adapters.notify.kept import NOTHING, Kept, KeptFile
from ostiary.core.errors import GatewayError

log: Final = structlog.get_logger(__name__)

MOST: Final = 256
"""Messages that wait at most; the oldest make room."""
TRIES: Final = 10
"""With the pauses below, about seven minutes: then others should hear that it does not arrive."""
OLDEST: Final = 86_400.0
"""Seconds after which a message is no news any more, and is given up."""
_LONGEST: Final = 60.0
_LATELY: Final = 1_000

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
        self,
        name: str,
        deliver: Deliver,
        failed: Callable[[str, str], None],
        pause: Callable[[int], float] = pause,
        *,
        time: Callable[[], float] = time.time,
        file: KeptFile | None = None,
    ) -> None:
        """`failed` is told name and why, once for each message that does not arrive; `file` outlives the process."""
        self.name, self._deliver, self._failed, self._pause, self._time = name, deliver, failed, pause, time
        self._file, kept = file, file.read() if file is not None else NOTHING
        self._waiting: deque[Told] = deque(kept.waiting)
        self._lately = OrderedDict((key, (state, at)) for key, state, at in kept.lately)
        """By key, what arrived last."""
        self._earlier = {each.key: each.notice.state for each in kept.waiting} | {
            key: state for key, (state, _) in self._lately.items() if key not in {it.key for it in kept.waiting}
        }
        """By key, what an earlier process said last: it does not know that, and may say it again."""
        self._woken, self._changed = asyncio.Event(), False
        if self._waiting:
            self._woken.set()
        self.failing = ""
        """Why the last attempt failed; empty: it did not."""
        self.sent = self.dropped = 0

    def put(self, told: Told, within: float = 0.0) -> None:
        """Take a message; it neither waits nor raises.

        What an earlier process said as well, and what arrived no longer ago than `within` seconds if it arrived, is
        left out: a gateway that starts again finds anew what lasts.
        """
        state = told.notice.state
        if self._earlier.pop(told.key, "") == state and self._fresh(told.key, within):
            return
        if len(self._waiting) >= MOST:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(told)
        self._changed = True
        self._woken.set()

    def _fresh(self, key: str, within: float) -> bool:
        waits = any(each.key == key for each in self._waiting)
        return waits or (key in self._lately and self._time() - self._lately[key][1] < within)

    async def keep(self) -> None:
        """Write down what waits, if that has changed: a chore, which waits beside the loop for the disk."""
        if self._file is None or not self._changed:
            return
        self._changed = False
        lately = tuple((key, state, at) for key, (state, at) in self._lately.items())
        try:
            await asyncio.to_thread(self._file.write, Kept(tuple(self._waiting), lately))
        except OSError as error:
            self._changed = True
            log.warning("alerts that wait cannot be kept", receiver=self.name, reason=error.strerror)

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
        """Try what waits once more, at the end; what does not arrive waits for the next start, if it can be kept."""
        for first in tuple(self._waiting):
            verdict = await self._tried(first)
            if verdict.arrived or not verdict.again or self._file is None:
                self._done(first, arrived=verdict.arrived)
            else:
                break
        await self.keep()

    async def _first(self) -> None:
        """Send the oldest message until it arrived or is given up; it stays in the queue until then."""
        first, tries = self._waiting[0], 0
        while True:
            tries += 1
            verdict = await self._tried(first)
            old = tries >= TRIES and (self._file is None or self._time() - first.notice.at >= OLDEST)
            if verdict.arrived or not verdict.again or old:
                break
            if tries == TRIES:
                self._fail(first, verdict.why)
            await asyncio.sleep(max(self._pause(tries), verdict.wait))
        self._done(first, arrived=verdict.arrived)
        if not verdict.arrived and (tries < TRIES or self._file is None):
            self._fail(first, verdict.why)

    def _fail(self, told: Told, why: str) -> None:
        log.error("an alert did not arrive", receiver=self.name, alert=told.notice.alert, reason=why)
        self._failed(self.name, why)

    async def _tried(self, told: Told) -> Verdict:
        verdict = await attempted(self._deliver, told)
        self.failing = "" if verdict.arrived else verdict.why
        return verdict

    def _done(self, told: Told, *, arrived: bool) -> None:
        self.sent += arrived
        self.dropped += not arrived
        if arrived:
            self._lately[told.key] = told.notice.state, self._time()
            self._lately.move_to_end(told.key)
            if len(self._lately) > _LATELY:
                self._lately.popitem(last=False)
        if self._waiting and self._waiting[0] is told:
            self._waiting.popleft()
        self._changed = True
