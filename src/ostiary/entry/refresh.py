"""Keep catalogues current: ask servers what they offer, judge it, swap it in, tell who listens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa
import structlog

from ostiary.adapters.store import database, identities
from ostiary.adapters.upstream.hub import Hub
from ostiary.core.errors import GatewayError, Unreachable
from ostiary.core.model import Kind, Snapshot
from ostiary.core.ports import Change
from ostiary.entry.cataloguing import Cataloguing
from ostiary.entry.recognize import Recognition
from ostiary.integrity.facts import INSTRUCTIONS
from ostiary.integrity.findings import Severity
from ostiary.integrity.pins import Offering, Sighting, State
from ostiary.operate.revise import Revisions
from ostiary.protocol.capabilities import EVERYTHING, NOTHING

log: Final = structlog.get_logger(__name__)

_LISTS: Final = {
    "tools": {Kind.TOOL},
    "prompts": {Kind.PROMPT},
    "resources": {Kind.RESOURCE, Kind.TEMPLATE},
}
_PATIENCE: Final = 10.0
"""Seconds that a client with capabilities nobody had before waits for servers to say what they offer to it."""
_SAID: Final = 200
_TOGETHER: Final = 50
"""Characters of a name, and names in one record of the ledger."""
_LEAST_REST: Final = 5.0
_LONGEST_TTL: Final = 86_400_000
"""Milliseconds."""
_FIRST_RETRY: Final = 2.0
_LAST_RETRY: Final = 60.0


class Refresh:
    """Asks servers, each in its own task."""

    def __init__(
        self,
        hub: Hub,
        revisions: Revisions,
        engine: sa.Engine,
        time: Callable[[], float],
        tasks: asyncio.TaskGroup,
        record: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        """Write into the ledger, with `record`, what was approved and rejected."""
        self._hub, self._revisions, self._engine, self._time, self._tasks = hub, revisions, engine, time, tasks
        self._record = record
        hub.sighted = self._begun
        self._cataloguing = Cataloguing(revisions, engine, record)
        self._recognition = Recognition(hub, revisions, engine, time, record)
        self._recognition.tell, self._recognition.pinned = self.tell, self.judged
        self._recognition.held = self._look_again
        self._running: dict[str, list[asyncio.Task[None]]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[bool]] = {}
        self._unkept: dict[tuple[str, str], Offering] = {}
        """What was taken in and is not in the database yet."""
        self._heard: set[str] = set()
        """Servers that said something changed and were not asked since."""
        self.first_round: set[str] = set()
        """Servers that were not asked to an end, good or bad, since the gateway started."""

    def watch(self, servers: Iterable[str], *, starting: bool = False) -> None:
        """Keep these servers' catalogues current from now on; `starting`: the gateway is not ready before it knows."""
        for name in servers:
            self.forget(name)
            if starting:
                self.first_round.add(name)
            self._running[name] = [
                self._tasks.create_task(self._keep(name)),
                self._tasks.create_task(self._hub.follow(name)),
            ]

    def forget(self, name: str) -> None:
        """Stop asking a server, also where it was asked and has not answered: it may hang, or be another one now."""
        for task in self._running.pop(name, ()):
            task.cancel()
        for key in [key for key in self._asking if key[0] == name]:
            self._asking.pop(key).cancel()
        self.first_round.discard(name)

    def forget_all(self) -> None:
        """Stop asking every server."""
        for name in {*self._running, *(name for name, _ in self._asking)}:
            self.forget(name)

    async def _keep(self, name: str, asked: bool | None = None) -> None:
        """Ask a server again and again; `asked`: it was asked a moment ago already, and this is how that ended."""
        pause = _FIRST_RETRY
        while True:
            good = await self.ask_all(name) if asked is None else asked
            asked = None
            self.first_round.discard(name)
            server = self._revisions.config.servers.get(name)
            if server is None:
                return
            if good and server.command is not None:
                # What a process offers changes with the process: it is asked anew when it says so, or is restarted.
                return
            found = self._revisions.offering(name, NOTHING)
            wait = rest(server.refresh, found.ttl_ms if found else 0) if good else pause
            pause = _FIRST_RETRY if good else min(_LAST_RETRY, pause * 2)
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 - jitter

    async def ask_all(self, name: str) -> bool:
        """Ask a server once for each set of capabilities that matters: it may have changed for some of them only."""
        if not await self.ask(name, NOTHING):
            return False
        others = [offer for offer in self._revisions.offers(name) if offer != NOTHING]
        return all([await self.ask(name, offer) for offer in others])

    async def ask(self, name: str, offer: str) -> bool:
        """Ask a server once, however many want to know at the same time; False where it could not be asked."""
        task = self._asking.get((name, offer))
        if task is None:
            task = self._asking[name, offer] = self._tasks.create_task(self._asked(name, offer))
            task.add_done_callback(lambda done: self._answered((name, offer), done))
        return await asyncio.shield(task)

    def _answered(self, key: tuple[str, str], task: asyncio.Task[bool]) -> None:
        if self._asking.get(key) is task:
            del self._asking[key]

    async def _asked(self, name: str, offer: str) -> bool:
        try:
            found = await self._offered(name, offer)
            before = self._revisions.offering(name, offer)
            if self._revisions.first_use(name):
                await self._first_use(name, found)
            elif self._revisions.said.unheard(name):
                await self._introduced(found)
            elif offer == NOTHING and (before is None or before.definitions != found.definitions):
                # If it changed for some, it may have changed for all.
                await self._take(await self._offered(name, EVERYTHING))
            await self._take(found)
        except GatewayError as error:
            log.warning("a server could not be asked", server=name, code=error.code, reason=error.detail)
            self._revisions.lost(name, self._revisions.selves.strangers().get(name) or error.public)
            return False
        except Exception:
            # A task of a group: whatever broke here, and be it a full disk, must not end all servers and the gateway.
            log.exception("what a server offers could not be taken in", server=name)
            self._revisions.lost(name, "What it offers could not be taken in; the log says why")
            return False
        return True

    async def _offered(self, name: str, offer: str) -> Offering:
        server = self._revisions.config.servers.get(name)
        if server is None:
            raise Unreachable(f"{name} was removed from the configuration")
        deadline = asyncio.get_running_loop().time() + max(server.timeout, server.start_timeout) + 5
        found = await self._hub.offered(name, offer, deadline, self._time())
        # Before anything that it offers is looked at: it may be another server.
        await self._recognition.met(name, found.info)
        # A server may say megabytes; calls do not wait until they were read.
        await asyncio.to_thread(self._revisions.suspicions.inspect, found)
        await asyncio.to_thread(self._revisions.suspicions.compare, found, self._revisions.beside(found))
        await self._cataloguing.look(found)
        return found

    async def _first_use(self, name: str, found: Offering) -> None:
        """Approve what a server offers when it is first seen, to clients with and without capabilities, and pin it."""
        whole = await self._offered(name, EVERYTHING)
        now = self._time()
        # What is suspicious stays for a person, also now: a server that is poisoned is so when it is added.
        innocent = self._revisions.innocent(name, (*found.definitions, *whole.definitions))
        innocent += self._revisions.said.innocent(found, whole)
        await asyncio.to_thread(database.record_verdict, self._engine, name, innocent, "approved", "first-use", now)
        await asyncio.to_thread(database.pin, self._engine, name, now)
        await self.judged()
        log.info("first use: pinned", server=name, definitions=len(whole.definitions))
        await self._take(whole)

    async def _introduced(self, found: Offering) -> None:
        """Approve the instructions of a server that was pinned before instructions were."""
        said, now = self._revisions.said.innocent(found), self._time()
        await asyncio.to_thread(database.record_verdict, self._engine, found.server, said, "approved", "first-use", now)
        await self.judged()

    async def _take(self, found: Offering) -> None:
        # A server may write any number, and one that no database can hold would keep all catalogues from being kept.
        found = msgspec.structs.replace(found, ttl_ms=min(found.ttl_ms, _LONGEST_TTL))
        before = self._revisions.offering(found.server, found.offer)
        if not self._revisions.sighted(found):
            return
        for what in _changed(before, found):
            self._hub.publish(Change(found.server, what))
        self._unkept[found.server, found.offer] = found
        held = [each for each in found.definitions if self._revisions.state(found.server, each) is not State.APPROVED]
        if held:
            names = ", ".join(each.name[:64] for each in held[:8])
            log.warning("held back until approved", server=found.server, count=len(held), names=names)
            self._tell_why(found.server, held)
        if self._revisions.said.state(found, first=self._revisions.first_use(found.server)) is not State.APPROVED:
            log.warning("instructions are held back until approved", server=found.server)
        try:
            await self.keep()
        except sa.exc.SQLAlchemyError as error:
            # What is in memory counts; the database hears of it when it can be written again.
            log.warning("a catalogue could not be kept yet", server=found.server, reason=type(error).__name__)

    def _tell_why(self, server: str, held: Iterable[Sighting]) -> None:
        for each in held:
            rules = sorted({it.rule for it in self._revisions.findings(server, each) if it.severity is Severity.HIGH})
            if rules:
                log.warning("suspicious", server=server, name=each.name[:64], rules=", ".join(rules))

    async def _begun(self, found: Offering) -> bool:
        """Judge what a fresh process offers, where others did before it; True where it is not the same."""
        await self._recognition.met(found.server, found.info)
        before = self._revisions.offering(found.server, found.offer)
        if before is None or self._revisions.first_use(found.server):
            return False
        await self._take(found)
        return before.definitions != found.definitions

    async def keep(self) -> None:
        """Write down what servers were last seen to offer; what cannot be written stays for the next time."""
        for key, found in list(self._unkept.items()):
            await asyncio.to_thread(database.keep_offering, self._engine, found)
            if self._unkept.get(key) is found:
                del self._unkept[key]

    async def judged(self) -> None:
        """Take in what was approved and rejected, write what is new of it into the ledger, and tell who listens."""
        verdicts = await asyncio.to_thread(database.verdicts, self._engine)
        pinned = await asyncio.to_thread(database.pinned, self._engine)
        texts = await asyncio.to_thread(identities.texts, self._engine)
        before, held = self._revisions().revision, self._revisions.selves.strangers()
        fresh = self._revisions.judged(verdicts, pinned, texts)
        if self._revisions().revision != before:
            self.tell()
        said: dict[tuple[str, str], list[str]] = {}
        for server, kind, name, verdict in fresh:
            what, called = _spelled(kind, name)
            said.setdefault((server, f"{what}_{verdict}"), []).append(called)
        for (server, event), names in said.items():
            for at in range(0, len(names), _TOGETHER):
                self._record(event, {"server": server, "names": names[at : at + _TOGETHER]})
        self._begin_anew(held.keys() - self._revisions.selves.strangers().keys())

    def _look_again(self, name: str) -> None:
        """Ask a server that is held from time to time, also one that nobody asks any more because it is a process."""
        kept = self._running.get(name)
        if kept is not None and kept[0].done():
            kept[0] = self._tasks.create_task(self._keep(name, asked=False))

    def _begin_anew(self, names: Iterable[str]) -> None:
        """Ask servers that are held no more, at once and without the memory of starts that were refused."""
        known = [name for name in names if name in self._hub.servers]
        for name in known:
            self._hub.supervisor.retire(name)
        self.watch(known)

    async def surfaces(self, endpoint: str, offer: str) -> Snapshot:
        """Return a snapshot that has this endpoint for this set of capabilities (port `Surfaces`)."""
        missing = self._revisions.missing(endpoint, offer)
        tasks = [self._tasks.create_task(self.ask(name, offer)) for name in missing]
        if tasks:
            # Who is too slow shows what it offers to clients without capabilities, until it has answered.
            await asyncio.wait(tasks, timeout=_PATIENCE)
        self._revisions.offer(offer)
        return self._revisions()

    async def announced(self) -> None:
        """Ask servers that said something changed, then tell who listens; forever."""
        while True:
            await self._hub.stirred.wait()
            for name in {name for name, _ in self._hub.dirty()}:
                if name not in self._heard:
                    self._heard.add(name)
                    # Each in its own time: one that hangs keeps no other's news back.
                    self._tasks.create_task(self._ask_anew(name))

    async def _ask_anew(self, name: str) -> None:
        """Ask a server that said something changed: a question that was put before it said so does not count."""
        running = [task for (server, _), task in self._asking.items() if server == name]
        if running:
            await asyncio.wait(running)
        self._heard.discard(name)
        good = await self.ask_all(name)
        kept = self._running.get(name)
        if kept is not None:
            # From here on counts for how long it said this time that it stays fresh, or when to try again: a process
            # that changed and could not say how would never be asked otherwise.
            kept[0].cancel()
            kept[0] = self._tasks.create_task(self._keep(name, good))

    def tell(self) -> None:
        """Tell everyone who listens that what they can list may have changed."""
        for what in _LISTS:
            self._hub.publish(Change("", what))


