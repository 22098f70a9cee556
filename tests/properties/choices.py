"""Which arguments are tried with what, so that everything that a condition could ask is true once and false once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Final

from msgspec import Struct

from ostiary.core.model import MODERN
from tests.properties import model
from tests.properties.conditions import reading
from tests.properties.gateway import Client, Gateway, Said, addressed, completing
from tests.properties.model import Spot, Verdict
from tests.properties.world import PROMPT, RESOURCE, TEMPLATE, TOOL, Person, Thing, World

_VALUES: Final[Mapping[str, tuple[Any, ...]]] = {
    "string": ("/a", "/srv/docs/x", "/etc/x"), "integer": (5, 500), "boolean": (True, False),
}  # fmt: skip
_WRONG: Final[Mapping[str, Any]] = {"string": 3, "integer": "many", "boolean": "yes"}
_URIS: Final = ("note://1", "note://9", "file:///a", "file:///b", "doc:///pub/x", "doc:///y", "void:///1")
NOTHING: Final = {TOOL: "no_such_tool", PROMPT: "no_such_prompt", RESOURCE: "void:///2", TEMPLATE: "void:///{x}"}


class Choice(Struct, frozen=True):
    """One way to ask for something."""

    given: Any = None
    """The arguments; None: none are sent."""
    sound: bool = True
    """The approved schema admits them, so that policy alone decides."""
    met: Mapping[str, Any] = {}
    """What conditions see."""


def choices(world: World, spot: Spot) -> list[Choice]:
    """Return ways to ask for what has a name: those that conditions tell apart, and those that no schema admits."""
    thing = spot.things[0]
    if thing.kind in (RESOURCE, TEMPLATE):
        return [Choice()]
    read = {leaf.argument for rule in world.rules for leaf in reading(rule.when)}
    read |= {"path"} if any("checks" in rule.narrow for rule in world.rules) else set()
    found = [_sound(given, spot) for given in _combined(thing, spot, read)]
    return [*found, *_odd(thing, spot, found[0].given)]


def _combined(thing: Thing, spot: Spot, read: set[str]) -> list[dict[str, Any]]:
    axes: list[list[dict[str, Any]]] = []
    for each in thing.arguments:
        if each.name in spot.fixed:
            continue
        values = [{each.name: value} for value in _VALUES[each.type]]
        values = values if each.name in read else values[:1]
        axes.append(values if each.required else [*values, {}])
    return [{key: value for part in parts for key, value in part.items()} for parts in product(*axes)]


def _sound(given: dict[str, Any], spot: Spot) -> Choice:
    return Choice(given, met={**given, **spot.fixed})


def _odd(thing: Thing, spot: Spot, usual: Mapping[str, Any]) -> list[Choice]:
    """Return what no schema admits: it must not go out, whatever the rules make of it."""
    found: list[Any] = [{**usual, "strange": 1}, [1]]
    found += [{**usual, **spot.fixed}] if spot.fixed else []
    found += [{**usual, each.name: _WRONG[each.type]} for each in thing.arguments if each.name not in spot.fixed][:1]
    lacking = any(each.required and each.name not in spot.fixed for each in thing.arguments)
    # What a prompt needs is for its server to say: the protocol has no schema for it.
    bare = [Choice({}, sound=thing.kind == PROMPT, met=spot.fixed)] if lacking else []
    return [*bare, *(Choice(each, sound=False) for each in found)]


def uris(world: World, endpoint: str) -> list[Spot]:
    """Return what URIs mean that no list has."""
    listed = {each.name for each in model.spots(world, endpoint) if each.kind == RESOURCE}
    found = [model.read_at(world, endpoint, uri) for uri in _URIS if uri not in listed]
    return [each for each in found if each is not None]


class Door(Struct, frozen=True):
    """One program of one caller at one endpoint."""

    gateway: Gateway
    person: Person
    client: Client

    async def ask(self, spot: Spot, choice: Choice) -> Said:
        method, params = addressed(spot.kind, spot.name, choice.given)
        return await self.gateway.ask(self.client, method, **params)

    async def completed(self, spot: Spot) -> Said:
        method, params = completing(spot.name)
        return await self.gateway.ask(self.client, method, **params)

    def expected(self, spot: Spot, choice: Choice, method: str = "") -> Verdict:
        """Return what the file says about one way to ask."""
        world, client, thing = self.gateway.world, self.client, spot.things[0]
        asked = method or model.METHODS[spot.kind]
        it = model.scene(world, self.person, thing, client.era, client.version, client.endpoint, asked)
        return model.verdict(world, self.person, thing, model.seen(it, choice.met))


def versions(old: str) -> tuple[str, str]:
    """Return one version of each era."""
    return MODERN, old
