"""How long a long text keeps other calls waiting: what a neighbour on the same event loop sees of it."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from bench.guards_costs import GUARDS, TOKENS, forget, payload
from ostiary.core.screening import Guard, Looks, Payload, Screen, Side
from ostiary.pipeline.following import Follow, Followed
from ostiary.pipeline.remembering import Memory
from ostiary.pipeline.screening import looked

_TICK: Final = 0.001
_LONG: Final = 600.0
Work = Callable[[], Awaitable[object]]


class Waits(NamedTuple):
    """What a neighbour saw that wants a turn each millisecond, in milliseconds beyond it."""

    worst: float
    """CPU of this process, on the loop and beside it, in the longest wait of the round in which that was shortest: what
    the work itself needs it needs in every round, and a machine that is short of cores only ever adds."""
    median: float
    """The same of the round in the middle."""
    p99: float
    late: float
    """The longest wait by the clock, in the round in which that was shortest."""
    took: float
    """CPU of one round."""


def local(text: str) -> Mapping[str, Work]:
    """Return what an ordinary set of guards does with a result."""
    said = payload({"result": {"content": [{"type": "text", "text": text}]}}, Side.ANSWER)
    return {"guards": lambda: _each(tuple(GUARDS.values()), said)}


def flow(text: str) -> Mapping[str, Work]:
    """Return what the guard of content does: it remembers an answer, and then compares arguments with it."""
    answer = payload({"result": {"content": [{"type": "text", "text": text}]}}, Side.ANSWER)
    asked = payload({"arguments": {"note": text[: len(text) // 5]}}, Side.REQUEST)
    # One for each round, and none is given up meanwhile: a gateway forgets a run at a time, and not all it knows.
    guards: list[Guard] = []

    async def learning() -> None:
        guards.append(Follow(Memory(b"s" * 32, time.monotonic), Followed("note"), TOKENS))
        await _each(guards[-1:], answer)

    return {"flow learns": learning, "flow compares": lambda: _each(guards[-1:], asked)}


async def _each(guards: tuple[Guard, ...] | list[Guard], said: Payload) -> None:
    for at, guard in enumerate(guards):
        record = Looks([], [])
        await looked(Screen(str(at), guard, _LONG), said, time.monotonic, record)
        if record.looked[0].verdict == "failed":
            raise RuntimeError(record.findings)


def waits(work: Work, rounds: int) -> Waits:
    """Do some work again and again, and return what others saw of it."""
    with _on_one_core():
        return _waits(work, rounds)


@contextmanager
def _on_one_core() -> Iterator[None]:
    """Keep to one core: on two, what is read beside would count although nobody waits for it."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _waits(work: Work, rounds: int) -> Waits:
    worst, p99, late, took = [], [], [], []
    for _ in range(rounds):
        forget()
        # A collection of the whole heap takes as long for whoever causes it.
        gc.collect()
        # A gateway does the same once it has started: what it holds for good is gone through in no collection.
        gc.freeze()
        started = time.process_time()
        used, waited = asyncio.run(_beside(work))
        took.append(time.process_time() - started)
        worst.append(max(used))
        p99.append(sorted(used)[len(used) * 99 // 100])
        late.append(max(waited))
    found = (min(worst), statistics.median(worst), statistics.median(p99), min(late), min(took))
    return Waits(*(each * 1e3 for each in found))


async def _beside(work: Work) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    clocked: list[float] = []

    async def ticking() -> None:
        while True:
            cpu, clock = time.process_time(), time.perf_counter()
            await asyncio.sleep(_TICK)
            ours.append(time.process_time() - cpu - _TICK)
            clocked.append(time.perf_counter() - clock - _TICK)

    beside = asyncio.create_task(ticking())
    await asyncio.sleep(0)
    try:
        await work()
    finally:
        beside.cancel()
    return ours or [0.0], clocked or [0.0]
