"""Approvals that rules want: what they say, who may give them, and when there are enough. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ostiary.core.rules import Approval
from ostiary.policy.quarantine import folded


class Vote(Struct, frozen=True):
    """Somebody who said yes to a call, with the roles that they had then."""

    subject: str
    roles: frozenset[str]


def people(each: Approval) -> str:
    """Return whose approval is wanted, as people say it."""
    roles = f"the role {' or '.join(sorted(each.by))}"
    return f"a person with {roles}" if each.quorum == 1 else f"{each.quorum} people with {roles}"


def said(each: Approval, *, allows: bool) -> str:
    """Return what a rule demands: of an allow, that people approve; of a deny, that they do not."""
    if allows:
        return f"{people(each)} {'approves' if each.quorum == 1 else 'approve'} it"
    roles = f"the role {' or '.join(sorted(each.by))}"
    if each.quorum == 1:
        return f"no person with {roles} approves it"
    return f"fewer than {each.quorum} people with {roles} approve it"


def wanted(needs: Iterable[Approval]) -> str:
    """Return all that has to be approved, with the rules that want it."""
    return "; ".join(f"the rule {each.rule} wants the approval of {people(each)}" for each in needs)


def objection(subject: str, roles: frozenset[str], agent: str, needs: Iterable[Approval], caller: str) -> str:
    """Return why somebody may not approve or refuse a caller's call; empty where they may.

    Two issuers may call one person by one name, so that a name counts as one person whoever vouches for it.
    """
    if agent:
        return "an agent that acts for somebody approves nothing: a person has to"
    if folded(subject) == folded(caller):
        return "nobody approves a call of their own"
    if not any(each.by & roles for each in needs):
        return f"it takes {' or '.join(people(each) for each in needs)}"
    return ""


def lacking(needs: Iterable[Approval], votes: Iterable[Vote]) -> tuple[tuple[Approval, int], ...]:
    """Return what is not approved by enough different people yet, and how many it takes still."""
    given = {folded(each.subject): each.roles for each in votes}
    found = []
    for each in needs:
        left = each.quorum - sum(1 for roles in given.values() if roles & each.by)
        if left > 0:
            found.append((each, left))
    return tuple(found)


def within(needs: Iterable[Approval], otherwise: float) -> float:
    """Return the seconds for which a wish and an approval of it are good: the shortest that a rule says."""
    return min((each.within for each in needs), default=otherwise)
