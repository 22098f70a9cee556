"""Have the guards of the configuration read what servers offer, once for each version and each set of guards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
import structlog

from ostiary.adapters.store import objections
from ostiary.config.guards import GuardEntry
from ostiary.integrity.findings import Finding, Severity
from ostiary.integrity.pins import Offering, Sighting
from ostiary.operate.revise import Revisions
from ostiary.operate.suspect import itself
from ostiary.pipeline.cataloguing import Read, kept, plain, read

log: Final = structlog.get_logger(__name__)


class Cataloguing:
    """Remembers what was read, and keeps what was found."""

    def __init__(
        self, revisions: Revisions, engine: sa.Engine, record: Callable[[str, Mapping[str, Any]], None]
    ) -> None:
        """Write into the ledger, with `record`, what guards hold back."""
        self._revisions, self._engine, self._record = revisions, engine, record
        self._read: dict[str, dict[str, Read]] = {}
        """By server and digest."""
        self._guards: tuple[GuardEntry, ...] = ()

    async def look(self, found: Offering) -> None:
        """Read what a server offers, before it is judged."""
        guards, guarding = self._revisions.config.guards, self._revisions.guarding()
        if guards != self._guards:
            self._read, self._guards = {}, guards
        every = {each.digest: each for each in (*found.definitions, itself(found))}
        known = self._read.get(found.server, {})
        fresh = [each for each in every.values() if each.digest not in known or not known[each.digest].whole]
        if not fresh:
            return
        new = await read(found.server, fresh, guarding.catalogue, time.monotonic)
        for each in fresh:
            self._tell(found.server, each, new[each.digest].findings)
        # What is offered to another set of capabilities may have been read meanwhile.
        offered = every.keys() | self._offered(found.server)
        whole = {**self._read.get(found.server, {}), **new}
        self._read[found.server] = {digest: it for digest, it in whole.items() if digest in offered}
        await self._take(found.server)

    def _tell(self, server: str, definition: Sighting, findings: Iterable[Finding]) -> None:
        """Say once of each version what guards object to: what a gateway that starts reads again is known already."""
        known = self._revisions.suspicions.objections(server, definition)
        for each in findings:
            log.warning("a guard objects to a definition", server=server, name=definition.name, said=str(each))
            if each.severity is Severity.HIGH and each not in known:
                said = {"server": server, "definition": str(definition.kind), "name": definition.name[:256]}
                self._record("definition_held", {**said, "rule": each.rule, "said": each.evidence})

    def _offered(self, server: str) -> set[str]:
        """Return the digests of all that a server is known to offer, to any set of capabilities."""
        offerings = self._revisions.offered(server)
        return {sighting.digest for each in offerings for sighting in (*each.definitions, itself(each))}

    async def _take(self, server: str) -> None:
        found = {digest: it.findings for digest, it in self._read[server].items() if it.findings}
        if self._revisions.suspicions.objected(server, found):
            self._revisions.recompile()
            plainly = {digest: [plain(it) for it in each] for digest, each in found.items()}
            await asyncio.to_thread(objections.keep, self._engine, server, plainly)


def recalled(engine: sa.Engine) -> dict[str, dict[str, tuple[Finding, ...]]]:
    """Return what guards found when definitions were last read, by server and digest."""
    return {
        server: {digest: tuple(map(kept, each)) for digest, each in found.items()}
        for server, found in objections.known(engine).items()
    }
