"""What the ledger says of a caller: enough to decide about them again, whatever the rules are then. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from ostiary.core.model import Caller

_MOST: Final = 4 * 1024
"""Characters of all that rules match a caller by: directories put people into hundreds of groups."""
_KEPT: Final = 1024


class Principal(Struct, omit_defaults=True, gc=False):
    """Who asked, how that is known, and what rules match them by."""

    subject: str
    issuer: str
    client: str
    proof: str
    agent: str = ""
    roles: list[str] = []
    teams: list[str] = []
    scopes: list[str] = []
    reach: list[str] = []
    """The servers that the credential is narrowed to."""
    narrowed: bool = False
    """It is narrowed to some of what these servers have, too."""
    claims: bool = False
    """Its issuer said more of them, which is not written down."""
    tags: list[str] | None = None
    """What rules match besides: of the tags, those that do not follow from the above. None: there was too much."""


class Principals:
    """Keeps what was said of a caller: identities hand out the same one for call after call."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Caller, Principal]] = {}

    def of(self, caller: Caller) -> Principal:
        """Return what is said of a caller."""
        kept = self._kept.get(id(caller))
        if kept is not None and kept[0] is caller:
            return kept[1]
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        made = principal(caller)
        self._kept[id(caller)] = caller, made
        return made


def principal(caller: Caller) -> Principal:
    """Return what is said of a caller; no claim is among it, for those are nobody else's business."""
    said = Principal(caller.subject, caller.issuer, caller.client, caller.proof, caller.agent)
    follows = following(caller)
    facts = (*caller.roles, *caller.teams, *caller.scopes, *caller.reach, *caller.tags)
    if follows <= caller.tags and sum(map(len, facts)) <= _MOST:
        said.roles, said.teams = sorted(caller.roles), sorted(caller.teams)
        said.scopes, said.reach = sorted(caller.scopes), sorted(caller.reach)
        said.narrowed, said.claims = caller.within is not None, bool(caller.claims)
        said.tags = sorted(caller.tags - follows)
    return said


def following(caller: Caller) -> set[str]:
    """Return the tags that follow from what else is known of a caller."""
    named = (("subject", caller.subject), ("client", caller.client), ("agent", caller.agent))
    tags = {f"{kind}:{name}" for kind, name in named if name}
    return tags | {f"role:{role}" for role in caller.roles} | {f"team:{team}" for team in caller.teams}
