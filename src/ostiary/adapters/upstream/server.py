"""One configured server: its era, its connections or processes, its sessions.

The era is found out by `server/discover` and by nothing else: an old server may carry out any other request before it
notices that it does not understand it. Every failure but a failed connection means the handshake era. What was found
is remembered, and found out anew when the server contradicts it.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct

from ostiary.adapters.upstream import modern
from ostiary.adapters.upstream.catalogue import offering
from ostiary.adapters.upstream.channel import Channel
from ostiary.adapters.upstream.era import PATIENCE, discovered
from ostiary.adapters.upstream.handshake import Changed, Link
from ostiary.adapters.upstream.health import Health, placed
from ostiary.adapters.upstream.line import Line
from ostiary.adapters.upstream.lines import ListeningPipe, Strays, overheard
from ostiary.adapters.upstream.links import MOST, STREAMS, Links
from ostiary.adapters.upstream.overheard import Overheard
from ostiary.adapters.upstream.places import Places
from ostiary.adapters.upstream.pool import Dial, Limits, Pool
from ostiary.adapters.upstream.process import Child
from ostiary.adapters.upstream.program import Program
from ostiary.adapters.upstream.stdio import Reopen, Supervisor
from ostiary.adapters.upstream.wire import Heard, HTTPWire, PipeWire, SessionGone, Wire
from ostiary.core.errors import NoHandshake, TimedOut, Unreachable
from ostiary.core.model import Era, Json, Kind, Order, Target
from ostiary.core.ports import Back
from ostiary.integrity.pins import Offering
from ostiary.policy.egress import Origin
from ostiary.policy.outliers import Outliers

log: Final = structlog.get_logger(__name__)

GATEWAY: Final = "gateway"
"""The principal of the gateway's own questions to a server."""
_SHIFTED: Final = "what the server offers has changed; list it again, then call again"
_SHAKEN: Final = "handshake "
_REFUSALS: Final = 400
_HEARD: Final = "info"
"""The log level of a handshake-era client that asked for none: in its era, servers then decide."""
_CONTRADICTIONS: Final = frozenset({-32600, -32601, -32602, -32022, -32000})


class Setup(Struct, frozen=True):
    """What the configuration says about a server, ready for use. Holds secrets: it has no useful repr."""

    name: str
    origin: Origin | None = None
    fields: bytes = b""
    tls: ssl.SSLContext | None = None
    dial: Dial | None = None
    outliers: Outliers | None = None
    program: Program | None = None
    shared: bool = False
    era: str = "auto"
    max_in_flight: int = 32
    max_waiting: int = 256
    failures: int = 5
    """In a row, after which it is left alone; 0: never."""
    rest: float = 10.0
    """Seconds for which it is left alone the first time."""
    answer: int = 32 * 1024 * 1024
    start_timeout: float = 60.0
    sse: bool = False
    """Whether it speaks the transport of 2024-11-05; the era has to be `handshake` then."""

    def __repr__(self) -> str:
        return f"Setup({self.name!r})"


Sighted = Callable[[Offering], Awaitable[bool]]
"""Takes in what a fresh process offers, before its first call; True where that is not what was offered before."""


