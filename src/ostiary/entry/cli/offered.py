"""What servers offer, say of themselves and are, as `ostiary tools` lists it and decides about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ostiary.adapters.store import database
from ostiary.core.model import Json, Kind
from ostiary.entry.offline import Offline
from ostiary.integrity.facts import INSTRUCTIONS, Fact, whole_pin
from ostiary.integrity.findings import Finding
from ostiary.integrity.pins import Sighting, State
from ostiary.operate.explain import selected
from ostiary.protocol.names import label

IDENTITY: Final = "identity"
OWN: Final = frozenset({IDENTITY, INSTRUCTIONS})
"""What is of a server itself: `SERVER/identity` and `SERVER/instructions`, which no pattern means."""


class Seen(Struct, frozen=True):
    """One definition of one server, however many kinds of clients it is offered to; or what is of the server itself."""

    server: str
    label: str
    state: State
    sighting: Sighting
    findings: tuple[Finding, ...] = ()
    facts: tuple[Fact, ...] = ()
    """What a verdict on an identity is about."""

    @property
    def kind(self) -> str:
        """What it is called in lists."""
        return self.sighting.name if self.sighting.kind is Kind.GATEWAY else str(self.sighting.kind)

    @property
    def sightings(self) -> list[Sighting]:
        """What a verdict is about."""
        return [each.sighting() for each in self.facts] or [self.sighting]

    def meant(self, pattern: str) -> bool:
        """Say whether a pattern, or label, means this."""
        if self.kind in OWN:
            return pattern == self.label
        return selected([pattern], self.server, self.sighting.kind, self.sighting.name)


def everything(opened: Offline, server: str) -> list[Seen]:
    """Return what every server offers, says of itself and is; or what one does."""
    found: dict[tuple[str, str, str, str], Seen] = {}
    for seen in (*_definitions(opened), *_instructions(opened), *_identities(opened)):
        if not server or seen.server == server:
            found.setdefault((seen.server, seen.kind, seen.sighting.name, seen.sighting.digest), seen)
    return sorted(found.values(), key=lambda each: (each.server, each.kind, each.label))


def _definitions(opened: Offline) -> Iterator[Seen]:
    for row in opened.sightings():
        each = row.sighting
        told = opened.revisions.findings(row.server, each)
        yield Seen(row.server, label(row.server, each.kind, each.name), row.state, each, told)


def _instructions(opened: Offline) -> Iterator[Seen]:
    for row in opened.revisions.sayings():
        offering = opened.revisions.offering(row.server, row.offer)
        told = opened.revisions.suspected(offering) if offering is not None else ()
        yield Seen(row.server, f"{row.server}/{INSTRUCTIONS}", row.state, row.sighting, told)


def _identities(opened: Offline) -> Iterator[Seen]:
    selves = opened.revisions.selves
    for server in opened.config.servers:
        known, judged = selves.known(server), selves.judged(server)
        about = {each.name: each for each in (*known, *judged.held) if each.value or each in judged.held}
        if about:
            facts = tuple(about.values())
            value: Json = {name: each.value for name, each in about.items()}
            sighting = Sighting(Kind.GATEWAY, IDENTITY, whole_pin(facts), value)
            state = State.CHANGED if judged.held else State.APPROVED
            yield Seen(server, f"{server}/{IDENTITY}", state, sighting, facts=facts)


def approved(opened: Offline, seen: Seen) -> Json | None:
    """Return what was approved last in the place of something that waits; None: nothing was."""
    if seen.kind == IDENTITY:
        before = {each.name: _approved(opened, seen.server, Kind.GATEWAY, each.name) for each in seen.facts}
        return {name: each for name, each in before.items() if each}
    if seen.kind == INSTRUCTIONS:
        text = opened.revisions.said.last(seen.server)
        return {INSTRUCTIONS: text} if text else None
    return _approved(opened, seen.server, seen.sighting.kind, seen.sighting.name)


def _approved(opened: Offline, server: str, kind: Kind, name: str) -> Json | None:
    found = database.approved_definitions(opened.engine, server, kind, name)
    return found[0] if found else None
