"""The promises of docs/policy.md, read off the file naively: nothing here is shared with what is tested."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from ostiary.protocol import names
from tests.properties.conditions import Leaf, Scene, Truth, leaves, reading, truth
from tests.properties.world import ISSUERS, PROMPT, RESOURCE, TEMPLATE, TOOL, Person, Rule, Thing, View, World

METHODS: Final = {
    TOOL: "tools/call",
    PROMPT: "prompts/get",
    RESOURCE: "resources/read",
    TEMPLATE: "completion/complete",
}
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LABEL: Final = re.compile(r"([^.:]+)(\.prompt/|\.|:)(.+)", re.DOTALL)


class Spot(Struct, frozen=True):
    """What has one name at one endpoint."""

    endpoint: str
    kind: str
    name: str
    things: tuple[Thing, ...]
    """More than one: nobody can say which is meant."""
    fixed: Mapping[str, Any] = {}


class Verdict(Struct, frozen=True):
    """What the rules come to, and every rule that may be named for it."""

    effect: str
    rules: frozenset[str] = frozenset()


# Names


def view_at(world: World, endpoint: str) -> View | None:
    return next((view for view in world.views if endpoint == f"/views/{view.name}/mcp"), None)


def endpoints(world: World) -> list[str]:
    return ["/mcp", *(f"/servers/{each}/mcp" for each in world.servers), *(f"/views/{v.name}/mcp" for v in world.views)]


def offered(world: World, endpoint: str) -> list[Thing]:
    """Return what an endpoint offers to somebody, were there rules for it."""
    view = view_at(world, endpoint)
    there = [each for each in world.things if not each.own.get("disabled")]
    if view is not None:
        return [each for each in there if any(covers(pattern, each.label) for pattern in view.include)]
    return [each for each in there if endpoint in ("/mcp", f"/servers/{each.server}/mcp")]


def spots(world: World, endpoint: str) -> list[Spot]:
    """Return every name that means something at an endpoint, or would without another of the same name."""
    view, found = view_at(world, endpoint), dict[tuple[str, str], list[Thing]]()
    for each in offered(world, endpoint):
        fixed = view.fixed.get(each.label, {}) if view else {}
        if fixed.keys() <= {argument.name for argument in each.arguments}:
            found.setdefault((each.kind, _shown(each, endpoint, view)), []).append(each)
    return [
        Spot(endpoint, kind, name, tuple(things), view.fixed.get(things[0].label, {}) if view else {})
        for (kind, name), things in found.items()
    ]


def _shown(thing: Thing, endpoint: str, view: View | None) -> str:
    if thing.kind in (RESOURCE, TEMPLATE) or endpoint.startswith("/servers/"):
        return thing.name
    return (view.rename.get(thing.label) if view else None) or names.exposed(thing.server, thing.name)


def read_at(world: World, endpoint: str, uri: str) -> Spot | None:
    """Return what a URI means at an endpoint: what is listed comes before what fits a template."""
    found = spots(world, endpoint)
    listed = next((each for each in found if each.kind == RESOURCE and each.name == uri), None)
    if listed is not None:
        return listed
    fitting = {each.server for spot in found if spot.kind == TEMPLATE for each in spot.things if fits(each.name, uri)}
    things = tuple(Thing(server, RESOURCE, uri) for server in sorted(fitting))
    return Spot(endpoint, RESOURCE, uri, things) if things else None


def fits(template: str, uri: str) -> bool:
    head, hole, tail = re.fullmatch(r"(.*?)\{(\+?)[a-z]+\}(.*)", template, re.DOTALL).groups()  # type: ignore[union-attr]
    middle = uri[len(head) : len(uri) - len(tail)] if uri.startswith(head) and uri.endswith(tail) else ""
    return bool(middle) and (hole == "+" or not set(middle) & set("/?#"))


@lru_cache(maxsize=4096)
def covers(pattern: str, label: str) -> bool:
    if pattern == "*":
        return True
    wanted, given = _LABEL.fullmatch(pattern), _LABEL.fullmatch(label)
    if wanted is None or given is None or wanted[2] != given[2]:
        return False
    return all(
        re.fullmatch(".*".join(map(re.escape, wanted[part].split("*"))), given[part], re.DOTALL) for part in (1, 3)
    )


# Rules


def scene(world: World, person: Person, thing: Thing, era: str, version: str, endpoint: str, method: str) -> Scene:
    """Return what a call without arguments looks like to conditions."""
    issuer = ISSUERS.get(person.issuer, person.issuer)
    caller = {
        "subject": person.subject, "issuer": issuer, "client": person.client, "agent": person.agent,
        "roles": person.roles, "teams": person.teams, "scopes": person.held, "claims": person.claims,
    }  # fmt: skip
    call = {
        "address": world.address, "client": world.program, "era": era, "version": version, "endpoint": endpoint,
        "method": method,
    }  # fmt: skip
    read_only, destructive = hints(thing)
    tool = {
        "server": thing.server, "name": thing.name, "label": thing.label, "kind": thing.kind,
        "read_only": read_only, "destructive": destructive,
    }  # fmt: skip
    return Scene({}, caller, tool, call, world.now)


def seen(it: Scene, arguments: Mapping[str, Any]) -> Scene:
    """Return what a call with arguments looks like to conditions."""
    return msgspec.structs.replace(it, args=arguments)


def hints(thing: Thing) -> tuple[bool, bool]:
    """Return whether something is read-only, and whether it is destructive: the operator's word wins."""
    if thing.kind != TOOL:
        return True, False
    said = {key: value for key, value in thing.hints.items() if isinstance(value, bool)}
    read_only = said.get("readOnlyHint", False) and thing.own.get("destructive") is not True
    read_only = thing.own.get("read_only", read_only)
    destructive = thing.own.get("destructive", said.get("destructiveHint", True))
    return read_only, destructive and not read_only