class Server:
    """Carries orders out at one upstream."""

    def __init__(
        self, setup: Setup, supervisor: Supervisor, changed: Callable[[str, str], None], sighted: Sighted
    ) -> None:
        self.setup, self._supervisor, self._sighted = setup, supervisor, sighted
        self._changed: Changed = lambda what: changed(setup.name, what)
        self.era: Era | None = None if setup.era == "auto" else Era(setup.era)
        self.modern_only = setup.era == "modern"
        self._probing: asyncio.Task[Era] | None = None
        self.places = Places(setup.max_in_flight, setup.max_waiting)
        self._of_child: dict[int, Link] = {}
        self.health = Health(setup.name, setup.failures, setup.rest, reached=setup.program is None)
        self._wire: HTTPWire | None = None
        self.pool: Pool | None = None
        self.streams: HTTPWire | None = None
        """What lasts takes its connections from another pool than calls do."""
        self._pools: list[Pool] = []
        self._strays, self._overheard = Strays(), Overheard(shared=setup.shared)
        if setup.origin is not None and setup.dial is not None:
            # Where its answers are events, each of its sessions keeps a connection.
            most = setup.max_in_flight + 32 + (STREAMS if setup.sse else 0)
            limits = Limits(connections=most, body=setup.answer, event=setup.answer)
            self.pool = Pool(setup.origin, dial=setup.dial, tls=setup.tls, limits=limits, outliers=setup.outliers)
            self._pools.append(self.pool)
            if not setup.sse:
                self._wire = HTTPWire(self.pool, setup.origin.target.encode("ascii"), setup.fields)
                lasting = Pool(setup.origin, dial=setup.dial, tls=setup.tls, limits=Limits(connections=STREAMS))
                self.streams = HTTPWire(lasting, setup.origin.target.encode("ascii"), setup.fields)
                self._pools.append(lasting)
        self._lines: dict[str, Line] = {}
        """By the tool's name; as many as were approved."""
        kept = STREAMS if setup.sse else MOST
        self._links = Links(setup.name, self._wired, setup.start_timeout, self._changed, kept)

    async def carry(self, order: Order, back: Back) -> Json:
        """Carry an order out, and return the JSON-RPC answer."""
        if order.target.kind is Kind.GATEWAY:
            return await self._aside(order, back)
        await placed(self.health, self.places, order, self.setup.name)
        try:
            if self.era is Era.MODERN and self._wire is not None and order.call.client.era is Era.MODERN:
                heard = await modern.carry(self._wire, order, back)
                if heard.status >= _REFUSALS:
                    heard = await self.reconsidered(heard, order, back)
            else:
                heard = await self._carried(order, back)
            self.health.well()
        except BaseException as error:
            self.health.ended(error, order.caller)
            raise
        finally:
            self.places.leave()
        return heard.message

    def line(self, target: Target, current: Callable[[], bool]) -> Line | None:
        """Return the shortest way to a tool, for clients that declare nothing; None where there is only this one."""
        if self.era is not Era.MODERN or self._wire is None or self.pool is None:
            return None
        line = self._lines.get(target.name)
        if line is None:
            line = self._lines[target.name] = Line(self, self.pool, self._wire, target, current)
        return line

    async def _carried(self, order: Order, back: Back) -> Heard:
        era = self.era or await self._found(order.deadline)
        if era is Era.MODERN and order.call.client.era is Era.HANDSHAKE and not self.modern_only:
            # Most modern servers speak both eras; then nothing is lost by speaking the client's own.
            try:
                return await self._in_session(order, back)
            except NoHandshake as error:
                self.modern_only = True
                log.info("server speaks the modern era only", server=self.setup.name, reason=error.detail)
        if era is Era.MODERN:
            wire = self._wire or await self._pipe(order.caller.subject, order.caller.issuer, order)
            with self._overheard.carrying(wire, order := self._audible(order), back):
                return await self.reconsidered(await modern.carry(wire, order, back), order, back)
        return await self._in_session(order, back)

    def _audible(self, order: Order) -> Order:
        """Say in each call what a handshake-era client said once, or never: which log messages it wants to hear."""
        call = order.call
        if call.client.session is None:
            return order
        level = self._links.level(call.client.session) or _HEARD
        return msgspec.structs.replace(order, call=msgspec.structs.replace(call, level=level))

    async def reconsidered(self, heard: Heard, order: Order, back: Back) -> Heard:
        """Return the answer, or the one in the other era, if this one means that the server changed its era."""
        if not self._contradicts(heard) or await self._found(order.deadline) is Era.MODERN:
            return heard
        return await self._in_session(order, back)

    def _contradicts(self, heard: Heard) -> bool:
        """Say whether a refusal means that the server's era is not what we took it for; nothing was done then."""
        error = heard.message.get("error")
        if self.setup.era != "auto" or heard.status < _REFUSALS or not isinstance(error, dict):
            return False
        if error.get("code") not in _CONTRADICTIONS or error.get("code") == -32602:  # noqa: PLR2004
            return False
        self.era = None
        return True

    async def _in_session(self, order: Order, back: Back) -> Heard:
        for attempt in (1, 2):
            link = await self._link(order)
            link.used = asyncio.get_running_loop().time()
            try:
                return await link.carry(order, back)
            except SessionGone:
                # 404: the server knows no such session, so it did nothing; a new one may ask again, once.
                if attempt == 2:  # noqa: PLR2004
                    raise Unreachable("the server forgets its sessions at once") from None
        raise AssertionError

    # Which era?

    async def _found(self, deadline: float) -> Era:
        """Return the server's era, asking it once for all who wait."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.get_running_loop().create_task(self._probe())
        done, _ = await asyncio.wait({self._probing}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if not done:
            raise TimedOut(f"{self.setup.name} did not say in time which protocol it speaks")
        return self._probing.result()

    async def _probe(self) -> Era:
        deadline = asyncio.get_running_loop().time() + max(PATIENCE, self.setup.start_timeout)
        if self._wire is None:
            # A process is probed while it is prepared, in `_ready`.
            await self._pipe(GATEWAY, "", None, deadline)
        else:
            self.era = await discovered(self._wire, deadline)
        log.info("server answers", server=self.setup.name, era=self.era)
        if self.era is None:
            raise Unreachable(f"{self.setup.name} could not be asked")
        return self.era

    # Processes

    def program(self) -> Program:
        """Return what to start."""
        if self.setup.program is None:
            raise Unreachable(f"{self.setup.name} is no process")
        return self.setup.program

    async def _pipe(
        self,
        subject: str,
        issuer: str,
        order: Order | None,
        deadline: float = 0.0,
        offer: str = "",
        *,
        shake: bool = False,
    ) -> PipeWire:
        principal = "" if self.setup.shared else f"{issuer} {subject}"
        offer = order.call.client.offer if order else offer
        # A process that shook hands serves no other era, so it is another process.
        key = (self.setup.name, principal, f"{_SHAKEN}{offer}" if shake else offer)
        until = order.deadline if order else deadline
        try:
            child = await self._supervisor.child(
                key, self.program(), until, lambda child: self._ready(child, offer, shake=shake, own=subject == GATEWAY)
            )
        except Unreachable as error:
            start = error.__cause__
            if start is not None and isinstance(start.__cause__, NoHandshake):
                # The process runs, and says that it opens no session: that is no failure to start.
                raise NoHandshake(start.__cause__.detail) from None
            raise
        return PipeWire(child)

    async def _ready(self, child: Child, offer: str, *, shake: bool, own: bool) -> None:
        """Prepare a fresh process: find out its era once, shake hands where it or the client wants that."""
        deadline = asyncio.get_running_loop().time() + self.setup.start_timeout
        wire = PipeWire(child)
        if self.era is None:
            self.era = await discovered(wire, deadline)
            if self.era is Era.HANDSHAKE:
                # Some old servers are confused by the question for good; they get a fresh start.
                raise Reopen
        link = None
        if self.era is Era.HANDSHAKE or shake:
            link = Link(wire, offer, self._changed)
            await link.open(deadline)
            self._of_child = {pid: each for pid, each in self._of_child.items() if each.alive}
            self._of_child[id(child)] = link
        if link is None:
            await overheard(wire, deadline)
        if not own and not (shake and self.era is Era.MODERN):
            # A package runner may have fetched another version since the last process: what this one offers is judged
            # before it carries a call. (In its other era a server may write the same definitions differently.)
            found = await offering(self.setup.name, offer, self.era, link or wire, deadline, time.time())
            if await self._sighted(found):
                # The call that started it was decided by what the last process offered.
                raise Unreachable("this process offers something else than the last one", hint=_SHIFTED)

    def stray(self, child: Child, message: dict[str, Any]) -> None:
        """Handle what a process says outside any call."""
        link = self._of_child.get(id(child))
        if link is not None:
            link.stray(message)
            return
        method = message.get("method")
        if self._strays.take(child, message) or self._overheard.take(child, message):
            return
        if isinstance(method, str) and method.endswith("/list_changed"):
            self._changed(method.split("/")[1])

    # Sessions (handshake era)

    def _wired(self) -> Wire:
        if self.setup.sse and self.setup.origin is not None and self.pool is not None:
            return Channel(self.pool, self.setup.origin, self.setup.fields)
        if self._wire is None:
            raise Unreachable(f"{self.setup.name} has no endpoint")
        return self._wire

    async def _link(self, order: Order) -> Link:
        caller, client = order.caller, order.call.client
        if self.pool is None:
            wire = await self._pipe(caller.subject, caller.issuer, order, shake=self.era is Era.MODERN)
            return self._of_child[id(wire.child)]
        principal = "" if self.setup.shared else f"{caller.issuer} {caller.subject}"
        return await self._links.session((principal, client.session or "", client.offer), order.deadline)

    async def sweep(self, now: float) -> None:
        """End sessions that nobody used for a while."""
        await self._links.sweep(now)

    # What concerns no single call

    async def _aside(self, order: Order, back: Back) -> Json:
        """Carry out what a client says to all servers of its endpoint: its log level, its roots."""
        call, session = order.call, order.call.client.session
        match call.method:
            case "subscriptions/listen" if self.era is Era.MODERN:
                wire = await self.way(order, Era.MODERN)
                return {} if isinstance(wire, Link) else (await modern.carry(wire, order, back)).message
            case "logging/setLevel" if session:
                await self._levelled(order, session)
            case "notifications/roots/list_changed" if session:
                for link in self._mine(order, session):
                    with suppress(SessionGone):
                        await link.tell(call.method, {}, order.deadline)
        return {"result": {}}

    async def _levelled(self, order: Order, session: str) -> None:
        level = str(order.call.params["level"])
        self._links.levelled(session, level)
        for link in self._mine(order, session):
            with suppress(SessionGone):
                # The next call opens a session in its place, at this level.
                await link.set_level(level, order.deadline)

    def _mine(self, order: Order, session: str) -> list[Link]:
        """Return the open sessions that serve this client session."""
        offer = order.call.client.offer
        found = self._links.of(session)
        principal = "" if self.setup.shared else f"{order.caller.issuer} {order.caller.subject}"
        for status in self._supervisor.status() if self._wire is None else ():
            of = (status.server, status.principal, status.offer.removeprefix(_SHAKEN))
            if of == (self.setup.name, principal, offer):
                found += [link for link in self._of_child.values() if link.alive]
        return found

    # Questions of the gateway's own

    @asynccontextmanager
    async def questions(self, offer: str, deadline: float) -> AsyncIterator[tuple[Era, Wire | Link]]:
        """Give the gateway's own way to ask this server what it offers to clients with this offer."""
        if self.era is None:
            await self._found(deadline)
        if self._wire is not None and self.era is Era.MODERN:
            yield Era.MODERN, self._wire
            return
        if self.pool is not None:
            link = await self._links.session((GATEWAY, "", offer), deadline)
            try:
                yield Era.HANDSHAKE, link
            except SessionGone:
                link.broken = True
                raise Unreachable("the server forgot the gateway's session; the next question opens one") from None
            return
        pipe = await self._pipe(GATEWAY, "", None, deadline, offer)
        if self.era is Era.MODERN:
            yield Era.MODERN, pipe
            return
        yield Era.HANDSHAKE, self._of_child[id(pipe.child)]

    async def spoken(self, order: Order) -> Era:
        """Return the era to subscribe in for a caller: the server's own, or in a process the one its calls are in."""
        era = self.era or await self._found(order.deadline)
        shaken = order.call.client.era is Era.HANDSHAKE and not self.modern_only and self.pool is None
        return Era.HANDSHAKE if shaken else era

    async def way(self, order: Order, era: Era) -> Wire | Link:
        """Return how something that lasts reaches the server for this caller, in an era."""
        if era is Era.HANDSHAKE:
            return await self._link(order)
        if self.streams is not None:
            return self.streams
        pipe = await self._pipe(order.caller.subject, order.caller.issuer, order)
        return ListeningPipe(pipe.child, self._strays)

    async def close(self) -> None:
        """End every session and connection."""
        await self._links.close()
        for pool in self._pools:
            await pool.close()
        if self.setup.program is not None:
            await self._supervisor.forget(self.setup.name)
