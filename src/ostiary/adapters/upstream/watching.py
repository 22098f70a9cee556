"""Every resource that somebody watches: each is asked for once upstream, however many clients want to hear of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Final

import msgspec
import structlog

from ostiary.adapters.upstream.handshake import Link
from ostiary.adapters.upstream.lines import Ears, Line, ListenLine, SessionLine
from ostiary.adapters.upstream.server import Server
from ostiary.adapters.upstream.wire import Wire
from ostiary.core.errors import GatewayError, Lost, NoHandshake, Overloaded, TimedOut, Unreachable
from ostiary.core.model import Call, Era, Json, Order
from ostiary.core.ports import Change, Tell, Watched
from ostiary.protocol import uris
from ostiary.protocol.capabilities import NOTHING

log: Final = structlog.get_logger(__name__)

PATIENCE: Final = 10.0
"""Seconds that a server has to agree."""
MOST_URIS: Final = 1024
"""Resources that one principal watches at one server."""
MOST_WATCHERS: Final = 200
"""Principals who watch something at one server: each takes a connection or a process."""
_STEADY: Final = 30.0
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 60.0
_METHOD_UNKNOWN: Final = -32601

Begin = Callable[[Ears], Awaitable[Line]]
Settled = Json | GatewayError | None
"""How asking for one resource ended: with the server's error, with ours, or well."""


def pause(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures, 16))
    return longest * random.uniform(0.8, 1.2)  # noqa: S311 - jitter


