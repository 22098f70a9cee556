"""What is suspicious in what servers offer, and by which names it would be taken for another server's.

A scan costs a fraction of a millisecond for each definition, so that one is remembered by its digest. Which names it is
compared with changes with approvals: those that were approved at other servers, and those that servers before it in the
configuration offer where everything of theirs is approved.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from ostiary.core.model import Kind
from ostiary.integrity.findings import Finding, Severity, worst
from ostiary.integrity.names import Names, Others, bits
from ostiary.integrity.pins import Offering, Sighting, Verdicts, digest
from ostiary.integrity.poisoning import scan

NAMED: Final = frozenset({Kind.TOOL, Kind.PROMPT})
_KEPT: Final = 50_000
_NOTHING: Final = frozenset[str](), 0
_NONE: Final[Mapping[str, tuple[Finding, ...]]] = {}
Key = tuple[str, str, str]
"""Server, kind, name."""


class Compared(NamedTuple):
    """What a server's names are compared with, and its own."""

    known: Names
    among: int
    """The bits of those of the known names that count."""
    own: frozenset[str]


_Told = tuple[Compared, Others, dict[str, tuple[Finding, ...]]]
"""What a server's names are compared with, and what came of it, by digest."""


class Suspicions:
    """Remembers what was found in definitions, and whose names they are compared with."""

    def __init__(self) -> None:
        self._scans: dict[str, tuple[Finding, ...]] = {}
        self._others: dict[str, _Told] = {}
        self._names, self._adding = Names(), threading.Lock()
        self._approved: tuple[Mapping[Key, Verdicts], Mapping[str, int]] = {}, {}
        self._open: dict[tuple[str, str], tuple[Offering, int]] = {}
        self._objections: dict[str, Mapping[str, tuple[Finding, ...]]] = {}
        self._claims: dict[str, tuple[frozenset[str], int]] = {}
        """By server: names that are being approved, and are in no verdict yet; and their bits."""

    def objected(self, server: str, found: Mapping[str, tuple[Finding, ...]]) -> bool:
        """Take in what guards found in definitions of a server, by their digest; True where that is news."""
        before = self._objections.get(server, _NONE)
        self._objections[server] = found
        return found != before

    def inspect(self, offering: Offering) -> None:
        """Scan what a server offers, ahead of judging it: this may run in another thread."""
        for each in offering.definitions:
            self.scanned(each)
        self.said(offering)
        self._bits((offering.server, each.name) for each in offering.definitions if each.kind in NAMED)

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
        about = itself(offering)
        return (*self.scanned(about), *self.objections(offering.server, about))

    def objections(self, server: str, sighting: Sighting) -> tuple[Finding, ...]:
        """Return what guards found in a definition."""
        return self._objections.get(server, _NONE).get(sighting.digest, ())

    def claim(self, server: str, names: Iterable[str]) -> None:
        """Hold these names for a server while they are being approved, so that no other gets look-alikes of them."""
        every = frozenset(names)
        self._claims[server] = every, self._bits((server, each) for each in every)

    def named(self, server: str, sighting: Sighting, known: Compared) -> tuple[Finding, ...]:
        """Return what a definition would be taken for, and which tools that only others have it gives orders about."""
        kept = self._others.get(server)
        if kept is None or kept[0] is not known:
            kept = self._others[server] = self._arranged(kept, known)
        return self._found(kept, sighting)

    def compare(self, offering: Offering, known: Compared) -> None:
        """Compare what a server offers, ahead of judging it: this may run in another thread."""
        kept = self._arranged(self._others.get(offering.server), known)
        for each in offering.definitions:
            self._found(kept, each)
        self._others[offering.server] = kept

    @staticmethod
    def _arranged(kept: _Told | None, known: Compared) -> _Told:
        if kept is not None and kept[0] == known:
            return known, *kept[1:]
        return known, Others(known.among, known.own, known.known), {}

    @staticmethod
    def _found(kept: _Told, sighting: Sighting) -> tuple[Finding, ...]:
        _, others, told = kept
        found = told.get(sighting.digest)
        if found is None:
            alike = others.findings(sighting.name) if sighting.kind in NAMED else ()
            found = told[sighting.digest] = (*alike, *others.orders(sighting.definition))
        return found

    def beside(
        self,
        server: str,
        servers: Iterable[str],
        verdicts: Mapping[Key, Verdicts],
        open_: Iterable[Offering],
        own: Iterable[Sighting],
    ) -> Compared:
        """Return what a server's names are compared with: those that are approved or being approved at these servers.

        `open_` is what servers offer that need no approval; `own` is what the server itself offers.
        """
        approved, among = self._said(verdicts), 0
        for name in frozenset(servers) - {server}:
            among |= approved.get(name, 0) | self._claims.get(name, _NOTHING)[1]
        for offering in open_:
            among |= self._offered(offering)
        return Compared(self._names, among, frozenset(each.name for each in own if each.kind in NAMED))

    def _said(self, verdicts: Mapping[Key, Verdicts]) -> Mapping[str, int]:
        """Return the bits of what is approved, by server."""
        if self._approved[0] is not verdicts:
            every: dict[str, list[str]] = {}
            for (server, kind, name), said in verdicts.items():
                if said.approved and kind in NAMED:
                    every.setdefault(server, []).append(name)
            if len(self._names.entries) > _KEPT + 2 * sum(map(len, every.values())):
                # What holds bits of the names before holds these names with them.
                self._names, self._open = Names(), {}
                for server, (names, _) in list(self._claims.items()):
                    self.claim(server, names)
            bits = {server: self._bits((server, name) for name in names) for server, names in every.items()}
            self._approved = verdicts, bits
        return self._approved[1]

    def _offered(self, offering: Offering) -> int:
        kept = self._open.get((offering.server, offering.offer))
        if kept is None or kept[0] is not offering:
            names = ((offering.server, each.name) for each in offering.definitions if each.kind in NAMED)
            kept = self._open[offering.server, offering.offer] = offering, self._bits(names)
        return kept[1]

    def _bits(self, names: Iterable[tuple[str, str]]) -> int:
        found = []
        for server, name in names:
            with self._adding:
                found.append(self._names.number(server, name))
        return bits(found)


def itself(offering: Offering) -> Sighting:
    """Return what a server says of itself, as a definition."""
    about = {"instructions": offering.instructions, "serverInfo": offering.info}
    return Sighting(Kind.GATEWAY, offering.server, digest(Kind.GATEWAY, about), about)


def grave(findings: Iterable[Finding]) -> bool:
    """Say whether findings hold a definition back until a person approves it."""
    return worst(findings) is Severity.HIGH
