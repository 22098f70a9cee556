"""The policy's own tests: `expect:` in the configuration. Pure.

They ask the rules, not the catalogue, so that they hold or fail the same before and after the servers were seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ostiary.config.policy import Policy, issuers
from ostiary.config.problems import Path, did_you_mean
from ostiary.config.rules import Expectation, Who
from ostiary.config.schema import Config
from ostiary.config.scopes import brings
from ostiary.core.model import Allow, Caller, Decision, Deny, Kind, Reason, Target
from ostiary.core.rules import Ask
from ostiary.policy.decide import decide
from ostiary.policy.scopes import widened


def failed(config: Config) -> Iterator[tuple[Path, str, str]]:
    """Yield (place, what is wrong, what to do) for every expectation that the rules do not meet."""
    policies: dict[str, Policy] = {}
    for number, expectation in enumerate(config.expect):
        view = expectation.view or ""
        policy = policies.setdefault(view, Policy(config, view))
        who, ask = caller(config, expectation.who), _asking(expectation)
        for index, label in enumerate(expectation.can):
            decision = decided(policy, who, label, ask)
            if isinstance(decision, Deny):
                said = f"{label} is denied: {_why(decision)}"
                yield ("expect", number, "can", index), said, _remedy(config, expectation.who, decision)
        for index, label in enumerate(expectation.cannot):
            decision = decided(policy, who, label, ask)
            if isinstance(decision, Allow):
                yield (
                    ("expect", number, "cannot", index),
                    f"{label} is allowed by {decision.rule!r}",
                    "narrow that rule, or move this to can",
                )
        yield from _unheld(expectation, number, policy, who, ask)


def _unheld(
    expectation: Expectation, number: int, policy: Policy, who: Caller, ask: Ask
) -> Iterator[tuple[Path, str, str]]:
    """Yield what should wait for somebody's approval, and does not."""
    for index, label in enumerate(expectation.held):
        decision, at = decided(policy, who, label, ask), ("expect", number, "held", index)
        if isinstance(decision, Deny):
            yield at, f"{label} is denied: {_why(decision)}", "write a rule with approval, or move this to cannot"
        elif not decision.approvals:
            yield at, f"{label} is allowed by {decision.rule!r} at once", "narrow that rule, or move this to can"


def _asking(expectation: Expectation) -> Ask:
    run = frozenset(expectation.after) if expectation.after is not None else None
    return Ask(expectation.at, expectation.args, placed=False, run=run)


def decided(policy: Policy, who: Caller, label: str, ask: Ask) -> Decision:
    """Return what the rules say about a caller and a label; what is not known is taken as it suits the caller."""
    return decide(who, Target("", Kind.TOOL, label, label, label, {}, **policy.rules(label)._asdict()), ask)


def caller(config: Config, who: Who) -> Caller:
    """Return the caller that an expectation speaks of."""
    found = described(who.subject or "", who.roles, who.teams, tuple(widened(who.scopes, brings(config))))
    issuer = next(iter(issuers(config).get(who.issuer or "", ())), "")
    named = (("client", who.client), ("agent", who.agent), ("issuer", issuer))
    tags = {f"{kind}:{name}" for kind, name in named if name}
    return msgspec.structs.replace(
        found, issuer=issuer, client=who.client or "", agent=who.agent or "", claims=who.claims, tags=found.tags | tags
    )


def described(
    subject: str, roles: tuple[str, ...] = (), teams: tuple[str, ...] = (), scopes: tuple[str, ...] = ()
) -> Caller:
    """Return a caller with these properties and nothing proven: to ask the rules with, never to serve."""
    tags = {"*", *(f"role:{role}" for role in roles), *(f"team:{team}" for team in teams)}
    if subject:
        tags.add(f"subject:{subject}")
    return Caller(
        subject, "", "", "asked", float("inf"), frozenset(roles), frozenset(teams), frozenset(scopes), frozenset(),
        frozenset(tags),
    )  # fmt: skip


def _why(decision: Deny) -> str:
    match decision.reason:
        case Reason.NO_RULE:
            return "no rule allows it"
        case Reason.DENY_RULE:
            return f"rule {decision.rule} denies it"
        case Reason.MISSING_SCOPE:
            return f"rule {decision.rule} needs the scopes {', '.join(sorted(decision.needs))}"
    return f"rule {decision.rule} needs {decision.when}"


def _remedy(config: Config, who: Who, decision: Deny) -> str:
    match decision.reason:
        case Reason.NO_RULE:
            return _meant(config, who) or "write a rule that allows it, or move this to cannot"
        case Reason.DENY_RULE:
            return "narrow that rule, or move this to cannot"
        case Reason.MISSING_SCOPE:
            return f"add scopes: [{', '.join(sorted(decision.needs))}] to who, or move this to cannot"
    return "write args or at that fit, or move this to cannot"


def _meant(config: Config, who: Who) -> str:
    """Return the role or team that rules speak of, where the caller's is close to it and in none of them."""
    for kind, given in (("roles", who.roles), ("teams", who.teams)):
        known = {name for rule in config.rules for name in getattr(rule, kind) or ()}
        hints = (did_you_mean(name, sorted(known)) for name in given if name not in known)
        if hint := next(filter(None, hints), ""):
            return f"no rule speaks of these {kind}: {hint}"
    return ""
