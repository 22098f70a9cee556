"""The rules and limits of a configuration, ready to be asked what covers one thing. Pure.

A rule is read once. Its patterns are kept by server, so that a catalogue of thousands is expanded in seconds; its
condition is held against each thing that it covers. Where the condition does not fit, the rule still covers the thing,
and is an error at every call: it allows nothing, and a deny rule denies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ostiary.config import flows, members, moments, rules
from ostiary.config.capture import kept
from ostiary.config.counting import Counting
from ostiary.config.patterns import Index, overlaps
from ostiary.config.problems import Path
from ostiary.config.schema import Config
from ostiary.config.values import parts
from ostiary.core.model import Json, Kind
from ostiary.core.rules import ERROR, FALSE, TRUE, Approval, Ask, Charge, Rule, Ruling, Test
from ostiary.policy import approvals, conditions
from ostiary.policy import flows as runs
from ostiary.policy.checks import demands
from ostiary.policy.checks.demands import Demand, Demanded
from ostiary.policy.conditions import Condition, Shape
from ostiary.policy.evaluation import both, bound
from ostiary.policy.flows import After
from ostiary.policy.windows import Window, within

OWN: Final = "ostiary"
"""How rules call the issuer of tokens of our own."""
_HINTS: Final = {
    "read_only": ("readOnlyHint", False),
    "destructive": ("destructiveHint", True),
    "idempotent": ("idempotentHint", False),
    "open_world": ("openWorldHint", True),
}
"""What a tool that does not say it is taken for (2025-11-25, "Tool annotations")."""
_ONE_URI: Final = frozenset({("tool", "name"), ("tool", "label")})
"""What differs between the URIs of one template."""
_READING: Final = {"read_only": True, "destructive": False, "idempotent": True, "open_world": True}
"""What prompts and resources are: getting them changes nothing."""


class Thing(NamedTuple):
    """What a rule covers, as far as it is known."""

    label: str
    kind: Kind
    server: str
    name: str
    hints: Mapping[str, bool] = {}
    """What it says of itself, as far as that is known."""
    shape: Shape | None = None
    """None: its arguments are not known yet."""
    names: Iterable[str] = ()
    """Of its arguments."""


class Fault(NamedTuple):
    """A condition that does not fit something that its rule covers."""

    rule: str
    label: str
    message: str
    suggestion: str
    at: Path = ("when",)
    """Where in the rule it is written."""


def told(fault: Fault) -> str:
    """Return a fault as people say it."""
    hint = f"; {fault.suggestion}" if fault.suggestion else ""
    return f"rule {fault.rule} does not fit {fault.label}: {fault.message}{hint}"


class Read(NamedTuple):
    """One rule of the configuration, read."""

    rule: Rule
    written: rules.Rule
    allows: bool
    patterns: tuple[str, ...]
    condition: Condition | None
    window: Window | None
    demands: tuple[Demand, ...]
    plain: bool
    """It says who and what, and nothing else."""


class Policy:
    """The rules and limits that hold at one view, or (`view` empty) at every other endpoint."""

    def __init__(self, config: Config, view: str = "") -> None:
        """Read what a configuration says; whatever it names exists."""
        vouching = issuers(config)
        here = [rule for rule in config.rules if not rule.views or view in rule.views]
        self._rules = sorted((_read(rule, vouching) for rule in here), key=_order)
        self._ruled = Index([each.patterns for each in self._rules])
        self._told, self._servers, self.counting = _told(config), config.servers, Counting(config)
        self._faults: dict[Fault, None] = {}
        self.careful = any(map(_careful, self._rules))
        # A label may hold any URI that a caller thinks of, so few are kept: 4096 of 2 KB each are 8 MB.
        self.rules = lru_cache(maxsize=4096)(self._labelled)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What did not fit of all that was asked about."""
        return tuple(self._faults)

    def _labelled(self, label: str) -> Ruling:
        """Return what covers a label, whatever it may turn out to be."""
        return self.of(supposed(label, self._told.get(label, {})))

    def of(self, thing: Thing) -> Ruling:
        """Return what covers something."""
        return self._ruling(thing, [self._rules[index] for index in self._ruled.covering(thing.label)])

    def template(self, thing: Thing) -> Ruling:
        """Return the rules for listing a URI template: an allow counts if it may allow any URI of it."""
        fixed = thing.name.partition("{")[0]
        denies = set(self._ruled.covering(thing.label))
        found = [
            each
            for index, each in enumerate(self._rules)
            if (overlaps(each.patterns, thing.server, fixed) if each.allows else index in denies)
        ]
        return self._ruling(thing, found)

    def charges(self, label: str) -> tuple[Charge, ...]:
        """Return the limits that count this label."""
        return self.counting.charges(label)

    def _ruling(self, thing: Thing, found: Iterable[Read]) -> Ruling:
        allows: list[Rule] = []
        denies: list[Rule] = []
        rehearsed: list[tuple[bool, Rule]] = []
        for each in found:
            rule = self._bound(each, thing)
            if rule is None:
                continue
            if each.written.shadow:
                rehearsed.append((each.allows, rule))
            else:
                (allows if each.allows else denies).append(rule)
        careful = bool(rehearsed) or any(rule.test is not None or rule.approvals for rule in (*allows, *denies))
        return Ruling(tuple(allows), tuple(denies), tuple(rehearsed), careful)

    def _bound(self, each: Read, thing: Thing) -> Rule | None:
        """Return a rule for one thing; None where the thing is not of the kind that the rule narrows itself to."""
        if each.plain:
            return each.rule
        tests = self._narrowed(each, thing)
        if tests is None:
            return None
        if each.written.after:
            tests.append(After(each.rule.after))
        if each.window is not None:
            tests.append(During(each.window, _times(each.written)))
        if each.condition is not None:
            tests.append(self._held(each, each.condition, thing))
        if each.demands:
            tests.append(self._demanded(each, thing))
        if not tests:
            return each.rule
        return replace(
            each.rule,
            test=tests[0] if len(tests) == 1 else Every(tuple(tests)),
            unfit=next((test.unfit for test in tests if isinstance(test, Demanded)), None),
        )

    def _narrowed(self, each: Read, thing: Thing) -> list[Test] | None:
        """Return what is left to be tested of what a rule narrows itself to; None where the thing is none of that."""
        wanted = {
            name: said for name in ("read_only", "destructive") if (said := getattr(each.written, name)) is not None
        }
        if any(thing.hints.get(name, said) is not said for name, said in wanted.items()):
            return None
        open_ = not wanted.keys() <= thing.hints.keys()
        if flows.narrows(each.written):
            if "*" in thing.server or ("*" in thing.name and thing.kind is Kind.TOOL):
                open_ = True
            elif not flows.covered(each.written, self._known(thing), allows=each.allows):
                return None
        return [_either] if open_ else []

    def _known(self, thing: Thing) -> flows.Said:
        return flows.of(self._servers.get(thing.server), thing.kind, thing.name)

    def _held(self, each: Read, condition: Condition, thing: Thing) -> Test:
        if thing.shape is None:
            return bound(condition, {}, _facts(thing, condition))
        wrong, casts = conditions.faults(condition, thing.shape, thing.names)
        for message, suggestion in wrong:
            self._faults[Fault(each.rule.name, thing.label, message, suggestion)] = None
        return _never if wrong else bound(condition, casts, _facts(thing, condition))

    def _demanded(self, each: Read, thing: Thing) -> Test:
        wrong = [] if thing.shape is None else self._unfit(each, thing, thing.shape)
        self._faults.update(dict.fromkeys(wrong))
        return _never if wrong else Demanded(each.demands)

    def _unfit(self, each: Read, thing: Thing, shape: Shape) -> list[Fault]:
        return [
            Fault(each.rule.name, thing.label, message, suggestion, ("checks", demand.key))
            for demand in each.demands
            for message, suggestion in demands.faults((demand,), shape, thing.names)
        ]


