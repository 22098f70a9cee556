"""Who gains and who loses what between two configurations. Pure.

Rules are asked, not read: for everybody whom a rule of either names, and for everything that it covers, what may be
used before and after. So a rule that is renamed, split or moved changes nothing here. Conditions count by their text.
Names that are always named together (roles in the same lists of the same rules) are asked about as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Final, NamedTuple

from ostiary.config.capture import kept as captured
from ostiary.config.policy import Policy, issuers
from ostiary.config.rules import Rule as Written
from ostiary.config.schema import Config
from ostiary.config.scopes import brings
from ostiary.config.values import covers, globbed, parts, server_of
from ostiary.core.capturing import Capture
from ostiary.core.model import Kind, Snapshot
from ostiary.core.rules import Ruling
from ostiary.policy.decide import met
from ostiary.policy.needs import wanted
from ostiary.policy.scopes import widened

_MOST: Final = 1_024
"""Combinations of one rule's names that are looked at, once those that are alike are one. What is left out is said."""
_TOGETHER: Final = 65_536
"""Combinations of those whom an allow rule, and those whom a deny rule names."""
_SHOWN: Final = 12
"""Names of one kind that are said."""
_WHO: Final = ("role", "team", "subject", "client", "agent")
_EVERYONE: Final = "*"
_KINDS: Final = (".", ":", ".prompt/")


class Person(NamedTuple):
    """Somebody whom rules speak of, and nothing else about them."""

    tags: frozenset[str]
    scopes: frozenset[str]
    alike: tuple[tuple[str, ...], ...] = ()
    """Tags that any of the same could stand for."""

    @property
    def said(self) -> str:
        """Who that is, in words."""
        every = {each[0]: each for each in self.alike}
        named = [_named(every.get(tag, (tag,))) for tag in sorted(self.tags - {_EVERYONE})]
        scopes = [f"scope {scope}" for scope in sorted(self.scopes)]
        return f"whoever has {' and '.join([*named, *scopes])}" if named or scopes else "everyone"

    def within(self, other: Person) -> bool:
        """Say whether everything about this one holds of the other."""
        return self.tags <= other.tags and self.scopes <= other.scopes


def _named(tags: tuple[str, ...]) -> str:
    said = wanted(frozenset(tags[:_SHOWN])).replace("subject ", "the name ")
    return f"{said} or one of {len(tags) - _SHOWN:,} more" if len(tags) > _SHOWN else said


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


class Comparison(NamedTuple):
    """All that changes."""

    changes: list[Change]
    truncated: tuple[str, ...] = ()
    """What was not looked at in full, in words; empty: everything was."""


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
                if rule.test is None and not rule.approvals:
                    return None
                unless.add(rule.when)
        for rule in ruling.allows:
            if rule.needs and met(rule, person.tags) and rule.scopes <= scopes:
                ways.add(rule.when if rule.test is not None or rule.approvals else "")
        return Access(frozenset({""} if "" in ways else ways), frozenset(unless)) if ways else None

    def persons(self, alike: Alike) -> tuple[dict[str, tuple[Person, ...]], list[str]]:
        """Return whom each rule speaks of, by the rule's name, and the rules that name more than can be looked at."""
        named, found, beyond = issuers(self.config), dict[str, tuple[Person, ...]](), list[str]()
        for rule in self.config.rules:
            if not rule.shadow:
                every = tuple(islice(_persons(rule, named, alike), _MOST + 1))
                found[rule.name] = every[:_MOST]
                beyond += [rule.name] if len(every) > _MOST else []
        return found, beyond


def _targets(snapshot: Snapshot, view: str) -> dict[str, Ruling]:
    """Return what covers each thing that is offered, by its label."""
    return {
        target.label: Ruling(target.allows, tuple(rule for rule in target.denies if not rule.quarantine))
        for (endpoint, offer), surface in snapshot.surfaces.items()
        if not offer and (endpoint == f"/views/{view}/mcp" if view else endpoint.startswith("/servers/"))
        for target in surface.targets.values()
        if target.kind is not Kind.GATEWAY
    }


Alike = Mapping[str, tuple[str, ...]]
"""Tag → all that are in the same lists of the same rules, the first of which stands for them."""


def _alike(*sides: Side) -> Alike:
    where: dict[str, list[tuple[int, str]]] = {}
    for at, side in enumerate(sides):
        for rule in side.config.rules:
            for tag in () if rule.shadow else {tag for tags in _tags(rule) for tag in tags}:
                where.setdefault(tag, []).append((at, rule.name))
    found: dict[tuple[str, tuple[tuple[int, str], ...]], list[str]] = {}
    for tag, lists in sorted(where.items()):
        found.setdefault((tag.partition(":")[0], tuple(lists)), []).append(tag)
    return {tag: tuple(every) for every in found.values() for tag in every}


def _tags(rule: Written) -> list[list[str]]:
    return [
        [f"{kind}:{value}" if value != _EVERYONE else value for value in values]
        for kind in _WHO
        if (values := getattr(rule, f"{kind}s"))
    ]


