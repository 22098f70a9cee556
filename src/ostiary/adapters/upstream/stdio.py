"""Supervise stdio upstreams: start each once, keep it while it is used, restart it after a crash, end it cleanly."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import structlog

from ostiary.adapters.upstream.arriving import Message
from ostiary.adapters.upstream.process import Child
from ostiary.adapters.upstream.program import Program, environment
from ostiary.core.errors import Closing, GatewayError, Lost, Overloaded, TimedOut, Unreachable

log = structlog.get_logger(__name__)

Key = tuple[str, str, str]
"""Server, principal (empty: shared by all), offer (the client capabilities that change what a server shows)."""
Prepare = Callable[[Child], Awaitable[None]]
Stray = Callable[[Key, Child, Message], None]
Admit = Callable[[Program], Awaitable[None]]
"""Called before each start of a program: raises where it must not run."""

BACKOFF_FIRST: Final = 1.0
BACKOFF_LONGEST: Final = 60.0
# A process that ends this soon did no work; one such end is bad luck, the fourth in a row is a loop.
STEADY: Final = 10.0
FREE_CRASHES: Final = 3
# From being handed out until its first request, a process counts as busy for this long.
PROMISE: Final = 1.0
SWEEP: Final = 5.0
# A slot without a process is kept for its failure count, and no longer than this after it may be tried again.
REMEMBERED: Final = 300.0


class Reopen(Exception):
    """Raised by `prepare`: give me a fresh process, this one may be confused. Granted once per start."""


class Limits(msgspec.Struct, frozen=True):
    """How many processes may run, and how long calls in flight may finish (seconds) before a process is stopped."""

    per_server: int = 16
    total: int = 64
    drain: float = 10.0
    grace: float = 5.0
    retire: float = 300.0
    """As `drain`, for a server whose configuration changed: nothing hurries, and each call has its own deadline."""


class Status(msgspec.Struct, frozen=True):
    """One process as readiness and metrics show it."""

    server: str
    principal: str
    offer: str
    state: str
    """`starting`, `ready`, `failed` (waits before it is tried again) or `stopped`."""
    pid: int | None
    restarts: int
    in_flight: int
    last_exit: str


@dataclass(slots=True)
class Slot:
    """What is known about one key: at most one process, and how the ones before it ended."""

    key: Key
    child: Child | None = None
    starting: asyncio.Task[GatewayError | Child] | None = None
    promised: float = -math.inf
    spawned: int = 0
    failures: int = 0
    crashes: int = 0
    retry_at: float = -math.inf
    ready_at: float = -math.inf
    last_exit: str = ""
    last_failure: str = ""
    """For the trail only: it quotes the process."""

    @property
    def occupied(self) -> bool:
        """Say whether a process belongs to it, or soon will."""
        return self.child is not None or self.starting is not None

    def idle_since(self, now: float) -> float | None:
        """Return when its process was last of use, or None while it is, or is promised to a caller."""
        if self.child is None or self.child.in_flight:
            return None
        if self.child.touched < self.promised and now - self.promised < PROMISE:
            return None
        return max(self.child.touched, self.promised)


def backoff(failures: int, jitter: float) -> float:
    """Return the seconds to wait after that many failures in a row; `jitter` is from 0.0 to 1.0."""
    longest = min(BACKOFF_LONGEST, BACKOFF_FIRST * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + jitter / 2)


def idlest(slots: Iterable[Slot], amount: int, now: float) -> list[Slot]:
    """Return the slots to empty so that `amount` processes go, the least recently used first; raise if too few idle."""
    idle = [(since, slot) for slot in slots if (since := slot.idle_since(now)) is not None]
    if len(idle) < amount:
        raise Overloaded(hint="all processes that may run for it are busy; call again", retry_after=1.0)
    return [slot for _, slot in sorted(idle, key=itemgetter(0))[: max(amount, 0)]]


def _said(error: BaseException | None) -> str:
    """Return what a caller may be told about why a start was refused; a failure of the process tells them nothing."""
    return error.hint if isinstance(error, Unreachable) else ""


class Supervisor:
    """Keeps the children by key. `async with` it: leaving ends every process.

    `base` is the environment of which children see a few names; `stray` gets every message that answers nothing.
    """

    def __init__(
        self,
        base: Mapping[str, str],
        stray: Stray,
        *,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        admit: Admit | None = None,
        clock: Callable[[], float] = time.monotonic,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._base, self._stray, self._limits, self._clock, self._rng = base, stray, limits, clock, rng
        self._admit = admit
        self._tasks = asyncio.TaskGroup()
        self._slots: dict[Key, Slot] = {}
        self._children: set[Child] = set()
        """Every process that has not been reaped, also those that no slot knows any more."""
        self._closing = False
        self._sweeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._sweeper = self._tasks.create_task(self._sweep_forever())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.close()
        finally:
            await self._tasks.__aexit__(kind, error, trace)

    async def child(self, key: Key, program: Program, deadline: float, prepare: Prepare) -> Child:
        """Return a prepared process for the key, starting it if need be; concurrent callers share one start."""
        slot = self._slots.get(key)
        if slot is None or slot.child is None or not self._fits(slot.child, program):
            slot, child = await self._begun(key, program, deadline, prepare)
        else:
            child = slot.child
        slot.promised = self._clock()
        return child

    async def forget(self, server: str) -> None:
        """Drain and stop the server's processes and forget its failures: its configuration changed."""
        gone = [slot for slot in self._slots.values() if slot.key[0] == server]
        await self._settled([self._emptied(slot) for slot in gone])

    def retire(self, server: str) -> None:
        """Take the server's processes out of use at once, and stop each when its calls in flight are over."""
        for slot in [slot for slot in self._slots.values() if slot.key[0] == server]:
            self._emptied(slot, self._limits.retire)

    async def close(self) -> None:
        """Start nothing any more, let calls in flight finish within the limits, and end every process."""
        self._closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        try:
            await self._settled([self._emptied(slot) for slot in list(self._slots.values())])
            async with asyncio.TaskGroup() as ending:
                for child in self._children:
                    ending.create_task(self._drained(child))
        finally:
            # Reached with children only when we are cancelled while draining.
            for child in self._children:
                child.kill()

    def sweep(self) -> None:
        """Stop what nobody has used for its program's idle time."""
        now = self._clock()
        for slot in list(self._slots.values()):
            if not slot.occupied and now >= slot.retry_at + REMEMBERED:
                del self._slots[slot.key]
            since = slot.idle_since(now)
            if slot.child and since is not None and now - since >= slot.child.program.idle:
                log.info("idle process stops", server=slot.key[0], pid=slot.child.pid)
                self._emptied(slot)

    def status(self) -> tuple[Status, ...]:
        """Return one line for each key that has, or lately had, a process."""
        return tuple(self._line(slot) for slot in self._slots.values())

    # Starting.

    def _fits(self, child: Child, program: Program) -> bool:
        return child.alive and (child.program is program or child.program == program)

    async def _begun(self, key: Key, program: Program, deadline: float, prepare: Prepare) -> tuple[Slot, Child]:
        if self._closing:
            raise Closing
        slot = self._slots.setdefault(key, Slot(key))
        task = slot.starting or self._begin(slot, program, prepare)
        # Waiting for the task, instead of awaiting it: a caller who hangs up does not end the others' start.
        await asyncio.wait((task,), timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if not task.done():
            raise TimedOut(f"{key[0]} is still starting", hint="it is still starting; call again shortly")
        if task.cancelled() and self._closing:
            raise Closing
        if task.cancelled():
            raise Unreachable(f"the start of {key[0]} was cancelled", hint="it was stopped while starting; call again")
        outcome = task.result()
        if isinstance(outcome, GatewayError):
            raise self._waiting(slot, outcome.detail, _said(outcome.__cause__)) from outcome
        return slot, outcome

    def _begin(self, slot: Slot, program: Program, prepare: Prepare) -> asyncio.Task[GatewayError | Child]:
        if self._clock() < slot.retry_at:
            raise self._waiting(slot, f"not tried again yet: {slot.last_failure}")
        stopping = self._room(slot)
        if slot.child is not None:
            stopping.append(self._replaced(slot, slot.child))
        slot.starting = self._tasks.create_task(self._start(slot, program, prepare, stopping))
        return slot.starting

    def _room(self, slot: Slot) -> list[asyncio.Task[Any]]:
        """Make room for one more process by stopping idle ones."""
        now = self._clock()
        others = [other for other in self._slots.values() if other.occupied and other is not slot]
        own = [other for other in others if other.key[0] == slot.key[0]]
        gone = idlest(own, len(own) + 1 - self._limits.per_server, now)
        left = [other for other in others if other not in gone]
        gone += idlest(left, len(left) + 1 - self._limits.total, now)
        return [task for other in gone for task in self._emptied(other)]

    async def _start(
        self, slot: Slot, program: Program, prepare: Prepare, stopping: list[asyncio.Task[Any]]
    ) -> GatewayError | Child:
        try:
            await self._settled([stopping])
            child = await self._prepared(slot, program, prepare)
        except Exception as error:  # noqa: BLE001  # one server's bad start must not end the group of all servers
            return self._failed(slot, program, error)
        finally:
            slot.starting = None
        slot.child, slot.failures, slot.ready_at = child, 0, self._clock()
        log.info("process is ready", server=program.name, pid=child.pid)
        return child

    async def _prepared(self, slot: Slot, program: Program, prepare: Prepare) -> Child:
        try:
            return await self._attempt(slot, program, prepare)
        except Reopen:
            return await self._attempt(slot, program, prepare)

    async def _attempt(self, slot: Slot, program: Program, prepare: Prepare) -> Child:
        if self._admit is not None:
            await self._admit(program)
        child = Child(
            program,
            environment(self._base, program),
            partial(self._stray, slot.key),
            clock=self._clock,
            ended=partial(self._ended, slot),
        )
        slot.spawned += 1
        self._children.add(child)
        try:
            await self._shaken(child, prepare)
        except BaseException as error:
            error.add_note(f"{child.exit}; last words on stderr: {''.join(child.stderr[-1:]) or 'none'}")
            self._discard(child)
            raise
        return child

    async def _shaken(self, child: Child, prepare: Prepare) -> None:
        async with asyncio.timeout(child.program.start_timeout):
            child.start()
            await prepare(child)
        if not child.alive:
            raise Lost(f"it ended right after the handshake: {child.exit}")

    def _failed(self, slot: Slot, program: Program, error: Exception) -> GatewayError:
        slot.failures += 1
        wait = backoff(slot.failures, self._rng())
        slot.retry_at = self._clock() + wait
        reason = error.code if isinstance(error, GatewayError) else type(error).__name__
        log.warning("process did not start", server=program.name, reason=reason, failures=slot.failures, wait=wait)
        what = f"not ready within {program.start_timeout:g} s" if isinstance(error, TimeoutError) else str(error)
        notes = "; ".join(getattr(error, "__notes__", ()))
        slot.last_failure = f"{program.name} did not start: {reason}: {what} ({notes})"
        failure = Unreachable(slot.last_failure)
        failure.__cause__ = error
        return failure

    def _waiting(self, slot: Slot, detail: str, hint: str = "") -> Unreachable:
        seconds = max(0.0, slot.retry_at - self._clock())
        hint = hint or f"its process does not run; it will be tried again in {math.ceil(seconds)} s, when called"
        return Unreachable(detail, hint=hint, retry_after=seconds)

    # Ending.

    def _discard(self, child: Child) -> None:
        if child.pid is None:
            self._children.discard(child)
            return
        self._tasks.create_task(child.stop(self._limits.grace))

    def _emptied(self, slot: Slot, drain: float | None = None) -> list[asyncio.Task[Any]]:
        """Take the slot out of use and return the tasks that end what it had."""
        self._slots.pop(slot.key, None)
        ending: list[asyncio.Task[Any]] = []
        if slot.starting is not None:
            slot.starting.cancel()
            ending.append(slot.starting)
        if slot.child is not None:
            ending.append(self._replaced(slot, slot.child, drain))
        return ending

    def _replaced(self, slot: Slot, child: Child, drain: float | None = None) -> asyncio.Task[None]:
        slot.child = None
        return self._tasks.create_task(self._drained(child, drain))

    async def _drained(self, child: Child, drain: float | None = None) -> None:
        try:
            async with asyncio.timeout(self._limits.drain if drain is None else drain):
                await child.quiet()
        except TimeoutError:
            log.warning("calls in flight are cut off", server=child.program.name, in_flight=child.in_flight)
        await child.stop(self._limits.grace)

    async def _settled(self, groups: Iterable[Iterable[asyncio.Task[Any]]]) -> None:
        tasks = [task for group in groups for task in group]
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, slot: Slot, child: Child) -> None:
        """Note that a process is gone; one that was not told to go has crashed."""
        self._children.discard(child)
        slot.last_exit = child.exit
        if slot.child is not child:
            return
        slot.child, slot.last_failure = None, f"{slot.key[0]} ended by itself: {child.exit}"
        slot.retry_at = now = self._clock()
        slot.crashes = slot.crashes + 1 if now - slot.ready_at < STEADY else 1
        if slot.crashes > FREE_CRASHES:
            slot.retry_at = now + backoff(slot.crashes - FREE_CRASHES, self._rng())
        log.warning("process ended by itself", server=slot.key[0], pid=child.pid, exit=child.exit)

    # Watching.

    def _line(self, slot: Slot) -> Status:
        child, waits = slot.child, self._clock() < slot.retry_at
        state = "starting" if slot.starting else "ready" if child else "failed" if waits else "stopped"
        return Status(
            *slot.key,
            state=state,
            pid=child.pid if child else None,
            restarts=max(0, slot.spawned - 1),
            in_flight=child.in_flight if child else 0,
            last_exit=slot.last_exit,
        )

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            self.sweep()
