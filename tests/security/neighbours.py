"""Measure one steady caller at one good server while everyone else misbehaves, and look at what is left afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil

from tests.e2e.rig import ROOT, Rig, rig, upstream
from tests.security import bad_clients, bad_upstream, raw, speech
from tests.security.bad_clients import QUIET
from tests.security.vitals import Vital, Vitals, least

Json = dict[str, Any]

KINDS: Final = (*bad_upstream.WAYS, *bad_clients.WAYS)
CALLERS: Final = 4
PACE: Final = 0.01
"""Seconds between two calls of one connection of the steady caller."""
SETTLE: Final = 0.3
"""Seconds after those who misbehave have begun, or stopped."""
MOST_RATIO: Final = 2.0
MOST_GROWTH_MB: Final = 20.0
SLACK: Final = 12
"""Descriptors: connections to servers that wait for the next call, of which there are as many as there were calls at a
time; a database's second file. Threads: those of a pool that is not full. What leaks, leaks by hundreds."""
GAUGES: Final = ("ostiary_upstream_calls{", "ostiary_upstream_waiting{")
TIMEOUT: Final = "2s"


@contextmanager
def street(folder: Path, **settings: Any) -> Iterator[Rig]:
    """Run the gateway in front of a good server and a bad one of each kind, with these settings for the bad ones."""
    with ExitStack() as stack:
        good = stack.enter_context(upstream("tests.security.echo_upstream"))
        bad = stack.enter_context(upstream("tests.security.bad_upstream"))
        elsewhere(bad.process.pid)
        servers = {"good": good.settings(max_in_flight=512)}
        for kind in bad_upstream.WAYS:
            place = f"http://127.0.0.1:{bad.port}/{kind}"
            servers[kind] = {**bad.settings(timeout=TIMEOUT, max_in_flight=64, **settings), "url": place}
        yield stack.enter_context(rig(folder, servers, 2, gateway={"unsafe_open_metrics": True}))


def elsewhere(pid: int) -> None:
    """Let a process have what nobody else wants of the processors: those who misbehave have machines of their own."""
    os.setpriority(os.PRIO_PROCESS, pid, 19)


@asynccontextmanager
async def others(running: Rig) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run those who misbehave, quiet at first."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.security.bad_clients")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    elsewhere(process.pid)
    try:
        where = {"port": running.port, "host": running.host, "token": running.tokens[1]}
        assert process.stdin is not None
        process.stdin.write(json.dumps(where).encode() + b"\n")
        yield process
        process.stdin.close()
        async with asyncio.timeout(20):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def begun(process: asyncio.subprocess.Process, what: str) -> None:
    """Have the others do this from now on."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(what.encode() + b"\n")
    async with asyncio.timeout(20):
        assert (await process.stdout.readline()).decode().strip() == what
    await asyncio.sleep(SETTLE)


async def steady(running: Rig, seconds: float) -> list[float]:
    """Call the good server for so long, and return how long each call took; raise where an answer is not right."""
    body = speech.modern(
        "/servers/good/mcp", running.host, running.tokens[0], "tools/call", speech.call("echo", {"secret": "me"})
    )
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def caller() -> None:
        wire = await raw.connect(running.port)
        while time.perf_counter() < until:
            started = time.perf_counter()
            wire.put(body)
            said = await wire.take()
            took.append(time.perf_counter() - started)
            assert said.status == 200, said.body[:500]
            assert said.messages()[-1]["result"]["content"] == [{"type": "text", "text": "me"}], said.body[:500]
            await asyncio.sleep(PACE)
        wire.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CALLERS):
            tasks.create_task(caller())
    return sorted(took)


def p99(took: list[float]) -> float:
    """Return the time within which 99 of 100 calls were answered, in milliseconds."""
    return took[min(len(took) - 1, int(len(took) * 0.99))] * 1000


@dataclass(slots=True)
class Seen:
    """What a run showed."""

    rounds: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By what the others did: the p99 while they were quiet, and while they did it, of each round."""
    calls: int = 0
    idle: float = 0.0
    """The part of the processors' time that nobody wanted meanwhile: where there is none, it is they who hold calls up."""
    before: Vital | None = None
    after: Vital | None = None
    gauges: Mapping[str, float] = field(default_factory=dict)
    """Calls that the gateway counts at its servers afterwards."""

    def ratio(self, kind: str) -> float:
        """Return the median of the rounds' ratios."""
        return median(loud / quiet for quiet, loud in self.rounds[kind])

    def lines(self) -> list[str]:
        """Return the figures for people."""
        told = [
            f"{kind:14} p99 quiet {median(q for q, _ in each):7.2f} ms, meanwhile {median(m for _, m in each):7.2f} ms, "
            f"ratio {self.ratio(kind):5.2f} ({', '.join(f'{m / q:.2f}' for q, m in each)})"
            for kind, each in self.rounds.items()
        ]
        ends = [f"{when}: {vital.line()}" for when, vital in (("before", self.before), ("after", self.after)) if vital]
        ends.append(f"{self.idle:.0%} of the processors' time was left; without any, ratios say little")
        return [*told, *ends, f"{self.calls:,} calls of the steady caller, each answered rightly"]

    def slowed(self) -> list[str]:
        """Return by whom the steady caller was held up too long."""
        return [
            f"the steady caller's p99 was {self.ratio(kind):.2f} times its own while others did this: {kind}"
            for kind in self.rounds
            if self.ratio(kind) > MOST_RATIO
        ]

    def left(self) -> list[str]:
        """Return what is left behind."""
        before, after = self.before, self.after
        if before is None or after is None:
            return ["nobody looked"]
        held = {
            "descriptors": (after.descriptors, before.descriptors + SLACK),
            "threads": (after.threads, before.threads + SLACK),
            "MB": (after.memory_mb, before.memory_mb + MOST_GROWTH_MB),
            "suspended calls": (after.suspended, 0),
            "calls in flight": (after.in_flight, 0),
        }
        over = [f"{now:.0f} {what} are left, {most:.0f} at most" for what, (now, most) in held.items() if now > most]
        return over + [f"{count:.0f} left in {name}" for name, count in self.gauges.items() if count]


async def course(running: Rig, kinds: tuple[str, ...], rounds: int, seconds: float, rest: float) -> Seen:
    """Alternate quiet and misbehaviour of each kind, and return what was seen."""
    vitals, seen = Vitals(running), Seen()
    async with others(running) as process:
        # Whatever is allocated once, buffers and connections, is there before anybody looks.
        for kind in kinds:
            await begun(process, kind)
            await steady(running, seconds)
        await begun(process, QUIET)
        seen.before = least(await vitals.at_rest(rest, 1.0))
        psutil.cpu_times_percent()
        for _ in range(rounds):
            for kind in kinds:
                await begun(process, QUIET)
                quiet = await steady(running, seconds)
                await begun(process, kind)
                loud = await steady(running, seconds)
                seen.calls += len(quiet) + len(loud)
                seen.rounds.setdefault(kind, []).append((p99(quiet), p99(loud)))
        seen.idle = psutil.cpu_times_percent().idle / 100
        await begun(process, QUIET)
        seen.after = least(await vitals.at_rest(rest, 1.0))
        seen.gauges = await _gauges(running)
    return seen


async def _gauges(running: Rig) -> dict[str, float]:
    said = await raw.once(running.port, f"GET /metrics HTTP/1.1\r\nHost: {running.host}\r\n\r\n".encode())
    lines = [line.rsplit(" ", 1) for line in said.body.decode().splitlines() if line.startswith(GAUGES)]
    return {name: float(value) for name, value in lines}
