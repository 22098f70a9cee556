"""Tell a decision rule by rule: what matched, what did not, and what would have been needed. Pure.

The decision itself is always `decide`'s: nothing here decides, so an explanation cannot disagree with the gateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.config import expect, rules
from ostiary.config.policy import During, Every, Policy
from ostiary.config.schema import Config
from ostiary.config.values import covers, globbed, server_of
from ostiary.core.costs import Cost
from ostiary.core.errors import BadArguments
from ostiary.core.model import Allow, Caller, Charge, Decision, Deny, Json, Kind, Reason, Rule, Snapshot, Target
from ostiary.core.rules import ERROR, FALSE, TRUE, Ask, Test
from ostiary.operate.quarantine import denied
from ostiary.policy.approvals import people
from ostiary.policy.approvals import wanted as wants
from ostiary.policy.checks.demands import Demanded
from ostiary.policy.conditions import condition
from ostiary.policy.decide import OUT_OF_REACH, decide, met, rehearsals
from ostiary.policy.evaluation import Bound
from ostiary.policy.flows import After
from ostiary.policy.needs import wanted
from ostiary.policy.quarantine import NONE, RULE, Marks
from ostiary.policy.scopes import Brings, widened
from ostiary.protocol.names import label as labelled

_NOTHING: Final[Brings] = {}
AGGREGATE: Final = ("/mcp", "")
KEYS: Final = ("subject", "role", "team", "scope", "agent", "issuer", "token")
"""What a caller can be described by: `role=developer,team=support`."""


class Line(Struct, frozen=True):
    """One rule of the configuration and what it has to do with one caller and one label."""

    rule: str
    effect: str
    """`allow` or `deny`."""
    patterns: tuple[str, ...]
    covers: bool
    """The rule speaks of this label."""
    met: bool
    """It covers the label and the caller is one of those it speaks of."""
    needs: tuple[str, ...] = ()
    """Who it speaks of, where the caller is not one of them: each must hold."""
    scopes: tuple[str, ...] = ()
    """Scopes that the credential lacks."""
    when: str = ""
    """What it demands besides who and what."""
    outcome: str = ""
    """What came of that: `holds`, `does not hold`, `cannot be evaluated`, or `may hold`, as far as is known."""
    parts: tuple[tuple[str, str], ...] = ()
    """Each part of it, and what came of that."""
    reads: Json = {}
    """What it read, and the values."""
    shadow: bool = False
    """It is rehearsed, and decides nothing."""
    approval: str = ""
    """Whose approval it wants: an allow to allow, a deny not to deny."""


class Told(Struct, frozen=True):
    """One decision, told."""

    decision: Decision
    lines: tuple[Line, ...]
    rehearsed: tuple[str, ...] = ()
    """What shadow rules would have made of it."""

    @property
    def allowed(self) -> bool:
        """The rules let the caller through."""
        return isinstance(self.decision, Allow)

    @property
    def because(self) -> str:
        """Why, in one clause."""
        match self.decision:
            case Allow(rule=rule, approvals=needs):
                return f"rule {rule} allows it{', but it is held: ' if needs else ''}{wants(needs)}"
            case Deny(reason=Reason.MISSING_SCOPE, rule=rule, needs=needs):
                return f"rule {rule} would allow it with the scope {' and '.join(sorted(needs))}"
            case Deny(reason=Reason.DENY_RULE, rule=rule) if rule == OUT_OF_REACH:
                return "the token is narrowed to other servers or tools"
            case Deny(reason=Reason.DENY_RULE, rule=rule, said=said) if said:
                return f"rule {rule} denies it in such a run"
            case Deny(reason=Reason.DENY_RULE, rule=rule):
                return f"rule {rule} denies it"
            case Deny(reason=Reason.QUARANTINED, rule=rule):
                return f"{rule} shuts it out until it is lifted: ostiary quarantine list"
            case Deny(reason=Reason.UNDECIDED, rule=rule):
                return f"rule {rule} denies it, for its condition cannot be evaluated"
            case Deny(reason=Reason.CONDITION, rule=rule, when=when):
                return f"rule {rule} would allow it if {when}"
        if any(each.covers and each.effect == "allow" for each in self.lines):
            return "no rule that covers it speaks of this caller"
        return "no rule allows it to anybody"


def explained(config: Config, caller: Caller, target: Target, ask: Ask, shut: Marks = NONE) -> Told:
    """Return the decision about a caller and a target, with every rule's part in it; `shut` is what is quarantined."""
    compiled = {rule.name: rule for rule in (*target.allows, *target.denies, *(rule for _, rule in target.rehearsed))}
    lines = tuple(_line(rule, compiled.get(rule.name), caller, ask) for rule in config.rules)
    barred = shut.barred(caller)
    target = denied(target, shut)
    decision = Deny(Reason.QUARANTINED, f"{RULE}{barred}") if barred else decide(caller, target, ask)
    return Told(decision, lines, tuple(rehearsals(caller, target, ask, decision)))


