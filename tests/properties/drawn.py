"""Generated gateways and callers, drawn choice by choice from one source, so that what fails can be made smaller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, TypeVar

import msgspec
from hypothesis import strategies as st

from ostiary.core.model import HANDSHAKES
from ostiary.policy.quarantine import Quarantine
from tests.properties import pools
from tests.properties.conditions import OF_ARGUMENTS, OF_ONE_THING, PLAIN, Both, Leaf, Not, Tree, usable
from tests.properties.model import covers, fitting
from tests.properties.world import (
    ISSUERS,
    PROMPT,
    RESOURCE,
    TEMPLATE,
    TOOL,
    Argument,
    Json,
    Person,
    Rule,
    Thing,
    View,
    World,
)

T = TypeVar("T")
DRAWS: Final = st.randoms(use_true_random=False)
"""The source of all choices."""


def chance(draw: Random, one_in: int) -> bool:
    """Return true once in so many times; false is the simpler of the two."""
    return draw.randrange(one_in) == one_in - 1


def some(draw: Random, pool: Sequence[str], least: int = 0) -> tuple[str, ...]:
    """Return a few of a pool, each once."""
    return tuple(dict.fromkeys(draw.choice(pool) for _ in range(draw.randint(least, 2))))


def unlike(draw: Random, count: int, make: Callable[[Random], T], key: Callable[[T], str]) -> tuple[T, ...]:
    """Return values of which no two have the same key."""
    return tuple({key(each): each for each in (make(draw) for _ in range(count))}.values())


# What there is


def thing(draw: Random, servers: Sequence[str] = pools.SERVERS) -> Thing:
    """Return something that a server offers."""
    kind = draw.choice(pools.KINDS)
    server, name = draw.choice(servers), draw.choice(pools.NAMES[kind])
    if kind in (RESOURCE, TEMPLATE):
        return Thing(server, kind, name)
    made = unlike(draw, draw.randint(0, 2), lambda it: _argument(it, kind), lambda it: it.name)
    if kind == PROMPT:
        return Thing(server, kind, name, made)
    return Thing(server, kind, name, made, draw.choice(pools.HINTS), draw.choice(pools.OWN))


def _argument(draw: Random, kind: str) -> Argument:
    name = draw.choice(("path", "path", "amount", "force"))
    return Argument(name, "string" if kind == PROMPT else pools.TYPES[name], draw.choice((True, False)))


# What rules there are


def tree(draw: Random, world: World, *, argued: bool) -> Tree:
    """Return a condition; `argued`: on arguments, too, and on what differs between the URIs of a template."""
    plain = (*PLAIN, *OF_ONE_THING) if argued else PLAIN
    # Most of them fit something: the others are errors wherever they come, and one error is like another.
    fit = tuple(leaf for leaf in OF_ARGUMENTS if any(fitting(leaf, each) for each in world.things))

    def leaf() -> Leaf:
        if argued and draw.randrange(3):
            return draw.choice(fit if fit and draw.randrange(6) else OF_ARGUMENTS)
        return draw.choice(plain)

    match draw.randrange(5):
        case 0 | 1:
            return leaf()
        case 2:
            return Not(leaf())
        case form:
            pair = Both(draw.choice(("&&", "||")), leaf(), leaf())
            return (pair if form == 3 else Not(pair)) if usable(pair) else pair.left


def _patterns(draw: Random, world: World, *, argued: bool) -> tuple[str, ...]:
    kinds = (TOOL, PROMPT) if argued else (TOOL, PROMPT, RESOURCE)
    labels = [each.label for each in world.things if each.kind in kinds]
    return some(draw, [*(pools.ARGUED if argued else pools.WIDE), *labels, *labels], 1)


def _who(draw: Random, world: World, effect: str) -> Mapping[str, tuple[str, ...]]:
    match draw.randrange(9):
        case 0 | 1 | 2:
            return {"subjects": ("*",)} if effect == "allow" else {}
        case 3:
            return {"roles": some(draw, pools.ROLES, 1)}
        case 4:
            return {"teams": some(draw, pools.TEAMS, 1)}
        case 5:
            return {"roles": some(draw, pools.ROLES, 1), "teams": some(draw, pools.TEAMS, 1)}
        case 6:
            return {"subjects": ("*",), "issuers": some(draw, ("ostiary", *world.issuers), 1)}
        case 7:
            who = {"subjects": some(draw, pools.SUBJECTS, 1)}
            who |= {"agents": some(draw, pools.AGENTS, 1)} if chance(draw, 3) else {}
        case _:
            who = {"clients": some(draw, (*pools.TOKENS, *pools.CLIENTS), 1)}
    # With two issuers, a rule that allows by name has to say whose word counts.
    return {**who, "issuers": ("staff",)} if effect == "allow" and len(world.issuers) > 1 else who


def narrowing(draw: Random, world: World, effect: str, *, argued: bool) -> Json:
    """Return what else a rule says to mean less."""
    kinds = ["read_only", "destructive", "during", "during", *(["views"] if world.views else [])]
    kinds += ["scopes", "scopes"] if effect == "allow" else []
    kinds += ["checks", "checks"] if effect == "allow" and argued else []
    match draw.choice(kinds):
        case "during":
            return {"during": draw.choice(pools.DURING)}
        case "views":
            return {"views": some(draw, [each.name for each in world.views], 1)}
        case "scopes":
            return {"scopes": some(draw, pools.SCOPES, 1)}
        case "checks":
            return {"checks": {"path": "inside:/srv/docs"}}
        case hint:
            return {hint: draw.choice((True, False))}


def rule(draw: Random, world: World, effect: str = "") -> Rule:
    """Return a rule about what there is; it has no name yet."""
    effect = effect or draw.choice(("allow", "allow", "deny"))
    argued = draw.choice((True, False))
    when = tree(draw, world, argued=argued) if draw.choice((False, True)) else None
    narrow = dict(narrowing(draw, world, effect, argued=argued)) if chance(draw, 2) else {}
    if chance(draw, 8):
        narrow["shadow"] = True
    elif effect == "allow" and chance(draw, 6):
        narrow["limit"] = "5/min"
    return Rule("", effect, _patterns(draw, world, argued=argued), _who(draw, world, effect), narrow, when)


def _broad(draw: Random, world: World) -> Rule:
    """Return a rule by which something can be called at all, so that others have something to narrow."""
    if chance(draw, 3):
        return Rule("", "allow", ("*",), {"subjects": ("*",)})
    when = tree(draw, world, argued=True) if chance(draw, 2) else None
    narrow = draw.choice(({}, {"scopes": ("write",)}, narrowing(draw, world, "allow", argued=True)))
    return Rule("", "allow", ("*.*", "*.prompt/*"), {"subjects": ("*",)}, narrow, when)


def argued(it: Rule) -> bool:
    """Say whether a rule may look at arguments: all that it covers has some."""
    return all(":" not in pattern and pattern != "*" for pattern in it.patterns)


def named(it: Rule, number: int) -> Rule:
    """Return a rule with a name that says nothing about its place among the others."""
    return msgspec.structs.replace(it, name=f"r{(number * 7 + 3) % 10}-{it.effect}-{number}")


# Views, callers, and the whole


def view(draw: Random, world: World, name: str) -> View:
    """Return a view of what there is."""
    include = ("*",) if chance(draw, 2) else _patterns(draw, world, argued=False)
    inside = [each for each in world.things if any(covers(pattern, each.label) for pattern in include)]
    rename, fixed, describe = dict[str, str](), dict[str, Json](), dict[str, str]()
    for each in inside:
        if chance(draw, 3):
            describe[each.label] = "As the view says it."
        if each.kind not in (TOOL, PROMPT):
            continue
        new = draw.choice(("", "", *pools.NEW_NAMES))
        if new and new not in rename.values():
            rename[each.label] = new
        if each.arguments and chance(draw, 2):
            one = draw.choice(each.arguments)
            fixed[each.label] = {one.name: draw.choice(pools.FIXED[one.type])}
        elif chance(draw, 10):
            fixed[each.label] = {"stranger": "x"}
    return View(name, include, rename, describe, fixed)


def person(draw: Random, issuers: Sequence[str]) -> Person:
    """Return a caller with a token of ours, or with one of an issuer's."""
    subject, roles, teams = draw.choice(pools.SUBJECTS), some(draw, pools.ROLES, 1), some(draw, pools.TEAMS)
    scopes = some(draw, pools.SCOPES) if chance(draw, 2) else ()
    if issuers and chance(draw, 2):
        agent, client = draw.choice(("", "", *pools.AGENTS)), draw.choice(pools.CLIENTS)
        region = draw.choice(pools.REGIONS)
        return Person(subject, draw.choice(issuers), client, roles, teams, scopes, agent, region)
    servers = (draw.choice(pools.SERVERS),) if chance(draw, 4) else ()
    within = draw.choice((("alpha.*",), ("alpha.r*", "beta:*"))) if chance(draw, 6) else ()
    replaces = ("tok_2",) if chance(draw, 4) else ()
    return Person(subject, "ostiary", "tok_1", roles, teams, scopes, "", {}, servers, within, replaces)


