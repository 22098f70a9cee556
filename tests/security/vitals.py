"""What a running gateway holds: memory, descriptors, processes, threads, and what it says of itself; and who leaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import median
from typing import Any, Final, NamedTuple

import psutil

from tests.e2e.rig import Rig
from tests.security import raw

Json = dict[str, Any]

GAUGES: Final = ("ostiary_suspended_calls", "ostiary_calls_in_flight")
MB: Final = 1024 * 1024


class Vital(NamedTuple):
    """One look."""

    seconds: float
    memory_mb: float
    descriptors: int
    processes: int
    threads: int
    suspended: float
    """Calls that wait for a client's answer; -1: the gateway does not say."""
    in_flight: float
    """Calls that have begun and not ended, change streams among them."""

    def line(self) -> str:
        """Return the figures for people."""
        return (
            f"{self.memory_mb:.1f} MB, {self.descriptors} descriptors, {self.processes} processes, "
            f"{self.threads} threads, {self.suspended:.0f} suspended, {self.in_flight:.0f} in flight"
        )


class Vitals:
    """Looks at one gateway from time to time."""

    def __init__(self, rig: Rig) -> None:
        self._rig, self._process = rig, psutil.Process(rig.gateway.process.pid)
        self._started = time.monotonic()
        self.children: set[psutil.Process] = set()
        """Every process that the gateway was seen to have started."""
        self.seen: list[Vital] = []

    async def look(self) -> Vital:
        """Look once, and remember it."""
        gauges = await self._gauges()
        # What stands between a fork and its program is no process of the gateway's, but a moment of one.
        children = self._process.children(recursive=True)
        self.children.update(children)
        found = Vital(
            time.monotonic() - self._started,
            self._process.memory_info().rss / MB,
            self._process.num_fds(),
            len(children),
            self._process.num_threads(),
            gauges.get(GAUGES[0], -1.0),
            gauges.get(GAUGES[1], -1.0),
        )
        self.seen.append(found)
        return found

    async def watch(self, every: float) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every)

    async def at_rest(self, seconds: float, every: float) -> list[Vital]:
        """Look for so long, and return what was seen in that time."""
        before = len(self.seen)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(min(every, max(0.0, until - time.monotonic())))
            await self.look()
        return self.seen[before:]

    async def _gauges(self) -> dict[str, float]:
        said = await raw.once(self._rig.port, f"GET /metrics HTTP/1.1\r\nHost: {self._rig.host}\r\n\r\n".encode())
        lines = [line.split() for line in said.body.decode().splitlines() if line.startswith(GAUGES)]
        return {name: float(value) for name, value in lines}

    def left_behind(self) -> list[str]:
        """Return the processes that are still there now that the gateway is not."""
        return [f"process {child.pid} outlived the gateway" for child in self.children if child.is_running()]


def thirds(seen: Sequence[Vital]) -> tuple[float, float]:
    """Return the median memory of the first and of the last third."""
    third = max(1, len(seen) // 3)
    return median(each.memory_mb for each in seen[:third]), median(each.memory_mb for each in seen[-third:])


def least(seen: Sequence[Vital]) -> Vital:
    """Return the least of everything: a gateway at rest may be seen in the middle of a chore, but not every time."""
    return Vital(*(min(each) for each in zip(*seen, strict=True)))


def most(seen: Sequence[Vital]) -> Vital:
    """Return the most of everything."""
    return Vital(*(max(each) for each in zip(*seen, strict=True)))