def _line(written: rules.Rule, compiled: Rule | None, caller: Caller, ask: Ask) -> Line:
    effect, patterns = ("deny", written.deny or ()) if written.allow is None else ("allow", written.allow)
    if compiled is None:
        return Line(written.name, effect, tuple(patterns), covers=False, met=False, shadow=written.shadow)
    fits = met(compiled, caller.tags)
    lacking = tuple(wanted(need) for need in compiled.needs if need.isdisjoint(caller.tags))
    scopes = tuple(sorted(compiled.scopes - caller.scopes)) if effect == "allow" else ()
    line = Line(
        written.name, effect, tuple(patterns), covers=True, met=fits, needs=lacking, scopes=scopes,
        shadow=written.shadow, approval=", and ".join(map(people, compiled.approvals)),
    )  # fmt: skip
    return line if compiled.test is None else _conditioned(line, compiled, compiled.test, caller, ask)


def _conditioned(line: Line, rule: Rule, test: Test, caller: Caller, ask: Ask) -> Line:
    parts = tuple((text, _OUTCOMES[outcome]) for text, outcome in _parts(test, rule.when, caller, ask))
    reads = {name: value for each in _bound(test) for name, value in each.values(caller, ask).items()}
    outcome = _OUTCOMES[test(caller, ask)]
    return msgspec.structs.replace(line, when=rule.when, outcome=outcome, parts=parts, reads=reads)


def _parts(test: Test, when: str, caller: Caller, ask: Ask) -> Iterator[tuple[str, int]]:
    match test:
        case Every(tests):
            for each in tests:
                yield from _parts(each, when, caller, ask)
        case Bound():
            yield from test.leaves(caller, ask)
        case During(said=said) | After(said=said):
            yield said, test(caller, ask)
        case Demanded():
            yield from test.leaves(ask)
        case _:
            yield when, test(caller, ask)


def _bound(test: Test) -> Iterator[Bound]:
    for each in test.tests if isinstance(test, Every) else (test,):
        if isinstance(each, Bound):
            yield each


_OUTCOMES: Final = {
    TRUE: "holds", FALSE: "does not hold", ERROR: "cannot be evaluated", FALSE | ERROR: "does not hold",
    **dict.fromkeys((TRUE | FALSE, TRUE | ERROR, TRUE | FALSE | ERROR), "may hold"),
}  # fmt: skip


