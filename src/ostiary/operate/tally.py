"""What calls add up to: by caller, team, tool, server or day; and what a list of tools weighs for a model. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.core.model import Json, Kind, Surface, Target

BYTES_PER_TOKEN: Final = 4
"""English text and JSON have about so many bytes for each token of today's models; of other scripts they have fewer."""
NO_TEAM: Final = "(no team)"
_BAR: Final = "█"
_ANSWERED: Final = frozenset({"answered", "input_required"})


class By(StrEnum):
    """What calls are added up by."""

    CALLER = "caller"
    TEAM = "team"
    TOOL = "tool"
    SERVER = "server"
    DAY = "day"


class Who(Struct, gc=False):
    """Who made a call."""

    subject: str = ""
    issuer: str = ""
    client: str = ""
    agent: str = ""
    teams: tuple[str, ...] = ()


class Used(Struct, frozen=True):
    """One call, and what it took."""

    day: str
    """In UTC."""
    who: Who
    server: str
    label: str
    outcome: str
    """Empty: it is not known."""
    asked: int
    """Bytes of the request."""
    answered: int
    """Bytes of the answer."""
    upstream: float
    """Milliseconds of the server's time."""
    micros: int
    currency: str
    """Empty: it has no price."""


class Sum(Struct):
    """What the calls of one name add up to."""

    name: str
    calls: int = 0
    failed: int = 0
    """Refused, or ended by an error."""
    asked: int = 0
    answered: int = 0
    """Bytes of requests and of answers."""
    tokens: int = 0
    """About so many tokens of models the answers are."""
    upstream: float = 0.0
    """Seconds of servers' time."""
    micros: dict[str, int] = {}
    """What they cost, by currency."""


def tallied(calls: Iterable[Used], by: By) -> tuple[list[Sum], Sum]:
    """Return the sums, the dearest and then the busiest first (days in their order), and the sum of everything.

    A call by somebody who is in several teams is in the sum of each; in the sum of everything it is once.
    """
    sums: dict[str, Sum] = {}
    whole = Sum("all")
    for call in calls:
        _add(whole, call)
        for name in _names(call, by):
            _add(sums.setdefault(name, Sum(name)), call)
    if by is By.DAY:
        return [sums[name] for name in sorted(sums)], whole
    return sorted(sums.values(), key=lambda it: (-max(it.micros.values(), default=0), -it.calls, it.name)), whole


def _names(call: Used, by: By) -> tuple[str, ...]:
    match by:
        case By.CALLER:
            return (f"{call.who.subject} ({call.who.issuer})",)
        case By.TEAM:
            return call.who.teams or (NO_TEAM,)
        case By.TOOL:
            return (call.label,)
        case By.SERVER:
            return (call.server,)
        case By.DAY:
            return (call.day,)


def _add(to: Sum, call: Used) -> None:
    to.calls += 1
    to.failed += call.outcome not in _ANSWERED
    to.asked += call.asked
    to.answered += call.answered
    to.tokens = tokens(to.answered)
    to.upstream += call.upstream / 1e3
    if call.currency:
        to.micros[call.currency] = to.micros.get(call.currency, 0) + call.micros


def tokens(octets: int) -> int:
    """Return about how many tokens a text of so many bytes is: an estimate, for each model counts its own."""
    return math.ceil(octets / BYTES_PER_TOKEN)


def bar(part: float, most: float, width: int) -> str:
    """Return a bar as long as `part` is of `most`; what is more than nothing is never drawn as nothing."""
    return _BAR * max(1, round(width * part / most)) if part > 0 and most > 0 else ""


class Weight(Struct):
    """What the tools of one server, as one endpoint shows them, weigh in a model's context."""

    endpoint: str
    server: str
    tools: int
    octets: int
    tokens: int
    heaviest: str
    """The tool that weighs most."""
    heaviest_tokens: int


def weights(surface: Surface) -> Iterator[Weight]:
    """Yield what the lists of tools weigh, by server; before rules, which show each caller what they may use."""
    sizes: dict[str, dict[str, int]] = {}
    for (kind, name), target in surface.targets.items():
        if kind is Kind.TOOL:
            sizes.setdefault(target.server, {})[name] = len(msgspec.json.encode(_shown(target)))
    for server, found in sorted(sizes.items()):
        heaviest = max(found, key=lambda name: (found[name], name))
        octets = sum(found.values())
        yield Weight(
            surface.endpoint, server, len(found), octets, tokens(octets), heaviest, tokens(found[heaviest]),
        )  # fmt: skip


def _shown(target: Target) -> Json:
    """Return what a model is told of a tool: clients hand on its name, its description and its arguments."""
    definition: dict[str, Any] = {"name": target.exposed}
    for key in ("description", "inputSchema"):
        if key in target.definition:
            definition[key] = target.definition[key]
    return definition
