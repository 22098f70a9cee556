"""The nouns of the gateway: read this file first. Pure.

Everything here is an immutable value. Nothing here does I/O, reads a clock, or knows how it is stored or sent.
Values are `msgspec.Struct`s: frozen like a frozen dataclass, at a tenth of the cost to make, and a call makes six.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.core.capturing import Capture
from ostiary.core.costs import Price
from ostiary.core.rules import Approval, Ask, Ruling, Tracking
from ostiary.core.rules import Charge as Charge
from ostiary.core.rules import Rule as Rule
from ostiary.core.screening import EVERY_FLOW, Flow, Path, Screen

Json = Mapping[str, Any]


class Era(StrEnum):
    """How a peer speaks: with a session handshake (2024-11-05 to 2025-11-25), or one envelope per request."""

    HANDSHAKE = "handshake"
    MODERN = "modern"


MODERN: Final = "2026-07-28"
HANDSHAKES: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Every version with a handshake that we speak, oldest first."""


class Kind(StrEnum):
    """What a client can reach through the gateway."""

    TOOL = "tool"
    PROMPT = "prompt"
    RESOURCE = "resource"
    TEMPLATE = "template"
    GATEWAY = "gateway"


class Reason(StrEnum):
    """Why a decision is a denial. The wire never shows these; the ledger always does."""

    NO_RULE = "no_rule"
    DENY_RULE = "deny_rule"
    MISSING_SCOPE = "missing_scope"
    CONDITION = "condition"
    UNDECIDED = "undecided"
    QUARANTINED = "quarantined"


class Certificate(Struct, frozen=True):
    """A client's certificate, verified by the TLS layer against the configured authorities."""

    thumbprint: str
    """SHA-256 of its DER form, base64url without padding: `x5t#S256` (RFC 8705 section 3.1)."""
    names: tuple[str, ...] = ()
    """Its subject alternative names: URIs (SPIFFE ids), DNS names, mail addresses."""
    expires: float = 0.0
    """Seconds since the epoch. A connection may outlive the certificate it began with."""


class Inbound(Struct, frozen=True):
    """One HTTP request as the edge admitted it. The body is read only on demand."""

    verb: str
    endpoint: str
    """`/mcp`, `/servers/NAME/mcp` or `/views/NAME/mcp`."""
    headers: Mapping[str, str]
    """Lower-case names; the first of doubled ones."""
    doubled: frozenset[str]
    """Names of headers that came more than once."""
    credential: str | None
    peer: str
    body: Callable[[], Awaitable[bytes]]
    certificate: Certificate | None = None
    channel: str | None = None
    """HTTP+SSE (2024-11-05): the channel that a POST is for, empty where it names none; None: Streamable HTTP."""


class Client(Struct, frozen=True):
    """The program that speaks for a caller: what it said of itself. Never evidence for a decision."""

    era: Era
    version: str
    capabilities: Json
    """As declared."""
    offer: str
    """The declared capabilities that change what a server offers, canonical: the key of catalogues."""
    info: Json
    session: str | None = None
    """Handshake era: the session's own id (inside the sealed token)."""


class Call(Struct, frozen=True):
    """A well-formed message. `name` is the tool, prompt or resource it addresses, as the client wrote it."""

    id: str | int | None
    """None for a notification, a posted answer, a stream or the end of a session."""
    method: str
    name: str | None
    params: Json
    client: Client
    progress: str | int | None = None
    level: str | None = None
    """Modern: the log level this request asked for."""
    parts: tuple[Inbound, ...] = ()
    """The messages of a batch, each as if it had come alone."""


class Caller(Struct, frozen=True):
    """Who is asking, after the credential was verified."""

    subject: str
    issuer: str
    client: str
    """The credential's own name: a token's id, an OAuth client id."""
    proof: str
    """How the identity was proven, for the ledger."""
    expires: float
    """Seconds since the epoch."""
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    reach: frozenset[str] = frozenset()
    """The servers the credential is narrowed to; empty for a credential without such a narrowing."""
    tags: frozenset[str] = frozenset()
    """`subject:…`, `role:…`, `team:…`, `client:…`, `agent:…` and `*`: what rules are matched against."""
    agent: str = ""
    """Who acts for the subject, where that is somebody else: an agent, by the outermost `act` (RFC 8693)."""
    claims: Json = {}
    """What the issuer said, verified; empty for tokens of our own."""
    within: Callable[[str], bool] | None = None
    """Whether the credential is narrowed to a label, of the servers in `reach`; None: to all that they have."""


