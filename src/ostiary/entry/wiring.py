"""The composition root: the one place that knows every adapter by name."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ostiary.adapters.http.door import Door
from ostiary.adapters.http.pages import Ready, Window, pages
from ostiary.adapters.identity.standing import Standing
from ostiary.adapters.identity.tokens import Tokens
from ostiary.adapters.secrets import Unresolved, base_environment, resolve
from ostiary.adapters.store import database, keys, quarantines
from ostiary.adapters.store.ended import EndedSessions
from ostiary.adapters.store.generation import Generation
from ostiary.adapters.store.holds import Holds
from ostiary.adapters.store.ledger_index import LedgerIndex
from ostiary.adapters.store.limits import MemoryLimits
from ostiary.adapters.store.pseudonyms import KEY as PSEUDONYMS
from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.adapters.telemetry.metrics import Meter
from ostiary.adapters.upstream.hub import Hub
from ostiary.adapters.upstream.server import Setup
from ostiary.config.problems import Invalid
from ostiary.config.schema import Config, weakened
from ostiary.core.ports import Change
from ostiary.entry import anchoring, thrift
from ostiary.entry.beside import annexes
from ostiary.entry.borders import Borders
from ostiary.entry.budgeting import counted
from ostiary.entry.chores import Chore, done
from ostiary.entry.grants import Grants
from ostiary.entry.guarding import Asking, guarding
from ostiary.entry.identities import Speakers
from ostiary.entry.indexing import EVERY, Indexing
from ostiary.entry.measuring import measure
from ostiary.entry.moves import refuse_moves
from ostiary.entry.offline import checked, data_folder, digest, restored
from ostiary.entry.peopled import Around, peopled
from ostiary.entry.proving import Proving
from ostiary.entry.quarantines import Quarantines
from ostiary.entry.refresh import Refresh
from ostiary.entry.remembering import remembered
from ostiary.entry.runaways import watching
from ostiary.entry.setups import setups
from ostiary.entry.telling import Telling
from ostiary.integrity.pins import State
from ostiary.operate.revise import Revisions
from ostiary.pipeline.links import Links
from ostiary.pipeline.pacing import Pacing
from ostiary.pipeline.post import posted
from ostiary.pipeline.serve import serve
from ostiary.pipeline.sessions import Sessions
from ostiary.pipeline.suspend import Suspensions
from ostiary.pipeline.swift import Swift
from ostiary.pipeline.world import World

log: Final = structlog.get_logger(__name__)

_TICK: Final = 1.0
_SWEEP: Final = 30


class Gateway:
    """One running gateway. `async with` it: entering starts what it needs, leaving stops it in order."""

    def __init__(self, path: Path) -> None:
        """Read and check the configuration, and open the data folder; raises before anything listens."""
        self.path = path
        config = checked(path).config
        self.data = data_folder(config, path)
        self.engine = database.opened(self.data)
        self.generation = Generation(self.data)
        self.ledger, self.anchor = anchoring.opened(config.ledger, self.data, path)
        self.telling = Telling(config.telemetry, keys.key(self.data, PSEUDONYMS))
        stores = self.engine, self.generation, self.ledger, self.anchor
        seal = keys.Sealer(keys.key(self.data, keys.SEAL))
        self.holds = Holds(self.engine, seal, time.time)
        self.annexes = annexes(config, path, self.data, stores, self.telling, self.holds, lambda: self.hub.servers)
        self.index = LedgerIndex(self.data)
        self.indexing = Indexing(self.index, lambda: self.ledger.head.n)
        pseudonyms = Pseudonyms(keys.key(self.data, PSEUDONYMS))
        self.asking = Asking(pseudonyms)
        make = guarding(pseudonyms, self.asking, path.parent)
        self.proving = Proving(make, lambda: self.revisions.config, self.ledger.event)
        self.revisions = Revisions(config, digest(config), self.proving.made)
        restored(self.revisions, self.engine)
        self.hub = Hub(base_environment())
        self.tokens = Tokens(partial(database.token_by_digest, self.engine), self.generation, time.time)
        self.quarantines = Quarantines(
            lambda: quarantines.standing(self.engine, time.time()), self.generation, self.revisions, time.time
        )
        standing = Standing(partial(database.token_by_id, self.engine), self.generation, time.time)
        grants = Grants(config.gateway.url, self.data, self.engine, seal)
        self.speakers = Speakers(config, resolve, (self.tokens, standing), grants, self.generation)
        around = Around(
            self.speakers, grants, lambda: self.revisions.config, self.quarantines.current, self.generation.move,
            self.ledger.event, lambda caller: bool(self.quarantines.marks.barred(caller)),
            lambda: self.quarantines.standing,
        )  # fmt: skip
        self.people = peopled(config, around, self.data, self.engine)
        self.ended = EndedSessions(self.engine, time.time())
        self.borders = Borders(lambda: self.revisions.config, time.time)
        self._seen, self._operated_at = self.generation(), time.time()
        self._shut, self._returning = (0, self.quarantines.changes), False
        """How far what goes on beside calls has followed what was quarantined: reads, changes."""
        self.closing = False
        self.door = self._door(config, seal)

    def _door(self, config: Config, seal: keys.Sealer) -> Door:
        self.suspensions = Suspensions(lambda: secrets.token_urlsafe(12))
        sessions = Sessions(
            seal, self.ended, time.time, lambda: secrets.token_urlsafe(12), config.gateway.timeouts.session
        )
        self.meter = self._meter()
        self.pacing = Pacing()
        self.pacing.configure(watching(config))
        self.telling.measured(self.meter, lambda: self.hub.servers, lambda: self.door.shed)
        send, spend = self.telling.send(self.hub.send), MemoryLimits(time.monotonic, time.time, self.ledger.event)
        counted(spend, config, self.data, time.time())
        measure(self.meter.watch, spend, self.asking.states, self.annexes)
        world = World(
            current=self.quarantines.current,
            identify=self.quarantines.identifying(self.speakers.identify),
            spend=spend,
            send=send,
            audit=self.ledger,
            surfaces=self._surfaces,
            sessions=sessions,
            suspensions=self.suspensions,
            links=Links(),
            changes=self.hub.changes,
            watch=self.hub.watch,
            standing=self.quarantines.attending(self.speakers.stands),
            seal=seal,
            clock=time.monotonic,
            time=time.time,
            reference=_references(),
            meter=self.annexes.hearing(self.meter),
            serve=serve,
            challenge=self.speakers.challenge,
            approve=self.holds,
            capture=self.annexes.capture,
            pacing=self.pacing,
            runs=remembered(self.data, self.revisions().tracking, time.monotonic, time.time),
        )
        door = Door(
            lambda message, reply: serve(message, reply, world),
            lambda message, reply: posted(message, reply, world),
            self.quarantines.current,
            pages(self._window(config), self.people.routes()),
        )
        line = self.telling.line(self.hub.line, send)
        self.swift = Swift(world, self.speakers.identify.acquainted, spend.owing, line, self.ledger.constant)
        door.open(self.swift)
        return door

    def _meter(self) -> Meter:
        return Meter(
            in_flight=lambda: self.door.in_flight,
            suspended=lambda: len(self.suspensions),
            ledger_stopped=lambda: self.ledger.stopped is not None,
            servers=self._up,
            weakened=lambda: len(self.revisions().weakened),
            guards=self.proving.working,
            anchored=self.anchor.checkpoints.arriving,
            held=self._held,
        )

    def _window(self, config: Config) -> Window:
        section = config.gateway
        scraper = resolve(section.metrics.token) if section.metrics.token else None
        return Window(
            current=self.quarantines.current,
            ready=self.ready,
            metrics=self.meter.told,
            identify=self.quarantines.identifying(self.speakers.identify),
            scraper=lambda: scraper,
            unsafe_open_metrics=lambda: self.revisions.config.gateway.unsafe_open_metrics,
            challenge=self.speakers.challenge,
            protection=lambda: self.speakers.protection,
            opened=self.people.opened,
        )

    async def _surfaces(self, endpoint: str, offer: str) -> Any:
        return await self.refresh.surfaces(endpoint, offer)

    def _up(self) -> dict[str, bool]:
        stale = self.revisions.stale()
        enabled = (name for name, each in self.revisions.config.servers.items() if not each.disabled)
        return {name: name in self.hub.servers and name not in stale for name in enabled}

    def _held(self) -> dict[str, int]:
        return dict(Counter(row.server for row in self.revisions.rows() if row.state is not State.APPROVED))

    async def __aenter__(self) -> Self:
        """Start servers and background work."""
        soon = asyncio.get_running_loop().call_soon
        self.ledger.gather(soon)
        self.swift.gather(soon, self.ledger.begin_all)
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        await self.hub.supervisor.__aenter__()
        self.refresh = Refresh(self.hub, self.revisions, self.engine, time.time, self._tasks, self.ledger.event)
        fresh = await self.hub.configure(self._open(setups(self.revisions.config, resolve)))
        self.ledger.event("start", {"revision": self.revisions().digest, **self.proving.told()})
        self.refresh.watch(fresh, starting=True)
        self._background = [
            self._tasks.create_task(self._ticking()),
            self._tasks.create_task(self.refresh.announced()),
            self._tasks.create_task(self.proving.run()),
            *(self._tasks.create_task(each) for each in self.annexes.running()),
        ]
        for key in self.revisions().weakened:
            log.warning("a protection is switched off", key=key)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop background work, servers, then the ledger, which is the last to hear of anything."""
        self.closing = True
        for task in self._background:
            task.cancel()
        self.refresh.forget_all()
        self.suspensions.close()
        await self.speakers.close()
        await self.asking.close()
        await self.hub.close()
        await self.hub.supervisor.__aexit__(None, None, None)
        await self._tasks.__aexit__(None, None, None)
        await self.annexes.close()
        try:
            self.ended.flush()
            database.touch_tokens(self.engine, self.tokens.used())
        except SQLAlchemyError as error:
            log.warning("not everything could be written down at the end", reason=type(error).__name__)
        self.ledger.event("stop")
        self.ledger.close()
        await asyncio.to_thread(self.anchor.checkpoints.close)
        await self.indexing.close()
        self.engine.dispose()
        self.generation.close()

    def end(self) -> None:
        """Begin to end: say that no call should come any more, and let the streams of those who listen be over."""
        self.closing = True
        self.hub.hush()

    # What goes on beside calls

    async def _ticking(self) -> None:
        failing: set[str] = set()
        for count in itertools.count(1):
            await asyncio.sleep(_TICK)
            self.ledger.tick(time.monotonic())
            for chore in self._chores(count):
                await done(chore, failing)

    def _chores(self, count: int) -> list[Chore]:
        """Return what is due; none waits for another to succeed."""
        due: list[Chore] = [self._shut_out, self._turn, self._note_uses, self._note_ends, self._take_news]
        due += [self.refresh.keep, *self.annexes.chores()]
        if count % EVERY == 0:
            due.append(self.indexing.turn)
        if count % thrift.EVERY == 0:
            due.append(thrift.rest)
        if count % _SWEEP == 0:
            due.append(self._sweep)
        return due

    async def _turn(self) -> None:
        """Tell who listens when a rule's time begins or ends: what they can list may have changed by itself."""
        if self.borders.crossed():
            self.refresh.tell()

    async def _note_uses(self) -> None:
        used = self.tokens.used()
        if used:
            await asyncio.to_thread(database.touch_tokens, self.engine, used)

    async def _note_ends(self) -> None:
        if await asyncio.to_thread(self.ended.flush):
            self.generation.move()

    async def _take_news(self) -> None:
        """Take in what commands, or other processes, changed in the database."""
        generation = self.generation()
        if generation == self._seen:
            return
        await asyncio.to_thread(self.ended.reload, time.time())
        await self._operated()
        self._seen = generation

    async def _operated(self) -> None:
        """Take in, and write into the ledger, what operators did with commands: the ledger has one writer."""
        now = time.time()
        tokens = await asyncio.to_thread(database.token_changes, self.engine, self._operated_at)
        await self.refresh.judged()
        self._operated_at = now
        for kind, said in tokens:
            self.ledger.event(kind, said)

    async def _shut_out(self) -> None:
        """End what is still open of what was quarantined, bring back what was lifted, and write both down."""
        self.quarantines.look()
        seen = (self.quarantines.reads, self.quarantines.changes)
        if seen == self._shut and not self._returning:
            return
        if seen[1] != self._shut[1]:
            self.suspensions.end(self.quarantines.unwanted)
            await self._serve(self._open([each.setup for each in self.hub.servers.values()]))
            self.hub.publish(Change("", "standing"))
            self.refresh.tell()
            self._shut, self._returning = (self._shut[0], seen[1]), True
        events = await asyncio.to_thread(quarantines.unrecorded, self.engine, time.time())
        if self.ledger.stopped is None:
            # While it is stopped they stay in the database, which outlives this process, and not in a queue.
            for kind, said in events:
                self.ledger.event(kind, said)
            await asyncio.to_thread(quarantines.recorded, self.engine, events)
            self._shut = seen
        if self._returning:
            await self._serve(self._open(setups(self.revisions.config, resolve)))
            self._returning = False

    async def _sweep(self) -> None:
        await self.hub.sweep(asyncio.get_running_loop().time())
        await asyncio.to_thread(self.people.sweep)

    # The configuration

    async def reload(self) -> None:
        """Read the configuration again; what cannot be used changes nothing and is told with all its problems."""
        try:
            config = checked(self.path).config
            ready, known, people = setups(config, resolve), self.speakers.setups(config), self.people.ready(config)
            ready = self._open(ready)
            refuse_moves(self.revisions.config, config, self.people.changed(config))
            same = digest(config) == self.revisions.digest
            if not same:
                self.revisions.activate(config, digest(config))
                self.pacing.configure(watching(config))
        except (Invalid, Unresolved, OSError, ValueError) as error:
            log.warning("the new configuration is not used", reasons=str(error).splitlines()[:50])
            self.ledger.event("config_refused", {"reasons": str(error).splitlines()[:20]})
            return
        self.speakers.configure(config, known)
        people()
        fresh = await self._serve(ready)
        if same:
            # The same file, and perhaps other secrets behind its references: their servers were begun anew.
            log.info("configuration read again", revision=self.revisions().digest, servers=fresh)
            return
        self.refresh.tell()
        self.ledger.event("config_activated", {"revision": self.revisions().digest})
        log.info("configuration replaced", revision=self.revisions().digest, weakened=list(weakened(config)))

    def _open(self, ready: list[Setup]) -> list[Setup]:
        """Return the servers that are not quarantined: of the others not even a process is left."""
        return [each for each in ready if not self.quarantines.marks.cut(each.name, "")]

    async def _serve(self, ready: list[Setup]) -> list[str]:
        """Have these servers from now on, and return the names of those that are new or different."""
        gone = set(self.hub.servers) - {setup.name for setup in ready}
        fresh = await self.hub.configure(ready)
        for name in gone:
            self.refresh.forget(name)
        self.refresh.watch(fresh)
        return fresh

    def ready(self) -> Ready:
        """Return whether calls can be served, and what is not as it should be."""
        stale = self.revisions.stale()
        return Ready(
            ledger=self.ledger.stopped or "",
            closing=self.closing,
            unreachable={name: each.health.told for name, each in self.hub.servers.items() if each.health.told},
            held=self._held(),
            stale=dict(stale),
            starting=tuple(sorted(self.refresh.first_round)),
            notes=(*self.revisions.notes, *self.annexes.notes()),
            quarantined=self.quarantines.told(),
            broken=self.proving.failing(),
            doubtful=self.proving.doubtful(),
        )


def _references() -> Any:
    """Return the maker of call references: short, unique, and in no other process's sequence."""
    return map(f"{secrets.token_hex(4)}-%x".__mod__, itertools.count(1)).__next__