def issuers(config: Config) -> dict[str, tuple[str, ...]]:
    """Return what each identity's callers have as their issuer, by the identity's name."""
    named = {name: (each.issuer or f"mtls:{name}",) for name, each in config.identity.items()}
    # Service accounts of our own authorization server are vouched for by nobody else.
    return {OWN: (OWN, config.gateway.url), **named}


def _order(each: Read) -> tuple[int, bool, bool, bool, str]:
    # Where several rules allow, the one that takes the fewest people's approval decides, which may be nobody's; then
    # one that has something kept, which nobody may evade by another; then one without a limit, which bounds its own.
    rule, conditional = each.rule, bool(each.condition or each.demands or each.written.after)
    quorum = sum(it.quorum for it in rule.approvals)
    return quorum, rule.capture is None, bool(rule.charges), conditional, rule.name


def _careful(each: Read) -> bool:
    written = each.written
    own = each.condition or each.window or each.demands or each.rule.approvals
    return bool(own or written.after or written.shadow)


def _read(rule: rules.Rule, named: Mapping[str, tuple[str, ...]]) -> Read:
    vouching = [each for name in rule.issuers or () for each in named.get(name, ())]
    listed = (
        ("role", rule.roles), ("team", rule.teams), ("subject", rule.subjects), ("client", rule.clients),
        ("agent", rule.agents), ("issuer", vouching),
    )  # fmt: skip
    # An issuer that does not exist vouches for nobody, and an empty set is met by nobody.
    needs = tuple(_tags(kind, values or ()) for kind, values in listed if values or (kind == "issuer" and rule.issuers))
    charges: tuple[Charge, ...] = ()
    if rule.limit is not None:
        charges = (Charge(f"rule:{rule.name}", "caller", rule.limit.per_second, float(rule.limit.count), 0),)
    condition = conditions.condition(rule.when) if rule.when is not None else None
    after, scopes = frozenset(rule.after or ()), frozenset(rule.scopes or ())
    approvals, capture = _approvals(rule), kept(rule.capture)
    compiled = Rule(
        rule.name, needs, scopes, charges, when=said(rule), after=after, approvals=approvals, capture=capture
    )
    window = _window(rule.during) if rule.during is not None else None
    patterns = tuple(rule.allow or rule.deny or ())
    demanded = demands.demands(rule.checks or {})
    return Read(compiled, rule, rule.allow is not None, patterns, condition, window, demanded, plain=not compiled.when)