def verdict(world: World, person: Person, thing: Thing, it: Scene) -> Verdict:
    """Return what the rules say: a deny wins, then one allow is enough, and no rule is no access."""
    if (person.servers or person.tools) and not within(person, thing):
        return Verdict("reach", frozenset({"token-reach"}))
    cut = [each.id for each in world.shut if each.what.lower() in (thing.server, thing.label.lower())]
    if cut:
        return Verdict("quarantined", frozenset(f"quarantine:{each}" for each in cut))
    here = [rule for rule in speaking(world, person, thing, it.call["endpoint"]) if not rule.shadow]
    came = {rule.name: holds(rule, thing, it) for rule in here}
    denying = [rule for rule in here if rule.effect == "deny" and came[rule.name] is not False]
    if denying:
        return Verdict("deny", frozenset(rule.name for rule in denying))
    allowing = [rule for rule in here if rule.effect == "allow"]
    holding = [rule for rule in allowing if came[rule.name] is True]
    enough = [rule for rule in holding if set(rule.narrow.get("scopes", ())) <= person.held]
    for effect, rules in (("allow", enough), ("scope", holding), ("condition", allowing)):
        if rules:
            return Verdict(effect, frozenset(rule.name for rule in rules))
    return Verdict("none")


def within(person: Person, thing: Thing) -> bool:
    """Say whether a token is not narrowed to something else."""
    servers = not person.servers or thing.server in person.servers
    return servers and (not person.tools or any(covers(pattern, thing.label) for pattern in person.tools))


def speaking(world: World, person: Person, thing: Thing, endpoint: str) -> list[Rule]:
    """Return the rules that speak of this caller and this thing here, whatever their conditions."""
    return [
        rule
        for rule in world.rules
        if any(covers(pattern, thing.label) for pattern in rule.patterns)
        and _placed(rule, endpoint)
        and meant(rule, person)
        and _of_the_kind(rule, thing)
    ]


def _placed(rule: Rule, endpoint: str) -> bool:
    views = rule.narrow.get("views")
    return views is None or endpoint in [f"/views/{each}/mcp" for each in views]


def _of_the_kind(rule: Rule, thing: Thing) -> bool:
    read_only, destructive = hints(thing)
    return rule.narrow.get("read_only", read_only) is read_only and (
        rule.narrow.get("destructive", destructive) is destructive
    )


def meant(rule: Rule, person: Person) -> bool:
    """Say whether a rule speaks of somebody: in each list that it has, one must fit."""
    of = {
        "roles": person.roles, "teams": person.teams, "agents": (person.agent,), "issuers": (person.issuer,),
        "clients": (person.client, *person.replaces), "subjects": (person.subject, "*"),
    }  # fmt: skip
    return all(set(listed) & set(of[key]) for key, listed in rule.who.items())