class Watcher:
    """What one principal watches at one server: counted by URI, and asked for over one line."""

    def __init__(
        self, server: str, begin: Begin, over: Callable[[], None], pauses: Callable[[int], float] = pause
    ) -> None:
        """Open lines with `begin`; call `over` when nobody wants anything any more."""
        self._server, self._begin, self._over, self._pauses = server, begin, over, pauses
        self._wanted: dict[str, dict[object, Tell]] = {}
        self._agreed: set[str] = set()
        """What the server agreed to, on this line or on an earlier one."""
        self._waiting: dict[str, asyncio.Future[Settled]] = {}
        self._news = asyncio.Event()
        self._moved = False
        self._task: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> Mapping[str, int]:
        """How many want to hear of each resource."""
        return {uri: len(wants) for uri, wants in self._wanted.items()}

    async def add(self, uri: str, tell: Tell) -> Watched:
        """Watch a resource for one more."""
        if uri not in self._wanted and len(self._wanted) >= MOST_URIS:
            raise Overloaded(hint=f"at most {MOST_URIS} resources of a server are watched at a time; give some up")
        token = object()
        self._wanted.setdefault(uri, {})[token] = tell
        release = partial(self._release, uri, token)
        try:
            error = await self._settled(uri)
        except BaseException:
            release()
            raise
        return Watched(release, error)

    async def _settled(self, uri: str) -> Json | None:
        if uri in self._agreed:
            return None
        future = self._waiting.get(uri)
        if future is None:
            future = self._waiting[uri] = asyncio.get_running_loop().create_future()
        self._stir()
        done, _ = await asyncio.wait({future}, timeout=PATIENCE)
        if not done:
            raise TimedOut(f"{self._server} did not say in time whether it tells of changes of a resource")
        outcome = future.result()
        if isinstance(outcome, GatewayError):
            # One for each who waited: what becomes of a call is written into its error.
            raise type(outcome)(outcome.detail, hint=outcome.hint, retry_after=outcome.retry_after)
        return outcome

    def _release(self, uri: str, token: object) -> None:
        """Watch a resource for one less; a second time does nothing."""
        wants = self._wanted.get(uri, {})
        if wants.pop(token, None) is not None and not wants:
            self._drop(uri, None)
            self._stir()

    def _drop(self, uri: str, outcome: Settled) -> None:
        self._wanted.pop(uri, None)
        self._agreed.discard(uri)
        self._answer(uri, outcome)

    def _answer(self, uri: str, outcome: Settled) -> None:
        future = self._waiting.pop(uri, None)
        if future is not None and not future.done():
            future.set_result(outcome)

    def move(self) -> None:
        """Begin anew: what is behind the server's name is not what it was."""
        self._moved = True
        self._news.set()

    def close(self) -> None:
        """Stop at once, without a word to the server."""
        if self._task is not None:
            self._task.cancel()

    def _stir(self) -> None:
        self._news.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    # The one task that talks to the server

    async def _run(self) -> None:
        try:
            await self._kept_up()
        finally:
            # Nothing is awaited between the last look at what is wanted and this: who comes now starts anew.
            self._task = None
            self._over()

    async def _kept_up(self) -> None:
        failures, now = 0, asyncio.get_running_loop().time
        while self._wanted:
            begun = now()
            try:
                await self._followed()
            except GatewayError as error:
                log.debug("resources cannot be watched at present", server=self._server, reason=error.detail)
                self._refuse(error)
            failures = 0 if now() - begun > _STEADY else failures + 1
            await self._rest(self._pauses(failures - 1) if self._wanted and failures else 0.0)

    async def _rest(self, seconds: float) -> None:
        """Wait before the next attempt; somebody new is worth one at once."""
        self._news.clear()
        if seconds and not self._waiting:
            await asyncio.wait({task := asyncio.ensure_future(self._news.wait())}, timeout=seconds)
            task.cancel()

    def _refuse(self, error: GatewayError) -> None:
        """Tell those who wait for a first answer that there is none; what was agreed once is tried again."""
        for uri in [uri for uri in self._wanted if uri not in self._agreed]:
            self._drop(uri, error)

    async def _followed(self) -> None:
        """Keep a line in step with what is wanted, until it ends or nothing is wanted."""
        self._moved = False
        line = await self._begin(Ears(self._hear, self._news.set))
        have: frozenset[str] = frozenset()
        try:
            while self._wanted and not (line.over or self._moved):
                self._news.clear()
                # After an interruption, what was agreed goes first: what is new must not be able to spoil it.
                goal = frozenset(self._agreed if self._agreed - have else self._wanted)
                if goal == have:
                    await self._news.wait()
                    continue
                have = await self._kept(line, goal, have)
        finally:
            await line.close()

    async def _kept(self, line: Line, goal: frozenset[str], have: frozenset[str]) -> frozenset[str]:
        """Have the line tell of all of `goal`, and return what it tells of now."""
        try:
            refused = await line.keep(goal)
        except GatewayError as error:
            if line.over or not have or not goal - have:
                raise
            self._refuse(error)
            return have
        again = self._agreed & (goal - have)
        if again and refused.keys() >= again:
            raise Lost("it does not tell of changes any more")
        for uri in goal & self._wanted.keys():
            self._settle(uri, refused.get(uri))
        for uri in again & self._wanted.keys():
            self._hear(uri)
        return goal - (refused.keys() - again)

    def _settle(self, uri: str, error: Json | None) -> None:
        if uri in self._agreed:
            return
        if error is not None:
            self._drop(uri, error)
            return
        self._agreed.add(uri)
        self._answer(uri, None)

    def _hear(self, uri: str) -> None:
        """Tell everyone who watches a resource, or something it is a part of."""
        for whole in uris.wholes(uri):
            for tell in tuple(self._wanted.get(whole, {}).values()):
                tell(Change(self._server, "resource", uri, whole))


Find = Callable[[str], Server | None]
"""Returns the server of a name, as it is configured now."""
Key = tuple[str, str, str, Era]
"""Server, principal (empty: shared by all), offer, and the era that is spoken."""