def _persons(rule: Written, named: Mapping[str, tuple[str, ...]], alike: Alike) -> Iterator[Person]:
    kinds = [list(dict.fromkeys(alike[tag][0] for tag in tags)) for tags in _tags(rule)]
    vouching = [f"issuer:{named[name][0]}" for name in rule.issuers or () if name in named]
    kinds += [vouching] if rule.issuers else []
    for tags in product(*kinds):
        several = {alike[tag] for tag in tags if len(alike.get(tag, ())) > 1}
        yield Person(frozenset({_EVERYONE, *tags}), frozenset(rule.scopes or ()), tuple(sorted(several)))


# What changes


def compared(old: Side, new: Side) -> Comparison:
    """Return who gains, loses or keeps under other conditions what; for each, everything at once."""
    known = _alike(old, new)
    both_sides = [side.persons(known) for side in (old, new)]
    persons = [found for found, _ in both_sides]
    beyond = {f"rule {name} names more combinations than are looked at" for _, names in both_sides for name in names}
    found: dict[tuple[Person, str, Access | None, Access | None], list[str]] = {}
    labels = _labels(old, new)
    elsewhere: dict[str, set[tuple[Person, Access | None, Access | None]]] = {}
    for view in ("", *sorted({*old.config.views, *new.config.views})):
        kept: dict[tuple[object, ...], list[tuple[Person, Access | None, Access | None]]] = {}
        for label in labels:
            both = old.ruling(view, label), new.ruling(view, label)
            key = tuple(_signature(each) for each in both)
            if key not in kept:
                concerned, whole = _concerned(both, persons)
                beyond |= set() if whole else {f"more people than are looked at are named for {label}"}
                kept[key] = _changes((old, new), both, concerned)
            if not view:
                elsewhere[label] = set(kept[key])
            for each in kept[key]:
                # A view changes like everything else unless it says otherwise: that needs no line of its own.
                if not view or each not in elsewhere[label]:
                    found.setdefault((each[0], view, each[1], each[2]), []).append(label)
    changes = [Change(*key, tuple(sorted(every))) for key, every in found.items()]
    ordered = sorted(changes, key=lambda it: (it.kind, it.person.said, it.view, it.labels))
    return Comparison(ordered, tuple(sorted(beyond)))


def _signature(ruling: Ruling | None) -> object:
    if ruling is None:
        return None
    rules = (*ruling.allows, *ruling.denies)
    return len(ruling.allows), tuple((rule.name, rule.test is None) for rule in rules)


def _concerned(
    both: tuple[Ruling | None, ...], persons: Sequence[Mapping[str, tuple[Person, ...]]]
) -> tuple[list[Person], bool]:
    """Return everybody whom these rules speak of, those whom an allow and a deny speak of, and whether that is all."""
    allowed: dict[Person, None] = {}
    denied: dict[Person, None] = {}
    for ruling, known in zip(both, persons, strict=True):
        for rules, into in ((ruling.allows, allowed), (ruling.denies, denied)) if ruling else ():
            into.update((person, None) for rule in rules for person in known.get(rule.name, ()))
    together = (
        Person(one.tags | other.tags, one.scopes, tuple(sorted({*one.alike, *other.alike})))
        for one in allowed
        for other in denied
    )
    found = [*allowed, *islice((each for each in together if each not in allowed), _TOGETHER)]
    return found, len(allowed) * len(denied) <= _TOGETHER


def _changes(
    sides: tuple[Side, Side], both: tuple[Ruling | None, ...], concerned: Iterable[Person]
) -> list[tuple[Person, Access | None, Access | None]]:
    found: dict[tuple[Access | None, Access | None], list[Person]] = {}
    # Whoever has more tags than somebody for whom the same changes is not told of again.
    for person in sorted(dict.fromkeys(concerned), key=lambda it: len(it.tags) + len(it.scopes)):
        before, after = (side.access(ruling, person) for side, ruling in zip(sides, both, strict=True))
        told = found.setdefault((before, after), []) if before != after else [person]
        if not any(other.within(person) for other in told):
            told.append(person)
    return [(person, *change) for change, every in found.items() for person in every]


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
    said += [
        f"the server {name} is another one: its {' and '.join(keys)} {'change' if len(keys) > 1 else 'changes'}"
        for name in old.servers
        if name in new.servers and (keys := _elsewhere(old.servers[name], new.servers[name]))
    ]
    if old.limits != new.limits:
        said.append("limits change")
    limits = {rule.name: rule.limit for rule in old.rules}
    said += [
        f"the limit of rule {rule.name} changes"
        for rule in new.rules
        if rule.name in limits and limits[rule.name] != rule.limit
    ]
    return [*said, *_captures(old, new)]


def _captures(old: Config, new: Config) -> list[str]:
    """Return whose words are kept otherwise: callers should know, and auditors rely on it."""
    before, after = ({rule.name: captured(rule.capture) for rule in config.rules} for config in (old, new))
    return [
        f"of calls that rule {name} allows is kept: {_kept(after.get(name))}; before: {_kept(before.get(name))}"
        for name in {**after, **before}
        if before.get(name) != after.get(name)
    ]


def _kept(capture: Capture | None) -> str:
    return "nothing" if capture is None else capture.said


def _elsewhere(old: object, new: object) -> list[str]:
    """Return what of a server's address changes: the same names may be other tools there."""
    return [key for key in ("command", "url", "sse") if getattr(old, key) != getattr(new, key)]


def _verb(name: str, old: Mapping[str, object], new: Mapping[str, object]) -> str:
    return "is added" if name not in old else "is removed" if name not in new else "changes"
