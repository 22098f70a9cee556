"""What lists and calls owe each other, as one law that a generated gateway keeps or breaks."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.properties import model
from tests.properties.choices import NOTHING, Choice, Door, choices, uris, versions
from tests.properties.drawn import Scene
from tests.properties.gateway import LISTS, Gateway, Said, addressed
from tests.properties.model import Spot, Verdict
from tests.properties.world import PROMPT, RESOURCE, TEMPLATE, Person, World

KNOWN = frozenset({"sent", "refused", "unfit"})
"""Answers by which somebody learns that there is something."""
_DENIALS = {
    "reach": ("deny_rule",), "quarantined": ("quarantined",), "deny": ("deny_rule", "undecided"),
    "scope": ("missing_scope",), "condition": ("condition",), "none": ("no_rule",),
}  # fmt: skip


def kept(scene: Scene) -> Counter[str]:
    """Hold a gateway to the law, in both eras and at every endpoint; return which cases came up."""
    return asyncio.run(_kept(scene.world, scene.person, scene.old))


async def _kept(world: World, person: Person, old: str) -> Counter[str]:
    gateway, seen = Gateway(world, person), Counter[str]()
    for endpoint in model.endpoints(world):
        for version in versions(old):
            door = Door(gateway, person, await gateway.client(endpoint, version))
            if model.barred(world, person):
                await _shut_out(door)
                seen["shut out"] += 1
                continue
            await _holds(door, seen)
    return seen


async def _shut_out(door: Door) -> None:
    for kind in LISTS:
        assert await door.gateway.listed(door.client, kind) == [], "nothing is listed to whoever is shut out"
    for spot in model.spots(door.gateway.world, door.client.endpoint):
        assert not (await door.ask(spot, Choice({}))).sent, "nothing is sent for whoever is shut out"


async def _holds(door: Door, seen: Counter[str]) -> None:
    world, endpoint = door.gateway.world, door.client.endpoint
    listed = {kind: await door.gateway.listed(door.client, kind) for kind in LISTS}
    here = model.spots(world, endpoint)
    for kind, shown in listed.items():
        assert len(shown) == len(set(shown)), "nothing is listed twice"
        assert set(shown) <= {each.name for each in here if each.kind == kind and len(each.things) == 1}
    for spot in here:
        if len(spot.things) > 1:
            await _ambiguous(door, spot)
            seen["ambiguous"] += 1
            continue
        await _agrees(door, spot, spot.name in listed[spot.kind], seen)
    for spot in uris(world, endpoint):
        await _through(door, spot, listed[TEMPLATE], seen)


async def _agrees(door: Door, spot: Spot, listed: bool, seen: Counter[str]) -> None:
    """Listed is what some arguments are carried for; what is not listed looks like what is not there."""
    ways = choices(door.gateway.world, spot)
    said = [(way, await door.ask(spot, way)) for way in ways]
    callable_ = [way for way, each in said if each.kind == "sent"]
    for way, each in said:
        if each.trail.target is None:
            # Refused as no message of the protocol, whatever it is about.
            assert not way.sound
            await _looks_like_nothing(door, spot, way, each)
            continue
        _recorded(door, spot, way, each)
        assert listed or each.kind in ("unknown", "scope"), f"{spot.name} is not listed, and answers {each.kind}"
        assert not listed or each.kind != "unknown", f"{spot.name} is listed, and seems not to exist"
        if each.kind == "unknown":
            await _looks_like_nothing(door, spot, way, each)
    if spot.kind == TEMPLATE:
        # Listed is a template where some URI of it may be read, and so it may be where it itself is no such URI.
        assert not listed or model.hopeful(door.gateway.world, door.person, spot, door.client.era, door.client.version)
        seen[f"template {'listed' if listed else 'hidden'}"] += 1
        return
    wanted = [way for way in ways if way.sound and door.expected(spot, way).effect == "allow"]
    assert callable_ == wanted, "the file allows other calls than those that were carried"
    assert listed or not wanted
    if model.exact(door.gateway.world, door.person, spot):
        assert listed == bool(wanted), f"{spot.name} is {'' if listed else 'not '}listed, callable: {len(wanted)}"
        seen["exact"] += 1
    if not model.by_method(door.gateway.world):
        await _followed(door, spot, listed)
    _counted(door, spot, listed, said, seen)


async def _followed(door: Door, spot: Spot, listed: bool) -> None:
    """Completion and subscription follow what they belong to."""
    if spot.kind == PROMPT:
        completed = await door.completed(spot)
        assert listed == (completed.kind == "sent"), "what is listed can be completed, and nothing else"
    if spot.kind == RESOURCE and door.client.era == "handshake":
        watched = await door.gateway.ask(door.client, "resources/subscribe", uri=spot.name)
        assert listed == (watched.kind == "sent"), "what is listed can be watched, and nothing else"


def _counted(door: Door, spot: Spot, listed: bool, said: list[tuple[Choice, Said]], seen: Counter[str]) -> None:
    kinds = {each.kind for _, each in said}
    effects = {door.expected(spot, way).effect for way, _ in said if way.sound}
    seen[f"{spot.kind} {'listed' if listed else 'hidden'}"] += 1
    for effect in effects:
        seen[f"by {effect}"] += 1
    if {"sent", "refused"} <= kinds:
        seen["some arguments only"] += 1
    own = model.view_at(door.gateway.world, door.client.endpoint)
    if own and listed:
        seen["listed through a view"] += 1
        seen["listed under a new name"] += spot.name in own.rename.values()
        seen["listed with a fixed argument"] += bool(spot.fixed)
    for rule in model.speaking(door.gateway.world, door.person, spot.things[0], spot.endpoint):
        if "during" in rule.narrow:
            seen["window open" if model.time(rule.narrow["during"], door.gateway.world.now) else "window closed"] += 1


def _recorded(door: Door, spot: Spot, way: Choice, said: Said) -> None:
    """What was refused went nowhere, and the ledger names the rule that decided."""
    assert bool(said.sent) == (said.kind == "sent"), f"{said.kind}, and {len(said.sent)} were sent"
    assert all(order.target.label == spot.things[0].label for order in said.sent)
    assert said.record["tool"] == spot.things[0].label
    if way.sound and spot.kind != TEMPLATE:
        _explained(door.expected(spot, way), said)


def _explained(expected: Verdict, said: Said) -> None:
    decision = said.record["decision"]
    if expected.effect == "allow":
        assert decision == {"effect": "allow", "rule": said.rule}
        assert said.rule in expected.rules
        return
    assert decision["effect"] == "deny"
    assert decision["reason"] in _DENIALS[expected.effect], f"{decision} where {expected} was due"
    detail = said.record.get("detail", "")
    assert detail.startswith(f"{decision['reason']}: "), "the ledger says what would have been needed"
    assert said.rule in expected.rules or (expected.effect == "none" and not said.rule)
    assert expected.effect == "none" or said.rule in detail


async def _looks_like_nothing(door: Door, spot: Spot, way: Choice, said: Said) -> None:
    """Byte for byte, but for the name that the client said itself."""
    method, params = addressed(spot.kind, NOTHING[spot.kind], way.given)
    other = await door.gateway.ask(door.client, method, **params)
    assert other.kind == said.kind
    assert said.bytes.replace(spot.name.encode(), b"?") == other.bytes.replace(NOTHING[spot.kind].encode(), b"?")


async def _ambiguous(door: Door, spot: Spot) -> None:
    """What several servers offer under one name is none's, and looks like nothing to whoever may use none of them."""
    said = await door.ask(spot, Choice({} if spot.kind != RESOURCE else None))
    assert said.kind == "unknown"
    assert not said.sent
    method, params = addressed(spot.kind, NOTHING[spot.kind], {})
    other = (await door.gateway.ask(door.client, method, **params)).bytes.replace(NOTHING[spot.kind].encode(), b"?")
    told = said.bytes.replace(spot.name.encode(), b"?") != other
    world = door.gateway.world
    hopeful = [
        rule
        for thing in spot.things
        for rule in model.speaking(world, door.person, thing, spot.endpoint)
        if rule.effect == "allow" and not rule.shadow
    ]
    assert hopeful or spot.kind == TEMPLATE or not told, "somebody without a rule is told of what two servers offer"


async def _through(door: Door, spot: Spot, templates: list[str], seen: Counter[str]) -> None:
    """A URI that fits a template is decided by itself, and can be read only where its template is listed."""
    if len(spot.things) > 1:
        await _ambiguous(door, spot)
        return
    way = Choice()
    said = await door.ask(spot, way)
    _recorded(door, spot, way, said)
    allowed = door.expected(spot, way).effect == "allow"
    assert allowed == (said.kind == "sent"), f"{spot.name}: {said.kind}, and the file says {door.expected(spot, way)}"
    if said.kind == "unknown":
        await _looks_like_nothing(door, spot, way, said)
    seen["URI read" if allowed else "URI hidden"] += 1
    if allowed:
        assert any(model.fits(name, spot.name) for name in templates), "a URI can be read whose template is hidden"
