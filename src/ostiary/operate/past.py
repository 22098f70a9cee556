"""Past calls, as the ledger remembers them: who asked for what, and what is known of the arguments. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.core.model import Caller
from ostiary.core.rules import Ask
from ostiary.policy.conditions import Steps
from ostiary.policy.evaluation import LONGEST
from ostiary.policy.scopes import Brings, widened

NAME: Final = 256
"""Where the ledger cuts names."""
LABEL: Final = 512
"""Where it cuts labels."""
_LONGEST_KEY: Final = 64
_WHO: Final = b',"principal":{'
_HELD: Final = "held"
_NOTHING: Final = msgspec.Raw(b"")
_STRING: Final = re.compile(r"string\(([0-9]{1,9})\)")
_BUDGET: Final = LONGEST // 2
"""Characters of what is only looked for: a condition counts them towards what it looks at."""
HIDDEN: Final = object()
"""There is a value, and the ledger does not say which."""


class Judged(Struct, gc=False):
    """What was decided then."""

    effect: str
    rule: str | None = None
    approved: str = ""
    """Who approved it, where a rule wanted that."""


class Ran(Struct, gc=False):
    """The agent run of a call, and what it had met before."""

    id: str
    had: frozenset[str]
    lacked: frozenset[str]
    """What it had not, of what was remembered then."""


class Past(Struct, gc=False):
    """One call that was made, as far as rules may look at it."""

    time: str
    principal: msgspec.Raw
    reference: str = ""
    endpoint: str = ""
    peer: str = ""
    era: str = ""
    version: str = ""
    program: str = ""
    offer: str = ""
    method: str = ""
    server: str = ""
    tool: str = ""
    name: str | None = None
    decision: Judged | None = None
    arguments: msgspec.Raw = _NOTHING
    outcome: str = ""
    run: Ran | None = None
    """None: an older record, or one of a time when no rule asked what runs had met."""

    @property
    def allowed(self) -> bool:
        """The rules let it through then."""
        return self.decision is not None and self.decision.effect == "allow"

    @property
    def held(self) -> bool:
        """Somebody had to approve it, or would have had to: a rule or a guard wanted that."""
        return self.outcome == _HELD or (self.decision is not None and self.decision.approved != "")


class Who(Struct, gc=False):
    """Who made a call."""

    subject: str
    issuer: str
    client: str
    proof: str
    agent: str = ""
    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    reach: tuple[str, ...] = ()
    narrowed: bool = False
    claims: bool = False
    tags: tuple[str, ...] | None = None
    """None: an older record, or one of somebody with hundreds of groups; what rules match them by is not known."""


Within = Callable[[str], bool]
_past: Final = msgspec.json.Decoder(Past)
_who: Final = msgspec.json.Decoder(Who)


def past(raw: bytes) -> Past | None:
    """Return the call that a line of the ledger is about; None for other records, and for the second one of a call."""
    if _WHO not in raw:
        return None
    try:
        return _past.decode(raw)
    except msgspec.MsgspecError:
        # What is damaged is for `ostiary audit verify` to name.
        return None


def who(principal: bytes) -> Who | None:
    """Return who made a call; None where the record is not one of ours."""
    try:
        return _who.decode(principal)
    except msgspec.MsgspecError:
        return None


def caller(it: Who, brings: Brings, within: Within | None) -> Caller:
    """Return the caller again, of whom everything is known but what the issuer said of them besides."""
    named = (("subject", it.subject), ("client", it.client), ("agent", it.agent))
    tags = {f"{kind}:{name}" for kind, name in named if name}
    tags |= {f"role:{role}" for role in it.roles} | {f"team:{team}" for team in it.teams} | set(it.tags or ())
    return Caller(
        it.subject, it.issuer, it.client, it.proof, float("inf"), frozenset(it.roles), frozenset(it.teams),
        widened(it.scopes, brings), frozenset(it.reach), frozenset(tags), it.agent, within=within,
    )  # fmt: skip


def ask(it: Past, after: frozenset[str] = frozenset()) -> Ask:
    """Return what rules with conditions may look at of a call, but for its arguments.

    What its run had met is known where the record tells whether that was all that a rule wants `after`.
    """
    when = datetime.fromisoformat(it.time).timestamp()
    told = it.run is not None and (after <= it.run.had or not after.isdisjoint(it.run.lacked))
    had = it.run.had if told and it.run is not None else None
    return Ask(when, None, it.method, it.program, it.version, it.era, it.peer, it.endpoint, run=had)


# Arguments


def shape(arguments: bytes) -> Any:
    """Return the shape that the ledger kept of a call's arguments: `HIDDEN` where it kept none."""
    if not arguments:
        return {}
    found = msgspec.json.decode(arguments)
    masked = found.get("masked") if isinstance(found, dict) else None
    return masked if isinstance(masked, dict) else HIDDEN


