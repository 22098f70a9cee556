"""What is suspicious in what servers offer, and by which names it would be taken for another server's.

A scan costs a fraction of a millisecond for each definition, so that one is remembered by its digest. Which names it is
compared with changes with approvals: those that were approved at other servers, and those that servers before it in the
configuration offer where everything of theirs is approved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ostiary.core.model import Kind
from ostiary.integrity.findings import Finding, Severity, worst
from ostiary.integrity.names import Others
from ostiary.integrity.pins import Offering, Sighting, Verdicts, digest
from ostiary.integrity.poisoning import scan

NAMED: Final = frozenset({Kind.TOOL, Kind.PROMPT})
_KEPT: Final = 50_000
Names = tuple[tuple[str, str], ...]
Compared = tuple[Names, frozenset[str]]
"""Names of other servers, and a server's own."""


class Suspicions:
    """Remembers what was found in definitions, and whose names they are compared with."""

    def __init__(self) -> None:
        self._scans: dict[str, tuple[Finding, ...]] = {}
        self._others: dict[str, tuple[Compared, Others, dict[str, tuple[Finding, ...]]]] = {}
        self._claims: dict[str, frozenset[str]] = {}
        """By server: names that are being approved, and are in no verdict yet."""

    def inspect(self, offering: Offering) -> None:
        """Scan what a server offers, ahead of judging it: this may run in another thread."""
        for each in offering.definitions:
            self.scanned(each)
        self.said(offering)

    def scanned(self, sighting: Sighting) -> tuple[Finding, ...]:
        """Return what is suspicious in a definition by itself."""
        found = self._scans.get(sighting.digest)
        if found is None:
            found = scan(sighting.definition)
            if len(self._scans) >= _KEPT:
                self._scans.clear()
            self._scans[sighting.digest] = found
        return found

    def said(self, offering: Offering) -> tuple[Finding, ...]:
        """Return what is suspicious in what a server says of itself: its instructions, and its names."""
        about = {"instructions": offering.instructions, "serverInfo": offering.info}
        return self.scanned(Sighting(Kind.GATEWAY, offering.server, digest(Kind.GATEWAY, about), about))

    def claim(self, server: str, names: Iterable[str]) -> None:
        """Hold these names for a server while they are being approved, so that no other gets look-alikes of them."""
        self._claims[server] = frozenset(names)

    def named(self, server: str, sighting: Sighting, known: Compared) -> tuple[Finding, ...]:
        """Return what a definition would be taken for, and which tools that only others have it gives orders about."""
        kept = self._others.get(server)
        if kept is None or kept[0] != known:
            kept = self._others[server] = known, Others(*known), {}
        _, others, told = kept
        found = told.get(sighting.digest)
        if found is None:
            alike = others.findings(sighting.name) if sighting.kind in NAMED else ()
            found = told[sighting.digest] = (*alike, *others.orders(sighting.definition))
        return found

    def known(
        self, server: str, servers: Iterable[str], verdicts: Mapping[tuple[str, str, str], Verdicts], open_: Names
    ) -> Names:
        """Return whose names a server's are compared with; `open_` are those of servers that need no approval."""
        wanted = frozenset(servers) - {server}
        found = {
            (name, label)
            for (name, kind, label), said in verdicts.items()
            if said.approved and name in wanted and kind in NAMED
        }
        claimed = {(name, label) for name, labels in self._claims.items() if name in wanted for label in labels}
        return tuple(sorted(found | claimed | set(open_)))


def grave(findings: Iterable[Finding]) -> bool:
    """Say whether findings hold a definition back until a person approves it."""
    return worst(findings) is Severity.HIGH
