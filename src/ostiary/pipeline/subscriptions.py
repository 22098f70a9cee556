"""What handshake-era sessions subscribed to: kept by the gateway, told on the session's stream.

Like everything that goes on in a session, it lies in this process and is lost with it. A session whose stream is gone
for a while is not forgotten, for clients come back; but nobody upstream is kept busy for it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Final

import msgspec
from msgspec import Struct, field

from ostiary.core.errors import GatewayError, Overloaded
from ostiary.core.model import Caller, Json, Order, Surface, Target
from ostiary.core.ports import Change, Release, Watch
from ostiary.pipeline.feed import Feed
from ostiary.pipeline.links import Links
from ostiary.pipeline.reach import readable

EACH: Final = 256
"""Resources of one session."""
_PRINCIPAL: Final = 1024
_ALL: Final = 65_536
LINGER: Final = 10.0
"""Seconds for which upstream subscriptions outlive the stream: a client that lost it comes back at once."""
_LIFETIME: Final = 86_400.0
_RETRIES: Final = (0.0, 1.0, 2.0, 5.0, 15.0)
_LAST_RETRY: Final = 60.0

Principal = tuple[str, str]


class Held(Struct):
    """The subscriptions of one session."""

    session: str
    owner: Principal
    feed: Feed = field(default_factory=Feed)
    kept: dict[str, Release | None] = field(default_factory=dict)
    """What ends each; None: it is remembered, and nobody upstream was asked, or nobody has answered yet."""
    streams: int = 0
    timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Say whether it is only remembered."""
        return not self.streams and not any(self.kept.values())


class Subscriptions:
    """The subscriptions of every session in this process."""

    def __init__(self, linger: float = LINGER, lifetime: float = _LIFETIME) -> None:
        """Remember what a session without a stream subscribed to for its `lifetime` at most. Seconds."""
        self._linger, self._lifetime = linger, lifetime
        self._of: dict[str, Held] = {}
        self._count: Counter[Principal] = Counter()

    def __len__(self) -> int:
        """Count the subscriptions."""
        return self._count.total()

    async def add(self, session: str, order: Order, watch: Watch) -> Json | None:
        """Subscribe a session to the resource that an order addresses; return the server's error if it refuses."""
        held, uri = self._held(session, order.caller), order.target.name
        if held.kept.get(uri) is not None:
            return None
        if uri not in held.kept:
            self._admit(held)
            held.kept[uri] = None
            self._count[held.owner] += 1
        try:
            watched = await watch(order, held.feed.tell)
        except BaseException:
            self._drop(held, uri)
            raise
        if watched.error is not None:
            self._drop(held, uri)
            return watched.error
        self._keep(held, uri, watched.release)
        return None

    def _held(self, session: str, caller: Caller) -> Held:
        found = self._of.get(session)
        if found is None:
            found = self._of[session] = Held(session, (caller.issuer, caller.subject))
        return found

    def _admit(self, held: Held) -> None:
        """Make room for one more, by forgetting who has been away for longest."""
        if len(held.kept) >= EACH:
            raise Overloaded(hint=f"a session subscribes to at most {EACH} resources; unsubscribe from some")
        for session, each in list(self._of.items()):
            if self._count[held.owner] < _PRINCIPAL and len(self) < _ALL:
                return
            if each.idle and each is not held and (each.owner == held.owner or len(self) >= _ALL):
                self.forget(session)
        if self._count[held.owner] >= _PRINCIPAL or len(self) >= _ALL:
            raise Overloaded(hint="too many resources are subscribed to; unsubscribe from some, or end sessions")

    def _keep(self, held: Held, uri: str, release: Release) -> None:
        if not self._current(held) or uri not in held.kept or held.kept[uri] is not None:
            # The session ended, or the client changed its mind, while the server was asked.
            release()
            return
        held.kept[uri] = release
        if not held.streams:
            self._part(held)

    def _drop(self, held: Held, uri: str) -> None:
        """Forget one subscription that did not come about."""
        if self._current(held) and uri in held.kept and held.kept[uri] is None:
            self._remove(held, uri)

    def remove(self, session: str, uri: str) -> None:
        """End one subscription of a session."""
        held = self._of.get(session)
        if held is not None and uri in held.kept:
            self._remove(held, uri)

    def _remove(self, held: Held, uri: str) -> None:
        release = held.kept.pop(uri)
        self._discount(held, 1)
        if release is not None:
            release()
        if not held.kept and not held.streams and self._current(held):
            self.forget(held.session)

    def _current(self, held: Held) -> bool:
        return self._of.get(held.session) is held

    def _discount(self, held: Held, number: int) -> None:
        self._count[held.owner] -= number
        if not self._count[held.owner]:
            del self._count[held.owner]

    def forget(self, session: str) -> None:
        """End every subscription of a session."""
        held = self._of.pop(session, None)
        if held is None:
            return
        if held.kept:
            self._discount(held, len(held.kept))
        self._stop(held)

    def _stop(self, held: Held) -> None:
        if held.timer is not None:
            held.timer.cancel()
            held.timer = None
        for uri, release in held.kept.items():
            held.kept[uri] = None
            if release is not None:
                release()

    def _part(self, held: Held) -> None:
        """Wait a while for the session's stream, then ask nobody upstream any more."""
        if held.timer is not None:
            held.timer.cancel()
        held.timer = asyncio.get_running_loop().call_later(self._linger, self._park, held)

    def _park(self, held: Held) -> None:
        self._stop(held)
        if not self._current(held):
            return
        if not held.kept:
            self.forget(held.session)
            return
        held.timer = asyncio.get_running_loop().call_later(self._lifetime, self.forget, held.session)

    # While the session has a stream

    @contextmanager
    def streaming(self, session: str, caller: Caller) -> Iterator[Held]:
        """Give what a session subscribed to, while it has a stream to hear of it."""
        held = self._held(session, caller)
        held.streams += 1
        if held.timer is not None:
            held.timer.cancel()
            held.timer = None
        try:
            yield held
        finally:
            held.streams -= 1
            if self._current(held) and not held.streams:
                self._part(held) if held.kept else self.forget(session)

    async def resume(self, held: Held, order: Order, surface: Surface, watch: Watch, links: Links) -> None:
        """Subscribe anew to what was only remembered, and have the client look at it: nobody watched meanwhile."""
        lost = [uri for uri, release in held.kept.items() if release is None]
        for wait in chain(_RETRIES, repeat(_LAST_RETRY)):
            if not lost:
                return
            await asyncio.sleep(wait)
            found = {uri: readable(uri, surface, order.caller, links, order.ask) for uri in lost}
            lost = [uri for uri, target in found.items() if not await self._resumed(held, target, uri, order, watch)]

    async def _resumed(self, held: Held, target: Target | None, uri: str, order: Order, watch: Watch) -> bool:
        """Subscribe anew to one resource; False where it should be tried again."""
        if target is None or uri not in held.kept or held.kept[uri] is not None:
            return True
        try:
            watched = await watch(msgspec.structs.replace(order, target=target), held.feed.tell)
        except GatewayError:
            return False
        if watched.error is not None:
            self._drop(held, uri)
            return True
        self._keep(held, uri, watched.release)
        held.feed.tell(Change(target.server, "resource", uri, uri))
        return True
