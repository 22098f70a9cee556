"""The values of the ledger: what its records are made of, and how large it may become. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ostiary.adapters.store.ledger_callers import Principal


class Sizes(Struct, frozen=True):
    """When to seal, when to begin a new segment, and how much to keep while the disk refuses. Seconds and bytes."""

    segment_bytes: int = 64 * 1024 * 1024
    segment_age: float = 86_400.0
    seal_every: float = 60.0
    seal_records: int = 10_000
    retry_every: float = 0.2
    shapes: bool = True
    """Keep the shape of arguments with values masked, and not only their digest."""
    queued_refusals: int = 8192
    """Records of calls that never left, kept while stopped. Outcomes of calls that left are kept without a bound:
    no call leaves while the ledger is stopped, so there are no more than were in flight."""


class Judgement(Struct, omit_defaults=True, gc=False):
    """What policy said, and which rule said it."""

    effect: str
    rule: str | None = None
    reason: str | None = None
    approved: str = ""
    """Who approved it, where a rule wanted that."""


class Arguments(Struct, gc=False):
    """What the arguments were, without saying it."""

    digest: str
    masked: Any


class Bytes(Struct, gc=False, rename={"in_": "in"}):
    """Sizes of the request and of the answer."""

    in_: int
    out: int


class Millis(Struct, gc=False):
    """How long the call took, and whose time it was."""

    total: float
    upstream: float
    gateway: float


class Money(Struct, gc=False):
    """An amount, in millionths of a currency's unit."""

    micros: int
    currency: str


class Reserved(Struct, omit_defaults=True, gc=False):
    """What a call may cost at most, and whose budgets that is of."""

    micros: int | None
    """None: nobody knows."""
    currency: str
    teams: list[str] = []
    """The caller's, where the principal is too large to name them."""


class Guarded(Struct, gc=False):
    """That a guard looked, which way, what it said, and how long it took."""

    guard: str
    side: str
    verdict: str
    ms: float


class Ran(Struct, omit_defaults=True, gc=False):
    """The agent run that a call belongs to, where rules ask what runs have met."""

    id: str
    had: list[str]
    """What it had met before, as rules name it."""
    lacked: list[str]
    """What else rules ask for."""
    adds: list[str] = []
    """What it has met from this call on; only of calls that may have left."""


class Kept(Struct, omit_defaults=True, gc=False, rename={"name": "class"}):
    """A payload of the call that was kept, sealed."""

    name: str
    key: str
    """The id of the key that it is sealed with."""
    half: str
    sha256: str
    """Of the file that holds it."""
    bytes: int
    """Of the payload in clear, all of it."""
    cut: bool = False
    """Only its beginning was kept."""


class Record(Struct, omit_defaults=True, gc=False):
    """A record of a call. An intent has the first part, an outcome the second, a call that never left has both."""

    type: str
    time: str
    reference: str
    endpoint: str = ""
    peer: str = ""
    revision: int = -1
    principal: Principal | None = None
    era: str = ""
    version: str = ""
    program: str = ""
    """The name that the client's program gives itself."""
    offer: str = ""
    """The declared capabilities that change what a server offers, canonical."""
    method: str = ""
    server: str = ""
    tool: str = ""
    """The target's label, whatever its kind."""
    name: str | None = None
    """As the client said it."""
    decision: Judgement | None = None
    arguments: Arguments | None = None
    findings: list[str] = []
    guards: list[Guarded] = []
    """Every look of a guard so far, in order: the proof that it ran."""
    run: Ran | None = None
    trace: str = ""
    """The trace that the client says the call is part of (W3C Trace Context); never evidence for a decision."""
    session: str = ""
    """Handshake era: the session's own id, which opens nothing without the sealed token around it."""
    task: str = ""
    """A digest of the task that the call asks about or, in an outcome, that it began."""
    reserved: Reserved | None = None
    """What the call may cost at most; only of calls that may have left, for what has a price."""
    capture: list[Kept] = []
    """What was kept of its words, where a rule wants that: of the arguments in the intent, else in the outcome."""

    outcome: str = ""
    detail: str = ""
    bytes: Bytes | None = None
    ms: Millis | None = None
    cost: Money | None = None
    """What it cost; only of calls that left, for what has a price."""
