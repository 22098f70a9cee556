"""What nobody used of what rules grant, and the smallest rules that would have allowed what was used. Pure.

They are the smallest in this sense: each is a rule that was there, with its conditions; each of its labels was used by
somebody of each of its names (or combinations of them, where it has several kinds), and each person who used something
is meant by as few names as the choice of the most common one leads to.

A call counts for the rule that decides it now; where that hangs on arguments, which the ledger hides, for every rule
that may. So rules that lost all that nobody used still allow every call that they allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Final

from msgspec import Struct

from ostiary.config.rules import Rule as Written
from ostiary.config.schema import Config
from ostiary.config.values import covers, parts
from ostiary.core.model import Allow, Caller, Kind, Target
from ostiary.core.rules import TRUE
from ostiary.operate import past as pasts
from ostiary.operate.looks import Look, outcome
from ostiary.operate.past import Past
from ostiary.operate.simulate import ALLOWED, HELD, UNDECIDED, Replay
from ostiary.policy.decide import decide

WHO: Final = ("roles", "teams", "subjects", "clients", "agents")
_KEPT: Final = 50_000
_STEM: Final = 56
"""Characters of a rule's name that are kept where a number follows."""
_MOST: Final = 100_000
"""Uses that are told apart: people come in roles and teams, of which there are few."""

Names = tuple[str, ...]
Matched = tuple[Names, ...]
"""For each of `WHO`, the names by which a rule means a caller."""
Use = tuple[str, Matched, str]
"""Rule, by which names, what."""
Counting = Callable[[Past], tuple[Use, ...]]
_NEW: Final = object()


class Unused(Struct, frozen=True):
    """What nobody used of one rule."""

    rule: str
    calls: int
    """How many used it."""
    patterns: tuple[str, ...] = ()
    who: Mapping[str, tuple[str, ...]] = {}
    """By key: `roles: [lead]`."""
    labels: tuple[str, ...] = ()
    """Of what was approved and it covers."""


class Trimmed(Struct, frozen=True):
    """What was found."""

    unused: tuple[Unused, ...]
    rules: tuple[Mapping[str, Any], ...]
    """The allow rules that would have been enough, as they are written in a file."""
    calls: int
    """That were allowed then, and are now."""
    lost: int
    """That were allowed then, and are not any more."""
    strangers: int
    """Of which the ledger does not say enough to know by which rule."""
    beyond: int
    """More than can be told apart."""


class Uses:
    """Counts which rule let whom through to what."""

    def __init__(self, config: Config, replay: Replay) -> None:
        self._config, self._replay = config, replay
        self._written = {rule.name: rule for rule in config.rules if rule.allow and not rule.shadow}
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._count: Counter[Use] = Counter()
        self.calls = self.lost = self.strangers = self.beyond = 0

    def add(self, past: Past) -> None:
        """Count one call."""
        if not past.allowed or not past.server:
            return
        verdict = self._replay.verdict(past)
        if verdict is None:
            return
        if verdict.now not in (ALLOWED, HELD, UNDECIDED):
            self.lost += 1
            return
        uses = self._uses(past)
        if uses is None:
            self.strangers += 1
            return
        self.calls += 1
        if len(self._count) >= _MOST and not all(use in self._count for use in uses):
            self.beyond += 1
            return
        self._count.update(uses)

    def _uses(self, past: Past) -> tuple[Use, ...] | None:
        key = (bytes(past.principal), past.endpoint, past.offer, past.method, past.name, past.tool)
        found = self._kept.get(key, _NEW)
        if found is _NEW:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[key] = self._found(past)
        uses: tuple[Use, ...] | None = found(past) if callable(found) else found
        return uses

    def _found(self, past: Past) -> tuple[Use, ...] | Counting | None:
        """Return the uses that a call is, or what says so for each call of the kind."""
        place = self._replay.place(past)
        if place is None:
            return None
        caller, target, claims = place
        every = self._replay.looks(target)[: len(target.allows)]

        def uses(it: Past) -> tuple[Use, ...]:
            rules = _deciding(caller, target, every, it, claims=claims)
            known = (self._written[rule] for rule in rules if rule in self._written)
            return tuple((rule.name, _matched(rule, caller), _used(rule, target)) for rule in known)

        varies = target.careful and any(each.now or each.call or each.rule.after for each in every)
        return uses if varies else uses(past)

    def trimmed(self, labels: Iterable[str]) -> Trimmed:
        """Return what was not used of the rules, of which `labels` are all that is approved, and what is enough."""
        known, unused = sorted(labels), list[Unused]()
        rules: list[Mapping[str, Any]] = []
        taken = {rule.name for rule in self._config.rules}
        for name, written in self._written.items():
            used = {(matched, what): count for (rule, matched, what), count in self._count.items() if rule == name}
            left = _unused(written, used, known)
            unused += [left] if left else []
            rules += _enough(written, used, taken)
        return Trimmed(tuple(unused), tuple(rules), self.calls, self.lost, self.strangers, self.beyond)


