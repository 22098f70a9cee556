"""The policy's own tests: `expect:` in the configuration. Pure.

They ask the rules, not the catalogue, so that they hold or fail the same before and after the servers were seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from ostiary.config.compile import Policy
from ostiary.config.problems import Path
from ostiary.config.schema import Config, Who
from ostiary.core.model import Allow, Caller, Decision, Kind, Target
from ostiary.policy.decide import decide


def failed(config: Config) -> Iterator[tuple[Path, str, str]]:
    """Yield (place, what is wrong, what to do) for every expectation that the rules do not meet."""
    policy = Policy(config)
    for number, expectation in enumerate(config.expect):
        who = caller(expectation.who)
        for index, label in enumerate(expectation.can):
            decision = decided(policy, who, label)
            if not isinstance(decision, Allow):
                yield (
                    ("expect", number, "can", index),
                    f"{label} is denied ({_why(decision)})",
                    "add a rule or mend this",
                )
        for index, label in enumerate(expectation.cannot):
            decision = decided(policy, who, label)
            if isinstance(decision, Allow):
                yield (
                    ("expect", number, "cannot", index),
                    f"{label} is allowed by {decision.rule!r}",
                    "narrow that rule",
                )


def decided(policy: Policy, who: Caller, label: str) -> Decision:
    """Return what the rules say about a caller and a label."""
    allows, denies = policy.rules(label)
    return decide(who, Target("", Kind.TOOL, label, label, label, {}, allows, denies))


def caller(who: Who) -> Caller:
    """Return the caller that an expectation speaks of."""
    return described(who.subject or "", who.roles, who.teams, who.scopes)


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


def _why(decision: Decision) -> str:
    if isinstance(decision, Allow):
        return decision.rule
    return f"{decision.reason}: {decision.rule}" if decision.rule else str(decision.reason)
