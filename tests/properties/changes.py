"""Changes to generated gateways, each with the law that it must keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from tests.properties import changing, drawn, model, pools
from tests.properties.changing import both
from tests.properties.conditions import Both, usable
from tests.properties.drawn import Scene
from tests.properties.world import Person, Rule, World

Change = Callable[[Scene, Random], Mapping[str, int]]
"""Makes a change, holds it to its law, and returns what it came to; nothing where there was nothing to change."""
_NEW, _MORE = "zz-new", "0-more"
_BROAD: Final = (("*.*",), ("*.*", "*.prompt/*"), ("alpha.*",), ("*.read", "*.find"))


def _with(scene: Scene, **changed: Any) -> Scene:
    return replace(scene, world=replace(scene.world, **changed))


def _rules(scene: Scene, rules: tuple[Rule, ...]) -> Scene:
    return _with(scene, rules=rules)


def _picked(scene: Scene, draw: Random, effect: str) -> tuple[Scene, Rule]:
    """Return one of the rules that count; or another, which matters more often: an allow rule is the only one then."""
    found = [rule for rule in scene.world.rules if rule.effect == effect and not rule.shadow]
    if found and drawn.chance(draw, 2):
        return scene, draw.choice(found)
    # Sometimes of nobody, so that what is to mean less must not come to mean somebody.
    everybody: Mapping[str, tuple[str, ...]] = {"subjects": ("*",)} if effect == "allow" else {}
    who = draw.choice((everybody, {"roles": ("nobody",)}))
    rule = Rule(_MORE, effect, draw.choice(_BROAD), who)
    others = [each for each in scene.world.rules if effect == "deny" or each.effect == "deny" or each.shadow]
    return _rules(scene, (*others, rule)), rule


def _without(scene: Scene, rule: Rule) -> Scene:
    return _rules(scene, tuple(each for each in scene.world.rules if each is not rule))


def _instead(scene: Scene, rule: Rule, other: Rule) -> Scene:
    return _rules(scene, tuple(other if each is rule else each for each in scene.world.rules))


def _told(before: changing.Seen, after: changing.Seen) -> dict[str, int]:
    return {"lost": len(before.sent - after.sent), "gained": len(after.sent - before.sent), "held": 1}


# What may only take away


def deny_added(scene: Scene, draw: Random) -> Mapping[str, int]:
    """A deny can never widen."""
    rule = drawn.rule(draw, scene.world, "deny")
    rule = replace(rule, who={}) if draw.choice((True, False)) else rule
    before, after = both(scene, _rules(scene, (*scene.world.rules, replace(rule, name=_NEW))))
    changing.grants_nothing(before, after)
    return _told(before, after)


def allow_removed(scene: Scene, draw: Random) -> Mapping[str, int]:
    """Removing an allow never grants."""
    scene, rule = _picked(scene, draw, "allow")
    before, after = both(scene, _without(scene, rule))
    changing.grants_nothing(before, after)
    return _told(before, after)


def allow_narrowed(scene: Scene, draw: Random) -> Mapping[str, int]:
    """A condition, and all else that a rule demands, never widens what it allows."""
    scene, rule = _picked(scene, draw, "allow")
    other = _narrower(rule, scene.world, draw)
    if other is None:
        return {}
    before, after = both(scene, _instead(scene, rule, other))
    changing.grants_nothing(before, after)
    return _told(before, after)


def quarantined(scene: Scene, draw: Random) -> Mapping[str, int]:
    """A quarantine never grants."""
    shut = replace(drawn.quarantine(draw, scene.world), id="q_new")
    before, after = both(scene, _with(scene, shut=(*scene.world.shut, shut)))
    changing.grants_nothing(before, after)
    return _told(before, after)


def credential_narrowed(scene: Scene, draw: Random) -> Mapping[str, int]:
    """A token that is good for less is good for no more."""
    person = _lesser(scene.person, draw)
    if person is None:
        return {}
    before, after = both(scene, replace(scene, person=person))
    changing.grants_nothing(before, after)
    return _told(before, after)


def _lesser(person: Person, draw: Random) -> Person | None:
    if person.issuer != "ostiary" or person.servers or person.tools:
        return None
    if draw.choice((True, False)):
        return replace(person, servers=(draw.choice(pools.SERVERS),))
    return replace(person, tools=draw.choice((("alpha.*",), ("beta.*", "alpha:*"))))


# What may only give


def deny_removed(scene: Scene, draw: Random) -> Mapping[str, int]:
    """Removing a deny uncovers what allow rules allow, where it was covered, and grants nothing of its own."""
    scene, rule = _picked(scene, draw, "deny")
    less = _without(scene, rule)
    before, after = both(scene, less)
    changing.uncovers(before, after, rule, less.world)
    return _told(before, after)


def deny_narrowed(scene: Scene, draw: Random) -> Mapping[str, int]:
    """A condition, and all else that a rule demands, never widens what it denies: where it fits what it covers.

    What cannot be evaluated is denied, so that a condition on an argument which a tool does not have denies it.
    """
    scene, rule = _picked(scene, draw, "deny")
    other = _narrower(rule, scene.world, draw)
    if other is None or not model.fits_all(other, scene.world):
        return {}
    before, after = both(scene, _instead(scene, rule, other))
    changing.takes_nothing(before, after)
    return _told(before, after)


def _narrower(rule: Rule, world: World, draw: Random) -> Rule | None:
    """Return the rule with one more demand; None where it has no room for the one that came up."""
    argued = drawn.argued(rule)
    if draw.choice((True, True, False)):
        tree = drawn.tree(draw, world, argued=argued)
        if rule.when is not None:
            joined = Both("&&", rule.when, tree)
            return replace(rule, when=joined) if usable(joined) else None
        return replace(rule, when=tree)
    more = drawn.narrowing(draw, world, rule.effect, argued=argued)
    if more.keys() & rule.narrow.keys() or {"read_only", "destructive"} & rule.narrow.keys():
        return None
    return replace(rule, narrow={**rule.narrow, **more})


# What may change nothing


def order_changed(scene: Scene, draw: Random) -> Mapping[str, int]:
    """The order of rules never matters."""
    shuffled = list(scene.world.rules)
    draw.shuffle(shuffled)
    if shuffled == list(scene.world.rules):
        return {}
    before, after = both(scene, _rules(scene, tuple(shuffled)))
    changing.same(before, after)
    return {"held": 1, "sent": len(before.sent)}


def rehearsed(scene: Scene, draw: Random) -> Mapping[str, int]:
    """A shadow rule decides nothing."""
    rule = drawn.rule(draw, scene.world)
    narrow = {key: value for key, value in rule.narrow.items() if key != "limit"} | {"shadow": True}
    before, after = both(scene, _rules(scene, (*scene.world.rules, replace(rule, name=_NEW, narrow=narrow))))
    changing.same(before, after)
    return {"held": 1, "sent": len(before.sent)}


def split(scene: Scene, draw: Random) -> Mapping[str, int]:
    """A rule with several patterns is as many rules with one each."""
    rule = next((each for each in scene.world.rules if len(each.patterns) > 1), None)
    if rule is None:
        return {}
    parts = tuple(replace(rule, name=f"{rule.name}.{at}", patterns=(each,)) for at, each in enumerate(rule.patterns))
    rules = [each for each in scene.world.rules if each is not rule]
    before, after = both(scene, _rules(scene, (*rules, *parts)))
    changing.grants_nothing(before, after)
    changing.takes_nothing(before, after)
    return {"held": 1, "sent": len(before.sent)}


# What may change itself only


def tool_added(scene: Scene, draw: Random) -> Mapping[str, int]:
    """What a server offers anew never changes decisions about what there was."""
    new = drawn.thing(draw)
    if new.label in {each.label for each in scene.world.things}:
        return {}
    return _grown(scene, _with(scene, things=(*scene.world.things, new)))


def server_added(scene: Scene, draw: Random) -> Mapping[str, int]:
    """A new server never changes decisions about the others."""
    things = drawn.unlike(draw, 3, lambda it: drawn.thing(it, (pools.LATER,)), lambda it: it.label)
    servers = (*scene.world.servers, pools.LATER)
    return _grown(scene, _with(scene, things=(*scene.world.things, *things), servers=servers))


def _grown(before: Scene, after: Scene) -> Mapping[str, int]:
    views = both(before, after)
    changing.leaves_others(before, after, views)
    return _told(*views)


CHANGES: Final[Mapping[str, Change]] = {
    each.__name__: each
    for each in (
        deny_added, allow_removed, allow_narrowed, quarantined, credential_narrowed, deny_removed, deny_narrowed,
        order_changed, rehearsed, split, tool_added, server_added,
    )
}  # fmt: skip