def _deciding(caller: Caller, target: Target, every: Iterable[Look], past: Past, *, claims: bool) -> Iterator[str]:
    """Yield the rule that lets a call through, after those that may, if its arguments are such."""
    if not target.careful:
        decision = decide(caller, target)
        if isinstance(decision, Allow):
            yield decision.rule
        return
    for look in every:
        found = outcome(look, caller, pasts.ask(past, look.rule.after), pasts.HIDDEN, claims=claims)
        if found.mask & TRUE and look.rule.needs and look.rule.scopes <= caller.scopes:
            yield look.rule.name
            if found.mask == TRUE and not look.ways:
                return


def _matched(written: Written, caller: Caller) -> Matched:
    return tuple(
        tuple(name for name in getattr(written, key) or () if name == "*" or f"{key[:-1]}:{name}" in caller.tags)
        for key in WHO
    )


def _used(written: Written, target: Target) -> str:
    """Return the least pattern for what was used: its label, or for what only a template knows, what opens the like.

    Other URIs of the same template come with every call; each by itself would be a list that is never complete. So that
    is the narrowest pattern of the rule's own, or what the template's URIs begin with where all of that is the rule's.
    """
    if target.kind is not Kind.RESOURCE or target.definition.get("uri"):
        return target.label
    every = [each for each in written.allow or () if covers(each, target.label)]
    own = [f"{target.server}:{split[2] if split else '*'}" for split in map(parts, every)]
    begins = f"{target.server}:{str(target.definition.get('uriTemplate', '')).partition('{')[0]}"
    whole = any(each.endswith("*") and begins.startswith(each[:-1]) for each in own)
    if whole and "*" not in begins and covers(f"{begins}*", target.label):
        own.append(f"{begins}*")
    return max(own, key=lambda each: len(each.replace("*", "")), default=target.label)


# What is left over


def _unused(written: Written, used: Mapping[tuple[Matched, str], int], labels: list[str]) -> Unused | None:
    whats, calls = {what for _, what in used}, sum(used.values())
    patterns = tuple(each for each in written.allow or () if not any(covers(each, what) for what in whats))
    who: dict[str, tuple[str, ...]] = {}
    for index, key in enumerate(WHO):
        names = {name for matched, _ in used for name in matched[index]}
        left = tuple(name for name in getattr(written, key) or () if name not in names)
        who |= {key: left} if left else {}
    covered = (label for label in labels if any(covers(each, label) for each in written.allow or ()))
    idle = tuple(label for label in covered if label not in whats)
    return Unused(written.name, calls, patterns, who, idle) if patterns or who or idle or not used else None


# What is enough


def _enough(written: Written, used: Mapping[tuple[Matched, str], int], taken: set[str]) -> Iterator[Mapping[str, Any]]:
    """Yield rules that allow what was used, to those who used it, under the conditions of the rule it came from."""
    by_who: dict[Matched, set[str]] = {}
    for matched, what in used:
        by_who.setdefault(matched, set()).add(what)
    chosen = _chosen(used)
    narrowed: dict[Matched, set[str]] = {}
    for matched, whats in by_who.items():
        narrowed.setdefault(tuple(map(_first, matched, chosen)), set()).update(whats)
    plain = written.model_dump(mode="json", exclude_defaults=True)
    for number, (who, labels) in enumerate(sorted(_merged(narrowed).items()), 1):
        name = written.name if number == 1 else _free(written.name, taken)
        whom = {key: list(names) for key, names in zip(WHO, who, strict=True) if names}
        rest = {key: value for key, value in plain.items() if key not in ("name", "allow", *WHO)}
        yield {"name": name, "allow": sorted(labels), **whom, **rest}


def _free(name: str, taken: set[str]) -> str:
    found = next(each for each in (f"{name[:_STEM]}-{number}" for number in count(2)) if each not in taken)
    taken.add(found)
    return found


def _chosen(used: Mapping[tuple[Matched, str], int]) -> list[list[str]]:
    """Return, for each key, as few names as mean everybody who called, those of most calls first."""
    found = []
    for index in range(len(WHO)):
        open_ = Counter[Names]()
        for (matched, _), calls in used.items():
            open_[matched[index]] += calls
        names: list[str] = []
        open_.pop((), None)
        while open_:
            weight = Counter[str]()
            for each, calls in open_.items():
                weight.update(dict.fromkeys(each, calls))
            names.append(min(weight, key=lambda name: (-weight[name], name)))
            open_ = Counter({each: calls for each, calls in open_.items() if names[-1] not in each})
        found.append(names)
    return found


def _first(names: Names, chosen: list[str]) -> Names:
    return next(((name,) for name in chosen if name in names), ())


def _merged(narrowed: Mapping[Matched, set[str]]) -> dict[Matched, frozenset[str]]:
    """Return fewer rules for the same: those who use the same and differ in one key only share one."""
    found = {who: frozenset(labels) for who, labels in narrowed.items()}
    for index in range(len(WHO)):
        alike: dict[tuple[Any, ...], list[Matched]] = {}
        for who, labels in found.items():
            alike.setdefault((labels, who[:index], who[index + 1 :]), []).append(who)
        found = {
            (*before, tuple(sorted({name for who in every for name in who[index]})), *after): labels
            for (labels, before, after), every in alike.items()
        }
    return found
