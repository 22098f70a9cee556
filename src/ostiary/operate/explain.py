"""Tell a decision rule by rule: what matched, what did not, and what would have been needed. Pure.

The decision itself is always `decide`'s: nothing here decides, so an explanation cannot disagree with the gateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.config import expect, schema
from ostiary.config.compile import Policy
from ostiary.config.schema import Config
from ostiary.config.values import covers, server_of
from ostiary.core.errors import BadArguments
from ostiary.core.model import Allow, Caller, Charge, Decision, Deny, Json, Kind, Reason, Rule, Snapshot, Target
from ostiary.policy.decide import OUT_OF_REACH, decide, met
from ostiary.protocol.names import label as labelled

AGGREGATE: Final = ("/mcp", "")
_SAID: Final = {"subject": "subject", "role": "role", "team": "team", "client": "token"}
KEYS: Final = ("subject", "role", "team", "scope", "token")
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


class Told(Struct, frozen=True):
    """One decision, told."""

    decision: Decision
    lines: tuple[Line, ...]

    @property
    def allowed(self) -> bool:
        """The rules let the caller through."""
        return isinstance(self.decision, Allow)

    @property
    def because(self) -> str:
        """Why, in one clause."""
        match self.decision:
            case Allow(rule=rule):
                return f"rule {rule} allows it"
            case Deny(reason=Reason.MISSING_SCOPE, rule=rule, needs=needs):
                return f"rule {rule} would allow it with the scope {' and '.join(sorted(needs))}"
            case Deny(reason=Reason.DENY_RULE, rule=rule) if rule == OUT_OF_REACH:
                return "the token is narrowed to other servers"
            case Deny(reason=Reason.DENY_RULE, rule=rule):
                return f"rule {rule} denies it"
        if any(each.covers and each.effect == "allow" for each in self.lines):
            return "no rule that covers it speaks of this caller"
        return "no rule allows it to anybody"


def explained(config: Config, policy: Policy, caller: Caller, target: Target) -> Told:
    """Return the decision about a caller and a target, with every rule's part in it."""
    allows, denies = policy.rules(target.label) if target.kind is not Kind.TEMPLATE else policy.template(target.label)
    compiled = {rule.name: rule for rule in (*allows, *denies)}
    lines = tuple(_line(rule, compiled.get(rule.name), caller) for rule in config.rules)
    return Told(decide(caller, target), lines)


def _line(written: schema.Rule, compiled: Rule | None, caller: Caller) -> Line:
    effect, patterns = ("deny", written.deny or ()) if written.allow is None else ("allow", written.allow)
    if compiled is None:
        return Line(written.name, effect, tuple(patterns), covers=False, met=False)
    fits = met(compiled, caller.tags)
    lacking = tuple(_wanted(need) for need in compiled.needs if need.isdisjoint(caller.tags))
    scopes = tuple(sorted(compiled.scopes - caller.scopes)) if effect == "allow" else ()
    return Line(written.name, effect, tuple(patterns), covers=True, met=fits, needs=lacking, scopes=scopes)


def _wanted(need: frozenset[str]) -> str:
    """Return one set of tags as people say it: `role developer or role lead`."""
    said = (each.partition(":") for each in sorted(need))
    return " or ".join(f"{_SAID.get(kind, kind)} {value}" if value else "anyone" for kind, _, value in said)


def described(who: str) -> Caller:
    """Return the caller that `role=developer,team=support` describes; ValueError where it describes none."""
    found: dict[str, set[str]] = {key: set() for key in KEYS}
    for part in who.split(","):
        key, mark, value = (word.strip() for word in part.partition("="))
        if key not in found or not mark or not value:
            raise ValueError(
                f"{part.strip()!r} does not describe a caller; write {', '.join(KEYS[:-1])} or token=VALUE"
            )
        found[key].add(value)
    if len(found["subject"]) > 1 or len(found["token"]) > 1:
        raise ValueError("a caller has one subject and one token; give each once")
    roles, teams, scopes = (tuple(sorted(found[key])) for key in ("role", "team", "scope"))
    caller = expect.described(next(iter(found["subject"]), ""), roles, teams, scopes)
    if token := next(iter(found["token"]), ""):
        caller = msgspec.structs.replace(caller, client=token, tags=caller.tags | {f"client:{token}"})
    return caller


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
    allows, denies = policy.rules(text)
    return Target(server, kind, name, text, text, {}, allows, denies, policy.charges(text))


def found(snapshot: Snapshot, text: str) -> Target | None:
    """Return what a label or an exposed name leads to, or None where the approved catalogue has no such thing."""
    for target in _reachable(snapshot):
        if text in (target.label, target.exposed):
            return target
    for _, surface in sorted(snapshot.surfaces.items()):
        for template in surface.templates:
            server = template.target.server
            uri = text.removeprefix(f"{server}:")
            if uri != text and template.fits(uri):
                allows, denies = template.rules(text)
                return msgspec.structs.replace(
                    template.target, kind=Kind.RESOURCE, name=uri, label=text, allows=allows, denies=denies
                )
    return None


def _reachable(snapshot: Snapshot) -> Iterator[Target]:
    # One server's endpoint shows names that another server may use too, so only labels count there.
    ordered = sorted(snapshot.surfaces, key=lambda key: (key != AGGREGATE, key[0].startswith("/servers/"), key))
    for key in ordered:
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
    who = {"caller": "each caller", "team": "each team"}.get(each.per, "all together")
    rate = f"{each.burst:g} at once, then {each.rate * 60:g} a minute" if each.rate else ""
    return f"{each.bucket}: {' and '.join(filter(None, (rate, _at_once(each.concurrent))))} for {who}"


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
            allows, _ = policy.rules(pattern)
            own = next((each for each in allows if each.name == rule.name), None)
            if own is not None and own.needs and met(own, caller.tags) and own.scopes <= caller.scopes:
                found.append(rule.name)
                break
    return found


def idle(config: Config, labels: Iterable[str], servers: Iterable[str]) -> list[tuple[str, str]]:
    """Return (rule, pattern) for patterns that fit nothing, of those that speak of one of the known `servers`."""
    known, labels = frozenset(servers), tuple(labels)
    written = [(rule.name, pattern) for rule in config.rules for pattern in (*(rule.allow or ()), *(rule.deny or ()))]
    return [
        (rule, pattern)
        for rule, pattern in written
        # Resources may come and go, and templates make any number of them: only tools and prompts are missed.
        if server_of(pattern) in known and ":" not in pattern and not any(covers(pattern, each) for each in labels)
    ]


def selected(patterns: Iterable[str], server: str, kind: Kind, name: str) -> bool:
    """Say whether one of the patterns, or labels, means this definition."""
    label = labelled(server, kind, name)
    return any(covers(each, label) for each in patterns)