class Token(Struct, frozen=True):
    """A personal or service token, without its secret."""

    id: str
    subject: str
    note: str
    roles: tuple[str, ...]
    teams: tuple[str, ...]
    scopes: tuple[str, ...]
    servers: tuple[str, ...]
    created: float
    """Seconds since the epoch, as all times here."""
    expires: float
    revoked: float | None = None
    last_used: float | None = None
    views: tuple[str, ...] = ()
    """The views whose endpoints it is good at; empty: any endpoint."""
    tools: tuple[str, ...] = ()
    """Patterns of labels that it is narrowed to; empty: all that its servers have."""
    replaces: tuple[str, ...] = ()
    """The tokens that it succeeds by rotation, oldest first: rules that speak of those speak of it as well."""
    rotated: float | None = None
    successor: str = ""
    """What it was rotated to; until it expires both are good."""


class Allow(Struct, frozen=True):
    """The call may proceed, by this rule, after paying these charges, and once people approved it."""

    rule: str
    charges: tuple[Charge, ...] = ()
    approvals: tuple[Approval, ...] = ()
    """All of these are needed."""
    approved: str = ""
    """Who approved it, where that was needed and done."""
    capture: Capture | None = None
    """What has to be kept of it; None: nothing."""


class Deny(Struct, frozen=True):
    """The call may not proceed."""

    reason: Reason
    rule: str | None = None
    needs: frozenset[str] = frozenset()
    """The scopes that are missing, or the condition that the rule would have needed."""
    scopes: frozenset[str] = frozenset()
    """All that the call needs, those among them that the caller has: what a challenge names, once and whole."""
    when: str = ""
    """The condition that made the difference."""
    open: bool = False
    """Other arguments may be allowed, so that it may be known to exist."""
    said: str = ""
    """Which argument does not fit what the rule demands of it, in words that whoever gave it may read."""


Decision = Allow | Deny

Check = Callable[[Json], None]
"""Raises `BadArguments` where the value does not fit."""
Dropping = Callable[[Json], Json]
"""Arguments → those among them that a schema names, at any depth; the same object where it names all."""
Fitted = Callable[[Json], tuple[Json, str]]
"""A tool's result → what may be handed on of it, and what the ledger says of it; raises `Garbled` where nothing may."""


class Target(Struct, frozen=True):
    """One reachable thing, with everything the pipeline needs to know about it."""

    server: str
    """The upstream's configured name; empty for the gateway itself."""
    kind: Kind
    name: str
    """The upstream's own name, or the URI."""
    label: str
    """As rules and the ledger say it: `files.read`, `files:file:///x`, `files.prompt/greet`."""
    exposed: str
    """As clients of this endpoint say it."""
    definition: Json = {}
    """The approved definition, as the upstream wrote it."""
    allows: tuple[Rule, ...] = ()
    denies: tuple[Rule, ...] = ()
    charges: tuple[Charge, ...] = ()
    rehearsed: tuple[tuple[bool, Rule], ...] = ()
    """Shadow rules, and whether each allows."""
    careful: bool = False
    """Some rule has a condition or is rehearsed."""
    check: Check | None = None
    """The arguments' check against the approved schema. None only for what takes no arguments of its own."""
    results: Fitted | None = None
    """Results' check against the approved output schema, where there is one."""
    known: frozenset[str] = frozenset()
    """The arguments that the approved schema declares at its root."""
    fixed: Json = {}
    """Arguments that a view fixes: clients neither see nor send them."""
    drops: Dropping | None = None
    """Takes the arguments out that the approved schema does not name, before the check."""
    mirrored: tuple[tuple[str, Path], ...] = ()
    """`x-mcp-header` names (lower-case, without `mcp-param-`) and the argument each one mirrors."""
    guards_in: tuple[Screen, ...] = ()
    """What reads the words of a call before it leaves, in this order."""
    guards_out: tuple[Screen, ...] = ()
    """What reads the words of everything that comes back."""
    flows: frozenset[Flow] = EVERY_FLOW
    """What it does to the run that calls it, as people labelled it."""
    taints: frozenset[str] = frozenset()
    """What a run has met that called it, of all that rules ask for; empty where none asks."""
    timeout: float = 30.0
    """Seconds."""
    repeats: bool = False
    """A call of it may be sent a second time where the server went away before it said anything."""
    task: str = ""
    """The upstream's id of the task that a call of this tool became; empty: the tool itself is meant."""
    price: Price | None = None
    """What a call of it costs; None: nothing."""