class Watching:
    """Every watcher, by whom it watches for (port `Watch`)."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._watchers: dict[Key, Watcher] = {}

    async def __call__(self, order: Order, tell: Tell) -> Watched:
        """Watch the resource that an order addresses, for its caller."""
        name = order.target.server
        server = self._server(name)
        try:
            return await self._attempted(server, _quiet(order), tell)
        except NoHandshake:
            if server.era is not Era.MODERN or server.modern_only:
                raise
            # A process of the modern era alone; who calls it from the other era is served in its own, too.
            server.modern_only = True
            return await self._attempted(server, _quiet(order), tell)

    async def _attempted(self, server: Server, order: Order, tell: Tell) -> Watched:
        """Ask in one way after another, until the server agrees; return its first refusal where it never does."""
        first: Watched | None = None
        for offer, era in _attempts(order, server, await server.spoken(order)):
            if first is not None and era is Era.HANDSHAKE and (first.error or {}).get("code") != _METHOD_UNKNOWN:
                break
            try:
                watched = await self._watcher(server, order, offer, era).add(order.target.name, tell)
            except NoHandshake:
                if first is None:
                    raise
                break
            if watched.error is None:
                return watched
            first = first or watched
        return first or Watched(lambda: None)

    def _watcher(self, server: Server, order: Order, offer: str, era: Era) -> Watcher:
        name = server.setup.name
        principal = "" if server.setup.shared else f"{order.caller.issuer} {order.caller.subject}"
        key = (name, principal, offer, era)
        found = self._watchers.get(key)
        if found is not None:
            return found
        if sum(each[0] == name for each in self._watchers) >= MOST_WATCHERS:
            raise Overloaded(hint=f"at most {MOST_WATCHERS} principals watch resources of {name} at a time")
        client = msgspec.structs.replace(order.call.client, offer=offer)
        order = msgspec.structs.replace(order, call=msgspec.structs.replace(order.call, client=client))
        made = Watcher(name, partial(self._begun, order, era), lambda: self._over(key))
        self._watchers[key] = made
        return made

    def _over(self, key: Key) -> None:
        self._watchers.pop(key, None)

    async def _begun(self, order: Order, era: Era, ears: Ears) -> Line:
        """Open a line to what is behind the server's name at present."""

        async def again() -> Link | Wire:
            return await self._server(order.target.server).way(_timed(order), era)

        way = await again()
        if isinstance(way, Link):
            return SessionLine(way, again, self._server(order.target.server).streams, ears)
        return ListenLine(way, order.call.client.offer, ears)

    def _server(self, name: str) -> Server:
        server = self._find(name)
        if server is None:
            raise Unreachable(f"{name} was removed from the configuration")
        return server

    def moved(self, name: str) -> None:
        """Begin anew with a server that was configured differently, or removed."""
        for key, watcher in list(self._watchers.items()):
            if key[0] == name:
                watcher.move()

    @property
    def watched(self) -> Mapping[Key, Mapping[str, int]]:
        """What is watched, and for how many."""
        return {key: watcher.wanted for key, watcher in self._watchers.items()}

    def close(self) -> None:
        """End everything."""
        for watcher in tuple(self._watchers.values()):
            watcher.close()


def _attempts(order: Order, server: Server, era: Era) -> Iterator[tuple[str, Era]]:
    """Yield for which client capabilities, and in which eras, to ask.

    A process is the caller's own: what changes in it is said by it alone. Over HTTP one subscription does for all of a
    principal's programs, unless a resource is there only for clients that can do more.
    """
    own = order.call.client.offer
    if server.pool is None:
        yield own, era
        return
    for each in (era, Era.HANDSHAKE) if era is Era.MODERN and not server.modern_only else (era,):
        for offer in dict.fromkeys((NOTHING, own)):
            yield offer, each


def _quiet(order: Order) -> Order:
    """Return the order without anything that belongs to one call or session."""
    call, client = order.call, msgspec.structs.replace(order.call.client, session=None)
    return _timed(msgspec.structs.replace(order, call=Call(None, call.method, None, {}, client)))


def _timed(order: Order) -> Order:
    return msgspec.structs.replace(order, deadline=asyncio.get_running_loop().time() + PATIENCE)
