"""What takes an approval is listed, sent once people approve, and otherwise as if its rule were the stricter one."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, Final

import msgspec
from hypothesis import given, note

from ostiary.core.errors import Held
from ostiary.core.model import MODERN
from ostiary.core.ports import Wish
from tests.properties import model
from tests.properties.budget import examples
from tests.properties.choices import choices, versions
from tests.properties.drawn import DRAWS, Scene, scene
from tests.properties.gateway import LISTS, Gateway, addressed
from tests.properties.world import TEMPLATE, Rule, World, text

_BY: Final = {"by": ["lead"]}
_KEYS: Final = {"allow": "approval", "deny": "unless_approved"}


async def nobody(wish: Wish) -> str:
    raise Held(wish.reason, hint=wish.reason)


async def everybody(wish: Wish) -> str:
    return "lea (h_1)"


def approving(draw: Random) -> tuple[Scene, World, World]:
    """Return a scene in which rules want approvals, its world if all are given, and its world if none is."""
    it = scene(draw)
    marked = [each for each in it.world.rules if not each.shadow and _certain(each) and draw.random() < 0.6]
    rules = tuple(_wanting(each) if each in marked else each for each in it.world.rules)
    lenient = tuple(each for each in it.world.rules if each not in marked or each.effect == "allow")
    strict = tuple(each for each in it.world.rules if each not in marked or each.effect == "deny")
    with_rules = [msgspec.structs.replace(it.world, rules=each) for each in (rules, lenient, strict)]
    return msgspec.structs.replace(it, world=with_rules[0]), with_rules[1], with_rules[2]


def _certain(rule: Rule) -> bool:
    """Say whether a rule can be evaluated: what cannot denies, whoever approves."""
    return rule.effect == "allow" or (rule.when is None and "checks" not in rule.narrow)


def _wanting(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, narrow={**rule.narrow, _KEYS[rule.effect]: _BY})


SCENES: Final = DRAWS.map(approving)


@examples(12)
@given(SCENES)
def test_an_approval_is_between_the_stricter_and_the_more_lenient_file(drawn: tuple[Scene, World, World]) -> None:
    """issue 6: a rule with approval never widens anything, and what is listed is what can be called with it."""
    it, lenient, strict = drawn
    note(text(it.world))
    asyncio.run(_between(it, lenient, strict))


async def _between(it: Scene, lenient: World, strict: World) -> None:
    worlds = {"lenient": lenient, "strict": strict, "approved": it.world, "alone": it.world}
    houses = {name: Gateway(world, it.person) for name, world in worlds.items()}
    for name, approve in (("approved", everybody), ("alone", nobody)):
        houses[name].ports = msgspec.structs.replace(houses[name].ports, approve=approve)
    for endpoint in model.endpoints(it.world):
        for version in versions(it.old):
            doors = {name: await each.client(endpoint, version) for name, each in houses.items()}
            if version != MODERN and not doors["alone"].session:
                continue
            for kind in LISTS:
                shown = {name: await each.listed(doors[name], kind) for name, each in houses.items()}
                assert shown["alone"] == shown["approved"] == shown["lenient"], "what takes an approval is listed"
            await _sent(houses, doors, it.world, endpoint)


async def _sent(houses: dict[str, Gateway], doors: dict[str, Any], world: World, endpoint: str) -> None:
    for spot in model.spots(world, endpoint):
        if spot.kind == TEMPLATE or len(spot.things) > 1:
            continue
        for way in choices(world, spot):
            method, params = addressed(spot.kind, spot.name, way.given)
            said = {name: (await each.ask(doors[name], method, **params)).kind for name, each in houses.items()}
            assert (said["approved"] == "sent") == (said["lenient"] == "sent"), said
            assert (said["alone"] == "sent") == (said["strict"] == "sent"), said
            if said["lenient"] == "sent" and said["strict"] != "sent":
                assert said["alone"] == "held", said