def holds(rule: Rule, thing: Thing, it: Scene) -> Truth:
    """Return whether all that a rule demands besides who and what is so."""
    demanded: list[Truth] = [time(rule.narrow["during"], it.now)] if "during" in rule.narrow else []
    if rule.when is not None:
        fit = all(fitting(leaf, thing) for leaf in leaves(rule.when))
        demanded.append(truth(rule.when, it) if fit else None)
    if "checks" in rule.narrow:
        textual = any(each.name == "path" and each.type == "string" for each in thing.arguments)
        demanded.append(_inside(it.args.get("path")) if textual else None)
    return False if False in demanded else None if None in demanded else True


def fitting(leaf: Leaf, thing: Thing) -> bool:
    """Say whether a thing has the argument that is asked about, of this type, and surely, or asked for with `has`."""
    return not leaf.argument or any(
        each.name == leaf.argument and each.type == leaf.type and (each.required or leaf.guarded)
        for each in thing.arguments
    )


def hopeful(world: World, person: Person, spot: Spot, era: str, version: str) -> bool:
    """Say whether a rule may allow some URI of a template: it holds, and speaks of URIs that begin alike."""
    thing = spot.things[0]
    it = scene(world, person, thing, era, version, spot.endpoint, METHODS[RESOURCE])
    start = thing.name.partition("{")[0]
    return any(
        rule.effect == "allow" and not rule.shadow and holds(rule, thing, it) is True
        for rule in world.rules
        if _placed(rule, spot.endpoint) and meant(rule, person) and _of_the_kind(rule, thing)
        if any(_alike(pattern, thing.server, start) for pattern in rule.patterns)
    )


def _alike(pattern: str, server: str, start: str) -> bool:
    wanted = _LABEL.fullmatch(pattern)
    if wanted is None or wanted[2] != ":":
        return pattern == "*"
    begins = wanted[3].partition("*")[0]
    named = re.fullmatch(wanted[1].replace("*", ".*"), server) is not None
    return named and (begins.startswith(start) or start.startswith(begins))


def fits_all(rule: Rule, world: World) -> bool:
    """Say whether a rule's condition fits all that it covers, as `ostiary check` demands."""
    covered = [each for each in world.things if any(covers(pattern, each.label) for pattern in rule.patterns)]
    return all(fitting(leaf, each) for each in covered for leaf in reading(rule.when))


def _inside(path: Any) -> bool:
    return isinstance(path, str) and path.startswith("/srv/docs/") and ".." not in path


def time(during: Mapping[str, Any], now: float) -> bool:
    there = datetime.fromtimestamp(now, ZoneInfo(during.get("zone", "UTC")))
    begin, end = ([int(each) for each in part.split(":")] for part in during.get("hours", "00:00-24:00").split("-"))
    minute, first, last = there.hour * 60 + there.minute, begin[0] * 60 + begin[1], end[0] * 60 + end[1]
    if first > last and minute < last:
        there, minute = there - timedelta(days=1), minute + 24 * 60
    return first <= minute < last + (24 * 60 if first > last else 0) and _DAYS[there.weekday()] in set(_days(during))


def _days(during: Mapping[str, Any]) -> Iterator[str]:
    for each in during.get("days", ("mon-sun",)):
        first, _, last = each.partition("-")
        twice = (*_DAYS, *_DAYS)
        start = _DAYS.index(first)
        yield from twice[start : twice.index(last or first, start) + 1]


def exact(world: World, person: Person, spot: Spot) -> bool:
    """Say whether a listing can know what it promises: at most one thing about arguments is asked of this caller."""
    asked = 0
    for rule in speaking(world, person, spot.things[0], spot.endpoint):
        if not rule.shadow:
            asked += sum(bool(leaf.argument) for leaf in leaves(rule.when)) if rule.when else 0
            asked += "checks" in rule.narrow
    return asked <= 1 and not spot.fixed


def by_method(world: World) -> bool:
    """Say whether some rule tells methods apart, so that what can be called may not be completed."""
    return any("call.method" in leaf.text for rule in world.rules if rule.when for leaf in leaves(rule.when))


def barred(world: World, person: Person) -> bool:
    """Say whether somebody is shut out whatever they ask for."""
    names_ = {"name": (person.subject, person.agent), "client": (person.client, *person.replaces)}
    roles = {"person": "name", "agent": "name", "token": "client", "client": "client"}
    issuer = ISSUERS.get(person.issuer, person.issuer)
    return any(
        each.what.lower() in [name.lower() for name in names_[roles[each.kind]]]
        for each in world.shut
        if each.kind in roles and each.issuer in ("", issuer if roles[each.kind] == "name" else "")
    )
