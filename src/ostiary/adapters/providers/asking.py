"""The guard around a provider: what is sent, how long it may take, and what becomes of it when nobody answers.

Whatever is late, throttled, partial or unreadable was not looked at, and what was not looked at is stopped; with
`unsafe_open` it goes on, with a note that says so. What a provider refuses because of the words themselves is stopped
even then: otherwise words could choose not to be looked at.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from msgspec import Struct

from ostiary.adapters.providers.formats import Asked, Outgoing, Prepared, Provider, Said, Send, Unreadable
from ostiary.adapters.providers.remembering import Remembered, digest
from ostiary.adapters.providers.saying import Deed, verdict
from ostiary.adapters.providers.showing import Shown, shown, without
from ostiary.core.errors import Busy, Garbled, GatewayError, Lost, TimedOut
from ostiary.core.screening import Block, Note, Pass, Payload, Verdict
from ostiary.policy.breakers import Breaker, Pace, State

log: Final = structlog.get_logger(__name__)

MOST_UNDER_WAY: Final = 128
"""Payloads that are being asked about at one time."""
MOST_AT_ONCE: Final = 16
"""Requests that are under way at one time."""
MOST_PIECES: Final = 256
"""Requests for one payload."""
_SHARE: Final = 0.9
"""The part of a guard's time that may pass before it gives up: it has to say something before it is stopped."""
_DIGEST: Final = 16
_LIGHT: Final = 64 * 1024
_FEW: Final = 500
"""Characters and texts that are put together in less time than anybody notices."""

A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")
Sayings = tuple[Said, ...]


class Bounds(Struct, frozen=True):
    """How a provider is asked."""

    name: str
    """The guard's, in messages."""
    timeout: float
    """Seconds that the guard has, from when it is shown something."""
    whose: tuple[str, ...]
    """The provider, where it is asked, and its profile: what was said is remembered for these only."""
    cache: float = 0.0
    """Seconds for which answers are remembered; failures never are."""
    unsafe_open: bool = False
    skip: frozenset[str] = frozenset()
    """Members that are not sent, by name."""


class World(Struct, frozen=True):
    """What asking needs from outside."""

    send: Send
    time: Callable[[], float]
    """Seconds since the epoch: what requests are signed with."""
    clock: Callable[[], float]
    """Seconds that never step back: what rests and memories end by."""
    salt: bytes
    """Makes the digests of runs mean nothing elsewhere."""
    hide: Callable[[Payload], Awaitable[Payload]] | None = None
    """Masks secrets and personal data before anything is sent."""
    pace: Pace = Pace()


class Unlooked(Exception):
    """Nobody looked; the reason has nothing of the words, of keys or of addresses."""

    def __init__(self, reason: str, *, words: bool = False) -> None:
        """`words`: because of what was in it."""
        super().__init__(reason)
        self.reason, self.words = reason, words


