"""Keep the snapshot true: to the configuration, to what servers offer, and to what people approved.

Three things change a gateway: its file, its servers, its operators. Each of them ends here, in one new snapshot that is
compiled as a whole and swapped in as a whole. What does not compile changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.config.compile import compiled, endpoints
from ostiary.config.guards import Guarding
from ostiary.config.policy import Fault, told
from ostiary.config.schema import Config
from ostiary.core.model import Catalogue, Json, Kind, Snapshot
from ostiary.core.screening import Guard
from ostiary.integrity.facts import Fact, Judged, spoken
from ostiary.integrity.findings import Finding
from ostiary.integrity.pins import Mode, Offering, Sighting, State, Verdicts, judge
from ostiary.operate.guarded import Guarded
from ostiary.operate.quarantine import cut
from ostiary.operate.sayings import Sayings
from ostiary.operate.selves import Facts, Selves
from ostiary.operate.suspect import NAMED, Compared, Suspicions, grave
from ostiary.policy import quarantine
from ostiary.policy.quarantine import Marks
from ostiary.protocol import uris
from ostiary.protocol.capabilities import EVERYTHING, NOTHING

_NO_VERDICTS: Final = Verdicts()
Key = tuple[str, str, str]
"""Server, kind, name."""


class Row(Struct, frozen=True):
    """One definition that a server offers, and where it stands."""

    server: str
    offer: str
    sighting: Sighting
    state: State


class Revisions:
    """The current snapshot, and everything it was compiled from."""

    def __init__(
        self, config: Config, digest: str, guards: Callable[[Config], Mapping[str, Guard]] | None = None
    ) -> None:
        """`guards` makes what looks for each guard of a configuration; without it, what is guarded stands still."""
        self.config, self.digest = config, digest
        self._guards = Guarded(guards)
        self.notes: tuple[str, ...] = ()
        self.faults: tuple[Fault, ...] = ()
        """Conditions that do not fit what was approved, and deny there."""
        self._offerings: dict[tuple[str, str], Offering] = {}
        self._verdicts: Mapping[Key, Verdicts] = {}
        self._pinned: frozenset[str] = frozenset()
        self._stale: dict[str, str] = {}
        self._covers: dict[str, tuple[Callable[[str], bool], ...]] = {}
        """By server: the tests of its approved templates. Forgotten when anything changes that decides on approvals."""
        self._rejected: dict[str, frozenset[str]] = {}
        """By server: the URIs of resources that were rejected. Forgotten with them."""
        self._offers = {NOTHING}
        self.suspicions = Suspicions()
        self.selves = Selves(lambda: self.config, lambda: self._verdicts)
        self.said = Sayings(self._mode, lambda: self._verdicts, lambda each: grave(self.suspected(each)))
        self._known: dict[str, Compared] = {}
        """By server: whose names its own are compared with. Forgotten when anything changes that decides on it."""
        self._count = 0
        self._watchers: list[Callable[[Snapshot], None]] = []
        self.marks = quarantine.NONE
        self._swap(self._compiled(config, digest))

    def __call__(self) -> Snapshot:
        """Return the snapshot that every new call sees."""
        return self._current

    # What changes it

    def restore(
        self,
        offerings: list[Offering],
        verdicts: Mapping[Key, Verdicts],
        pinned: frozenset[str],
        known: Mapping[str, Facts] = MappingProxyType({}),
        texts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Begin with what was known when the gateway last ran; all of it is stale until its server was asked again.

        `known` is what servers were, `texts` which of their instructions were approved last.
        """
        self.selves.restore(known)
        self.said.heard(texts)
        self._offerings = {(each.server, each.offer): each for each in offerings}
        self._verdicts, self._pinned = verdicts, pinned
        self._stale = {each.server: "not asked since the gateway started" for each in offerings}
        self.recompile()

    def activate(self, config: Config, digest: str) -> None:
        """Make a configuration current; where it does not compile, or fit the catalogue, everything stays as it was."""
        before = self.config, self.digest, self.notes, self.faults
        # What is approved without a person is a part of the configuration: the old one must not judge for the new one.
        self.config, self.digest = config, digest
        try:
            found = self._compiled(config, digest)
            _refuse(self.faults, before[3])
        except Exception:
            self.config, self.digest, self.notes, self.faults = before
            self._covers.clear()
            self._known.clear()
            raise
        self._swap(found)

    def sighted(self, offering: Offering) -> bool:
        """Take in what a server offers; True where that is not what it offered before."""
        key = (offering.server, offering.offer)
        before, was_stale = self._offerings.get(key), self._stale.pop(offering.server, None)
        self._offerings[key] = offering
        same = before is not None and msgspec.structs.replace(before, seen=offering.seen) == offering
        if not same or was_stale is not None:
            self.recompile()
        return not same

    def lost(self, server: str, reason: str) -> None:
        """Remember that a server could not be asked: its last good catalogue stays, marked stale."""
        if self._stale.get(server) != reason:
            self._stale[server] = reason
            self.recompile()

    def met(self, server: str, found: Iterable[Fact], *, whole: bool) -> Judged:
        """Take in what a server is, `whole` where it runs, and return what becomes of it."""
        before, found = self.selves.strange(server), tuple(found)
        if self.selves.met(server, found, whole=whole) and self.selves.strange(server) != before:
            self.recompile()
        return self.selves.judged(server, None if whole else found)

    def judged(
        self,
        verdicts: Mapping[Key, Verdicts],
        pinned: frozenset[str],
        texts: Mapping[str, str] = MappingProxyType({}),
    ) -> list[tuple[str, str, str, str]]:
        """Take in what people approved and rejected, and return what is new: server, kind, name, what was said."""
        self.said.heard(texts)
        if (verdicts, pinned) == (self._verdicts, self._pinned):
            return []
        fresh = [
            (*key, word)
            for key, said in verdicts.items()
            for word, now, before in (
                ("approved", said.approved, self._verdicts.get(key, _NO_VERDICTS).approved),
                ("rejected", said.rejected, self._verdicts.get(key, _NO_VERDICTS).rejected),
            )
            if now - before
        ]
        self._verdicts, self._pinned = verdicts, pinned
        self.recompile()
        return fresh

    def offer(self, offer: str) -> None:
        """Know a set of client capabilities from now on."""
        if offer not in self._offers:
            self._offers.add(offer)
            self.recompile()

    def recompile(self) -> None:
        """Compile what is known into a new snapshot, and swap it in."""
        self._swap(self._compiled(self.config, self.digest))

    def quarantined(self, marks: Marks) -> None:
        """Put what is marked out of reach, and everything else back into it; every plan made before is out of date."""
        said, self.marks = self.marks.servers.keys() ^ marks.servers.keys(), marks
        if said:
            # What a server says of itself is compiled in, and not to be heard either.
            self.recompile()
            return
        self._count += 1
        self._swap(msgspec.structs.replace(self._whole, revision=self._count))

    def _swap(self, whole: Snapshot) -> None:
        self._whole, self._current = whole, cut(whole, self.marks)

    def _compiled(self, config: Config, digest: str) -> Snapshot:
        self._count += 1
        self._covers.clear()
        self._rejected.clear()
        self._known.clear()
        result = compiled(config, self.catalogues(config), self._count, digest, self._guards(config, digest))
        self.notes, self.faults = (*result.notes, *self.selves.strangers().values()), result.faults
        return result.snapshot

    # What is known

    def guarding(self) -> Guarding:
        """Return where the guards of the present configuration stand."""
        return self._guards.standing(self.config, self.digest)

    def first_use(self, server: str) -> bool:
        """Say whether a server's adding by the operator is not complete yet."""
        return server not in self._pinned and self._mode(server) is Mode.FIRST_USE

    def offering(self, server: str, offer: str) -> Offering | None:
        """Return what a server last offered for this set of capabilities."""
        return self._offerings.get((server, offer))

    def offered(self, server: str) -> list[Offering]:
        """Return what a server last offered, to every set of capabilities."""
        return [each for (name, _), each in self._offerings.items() if name == server]

    def indifferent(self, server: str) -> bool:
        """Say whether a server offers the same whatever the client can do, so that asking for each set is needless."""
        least, most = self._offerings.get((server, NOTHING)), self._offerings.get((server, EVERYTHING))
        return least is not None and most is not None and _digests(least) == _digests(most)

    def offers(self, server: str) -> list[str]:
        """Return the sets of capabilities to ask a server for when what it offers may have changed."""
        if self.indifferent(server):
            return [NOTHING, EVERYTHING]
        known = self._offers | {offer for name, offer in self._offerings if name == server}
        return [NOTHING, *sorted((known | {EVERYTHING}) - {NOTHING})]

    def missing(self, endpoint: str, offer: str) -> list[str]:
        """Return the servers behind an endpoint that must be asked before it can serve this set of capabilities."""
        servers = endpoints(self.config).get(endpoint, ())
        return [name for name in servers if (name, offer) not in self._offerings and not self.indifferent(name)]

    def stale(self) -> Mapping[str, str]:
        """Return the servers whose catalogue is not current, and why."""
        return {name: why for name, why in self._stale.items() if name in self.config.servers}

    def rows(self) -> Iterator[Row]:
        """Yield every definition of every configured server, and where it stands."""
        for (server, offer), offering in sorted(self._offerings.items()):
            if server in self.config.servers:
                for sighting in offering.definitions:
                    yield Row(server, offer, sighting, self.state(server, sighting))

    def state(self, server: str, sighting: Sighting) -> State:
        """Return where a definition stands."""
        verdicts = self._verdicts.get((server, str(sighting.kind), sighting.name), _NO_VERDICTS)
        return judge(
            sighting,
            verdicts,
            self._mode(server),
            first=self.first_use(server),
            covered=partial(self._covered, server),
            suspect=lambda: grave(self.findings(server, sighting)),
        )

    def findings(self, server: str, sighting: Sighting) -> tuple[Finding, ...]:
        """Return what is suspicious in a definition, by itself and beside what others are called."""
        known = self._known.get(server)
        if known is None:
            known = self._known[server] = self._compared(server)
        every = self.suspicions
        return (*every.scanned(sighting), *every.objections(server, sighting), *every.named(server, sighting, known))

    def sayings(self) -> Iterator[Row]:
        """Yield the instructions of every configured server that has some, and where they stand."""
        for (server, offer), each in sorted(self._offerings.items()):
            if server in self.config.servers and each.instructions:
                state = self.said.state(each, first=self.first_use(server))
                yield Row(server, offer, spoken(each.instructions), state)

    def suspected(self, offering: Offering) -> tuple[Finding, ...]:
        """Return what is suspicious in what a server says of itself, also of the tools of others."""
        known = self._known.get(offering.server)
        if known is None:
            known = self._known[offering.server] = self._compared(offering.server)
        about = self.suspicions.named(offering.server, spoken(offering.instructions), known)
        return (*self.suspicions.said(offering), *about)

    def unsaid(self) -> dict[str, tuple[Finding, ...]]:
        """Return the servers whose instructions are kept from clients, and what is suspicious in them."""
        held = {(row.server, row.offer) for row in self.sayings() if row.state is not State.APPROVED}
        return {server: self.suspected(self._offerings[server, offer]) for server, offer in sorted(held)}

    def beside(self, found: Offering) -> Compared:
        """Return whose names those of an offering are compared with once it is taken in."""
        every = {**self._offerings, (found.server, found.offer): found}
        own = (it for (name, _), each in every.items() if name == found.server for it in each.definitions)
        return self._compared(found.server, own)

    def _compared(self, server: str, own: Iterable[Sighting] | None = None) -> Compared:
        """Return whose names a server's are compared with: of two that are alike, the later one is held back."""
        every = list(self.config.servers)
        before = every[: every.index(server)] if server in every else every
        without = {name for name in before if self._mode(name) is Mode.ALWAYS}
        open_ = [each for (name, _), each in self._offerings.items() if name in without]
        compared = before if self._mode(server) is Mode.ALWAYS else every
        if own is None:
            own = (it for (name, _), each in self._offerings.items() if name == server for it in each.definitions)
        return self.suspicions.beside(server, compared, self._verdicts, open_, own)

    def innocent(self, server: str, definitions: Sequence[Sighting]) -> list[Sighting]:
        """Return the definitions that first use approves without a person, and hold their names for the server."""
        # They are the server's own already: of two accounts at one kind of server, the second may speak of its tools.
        self._known[server] = self._compared(server, definitions)
        found = [each for each in definitions if not grave(self.findings(server, each))]
        self.suspicions.claim(server, [each.name for each in found if each.kind in NAMED])
        self._known.clear()
        return found

    def _covered(self, server: str, uri: str) -> bool:
        """Say whether a URI fits a template that the server offers and that is approved."""
        tests = self._covers.get(server)
        if tests is None:
            tests = self._covers[server] = tuple(self._tests(server))
        return any(fits(uri) for fits in tests)

    def _tests(self, server: str) -> Iterator[Callable[[str], bool]]:
        templates = {
            each.name: each
            for (name, _), offering in self._offerings.items()
            for each in offering.definitions
            if name == server and each.kind is Kind.TEMPLATE and self.state(server, each) is State.APPROVED
        }
        for template in templates:
            # One that is too long to be trusted is in no snapshot either.
            with suppress(ValueError):
                yield uris.fits(template)

    def _refused(self, server: str) -> frozenset[str]:
        """Return the URIs of the server's resources that somebody rejected."""
        if not self._rejected:
            found: dict[str, set[str]] = {"": set()}
            for (name, kind, uri), said in self._verdicts.items():
                if kind == Kind.RESOURCE and said.rejected:
                    found.setdefault(name, set()).add(uri)
            self._rejected = {name: frozenset(each) for name, each in found.items()}
        return self._rejected.get(server, frozenset())

    def _mode(self, server: str) -> Mode:
        known = self.config.servers.get(server)
        return Mode(known.approve) if known else Mode.NEVER

    def _words(self, offering: Offering) -> str:
        """Return the instructions that clients are told."""
        if self.marks.cut(offering.server, ""):
            return ""
        return self.said.told(offering, first=self.first_use(offering.server))

    def catalogues(self, config: Config) -> dict[tuple[str, str], Catalogue]:
        """Return what is approved of what each server offers, for every known set of capabilities."""
        found = {}
        for server in config.servers:
            for offer in self._offers | {offer for name, offer in self._offerings if name == server}:
                known = self._offerings.get((server, offer)) or self._offerings.get((server, NOTHING))
                if known is not None:
                    found[server, offer] = self._catalogue(known, offer)
        for offer in self._offers - {offer for _, offer in found}:
            # An endpoint exists for every known offer, even while nobody behind it could be asked.
            found["", offer] = Catalogue("", offer)
        return found

    def _catalogue(self, offering: Offering, offer: str) -> Catalogue:
        if self.selves.strange(offering.server):
            held = len(offering.definitions)
            return Catalogue(offering.server, offer, stale=self._stale.get(offering.server, ""), held=held)
        approved: dict[Kind, list[Json]] = {kind: [] for kind in Kind}
        held = 0
        for sighting in offering.definitions:
            if self.state(offering.server, sighting) is State.APPROVED:
                approved[sighting.kind].append(sighting.definition)
            else:
                held += 1
        return Catalogue(
            offering.server,
            offer,
            tuple(approved[Kind.TOOL]),
            tuple(approved[Kind.PROMPT]),
            tuple(approved[Kind.RESOURCE]),
            tuple(approved[Kind.TEMPLATE]),
            offering.capabilities,
            self._words(offering),
            offering.ttl_ms,
            self._stale.get(offering.server, ""),
            held,
            self._refused(offering.server),
        )


def _refuse(faults: tuple[Fault, ...], known: tuple[Fault, ...]) -> None:
    """Refuse a file that brings faults; those that a tool brought before must not keep anybody from mending them."""
    brought = [told(each) for each in faults if each not in known]
    if brought:
        raise ValueError("\n".join(brought))


def _digests(offering: Offering) -> set[tuple[Kind, str, str]]:
    return {(each.kind, each.name, each.digest) for each in offering.definitions}