def described(
    who: str, brings: Brings = _NOTHING, issuers: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> Caller:
    """Return the caller that `role=developer,team=support` describes; ValueError where it describes none.

    `brings` is what scopes bring with them.
    """
    found: dict[str, set[str]] = {key: set() for key in KEYS}
    claims = {}
    for part in who.split(","):
        key, mark, value = (word.strip() for word in part.partition("="))
        if key.startswith("claim.") and mark and value:
            claims[key.removeprefix("claim.")] = value
            continue
        if key not in found or not mark or not value:
            raise ValueError(
                f"{part.strip()!r} does not describe a caller; write {', '.join(KEYS[:-1])} or token=VALUE"
            )
        found[key].add(value)
    if len(found["subject"]) > 1 or len(found["token"]) > 1:
        raise ValueError("a caller has one subject and one token; give each once")
    roles, teams, scopes = (tuple(sorted(found[key])) for key in ("role", "team", "scope"))
    caller = expect.described(next(iter(found["subject"]), ""), roles, teams, tuple(widened(scopes, brings)))
    token, agent, issuer = (next(iter(sorted(found[key])), "") for key in ("token", "agent", "issuer"))
    issuer = next(iter(issuers.get(issuer, ())), issuer)
    tags = {f"{kind}:{name}" for kind, name in (("client", token), ("agent", agent), ("issuer", issuer)) if name}
    return msgspec.structs.replace(
        caller, client=token, agent=agent, issuer=issuer, claims=claims, tags=caller.tags | tags
    )


def named(caller: Caller) -> str:
    """Return a caller as people say it."""
    said = [f"subject {caller.subject}"] if caller.subject else []
    said += [f"role {role}" for role in sorted(caller.roles)] + [f"team {team}" for team in sorted(caller.teams)]
    said += [f"scope {scope}" for scope in sorted(caller.scopes)]
    return ", ".join(said) or "anyone with a valid token"


# Targets


def supposed(policy: Policy, text: str) -> Target:
    """Return a target for a label that is in no catalogue, so that its rules can be asked about."""
    server = server_of(text)
    rest = text[len(server) :]
    kind = Kind.RESOURCE if rest.startswith(":") else Kind.TOOL
    name = rest[1:]
    if kind is Kind.TOOL and name.startswith("prompt/"):
        kind, name = Kind.PROMPT, name.removeprefix("prompt/")
    charges = policy.charges(text)
    return Target(server, kind, name, text, text, {}, charges=charges, **policy.rules(text)._asdict())


def found(snapshot: Snapshot, text: str, view: str = "") -> Target | None:
    """Return what a label or an exposed name leads to, or None where the approved catalogue has no such thing."""
    for target in _reachable(snapshot, view):
        if text in (target.label, target.exposed):
            return target
    for _, surface in [(key, snapshot.surfaces[key]) for key in _ordered(snapshot, view)]:
        for template in surface.templates:
            server = template.target.server
            uri = text.removeprefix(f"{server}:")
            if uri != text and template.fits(uri):
                return template.at(uri)
    return None


def _ordered(snapshot: Snapshot, view: str) -> list[tuple[str, str]]:
    """Return the endpoints to look at: those of one view, or all, and last the servers' own."""
    keys = [key for key in snapshot.surfaces if not view or key[0] == f"/views/{view}/mcp"]
    return sorted(keys, key=lambda key: (key != AGGREGATE, key[0].startswith("/servers/"), key))


def _reachable(snapshot: Snapshot, view: str) -> Iterator[Target]:
    # One server's endpoint shows names that another server may use too, so only labels count there.
    for key in _ordered(snapshot, view):
        for target in snapshot.surfaces[key].targets.values():
            if target.kind is not Kind.GATEWAY:
                own = key[0].startswith("/servers/")
                yield msgspec.structs.replace(target, exposed=target.label) if own else target


def fault(target: Target, arguments: Json) -> str:
    """Return why these arguments would be refused, or nothing where they fit the approved schema."""
    if target.check is None:
        return ""
    kept = {key: value for key, value in arguments.items() if key in target.known} if target.drops else arguments
    try:
        target.check(kept)
    except BadArguments as error:
        return error.hint or error.detail
    return ""


def charge(each: Charge) -> str:
    """Return a limit as people say it."""
    who = "all together" if each.per == "all" else f"each {each.per.replace('+', ' and ')}"
    unit = "" if each.unit == "calls" else f" {each.unit}"
    rate = f"{each.burst:g}{unit} at once, then {each.rate * 60:g} a minute" if each.rate else ""
    said = " and ".join(filter(None, (rate, _at_once(each.concurrent), _money(each))))
    return f"{each.bucket}: {said} for {who}{' (rehearsed, and not enforced)' if each.shadow else ''}"


def _money(each: Charge) -> str:
    budget = each.budget
    if budget is None:
        return ""
    may = "all that is left" if each.reserve is None else str(Cost(each.reserve, budget.currency))
    return f"{Cost(budget.micros, budget.currency)}/{budget.period}, of which a call holds {may}"


def _at_once(concurrent: int) -> str:
    return f"{concurrent} in flight" if concurrent else ""


# Who a configuration speaks of


def mentioned(config: Config) -> Mapping[str, frozenset[str]]:
    """Return the roles, teams, subjects, clients and scopes that some rule speaks of."""
    names = ("roles", "teams", "subjects", "clients", "scopes")
    return {name: frozenset(each for rule in config.rules for each in (getattr(rule, name) or ())) for name in names}


def opening(config: Config, caller: Caller) -> list[str]:
    """Return the rules that allow a caller anything at all."""
    policy = Policy(config)
    found = []
    for rule in config.rules:
        for pattern in rule.allow or ():
            own = next((each for each in policy.rules(pattern).allows if each.name == rule.name), None)
            if own is not None and own.needs and met(own, caller.tags) and own.scopes <= caller.scopes:
                found.append(rule.name)
                break
    return found


def unchecked(config: Config, seen: frozenset[str]) -> list[tuple[str, str]]:
    """Return (rule, server) for conditions on arguments that speak of a server whose tools were not seen yet."""
    found = []
    for rule in config.rules:
        if not rule.checks and (rule.when is None or not condition(rule.when).arguments):
            continue
        patterns = (*(rule.allow or ()), *(rule.deny or ()))
        for server, each in config.servers.items():
            named = any(globbed(server_of(pattern), server) for pattern in patterns)
            if named and server not in seen and not each.disabled:
                found.append((rule.name, server))
    return found


def selected(patterns: Iterable[str], server: str, kind: Kind, name: str) -> bool:
    """Say whether one of the patterns, or labels, means this definition."""
    label = labelled(server, kind, name)
    return any(covers(each, label) for each in patterns)