class Template(Struct, frozen=True):
    """A resource template: a target for each URI that fits it, with rules matched when the URI is known."""

    target: Target
    fits: Callable[[str], bool]
    rules: Callable[[str], Ruling]
    """label of the concrete URI → what covers it."""
    charges: Callable[[str], tuple[Charge, ...]]
    """label of the concrete URI → the limits that count it."""

    def at(self, uri: str) -> Target:
        """Return the target of one URI that fits."""
        label = f"{self.target.server}:{uri}"
        return msgspec.structs.replace(
            self.target, kind=Kind.RESOURCE, name=uri, label=label, exposed=uri,
            charges=self.charges(label), **self.rules(label)._asdict(),
        )  # fmt: skip


class Catalogue(Struct, frozen=True):
    """What one server offers to clients that declared one set of capabilities: approved definitions only."""

    server: str
    offer: str
    tools: tuple[Json, ...] = ()
    prompts: tuple[Json, ...] = ()
    resources: tuple[Json, ...] = ()
    templates: tuple[Json, ...] = ()
    capabilities: Json = {}
    """As the server announced them."""
    instructions: str = ""
    ttl_ms: int = 0
    stale: str = ""
    """Why this is the last good catalogue and not the present one; empty: it is current."""
    held: int = 0
    """Definitions that wait for approval."""
    rejected: frozenset[str] = frozenset()
    """URIs of resources that were rejected: no template, link or interface opens them either."""


class Surface(Struct, frozen=True):
    """What one endpoint offers to clients that declared one set of capabilities."""

    endpoint: str
    servers: tuple[str, ...]
    targets: Mapping[tuple[Kind, str], Target]
    """By kind and exposed name; templates by their URI template."""
    templates: tuple[Template, ...] = ()
    """Those that clash, too: a URI that fits the templates of two servers is refused."""
    capabilities: Json = {}
    """Server capabilities, as announced to clients."""
    instructions: str = ""
    ttl_ms: int = 0
    apps: Mapping[str, tuple[Target, ...]] = {}
    """By the `ui://` resource that a tool names as its interface: every way in which rules may let a caller read it."""
    links: Mapping[str, Template] = {}
    """By server: any of its resources, for callers to whom the server itself handed the URI."""
    clashes: Mapping[tuple[Kind, str], tuple[Target, ...]] = {}
    """What is offered here more than once under one name, so that none of it is reachable."""
    careful: bool = False
    """Some rule here has a condition or is rehearsed, so that decisions need an `Ask`."""


class Timeouts(Struct, frozen=True):
    """Seconds."""

    call: float = 60.0
    session: float = 86_400.0
    answer: float = 600.0


class Bounds(Struct, frozen=True):
    """What one message may be at most."""

    body: int = 4 * 1024 * 1024
    depth: int = 64
    in_flight: int = 1024


class Snapshot(Struct, frozen=True):
    """One compiled revision of the world. Never changed, only replaced."""

    revision: int
    digest: str
    """Of the configuration it came from."""
    endpoints: frozenset[str]
    surfaces: Mapping[tuple[str, str], Surface]
    """By endpoint and offer. A missing one is fetched, compiled and swapped in before the call goes on."""
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    timeouts: Timeouts = Timeouts()
    bounds: Bounds = Bounds()
    weakened: tuple[str, ...] = ()
    """Every `unsafe_` key in force."""
    tracking: Tracking | None = None
    """What is remembered of runs; None: no rule asks what they met."""


class Order(Struct, frozen=True):
    """What the pipeline asks an upstream to do."""

    call: Call
    target: Target
    caller: Caller
    deadline: float
    """On the monotonic clock."""
    reference: str
    endpoint: str = ""
    """Where the client came in."""
    ask: Ask | None = None
    """What rules with conditions may look at; None where no rule has one."""


class Answer(Struct, frozen=True):
    """How a message ends on the wire: a JSON-RPC answer, or a bare status."""

    payload: Json | None
    """A whole JSON-RPC message, or None for an empty body."""
    status: int = 200
    headers: Mapping[str, str] = {}