def modest(masked: Any, ways: Iterable[Steps]) -> bool:
    """Say whether all that lies at the ends of these ways is certainly little enough to be looked at.

    Where it may be too much, no part of a condition counts by itself: then the whole of it is an error.
    """
    return masked is not HIDDEN and sum(_size(masked, way) for way in ways) <= _BUDGET


def _size(here: Any, way: Steps) -> int:
    for step in way:
        if not isinstance(here, dict):
            break
        here = here.get(step)
    length = _STRING.fullmatch(here) if isinstance(here, str) else None
    if length is not None:
        return int(length[1])
    # Of lists and objects only so much is kept, and nothing of how much is in what is left out.
    return 1 if here == "number" or not isinstance(here, str | dict | list) or not here else _BUDGET + 1


def rebuilt(
    masked: Any, fixed: Mapping[str, Any], ways: Iterable[Steps], tested: frozenset[Steps], *, typed: bool = False
) -> Any:
    """Return arguments that are, in all these ways to them, those of a call; `HIDDEN` where the ledger hides one.

    `fixed` is what a view fixes, which wins over what a client says. Of what is `tested` it counts only whether it is
    there. `typed`: of what is no text, and no list of texts, it counts only that.
    """
    if masked is HIDDEN:
        return HIDDEN
    open_ = [(way, way in tested) for way in ways if way[0] not in fixed]
    made = _carved(masked, open_, [_BUDGET], _no_text if typed else _told) if open_ else {}
    return HIDDEN if made is HIDDEN else {**made, **fixed}


def _carved(here: Any, ways: list[tuple[Steps, bool]], left: list[int], told: Callable[[Any], Any]) -> Any:
    if any(not way and not tested for way, tested in ways):
        return told(here)
    further = [(way, tested) for way, tested in ways if way]
    if not further:
        return _present(here, left)
    if not isinstance(here, dict):
        return HIDDEN
    made = {}
    for step in {way[0] for way, _ in further}:
        if step not in here and not _whole(here, step):
            return HIDDEN
        if step in here:
            found = _carved(here[step], [(way[1:], tested) for way, tested in further if way[0] == step], left, told)
            if found is HIDDEN:
                return HIDDEN
            made[step] = found
    return made


def _whole(here: Mapping[str, Any], step: str) -> bool:
    """Say whether a name that is not in the shape of an object was not in the object either."""
    return len(step) <= _LONGEST_KEY and "…" not in here


def _told(value: Any) -> Any:
    """Return the value that a shape gives away: those of which there are few, and what is empty."""
    if value is None or isinstance(value, bool) or value in ([], {}):
        return value
    return "" if value == "string(0)" else HIDDEN


def _no_text(value: Any) -> Any:
    """Return something that is no text either, and no list of texts, where that is what a value is."""
    found = _told(value)
    if found is not HIDDEN:
        return found
    entries = isinstance(value, list) and any(not isinstance(each, str) or each == "number" for each in value)
    return 0 if value == "number" or isinstance(value, dict) or entries else HIDDEN


def _present(value: Any, left: list[int]) -> Any:
    """Return something that may stand for what is there; what may be too much to be looked at is hidden."""
    found = _told(value)
    if found is not HIDDEN or value == "number":
        return 0 if found is HIDDEN else found
    length = _STRING.fullmatch(value) if isinstance(value, str) else None
    if length is None:
        return HIDDEN
    left[0] -= int(length[1])
    return "" if left[0] >= 0 else HIDDEN