def _spelled(kind: str, name: str) -> tuple[str, str]:
    """Return what the ledger calls the approval of something, and what was approved."""
    if kind != Kind.GATEWAY:
        return "definitions", f"{kind} {name[:_SAID]}"
    return ("instructions" if name == INSTRUCTIONS else "identity"), name


def rest(refresh: float, ttl_ms: int) -> float:
    """Return for how many seconds a catalogue is current enough not to be asked for again.

    A server may say for how long its lists stay fresh (2026-07-28, caching), which shortens what the operator set and
    never lengthens it: a changed definition has to be found, whatever its server says. Zero, or nothing, is no wish to
    be asked all the time, and no wish makes the gateway ask more often than every few seconds.
    """
    return min(refresh, max(_LEAST_REST, ttl_ms / 1000)) if 0 < ttl_ms < refresh * 1000 else refresh


def _changed(before: Offering | None, after: Offering) -> list[str]:
    """Return the lists in which two offerings differ."""
    if before is None:
        # A set of capabilities that was asked for first changes nothing for those who could list before.
        return list(_LISTS) if after.offer == NOTHING else []
    return [what for what, kinds in _LISTS.items() if _pins(before, kinds) != _pins(after, kinds)]


def _pins(offering: Offering, kinds: set[Kind]) -> set[tuple[str, str]]:
    return {(each.name, each.digest) for each in offering.definitions if each.kind in kinds}
