"""What a change of the file, of a catalogue or of a credential may do, as laws over everything that was carried."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from msgspec import Struct

from tests.properties import model
from tests.properties.choices import Choice, choices, uris, versions
from tests.properties.drawn import Scene
from tests.properties.gateway import LISTS, Gateway, addressed
from tests.properties.model import Spot
from tests.properties.world import RESOURCE, Rule, World

Way = tuple[str, str, str, str, str]
"""Endpoint, version, kind, name, and the arguments as text."""


class Fate(Struct, frozen=True):
    """What became of one call."""

    kind: str
    label: str
    rule: str
    bytes: bytes


class Seen(Struct, frozen=True):
    """All that one caller sees of a gateway."""

    fates: Mapping[Way, Fate]
    listed: frozenset[Way]

    @property
    def sent(self) -> frozenset[Way]:
        return frozenset(way for way, fate in self.fates.items() if fate.kind == "sent")


class Asked(Struct, frozen=True):
    spot: Spot
    choice: Choice
    version: str

    @property
    def way(self) -> Way:
        spot = self.spot
        return spot.endpoint, self.version, spot.kind, spot.name, json.dumps(self.choice.given)


def asked(scene: Scene) -> dict[Way, Asked]:
    """Return every call that is told apart here; what has no arguments is asked for once."""
    found = dict[Way, Asked]()
    for endpoint in model.endpoints(scene.world):
        for spot in [*model.spots(scene.world, endpoint), *uris(scene.world, endpoint)]:
            for version in versions(scene.old):
                for choice in choices(scene.world, spot):
                    one = Asked(spot, choice, version)
                    # What no schema admits is refused whatever the rules are.
                    found |= {one.way: one} if choice.sound else {}
    return found


def both(before: Scene, after: Scene) -> tuple[Seen, Seen]:
    """Return what a caller sees before and after a change, by the calls that make a difference in either."""
    everything = asked(before) | asked(after)
    return seen(before, everything), seen(after, everything)


def seen(scene: Scene, everything: Mapping[Way, Asked]) -> Seen:
    return asyncio.run(_seen(scene, everything))


async def _seen(scene: Scene, everything: Mapping[Way, Asked]) -> Seen:
    gateway, fates, listed = Gateway(scene.world, scene.person), dict[Way, Fate](), set[Way]()
    there = model.endpoints(scene.world)
    for endpoint in there:
        for version in versions(scene.old):
            client = await gateway.client(endpoint, version)
            for kind in LISTS:
                listed |= {(endpoint, version, kind, name, "") for name in await gateway.listed(client, kind)}
            for way, one in everything.items():
                if way[:2] != (endpoint, version):
                    continue
                method, params = addressed(one.spot.kind, one.spot.name, one.choice.given)
                said = await gateway.ask(client, method, **params)
                fates[way] = Fate(said.kind, str(said.record.get("tool", "")), said.rule, said.bytes)
    return Seen(fates, frozenset(listed))


# Laws


def grants_nothing(before: Seen, after: Seen) -> None:
    """Nobody reaches or sees anything that they did not."""
    assert after.sent <= before.sent, f"newly carried: {sorted(after.sent - before.sent)[:3]}"
    assert after.listed <= before.listed, f"newly listed: {sorted(after.listed - before.listed)[:3]}"


def takes_nothing(before: Seen, after: Seen) -> None:
    """Nobody loses anything."""
    grants_nothing(after, before)


def same(before: Seen, after: Seen) -> None:
    """Nothing is different: what is carried, what is said, what is listed, which rule decides."""
    assert after.listed == before.listed
    different = [way for way, fate in before.fates.items() if after.fates[way] != fate]
    assert not different, f"{[(way, before.fates[way], after.fates[way]) for way in different[:2]]}"


def uncovers(before: Seen, after: Seen, removed: Rule, left: World) -> None:
    """Without a deny rule, what it covered is as the other rules have it, and nothing else is different."""
    takes_nothing(before, after)
    allowing = {rule.name for rule in left.rules if rule.effect == "allow" and not rule.shadow}
    for way in after.sent - before.sent:
        fate = after.fates[way]
        assert any(model.covers(pattern, fate.label) for pattern in removed.patterns), f"{way} was not covered"
        assert fate.rule in allowing, f"{way} is allowed by {fate.rule}, which is no allow rule"


def leaves_others(before: Scene, after: Scene, views: tuple[Seen, Seen]) -> None:
    """What keeps its name to itself is as it was; what shares it now with something new is no more than it was."""
    old, new = views
    for way, fate in new.fates.items():
        meant, means = _meaning(before.world, way), _meaning(after.world, way)
        if meant == means:
            assert fate == old.fates[way], f"{way}: {old.fates[way]} became {fate}"
        elif fate.kind == "sent":
            assert fate.label not in meant or old.fates[way].kind == "sent", f"{way} reaches {fate.label} now"
    for way in old.listed ^ new.listed:
        assert _named(before.world, way) != _named(after.world, way), f"{way} is listed otherwise"


def _meaning(world: World, way: Way) -> frozenset[str]:
    """Return what a name may mean at an endpoint, URIs that fit a template among them."""
    spot = model.read_at(world, way[0], way[3]) if way[2] == RESOURCE else None
    return frozenset(each.label for each in spot.things) if spot else _named(world, way)


def _named(world: World, way: Way) -> frozenset[str]:
    """Return what is offered under a name."""
    endpoint, _, kind, name, _ = way
    here = model.spots(world, endpoint)
    return frozenset(each.label for spot in here if (spot.kind, spot.name) == (kind, name) for each in spot.things)