def quarantine(draw: Random, world: World) -> Quarantine:
    """Return what shuts somebody or something out."""
    tools = [("tool", each.label) for each in world.things if each.kind != TEMPLATE]
    kind, what = draw.choice([*(("server", each) for each in world.servers), *tools, *pools.SHUT, *pools.SHUT])
    return Quarantine(f"q_{draw.randint(1, 9)}", kind, what, "because", "op", 1.0)


def world(draw: Random) -> World:
    """Return a gateway."""
    found = unlike(draw, draw.randint(3, 8), thing, lambda it: it.label)
    now = draw.choice((pools.NIGHT, pools.DAY)) + draw.randint(-3, 3) * 25_200.0
    issuers = draw.choice(((), ("staff",), tuple(ISSUERS)))
    address, program = draw.choice(("10.0.0.1", "10.0.0.2")), draw.choice(("probe", "other"))
    it = World(pools.SERVERS, found, (), (), (), issuers, now, address, program)
    it = msgspec.structs.replace(
        it, views=tuple(view(draw, it, name) for name in some(draw, ("desk", "shop"), draw.randint(0, 1)))
    )
    broad = () if chance(draw, 4) else (_broad(draw, it),)
    written = [*broad, *(rule(draw, it) for _ in range(draw.randint(1, 7)))]
    draw.shuffle(written)
    shut = (quarantine(draw, it),) if chance(draw, 6) else ()
    return msgspec.structs.replace(it, rules=tuple(map(named, written, range(9))), shut=shut)


class Scene(msgspec.Struct, frozen=True):
    """A gateway, somebody who calls it, and the older of the two versions that they speak."""

    world: World
    person: Person
    old: str


def scene(draw: Random) -> Scene:
    it = world(draw)
    return Scene(it, person(draw, it.issuers), draw.choice(HANDSHAKES))


SCENES: Final = DRAWS.map(scene)


def another(draw: Random, it: Any, make: Callable[[Random], Any]) -> Any:
    """Return something else than this, if that comes up within a few tries."""
    return next((each for each in (make(draw) for _ in range(4)) if each != it), it)
