"""Spans on their way to a collector: a bounded queue, sent in pieces by one task, tried again while that may help.

Telling never holds a call up. What finds the queue full is dropped and counted; what a collector refuses for good is
not sent again (OTLP, "Failures"). A collector that is away is asked less and less often.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

import structlog
from msgspec import Struct

from ostiary.adapters.telemetry.spans import Span
from ostiary.core.errors import GatewayError

log: Final = structlog.get_logger(__name__)

TRACES: Final = "traces"
METRICS: Final = "metrics"
_PATHS: Final = {TRACES: "/v1/traces", METRICS: "/v1/metrics"}
_PIECE: Final = 64
"""Spans that are sent together: to write down more would hold calls up for longer than a few milliseconds."""
_WITHIN: Final = 1.0
"""Seconds that a span waits for others."""
_REQUEST: Final = 10.0
"""Seconds that one request may take."""
_LONGEST: Final = 30.0
"""Seconds between two attempts, at most."""
_DROPS: Final = (*((TRACES, why) for why in ("full", "refused", "unwritable", "closing")), (METRICS, "refused"))
"""Told from the beginning: an alert can only notice what grows, and not what is there suddenly."""
_OK: Final = range(200, 300)
_AGAIN: Final = frozenset({429, 502, 503, 504})
"""What OTLP says is worth another attempt."""


class Said(Struct, frozen=True):
    """What a collector answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Post(Protocol):
    """Sends a body to a path of the collector; raises `GatewayError` where there is no answer."""

    async def __call__(self, path: str, body: bytes, deadline: float, /) -> Said:
        """Return the answer, whatever its status."""


class Encoding(Struct, frozen=True):
    """How things are written down: imported only where somebody wants them sent."""

    spans: Callable[[tuple[Span, ...]], bytes]
    metrics: Callable[[], bytes]
    rejected: Callable[[str, bytes], int]
    """Signal, answer → how many of what was sent the collector did not take."""


class Exporter:
    """Sends what is told. `run` it as a task."""

    def __init__(
        self, post: Post, encoding: Encoding, time: Callable[[], float], *, most: int = 4096, every: float = 0.0
    ) -> None:
        """Keep so many spans `most`; send the metrics `every` so many seconds, 0.0: never."""
        self._post, self._encoding, self._time, self._most, self._every = post, encoding, time, most, every
        self._waiting: deque[Span] = deque()
        self._woken = asyncio.Event()
        self.sent: Counter[str] = Counter()
        """By signal."""
        self.dropped: Counter[tuple[str, ...]] = Counter(dict.fromkeys(_DROPS, 0))
        """By signal and why: `full`, `refused`, `unwritable` or `closing`."""
        self.retries: Counter[str] = Counter()
        """Attempts that failed and are made again, by signal."""

    def put(self, spans: tuple[Span, ...]) -> None:
        """Take the spans of a call; it neither waits nor raises."""
        if len(self._waiting) + len(spans) > self._most:
            self.dropped[TRACES, "full"] += len(spans)
            return
        self._waiting.extend(spans)
        if len(self._waiting) >= _PIECE:
            self._woken.set()

    @property
    def waiting(self) -> int:
        """How many spans wait."""
        return len(self._waiting)

    def behind(self) -> float:
        """Return for how many seconds the oldest span has been waiting."""
        return max(0.0, self._time() - self._waiting[0].end / 1e9) if self._waiting else 0.0

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_again(self._spans))
            if self._every:
                tasks.create_task(_again(self._metrics))

    async def close(self, within: float) -> None:
        """Send what is left, for at most so many seconds; what is left then is dropped."""
        try:
            async with asyncio.timeout(within):
                while self._waiting:
                    await self._piece()
                if self._every:
                    await self._offer(METRICS, self._encoding.metrics(), 1)
        except TimeoutError:
            self.dropped[TRACES, "closing"] += len(self._waiting)
            log.warning("not everything was told at the end", spans=len(self._waiting))
            self._waiting.clear()

    async def _spans(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_WITHIN):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            while self._waiting:
                await self._piece()

    async def _piece(self) -> None:
        """Send the oldest spans; they stay in the queue, and count there, until they are through or given up."""
        size = min(_PIECE, len(self._waiting))
        piece = tuple(self._waiting[at] for at in range(size))
        try:
            body = self._encoding.spans(piece)
        except (TypeError, ValueError):
            # A value that cannot be written down must not stand in the way of all that come after it.
            log.exception("spans could not be written down")
            self.dropped[TRACES, "unwritable"] += size
        else:
            await self._offer(TRACES, body, size)
        for _ in piece:
            self._waiting.popleft()

    async def _metrics(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self._offer(METRICS, self._encoding.metrics(), 1, again=self._encoding.metrics)

    async def _offer(self, signal: str, body: bytes, size: int, again: Callable[[], bytes] | None = None) -> None:
        """Send a body until the collector has taken or refused it; `again` makes a newer one for another attempt."""
        pause = 1.0
        while True:
            said = await self._attempt(signal, body)
            if said is not None and said.status not in _AGAIN:
                self._settled(signal, said, size)
                return
            if not self.retries[signal]:
                log.warning("the collector does not answer; what it is told waits", signal=signal, status=_status(said))
            self.retries[signal] += 1
            await asyncio.sleep(max(pause, _asked(said)))
            pause = min(pause * 2, _LONGEST)
            body = again() if again is not None else body

    async def _attempt(self, signal: str, body: bytes) -> Said | None:
        try:
            return await self._post(_PATHS[signal], body, asyncio.get_running_loop().time() + _REQUEST)
        except GatewayError as error:
            log.debug("the collector cannot be asked", signal=signal, why=error.code)
            return None

    def _settled(self, signal: str, said: Said, size: int) -> None:
        if said.status not in _OK:
            if not self.dropped[signal, "refused"]:
                log.warning("the collector refuses what it is told", signal=signal, status=said.status)
            self.dropped[signal, "refused"] += size
            return
        missed = max(0, min(size, self._encoding.rejected(signal, said.body)))
        self.sent[signal] += size - missed
        if missed:
            self.dropped[signal, "refused"] += missed


async def _again(telling: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Tell for ever: whatever goes wrong with that must not end what calls depend on."""
    while True:
        try:
            await telling()
        except Exception:
            log.exception("a collector could not be told; it is tried again")
        await asyncio.sleep(_WITHIN)


def _status(said: Said | None) -> int:
    return said.status if said is not None else 0


def _asked(said: Said | None) -> float:
    """Return for how long a collector asks to be left alone, within reason."""
    after = said.headers.get("retry-after", "") if said is not None else ""
    return min(float(after), _LONGEST) if after.isascii() and after.isdigit() else 0.0
