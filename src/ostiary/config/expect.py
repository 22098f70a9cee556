"""The policy's own tests: `expect:` in the configuration. Pure.

They ask the rules, not the catalogue, so that they hold or fail the same before and after the servers were seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ostiary.config.policy import Policy, issuers
from ostiary.config.problems import Path
from ostiary.config.rules import Who
from ostiary.config.schema import Config
from ostiary.config.scopes import brings
from ostiary.core.model import Allow, Caller, Decision, Deny, Kind, Target
from ostiary.core.rules import Ask
from ostiary.policy.decide import decide
from ostiary.policy.scopes import widened


def failed(config: Config) -> Iterator[tuple[Path, str, str]]:
    """Yield (place, what is wrong, what to do) for every expectation that the rules do not meet."""
    policies: dict[str, Policy] = {}
    for number, expectation in enumerate(config.expect):
        view = expectation.view or ""
        policy = policies.setdefault(view, Policy(config, view))
        who, ask = caller(config, expectation.who), Ask(expectation.at, expectation.args, placed=False)
        for index, label in enumerate(expectation.can):
            decision = decided(policy, who, label, ask)
            if isinstance(decision, Deny):
                yield (
                    ("expect", number, "can", index),
                    f"{label} is denied ({_why(decision)})",
                    "add a rule or mend this",
                )
        for index, label in enumerate(expectation.cannot):
            decision = decided(policy, who, label, ask)
            if isinstance(decision, Allow):
                yield (
                    ("expect", number, "cannot", index),
                    f"{label} is allowed by {decision.rule!r}",
                    "narrow that rule",
                )


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
    when = f" needs {decision.when}" if decision.when else ""
    return f"{decision.reason}: {decision.rule}{when}" if decision.rule else str(decision.reason)
