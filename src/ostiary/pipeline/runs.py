"""What agent runs have met, while rules ask for it: kept in memory, bounded, and never forgotten in anybody's favour.

Nothing of a call is kept but labels. Where there is no room, what a run met becomes what every further run of its
caller begins with; and where there is none for callers, what everybody's begins with.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final

import msgspec

from ostiary.core.model import Call, Caller, Json
from ostiary.core.ports import Back
from ostiary.core.rules import Run, Tracking
from ostiary.policy.flows import GUARD

PER_CALLER: Final = 256
"""Runs of one caller."""
RUNS: Final = 65_536
"""Runs of all callers, and callers of whom more is known than their runs."""
_DIGITS: Final = 16
_PARTS, _TRACE = 4, 32
"""Of a traceparent: version, trace, parent and flags; hexadecimal digits of the trace."""
_TIDIED: Final = 4
"""How much of what counts no more is forgotten with each call."""

_Until = dict[str, float]
"""What was met → until when that counts, on the monotonic clock."""


class _Known:
    """One caller's runs, those that met something last at the end."""

    __slots__ = ("runs",)

    def __init__(self) -> None:
        self.runs: OrderedDict[str, _Until] = OrderedDict()


class Runs:
    """What runs have met."""

    def __init__(self, per_caller: int = PER_CALLER, most: int = RUNS) -> None:
        """Keep so many runs of one caller, and of all."""
        self._per_caller, self._most = per_caller, most
        self._callers: OrderedDict[str, _Known] = OrderedDict()
        self._count = 0
        self._bases: OrderedDict[str, _Until] = OrderedDict()
        """What was met in forgotten runs of a caller."""
        self._everybody: _Until = {}
        """And in those of forgotten callers."""

    def __len__(self) -> int:
        """Return how many runs are kept."""
        return self._count

    def met(self, run: Run, now: float) -> frozenset[str]:
        """Return what a run has met, of what still counts."""
        every = (*self._own(run), self._bases.get(run.whose), self._everybody)
        return frozenset(taint for each in every if each for taint, until in each.items() if until > now)

    def _own(self, run: Run) -> Iterable[_Until | None]:
        known = self._callers.get(run.whose)
        if known is None:
            return ()
        if run.ident == run.whose:
            # All that the caller does is one run, also what was told apart before the configuration said so.
            return known.runs.values()
        return known.runs.get(run.ident), known.runs.get(run.whose)

    def known(self, run: Run, now: float) -> Run:
        """Return a run with what it has met."""
        met, asked = self.met(run, now), run.met | run.unmet
        return msgspec.structs.replace(run, met=met & asked, unmet=asked - met)

    def meet(self, run: Run, taints: Iterable[str], now: float) -> None:
        """Remember that a run met something."""
        until = dict.fromkeys(taints, now + run.window)
        if not until:
            return
        self._tidy(now)
        known = self._callers.get(run.whose)
        if known is None:
            known = self._callers[run.whose] = _Known()
        self._callers.move_to_end(run.whose)
        own = known.runs.pop(run.ident, None)
        if own is None:
            self._count += 1
        known.runs[run.ident] = _later(own or {}, until)
        if len(known.runs) > self._per_caller:
            self._forget(run.whose, known, now)
        while self._count > self._most:
            whose = next(iter(self._callers))
            self._forget(whose, self._callers[whose], now)

    def found(self, run: Run, guard: str, now: float) -> None:
        """Remember that a guard found something in an answer to a run, where a rule asks for it."""
        taint = f"{GUARD}{guard}"
        if taint in run.met or taint in run.unmet:
            self.meet(run, (taint,), now)

    def _forget(self, whose: str, known: _Known, now: float) -> None:
        """Forget a caller's oldest run, but not what it met."""
        _, own = known.runs.popitem(last=False)
        self._count -= 1
        if not known.runs:
            del self._callers[whose]
        self._keep(whose, own, now)

    def _keep(self, whose: str, own: _Until, now: float) -> None:
        own = _counting(own, now)
        if not own:
            return
        self._bases[whose] = _later(_counting(self._bases.pop(whose, {}), now), own)
        if len(self._bases) > self._most:
            _, oldest = self._bases.popitem(last=False)
            self._everybody = _counting(_later(self._everybody, oldest), now)

    def _tidy(self, now: float) -> None:
        """Let go of some of what counts no more; the oldest stand in front."""
        for _ in range(_TIDIED):
            whose = next(iter(self._callers), None)
            if whose is None:
                return
            known = self._callers[whose]
            if _counting(next(iter(known.runs.values())), now):
                return
            self._forget(whose, known, now)


def _later(one: _Until, two: _Until) -> _Until:
    """Return what either says, each for as long as it counts."""
    return {**one, **{taint: max(until, one.get(taint, until)) for taint, until in two.items()}}


def _counting(own: _Until, now: float) -> _Until:
    return {taint: until for taint, until in own.items() if until > now}


# Which run it is


def run(call: Call, caller: Caller, tracking: Tracking) -> Run:
    """Return the run that a call belongs to, bound to its caller; what it met is not known yet.

    Clients say where a session or a trace begins, and many begin a new one with every call. So that is only believed
    where the configuration says so (`auto`); otherwise all that is done with one credential is one run.
    """
    who = (caller.issuer, caller.subject, caller.client)
    told = (*who, *named(call)) if tracking.by == "auto" else who
    return Run(whose(*who), _digest(told), tracking.window, unmet=tracking.taints)


def whose(issuer: str, subject: str, client: str) -> str:
    """Return what runs call a caller."""
    return _digest((issuer, subject, client))


def named(call: Call) -> tuple[str, str]:
    """Return what a client says of the run that a call belongs to: its session, else a trace, else its program."""
    client = call.client
    if client.session:
        return "session", client.session
    trace = traced(call.params.get("_meta"))
    if trace:
        return "trace", trace
    program = client.info.get("name")
    return "program", program if isinstance(program, str) else ""


def traced(meta: Any) -> str:
    """Return the trace id of a W3C traceparent (Trace Context, section 3.2.2), where there is one."""
    said = meta.get("traceparent") if isinstance(meta, dict) else None
    parts = said.split("-") if isinstance(said, str) else []
    return parts[1] if len(parts) == _PARTS and len(parts[1]) == _TRACE else ""


def _digest(parts: tuple[str, ...]) -> str:
    # Names may hold anything, so that only what tells the parts apart keeps two callers apart.
    return sha256(msgspec.json.encode(parts)).hexdigest()[:_DIGITS]


class Attentive:
    """A way back to the client that looks again whether the call may go on, when the client has answered a question.

    In between, another call of the same run may have met what this one must not follow.
    """

    def __init__(self, back: Back, check: Callable[[], None]) -> None:
        """`check` raises where the call may not go on."""
        self._back, self._check = back, check

    async def notify(self, method: str, params: Json) -> None:
        """Pass a notification on."""
        await self._back.notify(method, params)

    async def ask(self, method: str, params: Json) -> Json:
        """Put a server's question to the client, and return what the client answers, if the server may have it."""
        answer = await self._back.ask(method, params)
        self._check()
        return answer
