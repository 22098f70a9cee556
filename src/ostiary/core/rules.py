"""Rules as a decision reads them, and what it may depend on besides who asks for what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from msgspec import Struct

from ostiary.core.capturing import Capture
from ostiary.core.costs import Budget


class Charge(Struct, frozen=True):
    """One limit a call must pay into: a token bucket, a bound on calls in flight, or both; or a budget."""

    bucket: str
    per: str
    """Who shares it: `all`, or what they have in common, such as `caller` or `team+tool`."""
    rate: float
    """Units per second; 0.0: no rate."""
    burst: float
    concurrent: int
    """Calls in flight; 0: no such bound."""
    unit: str = "calls"
    """`calls`; `bytes` or `seconds`, of which only the end of a call tells how many; `spend`: `budget` bounds it."""
    within: tuple[str, ...] = ()
    """What sets its buckets apart besides who pays: the server or tool that is called, the window of several."""
    queue: float = 0.0
    """Seconds that a call waits for one in flight to end; 0.0: it is refused at once."""
    shadow: bool = False
    """It is counted and written down, and refuses nothing."""
    budget: Budget | None = None
    reserve: int | None = 0
    """Micros that a call may cost; None: nobody knows, so that it takes all that is left until it has ended."""
    warn: int = 0
    """Percent of the budget of which the ledger tells once in each of its windows; 0: it does not."""


class Ask(Struct, frozen=True):
    """What a rule with a condition may look at besides caller and target."""

    now: float | None = None
    """Seconds since the epoch; None: at any time."""
    arguments: Mapping[str, Any] | None = None
    """None: with any arguments, as for a listing."""
    method: str = ""
    """Empty: by any method."""
    client: str = ""
    """The name that the client's program gives itself."""
    version: str = ""
    era: str = ""
    address: str = ""
    endpoint: str = ""
    placed: bool = True
    """Whether it is known by which program, from where and at which endpoint."""
    run: frozenset[str] | None = None
    """What its agent run has met before, as `Tracking` names it; None: that is not known, as for a listing."""


TRUE: Final = 1
FALSE: Final = 2
ERROR: Final = 4
"""What may come of a condition. Where something is unknown, as a listing knows no arguments, several of them may."""
Test = Callable[[Any, Ask], int]
"""Caller, ask → whether a condition holds: `TRUE`, `FALSE` and `ERROR`, added up where several are possible."""


class Approval(Struct, frozen=True):
    """What people have to say before a call goes on, because a rule wants that."""

    rule: str
    by: frozenset[str]
    """Roles; who approves has one of them, and is not who calls."""
    quorum: int = 1
    """How many different people it takes."""
    within: float = 900.0
    """Seconds for which the call waits, and for which an approval or a refusal is good."""


class Rule(Struct, frozen=True):
    """One line of policy, already expanded for one target."""

    name: str
    needs: tuple[frozenset[str], ...]
    """Each set must share a tag with the caller. An allow without needs allows nobody."""
    scopes: frozenset[str] = frozenset()
    charges: tuple[Charge, ...] = ()
    test: Test | None = None
    when: str = ""
    """The condition that `test` tests, as it is written; without one it holds always."""
    unfit: Callable[[Mapping[str, Any]], str | None] | None = None
    """Arguments → which of them does not fit what the rule demands, in words that whoever gave them may read."""
    after: frozenset[str] = frozenset()
    """What the run must have met before, all of it, for the rule to hold."""
    quarantine: bool = False
    """It is none of the configuration's: somebody shut the target out for now."""
    approvals: tuple[Approval, ...] = ()
    """None or one. An allow allows only with it; a deny denies only without it."""
    capture: Capture | None = None
    """What is kept of the calls that it allows; None: nothing."""


class Tracking(Struct, frozen=True):
    """What is remembered of agent runs, because rules ask for it."""

    by: str
    """What is one run: `caller`, everything that is done with one credential; `auto`, a session, trace or program."""
    window: float
    """Seconds for which it counts that something was met."""
    taints: frozenset[str]
    """What may be met: the labels of `Flow`, `guard:NAME`, and patterns of what was called."""


class Run(Struct, frozen=True):
    """One run of an agent, and what is known of it."""

    whose: str
    """Its caller, as a digest."""
    ident: str
    """The run, as a digest: nothing that a client could present."""
    window: float
    """Seconds for which it counts what it meets from now on."""
    met: frozenset[str] = frozenset()
    """What it has met before."""
    unmet: frozenset[str] = frozenset()
    """All else that rules ask for."""


class Ruling(NamedTuple):
    """Every rule that covers one target."""

    allows: tuple[Rule, ...] = ()
    denies: tuple[Rule, ...] = ()
    rehearsed: tuple[tuple[bool, Rule], ...] = ()
    """Shadow rules, and whether each allows."""
    careful: bool = False
    """Some of them have conditions or are rehearsed."""
