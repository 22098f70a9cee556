"""Recognize servers: pin what each is when it is first met, and let nothing of a changed one be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
import structlog

from ostiary.adapters.store import database, identities
from ostiary.adapters.upstream.hub import Hub
from ostiary.core.errors import Unreachable
from ostiary.core.model import Json, Kind
from ostiary.integrity.facts import Fact, explained, introduced
from ostiary.operate.revise import Revisions

log: Final = structlog.get_logger(__name__)

HELD: Final = "this server is held: it is not the one that was approved; its operator can see why, and approve it"
Record = Callable[[str, Mapping[str, Any]], None]


class Recognition:
    """Compares servers with their pins: programs before each start, everything when they say what they offer."""

    def __init__(
        self, hub: Hub, revisions: Revisions, engine: sa.Engine, time: Callable[[], float], record: Record
    ) -> None:
        """Write into the ledger, with `record`, which servers changed."""
        self._hub, self._revisions, self._engine, self._time, self._record = hub, revisions, engine, time, record
        hub.admit = self._admitted
        self.tell: Callable[[], None] = lambda: None
        """Tells who listens that what can be reached has changed."""
        self.pinned: Callable[[], Awaitable[None]] | None = None
        """Takes in what was pinned."""
        self.held: Callable[[str], None] = lambda _: None
        """Looks at a server that is held again, later: what was replaced may be put back."""
        self._told: dict[str, tuple[Fact, ...]] = {}
        """By server: the changes for which it is held, as they were told last."""

    async def met(self, server: str, info: Json) -> None:
        """Judge a server that runs; raise where it is not what was pinned."""
        found = (*await self._hub.facts(server), *introduced(info))
        await self._judged(server, found, whole=True)

    async def _admitted(self, server: str, found: tuple[Fact, ...]) -> None:
        await self._judged(server, found, whole=False)

    async def _judged(self, server: str, found: tuple[Fact, ...], *, whole: bool) -> None:
        before, revision = self._revisions.selves.known(server), self._revisions().revision
        judged = self._revisions.met(server, found, whole=whole)
        if self._revisions().revision != revision:
            self.tell()
        if self._revisions.selves.known(server) != before:
            await self._keep(server)
        if judged.held:
            await self._hold(server, judged.held)
        if not self._revisions.selves.strange(server):
            self._told.pop(server, None)
        if judged.noted:
            await self._tell(server, judged.noted, held=False)
            await self._pin(server, judged.noted, identities.NOTED)
        if whole and judged.fresh:
            # Only with what it offers: a program that never ran is no server that anybody knew.
            await self._pin(server, judged.fresh, "first-use")

    async def _keep(self, server: str) -> None:
        known = self._revisions.selves.known(server)
        try:
            await asyncio.to_thread(identities.keep, self._engine, server, known, self._time())
        except sa.exc.SQLAlchemyError as error:
            # What is in memory counts; it is written when the server is next found to be another.
            log.warning("what a server is could not be kept yet", server=server, reason=type(error).__name__)

    async def _pin(self, server: str, facts: Iterable[Fact], by: str) -> None:
        sightings = [each.sighting() for each in facts]
        await asyncio.to_thread(database.record_verdict, self._engine, server, sightings, "approved", by, self._time())
        if self.pinned is not None:
            await self.pinned()

    async def _hold(self, server: str, held: tuple[Fact, ...]) -> None:
        if self._told.get(server) != held:
            self._told[server] = held
            await self._tell(server, held, held=True)
        self.held(server)
        # Processes of the one that was approved may still run; at once would end the very start that asks.
        asyncio.get_running_loop().call_soon(self._hub.supervisor.retire, server)
        raise Unreachable(explained(server, held), hint=HELD)

    async def _tell(self, server: str, changed: Iterable[Fact], *, held: bool) -> None:
        changes = [
            {"fact": each.name, "before": await self._before(server, each.name), "after": dict(each.value)}
            for each in changed
        ]
        self._record("identity_changed", {"server": server, "held": held, "changes": changes})
        log.warning(
            "a server is not what was pinned", server=server, held=held, facts=[each["fact"] for each in changes]
        )

    async def _before(self, server: str, fact: str) -> Json:
        found = await asyncio.to_thread(database.approved_definitions, self._engine, server, Kind.GATEWAY, fact)
        return found[0] if found else {}