class Asking:
    """A guard that shows payloads to a provider, and says what the configuration makes of its answer."""

    def __init__(self, make: Callable[[], Provider], bounds: Bounds, deed: Deed, world: World) -> None:
        """Ask what `make` makes; it is made anew before a provider that was left alone is asked again.

        So a key that was changed where it is kept is used without a restart.
        """
        self._make, self._provider = make, make()
        self._bounds, self._deed, self._world = bounds, deed, world
        self._breaker = Breaker(world.pace)
        self._remembered: Remembered[Sayings] = Remembered(bounds.cache, _weight)
        self._under_way: dict[bytes, asyncio.Task[Sayings]] = {}
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def state(self) -> State:
        """Whether the provider is asked at this moment."""
        return self._breaker.state

    async def __call__(self, payload: Payload) -> Verdict:
        """Look at a payload."""
        deadline = asyncio.get_running_loop().time() + self._bounds.timeout * _SHARE
        there = await self._shown(without(payload, self._bounds.skip) if self._bounds.skip else payload)
        if not there.asked.texts:
            return Pass()
        try:
            said = await self._said(there.asked, deadline)
        except Unlooked as error:
            if self._bounds.unsafe_open and not error.words:
                return Note(f"was not looked at: {error.reason}")
            return Block(f"could not be looked at: {error.reason}")
        return verdict(said, there, payload, self._deed)

    async def idle(self) -> None:
        """Wait until nothing is under way; each look has its bound."""
        while self._under_way:
            await asyncio.wait(tuple(self._under_way.values()))

    async def close(self) -> None:
        """End what is under way."""
        tasks = tuple(self._under_way.values())
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What is asked

    async def _shown(self, payload: Payload) -> Shown:
        masked = await self._world.hide(payload) if self._world.hide is not None else payload
        run = hashlib.blake2b(payload.run.encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=self._world.salt)
        return shown(payload, masked, run.hexdigest())

    async def _said(self, asked: Asked, deadline: float) -> Sayings:
        """Return what was said of the same words a moment ago, what is being said of them, or ask."""
        key = await _aside(_heavy(asked), digest, self._bounds.whose, asked)
        known = self._remembered.find(key, self._world.clock())
        if known is not None:
            return known
        task = self._under_way.get(key)
        if task is None:
            if len(self._under_way) >= MOST_UNDER_WAY:
                raise Unlooked("too much is being looked at")
            task = asyncio.get_running_loop().create_task(self._look(key, asked, deadline))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._over(key, done))
        # One caller who leaves does not end what others wait for.
        await asyncio.wait({task}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if not task.done() or task.cancelled():
            raise Unlooked("no answer in time")
        return task.result()

    def _over(self, key: bytes, task: asyncio.Task[Sayings]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # Those who wait hear of it; if nobody does, that is no news.

    # How it is asked

    async def _look(self, key: bytes, asked: Asked, deadline: float) -> Sayings:
        self._take()
        settled = False
        try:
            async with asyncio.timeout_at(deadline):
                said = await self._exchanged(asked, deadline)
            settled = True
        except Unreadable as error:
            settled = not error.words
            if settled:
                self._failed(error.reason, error.reason, error.retry_after)
            raise Unlooked(error.reason, words=error.words) from error
        except (TimeoutError, GatewayError) as error:
            # That too many wait for it here says nothing of how the provider is.
            settled = not isinstance(error, Busy)
            if settled:
                self._failed(_reason(error), getattr(error, "detail", ""))
            raise Unlooked(_reason(error)) from error
        finally:
            if not settled:
                self._breaker.released(self._world.clock())
        if self._breaker.well():
            log.info("a provider answers again", guard=self._bounds.name, provider=self._provider.name)
        self._remembered.keep(key, said, self._world.clock())
        return said

    def _take(self) -> None:
        now = self._world.clock()
        if not self._breaker.take(now):
            left = max(0.0, self._breaker.until - now)
            raise Unlooked(f"it is left alone for {left:.0f} s more; {self._breaker.reason}")
        if self._breaker.state is State.HALF_OPEN:
            try:
                self._provider = self._make()
            except (LookupError, ValueError) as error:
                # What cannot be read at this moment may be half written; what was read before may still do.
                log.warning("the key of a provider cannot be read", guard=self._bounds.name, reason=str(error))

    def _failed(self, reason: str, detail: str, retry_after: float = 0.0) -> None:
        now = self._world.clock()
        if self._breaker.failed(now, reason, retry_after):
            log.warning(
                "a provider is left alone for a while",
                guard=self._bounds.name,
                provider=self._provider.name,
                reason=detail or reason,
                seconds=round(self._breaker.until - now, 1),
                passes=self._bounds.unsafe_open,
            )

    async def _exchanged(self, asked: Asked, deadline: float) -> Sayings:
        provider, send, now = self._provider, self._world.send, self._world.time()
        if isinstance(provider, Prepared):
            await provider.prepare(send, now, deadline)
        try:
            requests = await _aside(_heavy(asked), provider.request, asked, now)
        except UnicodeEncodeError as error:
            raise Unreadable("it has characters that no provider reads", words=True) from error
        if not 0 < len(requests) <= MOST_PIECES:
            raise Unreadable(f"it would take {len(requests)} requests to show all of it", words=True)
        if len(requests) == 1:
            return (await self._exchange(requests[0], deadline),)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._exchange(each, deadline)) for each in requests]
        except* (Unreadable, GatewayError) as errors:
            raise _worst(errors) from errors
        return tuple(task.result() for task in tasks)

    async def _exchange(self, sent: Outgoing, deadline: float) -> Said:
        async with self._slots:
            try:
                got = await self._world.send(sent, deadline)
            except Lost:
                # A connection that was kept may be closed from the other side while a request is on its way. To ask
                # again changes nothing there, unlike a call.
                got = await self._world.send(sent, deadline)
        heavy = len(got.body) > _LIGHT or len(sent.portions) > _FEW
        return await _aside(heavy, self._provider.read, sent, got)


def _heavy(asked: Asked) -> bool:
    return len(asked.texts) > _FEW or sum(len(each.value) for each in asked.texts) > _LIGHT


async def _aside(heavy: bool, made: Callable[[A, B], R], one: A, two: B) -> R:
    """Return what a function makes; where that takes a while, others have their turn in the meantime."""
    return await asyncio.to_thread(made, one, two) if heavy else made(one, two)


def _weight(said: Sayings) -> int:
    return 64 + sum(len(text) for each in said for text in (each.masked or {}).values())


def _worst(errors: ExceptionGroup[Unreadable | GatewayError]) -> Unreadable | GatewayError:
    """Return one failure of several; one that the words caused counts most, because nothing lets it pass."""
    each = list(_flat(errors))
    return next((one for one in each if isinstance(one, Unreadable) and one.words), each[0])


def _flat(errors: ExceptionGroup[Unreadable | GatewayError]) -> list[Unreadable | GatewayError]:
    found: list[Unreadable | GatewayError] = []
    for each in errors.exceptions:
        found += _flat(each) if isinstance(each, ExceptionGroup) else [each]
    return found


def _reason(error: TimeoutError | GatewayError) -> str:
    """Return why there was no answer, in words that a caller may read: no address, no name of a machine."""
    match error:
        case TimeoutError() | TimedOut():
            return "no answer in time"
        case Lost():
            return "it broke off"
        case Garbled():
            return "its answer could not be read"
        case Busy():
            return "too many requests wait for it"
        case _:
            return "it cannot be reached"