def said(rule: rules.Rule) -> str:
    """Return what a rule demands besides who and what, as people write it."""
    narrowed = [
        f"{name} is {str(value).lower()}"
        for name in ("read_only", "destructive")
        if (value := getattr(rule, name)) is not None
    ]
    narrowed += flows.said(rule)
    if rule.after:
        narrowed.append(runs.said(rule.after))
    if rule.during is not None:
        narrowed.append(_times(rule))
    if rule.when is not None:
        narrowed.append(" ".join(rule.when.split()))
    narrowed += [each.said for each in demands.demands(rule.checks or {})]
    narrowed += [approvals.said(each, allows=rule.allow is not None) for each in _approvals(rule)]
    return ", and ".join(narrowed)


def _approvals(rule: rules.Rule) -> tuple[Approval, ...]:
    wanted = rule.approval or rule.unless_approved
    return () if wanted is None else (Approval(rule.name, frozenset(wanted.by), wanted.quorum, wanted.within),)


def _times(rule: rules.Rule) -> str:
    during = rule.during
    return f"during {', '.join(during.days)} {during.hours} {during.zone}" if during else ""


def windows(config: Config) -> frozenset[Window]:
    """Return the times at which what is allowed may change by itself: those of the rules that are enforced."""
    return frozenset(_window(each.during) for each in config.rules if each.during is not None and not each.shadow)


