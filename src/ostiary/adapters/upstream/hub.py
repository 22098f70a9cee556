"""All configured servers: the port `Send`, the port `Changes`, and what each of them offers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, Final

import structlog

from ostiary.adapters.upstream.announcing import announced
from ostiary.adapters.upstream.catalogue import offering
from ostiary.adapters.upstream.line import Line
from ostiary.adapters.upstream.process import Child
from ostiary.adapters.upstream.program import Program
from ostiary.adapters.upstream.server import Server, Setup, Sighted
from ostiary.adapters.upstream.stdio import Key, Supervisor
from ostiary.adapters.upstream.watching import Watching
from ostiary.adapters.upstream.witness import Witness, key
from ostiary.core.errors import GatewayError, Unreachable
from ostiary.core.model import Json, Order, Target
from ostiary.core.ports import Back, Change, Release, Tell
from ostiary.integrity.facts import Fact
from ostiary.integrity.pins import Offering

log: Final = structlog.get_logger(__name__)
_LISTS: Final = ("tools", "prompts", "resources")


class Hub:
    """Knows every server by name."""

    def __init__(self, base: Mapping[str, str]) -> None:
        """Let processes see a few names of `base`, the gateway's own environment."""
        self.supervisor = Supervisor(base, self._stray, admit=self._admitted)
        self._witness = Witness(base)
        self._servers: dict[str, Server] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._hushed = False
        self._followers: dict[object, tuple[Tell, set[str]]] = {}
        self.watch = Watching(self._named)
        """The port `Watch`."""
        self._missed: set[str] = set()
        """Servers whose announcements were interrupted, and that were not asked since."""
        self._dirty: dict[str, None] = {}
        self.stirred = asyncio.Event()
        """Set when a server said that what it offers has changed."""
        self.sighted: Sighted | None = None
        """Who takes in what a fresh process offers, before its first call."""
        self.admit: Callable[[str, tuple[Fact, ...]], Awaitable[None]] | None = None
        """Who says, of a server and what its program is, whether that may be started; raises where it may not."""

    def send(self, order: Order, back: Back) -> Coroutine[Any, Any, Json]:
        """Carry an order out at its server (port `Send`)."""
        server = self._servers.get(order.target.server)
        if server is None:
            raise Unreachable(f"{order.target.server} was removed from the configuration")
        return server.carry(order, back)

    def line(self, target: Target) -> Line | None:
        """Return the shortest way to a tool, where there is one (port `Send`, without waiting)."""
        server = self._servers.get(target.server)
        return server.line(target, lambda: self._servers.get(target.server) is server) if server is not None else None

    async def configure(self, setups: Iterable[Setup]) -> list[str]:
        """Know these servers from now on, and return the names of those that are new or different."""
        wanted = {setup.name: setup for setup in setups}
        kept = {name: server for name, server in self._servers.items() if wanted.get(name) == server.setup}
        gone = [server for name, server in self._servers.items() if name not in kept]
        fresh = [name for name in wanted if name not in kept]
        for _, followed in self._followers.values():
            # A stream may be older than a server behind its endpoint; hearing of one too many does no harm.
            followed.update(name for name in fresh if name not in self._servers)
        self._servers = kept | {
            name: Server(wanted[name], self.supervisor, self._changed, self._fresh) for name in fresh
        }
        for server in gone:
            self.watch.moved(server.setup.name)
            self._retire(server)
        return fresh

    def _retire(self, server: Server) -> None:
        """Let the calls in flight at a server that is gone, or was changed, finish; then close it."""
        if server.setup.program is not None:
            self.supervisor.retire(server.setup.name)
            return
        task = asyncio.get_running_loop().create_task(_retired(server))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def _named(self, name: str) -> Server | None:
        return self._servers.get(name)

    @property
    def servers(self) -> Mapping[str, Server]:
        """The servers by name."""
        return self._servers

    async def offered(self, name: str, offer: str, deadline: float, now: float) -> Offering:
        """Ask a server what it offers to clients with this offer; raise where it cannot be asked."""
        server = self._servers.get(name)
        if server is None:
            raise Unreachable(f"{name} was removed from the configuration")
        async with server.questions(offer, deadline) as (era, way):
            found = await offering(name, offer, era, way, deadline, now)
        if name in self._missed:
            # What changed meanwhile went unsaid, so everyone who listens looks anew, once what there is was judged.
            self._missed.discard(name)
            for what in _LISTS:
                asyncio.get_running_loop().call_soon(self.publish, Change(name, what))
        return found

    # What changes

    def _stray(self, key: Key, child: Child, message: dict[str, Any]) -> None:
        server = self._servers.get(key[0])
        if server is not None:
            server.stray(child, message)

    async def _admitted(self, program: Program) -> None:
        if self.admit is not None:
            await self.admit(program.name, await self._witness.program(program))

    async def facts(self, name: str) -> tuple[Fact, ...]:
        """Return what a server is, as far as can be seen from here."""
        server = self._servers.get(name)
        if server is None:
            return ()
        setup = server.setup
        return key(setup.dial, setup.origin) if setup.program is None else await self._witness.program(setup.program)

    async def _fresh(self, found: Offering) -> bool:
        return self.sighted is not None and await self.sighted(found)

    def _changed(self, server: str, what: str) -> None:
        # What changed is fetched and judged first; who listens hears of it when it can be listed.
        self._dirty[f"{server} {what}"] = None
        self.stirred.set()

    def dirty(self) -> list[tuple[str, str]]:
        """Return the (server, list) pairs that were announced as changed since this was last asked."""
        pairs = [(server, what) for server, _, what in (key.partition(" ") for key in self._dirty)]
        self._dirty.clear()
        self.stirred.clear()
        return pairs

    def publish(self, change: Change) -> None:
        """Tell everyone who follows this server, or everyone where it names none; nobody waits."""
        for tell, servers in tuple(self._followers.values()):
            if not change.server or change.server in servers:
                tell(change)

    def hush(self) -> None:
        """End what everyone follows: the gateway stops, and their streams have no end of their own to wait for."""
        self._hushed = True
        for tell, _ in tuple(self._followers.values()):
            tell(None)

    def changes(self, servers: tuple[str, ...], tell: Tell) -> Release:
        """Follow which lists change at these servers (port `Changes`)."""
        if self._hushed:
            tell(None)
        token = object()
        self._followers[token] = (tell, set(servers))
        return lambda: self._followers.pop(token, None) and None

    async def follow(self, name: str) -> None:
        """Stay subscribed to one server's announcements, with patience, until cancelled."""
        pause, lost = 1.0, False

        def begun() -> None:
            nonlocal lost
            if lost:
                self._missed.add(name)
                self._changed(name, "tools")
            lost = True

        while True:
            server = self._servers.get(name)
            if server is None or server.setup.program is not None:
                # A process says what it has to say on its pipe, and must not be kept, or begun, for listening.
                return
            started = asyncio.get_running_loop().time()
            try:
                await announced(server, started + 90, begun, partial(self._changed, name))
            except GatewayError as error:
                log.debug("announcements ended", server=name, reason=error.detail)
            if asyncio.get_running_loop().time() - started > 30:  # noqa: PLR2004 - it had worked
                pause = 1.0
            await asyncio.sleep(pause)
            pause = min(60.0, pause * 2)

    async def sweep(self, now: float) -> None:
        """End what nobody uses."""
        for server in list(self._servers.values()):
            await server.sweep(now)

    async def close(self) -> None:
        """Close every connection; processes end with the supervisor."""
        self.watch.close()
        for task in self._retiring:
            task.cancel()
        async with asyncio.TaskGroup() as closing:
            for server in self._servers.values():
                closing.create_task(server.close())
        if self._retiring:
            await asyncio.wait(tuple(self._retiring))


async def _retired(server: Server) -> None:
    """Close a server when no call was in flight twice in a row: in between, a call that waited may have begun."""
    quiet = 0
    try:
        while quiet < 2:  # noqa: PLR2004 - twice
            await asyncio.sleep(0.1)
            quiet = 0 if server.places.taken else quiet + 1
    finally:
        await server.close()
