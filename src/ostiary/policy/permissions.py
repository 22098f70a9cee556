"""What people may do with the gateway itself: one table of permissions, and which built-in roles have each. Pure.

A permission is `scope:resource:action`. `own` is what belongs to whoever asks, `gateway` what belongs to everybody: no
permission of the one scope stands for the other. Roles add up, and no role stands for another: an admin is no auditor.
A role that is not in the table gives nothing here; what it may call is for rules to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NewType

from msgspec import Struct

from ostiary.core.errors import Forbidden

Permission = NewType("Permission", str)
"""The name of a permission that exists: `permission()` makes it."""

VIEWER: Final = "viewer"
USER: Final = "user"
APPROVER: Final = "approver"
AUDITOR: Final = "auditor"
ADMIN: Final = "admin"
ROLES: Final = (VIEWER, USER, APPROVER, AUDITOR, ADMIN)

_PARTS: Final = 3
_SCOPES: Final = ("own", "gateway")
_NOBODY: Final[frozenset[str]] = frozenset()
_EVERYBODY: Final = ROLES
_WHO_USES: Final = (USER, APPROVER, ADMIN)
_WHO_LOOKS: Final = (VIEWER, APPROVER, AUDITOR, ADMIN)
_WHO_ANSWERS: Final = (AUDITOR, ADMIN)


class Entry(Struct, frozen=True):
    """One line of the table."""

    roles: tuple[str, ...]
    """Who has it."""
    meaning: str
    """What it allows, for people."""


_TABLE: Final[Mapping[str, Entry]] = {
    # Whoever may know less, or take something back that was given in their name, needs no role of weight for it.
    "own:profile:read": Entry(_EVERYBODY, "See what the gateway knows about oneself: subject, roles, teams, scopes"),
    "own:tools:read": Entry(_EVERYBODY, "See what one may use, and by which rule"),
    "own:calls:read": Entry(_EVERYBODY, "See the records of one's own calls, without payloads"),
    "own:sessions:read": Entry(_EVERYBODY, "See where one is signed in"),
    "own:sessions:end": Entry(_EVERYBODY, "Sign out, everywhere or at one place"),
    "own:tokens:read": Entry(_EVERYBODY, "See one's own tokens, never their secrets"),
    "own:tokens:create": Entry(_WHO_USES, "Make a token that may do no more than oneself"),
    "own:tokens:rotate": Entry(_WHO_USES, "Replace a token of one's own by a successor with the same grant"),
    "own:tokens:revoke": Entry(_EVERYBODY, "Revoke a token of one's own"),
    "own:grants:read": Entry(_EVERYBODY, "See which programs one has agreed to, and which accounts are connected"),
    "own:grants:create": Entry(_WHO_USES, "Agree to a program, or connect an account"),
    "own:grants:revoke": Entry(_EVERYBODY, "Withdraw an agreement, or disconnect an account"),
    "gateway:status:read": Entry(_WHO_LOOKS, "See which servers can be reached, and what waits"),
    "gateway:servers:read": Entry(_WHO_LOOKS, "See the servers and what they offer"),
    "gateway:servers:quarantine": Entry((ADMIN,), "Cut a server off at once, and let it back"),
    "gateway:tools:read": Entry(_WHO_LOOKS, "See every definition: approved, held back, rejected, and what changed"),
    "gateway:tools:approve": Entry((APPROVER, ADMIN), "Approve or reject definitions"),
    "gateway:tools:quarantine": Entry((ADMIN,), "Cut a tool off at once, and let it back"),
    # Who writes the rules must not also wave through the calls that they hold up.
    "gateway:calls:read": Entry((APPROVER,), "See calls that wait for a person, with the arguments to decide about"),
    "gateway:calls:approve": Entry((APPROVER,), "Let a waiting call go on, or refuse it, where its rule names one"),
    "gateway:policy:read": Entry((APPROVER, AUDITOR, ADMIN), "See the rules, and ask why or who may for anybody"),
    "gateway:policy:simulate": Entry(_WHO_ANSWERS, "Play past calls against other rules"),
    "gateway:configuration:read": Entry(_WHO_ANSWERS, "See the configuration; secrets are references in it"),
    "gateway:configuration:change": Entry((ADMIN,), "Activate another configuration"),
    "gateway:ledger:read": Entry(_WHO_ANSWERS, "See everybody's records, without payloads"),
    "gateway:ledger:verify": Entry(_WHO_ANSWERS, "Check that no record was changed or lost"),
    "gateway:ledger:export": Entry(_WHO_ANSWERS, "Take records out of the gateway, without payloads"),
    # Whoever runs the gateway needs no look into what people ask of their tools; an auditor changes nothing.
    "gateway:payloads:read": Entry((AUDITOR,), "See captured arguments and answers"),
    "gateway:payloads:erase": Entry((ADMIN,), "Destroy the key of a person's captured payloads"),
    "gateway:usage:read": Entry((VIEWER, AUDITOR, ADMIN), "See who uses what, and what it costs"),
    "gateway:people:read": Entry(_WHO_ANSWERS, "See who was here, and with which roles"),
    "gateway:people:quarantine": Entry((ADMIN,), "Shut a person, token or program out at once, and let them back"),
    "gateway:sessions:end": Entry((ADMIN,), "Sign somebody else out"),
    "gateway:tokens:read": Entry(_WHO_ANSWERS, "See everybody's tokens, never their secrets"),
    "gateway:tokens:create": Entry((ADMIN,), "Make a token for anybody"),
    "gateway:tokens:rotate": Entry((ADMIN,), "Replace anybody's token"),
    "gateway:tokens:revoke": Entry((ADMIN,), "Revoke anybody's token"),
    "gateway:grants:read": Entry(_WHO_ANSWERS, "See which programs people have agreed to"),
    "gateway:grants:revoke": Entry((ADMIN,), "Withdraw anybody's agreement"),
    "gateway:clients:read": Entry(_WHO_ANSWERS, "See the programs that registered themselves"),
    "gateway:clients:remove": Entry((ADMIN,), "Remove a program that registered itself"),
    "gateway:keys:rotate": Entry((ADMIN,), "Begin to sign with a new key"),
}


def _compiled(table: Mapping[str, Entry]) -> Mapping[Permission, frozenset[str]]:
    """Return who has each permission; ValueError where a line of the table says something that cannot be."""
    for name, entry in table.items():
        parts = name.split(":")
        if len(parts) != _PARTS or parts[0] not in _SCOPES or not all(part.isidentifier() for part in parts):
            raise ValueError(f"{name} is not scope:resource:action")
        if not entry.roles or not set(entry.roles) <= set(ROLES) or len(set(entry.roles)) < len(entry.roles):
            raise ValueError(f"{name} is given to {entry.roles}, which are not some of {ROLES}, each once")
    return MappingProxyType({Permission(name): frozenset(entry.roles) for name, entry in table.items()})


_HOLDERS: Final = _compiled(_TABLE)


def permission(name: str) -> Permission:
    """Return the permission of this name; ValueError where there is none, so call it when a module is loaded."""
    if name not in _TABLE:
        raise ValueError(f"there is no permission {name!r}; the table in {__name__} has them all")
    return Permission(name)


def permitted(roles: frozenset[str], asked: Permission) -> bool:
    """Say whether one of these roles has the permission; what is in no table is permitted to nobody."""
    return not _HOLDERS.get(asked, _NOBODY).isdisjoint(roles)


def permissions(roles: Iterable[str]) -> frozenset[Permission]:
    """Return everything that these roles permit together."""
    held = frozenset(roles)
    return frozenset(name for name, holders in _HOLDERS.items() if not holders.isdisjoint(held))


def demand(roles: frozenset[str], asked: Permission) -> None:
    """Return if one of these roles has the permission; otherwise raise `Forbidden`, which names it and who has it."""
    if permitted(roles, asked):
        return
    holders = [role for role in ROLES if role in _HOLDERS.get(asked, _NOBODY)]
    known = f"which the role {' or '.join(holders)} has" if holders else "which nobody has"
    raise Forbidden(f"not_permitted: {asked}", hint=f"this needs the permission {asked}, {known}")


def table() -> tuple[tuple[Permission, tuple[str, ...], str], ...]:
    """Return every permission with the roles that have it and what it means, in the order of the table."""
    return tuple((Permission(name), entry.roles, entry.meaning) for name, entry in _TABLE.items())
