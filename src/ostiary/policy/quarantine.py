"""Who and what is shut out for now, whatever the rules say. Pure.

A quarantine is the one thing here that is read generously: a name is meant in every spelling of it, by every issuer
unless one is named, and in every part that it can play. Whoever is shut out by mistake asks; whoever slips through
does not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from ostiary.core.model import Caller, Target
from ostiary.core.rules import Rule

CALLERS: Final = ("person", "token", "client", "agent")
THINGS: Final = ("server", "tool")
KINDS: Final = (*CALLERS, *THINGS)
RULE: Final = "quarantine:"
"""How the rule begins that decides where a quarantine does; its id follows."""
# An agent that calls for itself is its own subject, and a person may act for others: the name is shut out, not a role.
_ROLES: Final = {"person": "name", "agent": "name", "token": "client", "client": "client"}
_CLIENT: Final = "client:"
_UNSEEN: Final = frozenset({"Cc", "Cf"})
# What Unicode's Default_Ignorable_Code_Point has beyond these two categories.
_IGNORED: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)


class Quarantine(Struct, frozen=True):
    """Somebody or something that is shut out."""

    id: str
    kind: str
    what: str
    """A subject, a token's id, a client's id, an agent, a server's name, or the label of a tool, prompt or resource."""
    reason: str
    by: str
    since: float
    """Seconds since the epoch, as all times here."""
    issuer: str = ""
    """Whose word for a person or an agent is meant; empty: everybody's."""
    expires: float | None = None
    """None: it stands until it is lifted."""
    lifted: float | None = None
    lifted_by: str = ""
    lifted_because: str = ""

    def stands(self, now: float) -> bool:
        """Say whether it counts at this moment."""
        return self.lifted is None and (self.expires is None or self.expires > now)


def folded(text: str) -> str:
    """Return what all spellings of a name have in common: case, width, composition and invisible marks do not count."""
    if text.isascii() and text.isprintable():
        return text.strip().lower()
    # Invisible marks go first: between a letter and its accent they would keep the two apart.
    plain = unicodedata.normalize("NFKC", _visible(text)).casefold()
    return _visible(unicodedata.normalize("NFKC", plain)).strip().lower()


def _visible(text: str) -> str:
    return "".join(each for each in text if unicodedata.category(each) not in _UNSEEN and not _IGNORED.match(each))


class Marks(Struct, frozen=True):
    """What is shut out at this moment, as a call asks for it: by name, the id of the quarantine."""

    callers: Mapping[tuple[str, str, str], str] = {}
    """By role, issuer (empty: any) and name."""
    servers: Mapping[str, str] = {}
    tools: Mapping[str, str] = {}
    """By label."""

    def barred(self, caller: Caller) -> str:
        """Return the quarantine that shuts a caller out; empty: none does."""
        return next(filter(None, map(self.callers.get, _keys(caller))), "") if self.callers else ""

    def cut(self, server: str, label: str) -> str:
        """Return the quarantine that cuts off what is called so at a server; empty: none does."""
        return self.servers.get(folded(server)) or self.tools.get(folded(label)) or ""

    def rule(self, target: Target) -> Rule | None:
        """Return the rule that denies a target to everybody; None where no quarantine does."""
        found = self.cut(target.server, target.label) if target.server else ""
        return denial(found) if found else None


NONE: Final = Marks()


def denial(ident: str) -> Rule:
    """Return the rule by which a quarantine denies: it speaks of everybody."""
    return Rule(f"{RULE}{ident}", (), quarantine=True)


def marks(quarantines: Iterable[Quarantine], now: float) -> Marks:
    """Return what these shut out at a moment; of several, the oldest is named."""
    callers: dict[tuple[str, str, str], str] = {}
    things: dict[str, dict[str, str]] = {kind: {} for kind in THINGS}
    for each in sorted(quarantines, key=lambda each: (each.since, each.id)):
        if not each.stands(now):
            continue
        name = folded(each.what)
        if each.kind in things:
            things[each.kind].setdefault(name, each.id)
        else:
            callers.setdefault((_ROLES[each.kind], each.issuer, name), each.id)
    return Marks(callers, things["server"], things["tool"])


def _keys(caller: Caller) -> Iterator[tuple[str, str, str]]:
    """Yield everything by which a caller may be shut out."""
    for name in (caller.subject, caller.agent):
        if name:
            yield "name", "", folded(name)
            yield "name", caller.issuer, folded(name)
    yield "client", "", folded(caller.client)
    for tag in caller.tags:
        # Those that a token succeeds by rotation as well: making a successor must be no way out.
        if tag.startswith(_CLIENT):
            yield "client", "", folded(tag[len(_CLIENT) :])