def _window(written: rules.During) -> Window:
    begin, end = moments.minutes(written.hours)
    return Window(moments.listed(written.days), begin, end, moments.clock(written.zone))


def _tags(kind: str, values: Iterable[str]) -> frozenset[str]:
    return frozenset("*" if value == "*" and kind == "subject" else f"{kind}:{value}" for value in values)


# Tests


def _never(_caller: Any, _ask: Ask) -> int:
    return ERROR


def _either(_caller: Any, _ask: Ask) -> int:
    return TRUE | FALSE


class During(Struct, frozen=True):
    """The test whether it is time."""

    window: Window
    said: str

    def __call__(self, _caller: Any, ask: Ask) -> int:
        """Return what may come of it."""
        if ask.now is None:
            return TRUE | FALSE
        return TRUE if within(self.window, ask.now) else FALSE


class Every(Struct, frozen=True):
    """Tests that must all hold."""

    tests: tuple[Test, ...]

    def __call__(self, caller: Any, ask: Ask) -> int:
        """Return what may come of them."""
        outcome = TRUE
        for each in self.tests:
            outcome = both(outcome, each(caller, ask))
            if outcome == FALSE:
                break
        return outcome


# Things


def hints(annotations: object) -> dict[str, bool]:
    """Return what a tool is taken for, by what it says of itself; what is no truth value is not said."""
    told = annotations if isinstance(annotations, dict) else {}
    found = {name: told[key] if isinstance(told.get(key), bool) else usual for name, (key, usual) in _HINTS.items()}
    if found["read_only"]:
        # The other hint "is meaningful only when `readOnlyHint == false`".
        found["destructive"] = False
    return found


def _told(config: Config) -> dict[str, dict[str, bool]]:
    """Return what the operator says of tools, by label; what destroys is not read-only, and the other way round."""
    found: dict[str, dict[str, bool]] = {}
    for server, each in config.servers.items():
        for name, tool in each.tools.items():
            said = {"read_only": tool.read_only, "destructive": tool.destructive}
            known = {key: value for key, value in said.items() if value is not None}
            for key, other in (("read_only", "destructive"), ("destructive", "read_only")):
                if known.get(key):
                    known[other] = False
            found[f"{server}.{name}"] = known
    return found


def supposed(label: str, told: Mapping[str, bool]) -> Thing:
    """Return what is known of something by its label, and by what the operator says of it."""
    server, kind, name = parts(label) or ("", ".", label)
    if kind == ".":
        return Thing(label, Kind.TOOL, server, name, told)
    if kind == ":":
        return Thing(label, Kind.RESOURCE, server, name, _READING, members.nothing)
    return Thing(label, Kind.PROMPT, server, name, _READING)


def defined(label: str, kind: Kind, server: str, definition: Json, *, free: bool = False) -> Thing:
    """Return what an approved definition says; `free`: arguments that its schema does not name go through."""
    name = str(definition["uriTemplate" if kind is Kind.TEMPLATE else "uri" if kind is Kind.RESOURCE else "name"])
    if kind is Kind.TOOL:
        shape = members.of_schema(definition["inputSchema"], free=free)
        return Thing(label, kind, server, name, hints(definition.get("annotations")), shape, members.names(definition))
    shape = members.of_prompt(definition) if kind is Kind.PROMPT else members.nothing
    return Thing(label, kind, server, name, _READING, shape, members.names(definition))


def _facts(thing: Thing, condition: Condition) -> dict[str, Any] | None:
    if not thing.hints.keys() >= _HINTS.keys():
        return None
    kind = thing.kind
    if kind is Kind.TEMPLATE:
        # What is asked is whether some URI of it may be read: which one, and so what it is called, is not known yet.
        if not _ONE_URI.isdisjoint(condition.uses):
            return None
        kind = Kind.RESOURCE
    return {"server": thing.server, "name": thing.name, "label": thing.label, "kind": kind.value, **thing.hints}
