"""Who gains and who loses what between two configurations. Pure.

Rules are asked, not read: for everybody whom a rule of either names, and for everything that it covers, what may be
used before and after. So a rule that is renamed, split or moved changes nothing here. Conditions count by their text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from typing import Final, NamedTuple

from ostiary.config.policy import Policy, issuers
from ostiary.config.rules import Rule as Written
from ostiary.config.schema import Config
from ostiary.config.scopes import brings
from ostiary.config.values import covers, globbed, parts, server_of
from ostiary.core.model import Kind, Snapshot
from ostiary.core.rules import Ruling
from ostiary.policy.decide import met
from ostiary.policy.needs import wanted
from ostiary.policy.scopes import widened

_MOST: Final = 256
"""Combinations of one rule's names that are looked at."""
_WHO: Final = ("role", "team", "subject", "client", "agent")
_EVERYONE: Final = "*"
_KINDS: Final = (".", ":", ".prompt/")


class Person(NamedTuple):
    """Somebody whom rules speak of, and nothing else about them."""

    tags: frozenset[str]
    scopes: frozenset[str]

    @property
    def said(self) -> str:
        """Who that is, in words."""
        named = [wanted(frozenset({tag})).replace("subject ", "the name ") for tag in sorted(self.tags - {_EVERYONE})]
        scopes = [f"scope {scope}" for scope in sorted(self.scopes)]
        return f"whoever has {' and '.join([*named, *scopes])}" if named or scopes else "everyone"

    def within(self, other: Person) -> bool:
        """Say whether everything about this one holds of the other."""
        return self != other and self.tags <= other.tags and self.scopes <= other.scopes


class Access(NamedTuple):
    """Under which conditions something may be used: one of these, and none of those."""

    ways: frozenset[str]
    """An empty one: always."""
    unless: frozenset[str] = frozenset()

    @property
    def said(self) -> str:
        """The conditions in words; empty: there is none."""
        ways = "" if "" in self.ways else f"if {' or '.join(sorted(self.ways))}"
        unless = f"unless {' or '.join(sorted(self.unless))}" if self.unless else ""
        return ", ".join(filter(None, (ways, unless)))


class Change(NamedTuple):
    """What changes for somebody."""

    person: Person
    view: str
    before: Access | None
    after: Access | None
    labels: tuple[str, ...]

    @property
    def kind(self) -> str:
        """`gains`, `loses` or `changes`."""
        return "gains" if self.before is None else "loses" if self.after is None else "changes"


class Side:
    """One of the two: what its rules say about a label."""

    def __init__(self, config: Config, snapshot: Snapshot) -> None:
        """Take a configuration, compiled with what was approved."""
        self.config, self._brings = config, brings(config)
        self._policies: dict[str, Policy] = {}
        self._targets = {view: _targets(snapshot, view) for view in ("", *config.views)}
        self._asked = {server_of(label) for label in self._targets[""]}

    @property
    def labels(self) -> Iterable[str]:
        """Everything that it offers."""
        return self._targets[""].keys()

    def ruling(self, view: str, label: str) -> Ruling | None:
        """Return what covers a label in a view, or (no view) anywhere else; None where it is not offered."""
        if view and not any(covers(each, label) for each in self._included(view)):
            return None
        name = server_of(label)
        server = self.config.servers.get(name)
        if server is None or server.disabled:
            return None
        found = self._targets.get(view, {}).get(label)
        if found is not None or (name in self._asked and "*" not in label and ":" not in label):
            return found
        policy = self._policies.get(view) or self._policies.setdefault(view, Policy(self.config, view))
        return policy.rules(label)

    def _included(self, view: str) -> tuple[str, ...]:
        known = self.config.views.get(view)
        return known.include if known else ()

    def access(self, ruling: Ruling | None, person: Person) -> Access | None:
        """Return under which conditions somebody may use what these rules cover; None: they may not."""
        if ruling is None:
            return None
        unless, ways, scopes = set(), set(), widened(person.scopes, self._brings)
        for rule in ruling.denies:
            if met(rule, person.tags):
                if rule.test is None:
                    return None
                unless.add(rule.when)
        for rule in ruling.allows:
            if rule.needs and met(rule, person.tags) and rule.scopes <= scopes:
                ways.add(rule.when if rule.test is not None else "")
        return Access(frozenset({""} if "" in ways else ways), frozenset(unless)) if ways else None

    def persons(self) -> Mapping[str, tuple[Person, ...]]:
        """Return whom each rule speaks of, by the rule's name."""
        named = issuers(self.config)
        return {rule.name: tuple(_persons(rule, named)) for rule in self.config.rules if not rule.shadow}


def _targets(snapshot: Snapshot, view: str) -> dict[str, Ruling]:
    """Return what covers each thing that is offered, by its label."""
    return {
        target.label: Ruling(target.allows, tuple(rule for rule in target.denies if not rule.quarantine))
        for (endpoint, offer), surface in snapshot.surfaces.items()
        if not offer and (endpoint == f"/views/{view}/mcp" if view else endpoint.startswith("/servers/"))
        for target in surface.targets.values()
        if target.kind is not Kind.GATEWAY
    }


def _persons(rule: Written, named: Mapping[str, tuple[str, ...]]) -> Iterator[Person]:
    kinds = [
        [f"{kind}:{value}" if value != _EVERYONE else value for value in values]
        for kind in _WHO
        if (values := getattr(rule, f"{kind}s"))
    ]
    vouching = [f"issuer:{named[name][0]}" for name in rule.issuers or () if name in named]
    kinds += [vouching] if rule.issuers else []
    for tags in islice(product(*kinds), _MOST):
        yield Person(frozenset({_EVERYONE, *tags}), frozenset(rule.scopes or ()))


# What changes


def compared(old: Side, new: Side) -> list[Change]:
    """Return who gains, loses or keeps under other conditions what; for each, everything at once."""
    persons = [side.persons() for side in (old, new)]
    found: dict[tuple[Person, str, Access | None, Access | None], list[str]] = {}
    labels = _labels(old, new)
    elsewhere: dict[str, set[tuple[Person, Access | None, Access | None]]] = {}
    for view in ("", *sorted({*old.config.views, *new.config.views})):
        kept: dict[tuple[object, ...], list[tuple[Person, Access | None, Access | None]]] = {}
        for label in labels:
            both = old.ruling(view, label), new.ruling(view, label)
            key = tuple(_signature(each) for each in both)
            if key not in kept:
                kept[key] = _changes((old, new), both, _concerned(both, persons))
            if not view:
                elsewhere[label] = set(kept[key])
            for each in kept[key]:
                # A view changes like everything else unless it says otherwise: that needs no line of its own.
                if not view or each not in elsewhere[label]:
                    found.setdefault((each[0], view, each[1], each[2]), []).append(label)
    changes = [Change(*key, tuple(sorted(every))) for key, every in found.items()]
    return sorted(changes, key=lambda it: (it.kind, it.person.said, it.view, it.labels))


def _signature(ruling: Ruling | None) -> object:
    if ruling is None:
        return None
    rules = (*ruling.allows, *ruling.denies)
    return len(ruling.allows), tuple((rule.name, rule.test is None) for rule in rules)


def _concerned(both: tuple[Ruling | None, ...], persons: list[Mapping[str, tuple[Person, ...]]]) -> list[Person]:
    """Return everybody whom these rules speak of, and those whom an allow and a deny speak of together."""
    allowed: dict[Person, None] = {}
    denied: dict[Person, None] = {}
    for ruling, known in zip(both, persons, strict=True):
        for rules, into in ((ruling.allows, allowed), (ruling.denies, denied)) if ruling else ():
            into.update((person, None) for rule in rules for person in known.get(rule.name, ()))
    together = (Person(one.tags | other.tags, one.scopes) for one in allowed for other in denied)
    return [*allowed, *islice((each for each in together if each not in allowed), _MOST * _MOST)]


def _changes(
    sides: tuple[Side, Side], both: tuple[Ruling | None, ...], concerned: Iterable[Person]
) -> list[tuple[Person, Access | None, Access | None]]:
    every = []
    for person in dict.fromkeys(concerned):
        before, after = (side.access(ruling, person) for side, ruling in zip(sides, both, strict=True))
        if before != after:
            every.append((person, before, after))
    # Whoever has more tags than somebody for whom the same changes is not told of again.
    return [each for each in every if not any(other[0].within(each[0]) and other[1:] == each[1:] for other in every)]


def _labels(old: Side, new: Side) -> list[str]:
    """Return everything that is offered, and for servers that were not asked yet the patterns that speak of them."""
    servers = sorted({*old.config.servers, *new.config.servers})
    known = {*old.labels, *new.labels}
    asked = {server_of(label) for label in known}
    rules = [*old.config.rules, *new.config.rules]
    for pattern in {each for rule in rules for each in (*(rule.allow or ()), *(rule.deny or ()))}:
        split = parts(pattern)
        for where, kind, name in [split] if split else [("*", kind, "*") for kind in _KINDS]:
            known.update(
                f"{server}{kind}{name}"
                for server in servers
                if globbed(where, server) and (server not in asked or (split and kind == ":"))
            )
    return sorted(known)


# Besides


def besides(old: Config, new: Config) -> list[str]:
    """Return what else changes for callers: what is there at all, how often, and how they are known."""
    said = []
    for noun, before, after in (("server", old.servers, new.servers), ("view", old.views, new.views)):
        said += [f"the {noun} {name} is added" for name in after if name not in before]
        said += [f"the {noun} {name} is removed" for name in before if name not in after]
    said += [
        f"identity {name} {_verb(name, old.identity, new.identity)}: callers may get other roles, teams or scopes by it"
        for name in {**old.identity, **new.identity}
        if old.identity.get(name) != new.identity.get(name)
    ]
    if old.limits != new.limits:
        said.append("limits change")
    limits = {rule.name: rule.limit for rule in old.rules}
    said += [
        f"the limit of rule {rule.name} changes"
        for rule in new.rules
        if rule.name in limits and limits[rule.name] != rule.limit
    ]
    return said


def _verb(name: str, old: Mapping[str, object], new: Mapping[str, object]) -> str:
    return "is added" if name not in old else "is removed" if name not in new else "changes"
