"""Every key of the configuration: its type, its default and one sentence about it. Pure.

This is the one schema: the reference page, the JSON Schema for editors and the checks all follow from it. What no
single key can know (that a rule names a server which exists) is in `references`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, Strict

from ostiary.config.alerts import Alerts, Notify
from ostiary.config.alerts import weakened as of_notify
from ostiary.config.authorization import Authorization
from ostiary.config.behaviour import Anomalies, Runaway
from ostiary.config.capture import Capture
from ostiary.config.exports import Exports
from ostiary.config.exports import weakened as of_exports
from ostiary.config.fields import (
    Count,
    CredentialHeader,
    File,
    Folder,
    Header,
    HostName,
    Key,
    Listen,
    Name,
    Octets,
    Origin,
    OwnURL,
    Reachable,
    Reads,
    Reference,
    Scope,
    Seconds,
    Section,
    ServerURL,
    ToolName,
    User,
    Value,
    Variable,
    Word,
    may,
    must,
)
from ostiary.config.guards import GuardEntry
from ostiary.config.identity import Identity
from ostiary.config.ledger import Ledger
from ostiary.config.ledger import weakened as of_ledger
from ostiary.config.limits import DEFAULT, Limit
from ostiary.config.prices import Price, Prices
from ostiary.config.rules import Expectation, Rule, View
from ostiary.config.telemetry import Telemetry
from ostiary.integrity.results import MOST


class TLS(Section):
    """The gateway's own certificate. Without it, put a proxy that speaks TLS in front."""

    certificate: File = must("The certificate chain, PEM.")
    key: File = must("The private key, PEM; readable by the gateway alone.")
    client_ca: File | None = may(None, "The authorities whose client certificates are demanded, PEM.")


class Timeouts(Section):
    """How long things may take at most."""

    call: Seconds = may("60s", "One call, from its first byte to its last; a server's own timeout may be shorter.")
    session: Seconds = may("24h", "A session of the handshake era, after which the client initializes anew.")
    answer: Seconds = may("10m", "How long a client has to answer what a server asks in the middle of a call.")
    shutdown: Seconds = may("10s", "Calls in flight when the gateway stops, before they are cut off.")


class Bounds(Section):
    """What one message, and all of them together, may be at most."""

    body: Octets = may("4MiB", "The body of one request.")
    depth: Annotated[int, Field(ge=4, le=512)] = may(64, "How deep JSON may be nested.")
    answer: Octets = may("32MiB", "One answer of a server.")
    in_flight: Count = may(1024, "Calls at the same time; one more is answered 503.")


class Log(Section):
    """What the gateway writes about itself to standard error; calls are in the ledger."""

    level: Literal["debug", "info", "warning", "error"] = may("info", "The least important thing that is written.")
    format: Literal["json", "text"] = may("json", "One JSON object for each line, or lines for people.")


class Metrics(Section):
    """Who may read `/metrics`."""

    token: Reference | None = may(
        None, "What a scraper must send as its bearer token; without one, /metrics answers 401 to everyone."
    )


class Runs(Section):
    """What is one run of an agent, for rules with `after`, and how long it counts what it met."""

    by: Literal["caller", "auto"] = may(
        "caller",
        "`caller`: all that is done with one credential; `auto`: a session, else a trace, else a program of the "
        "caller's, as far as clients are to be believed about where a run begins.",
    )
    window: Seconds = may("24h", "How long it counts that a run met something, from the last time that it did.")


Brought = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=256), Strict(strict=False)]


class Gateway(Section):
    """The gateway itself."""

    url: OwnURL = must(
        "Our own name, without a path: base of every link, audience of every token; https except on loopback."
    )
    listen: Listen = may("127.0.0.1:8080", "Where to listen; beyond loopback an identity is needed.")
    data: Folder = may("./ostiary-data", "The folder of the database, the ledger's segments and the sealed keys.")
    tls: TLS | None = may(None, "The gateway's own certificate; without it, TLS ends in front of it.")
    hosts: Annotated[tuple[HostName, ...], Strict(strict=False)] = may(
        (), "Names accepted in the Host header, besides the one in `url`."
    )
    origins: Annotated[tuple[Origin, ...], Strict(strict=False)] = may(
        (), "Browser origins that may call, besides our own."
    )
    timeouts: Timeouts = may({}, "How long things may take at most.")
    bounds: Bounds = may({}, "What one message, and all of them together, may be at most.")
    runs: Runs = may({}, "What is one run of an agent.")
    log: Log = may({}, "What the gateway writes about itself.")
    metrics: Metrics = may({}, "Who may read /metrics.")
    unsafe_open_metrics: bool = may(False, "Let everyone read /metrics, which names servers and tools.")
    trusted_proxy: Annotated[tuple[Reachable, ...], Strict(strict=False)] = may(
        (), "Networks of the proxies in front: what they say in X-Forwarded-For and X-Forwarded-Proto is believed."
    )
    unsafe_plaintext: bool = may(
        False, "Listen beyond loopback without TLS and without a proxy that has it: everyone in between reads tokens."
    )
    scopes: Annotated[Mapping[Scope, Brought], Field(max_length=256)] = may(
        {}, "Scopes that bring others: whoever has `crm.write` by `crm.write: [crm.read]` has `crm.read` as well."
    )
    static_tokens: Literal["on", "off"] = may("on", "Whether tokens made by `ostiary token` are taken.")
    unsafe_listen_without_identity: bool = may(
        False, "Listen beyond loopback although only tokens of `ostiary token` say who calls."
    )


class BearerCredential(Section):
    """Send `Authorization: Bearer …`."""

    kind: Literal["bearer"] = must("A bearer token.")
    token: Reference = must("Where the token is kept.")


class HeaderCredential(Section):
    """Send a secret in a header of the server's choice."""

    kind: Literal["header"] = must("A header of its own.")
    name: CredentialHeader = must("The name of the header.")
    value: Reference = must("Where its whole value is kept.")


class BasicCredential(Section):
    """Send a user and a password (RFC 7617)."""

    kind: Literal["basic"] = must("A user and a password.")
    user: User = must("The user, which may not contain a colon.")
    password: Reference = must("Where the password is kept.")


Credential = Annotated[BearerCredential | HeaderCredential | BasicCredential, Field(discriminator="kind")]


class ServerTLS(Section):
    """How a server proves itself to the gateway, and the gateway to it."""

    ca: File | None = may(None, "The authorities to trust instead of the system's, PEM.")
    certificate: File | None = may(None, "Our client certificate, PEM.")
    key: File | None = may(None, "Its private key, PEM.")


_READS: Final = "What it reads: `private`, what is not for everybody; `untrusted`, what anybody may have written; "
_SENDS: Final = "Whether it sends something to where others can read it; what nobody labelled does."
_CHANGES: Final = "Whether it changes something that stays; what nobody labelled does."


class Tool(Section):
    """What we know better about a tool than its server says."""

    destructive: bool | None = may(None, "It changes or deletes things; overrides what the server says.")
    read_only: bool | None = may(None, "It changes nothing; overrides what the server says.")
    timeout: Seconds | None = may(None, "How long a call of it may take; otherwise the server's timeout.")
    disabled: bool = may(False, "It does not exist for anybody.")
    reads: Reads | None = may(None, f"{_READS}otherwise what its server reads.")
    sends: Literal["outside", "nothing"] | None = may(None, f"{_SENDS} It wins over its server's.")
    changes: bool | None = may(None, f"{_CHANGES} It wins over its server's.")
    price: Price | None = may(None, "What a call of it costs, such as `0.02 USD`, or more than that; see `price`.")


class Answers(Section):
    """What one answer of a server may be at most; a larger one is not handed on."""

    size: Octets | None = may(None, "Its size; otherwise `gateway.bounds.answer`.")
    depth: Annotated[int, Field(ge=1, le=MOST.depth)] = may(MOST.depth, "How deep a result may be nested.")
    values: Annotated[int, Field(ge=1, le=MOST.values)] = may(MOST.values, "How many values a result may hold.")


class Breaker(Section):
    """When a server that fails is left alone, so that calls fail at once instead of waiting for it."""

    failures: Annotated[int, Field(ge=0, le=1000)] = may(
        5, "Calls in a row that are lost, time out or reach nobody until it is left alone; 0: never."
    )
    open: Seconds = may("10s", "For how long; twice as long each time that one call, sent to see, fails too.")


_ONE_TRANSPORT: Final[dict[str, JsonValue]] = {
    "oneOf": [{"required": ["command"]}, {"required": ["url"]}, {"required": ["sse"]}]
}


class Server(Section):
    """One server behind the gateway: a process that it starts (`command`), or an endpoint over HTTP (`url`, `sse`)."""

    model_config = ConfigDict(json_schema_extra=_ONE_TRANSPORT)

    description: Annotated[str, Field(max_length=4096)] = may("", "What it is for; people see it, models do not.")
    disabled: bool = may(False, "Keep it in the file, but neither start it nor offer anything of it.")
    command: Annotated[tuple[Word, ...], Field(min_length=1), Strict(strict=False)] | None = may(
        None, "The program and its arguments, which may be references to secrets; no shell is involved."
    )
    env: Mapping[Variable, Value] = may(
        {}, "Its environment, added to a minimal one: text, or a reference to a secret.", repr=False
    )
    cwd: Folder | None = may(None, "The folder it starts in; otherwise the gateway's.")
    shared: bool = may(False, "One process for all callers; otherwise each caller gets their own.")
    idle: Seconds = may("10m", "How long a process without calls is kept.")
    start_timeout: Seconds = may("60s", "How long it may take to start; package runners download on their first start.")
    url: ServerURL | None = may(None, "Its Streamable HTTP endpoint.")
    sse: ServerURL | None = may(None, "Its event stream, for a server that has only the transport of 2024-11-05.")
    allow_private: Annotated[tuple[Reachable, ...], Strict(strict=False)] = may(
        (),
        "Private or loopback networks it may be reached in; without any, only public addresses are dialled.",
    )
    headers: Mapping[Header, Value] = may(
        {}, "Headers to send with every request: text, or a reference to a secret.", repr=False
    )
    credential: Credential | None = may(None, "What the gateway proves itself with; never the caller's credential.")
    tls: ServerTLS | None = may(None, "Authorities and client certificate.")
    tls_keys: Annotated[tuple[Key, ...], Field(max_length=64), Strict(strict=False)] = may(
        (), "The only keys that it may prove itself with, besides a valid certificate; without any, every key is noted."
    )
    unsafe_plain_http: bool = may(
        False, "Speak http:// to a host beyond loopback: everyone in between reads and changes it."
    )
    timeout: Seconds = may("30s", "How long one call may take.")
    max_in_flight: Count = may(32, "Calls at the same time; more wait until their deadline, and callers take turns.")
    max_waiting: Annotated[int, Field(ge=0, le=100_000)] = may(
        256, "Calls that may wait for that; of one more, the last one of whoever has most waiting is answered 503."
    )
    retries: Annotated[int, Field(ge=0, le=1)] = may(
        0,
        "How often a call is sent again that was lost before a byte of its answer came; only tools whose approved "
        "definition says readOnlyHint or idempotentHint, or that are `read_only` here.",
    )
    breaker: Breaker = may({}, "When it is left alone.")
    approve: Literal["first-use", "always", "never"] = may(
        "first-use",
        "What is approved without a person: what it offers when it is first seen, everything at any time, or nothing.",
    )
    identity: Literal["hold", "note"] | None = may(
        None,
        "What happens when its program, package or name is not the pinned one: it is held until approved, or that is "
        "noted; otherwise `hold`, and `note` with `approve: always`.",
    )
    unknown_arguments: Literal["refuse", "drop", "allow"] = may(
        "refuse", "What happens to arguments that the approved schema does not name, at any depth."
    )
    results: Literal["block", "strip", "note"] = may(
        "block",
        "What happens to results that do not fit the approved output schema: they are not handed on, are handed on "
        "without what it does not name if they fit then, or are handed on and noted in the ledger.",
    )
    answers: Answers = may({}, "What one answer of it may be at most.")
    era: Literal["auto", "modern", "handshake"] = may("auto", "Which era of the protocol it speaks; `auto` finds out.")
    refresh: Seconds = may("60s", "How often it is asked what it offers, if it does not announce changes.")
    reads: Reads | None = may(None, f"{_READS}what nobody labelled is taken to read both.")
    sends: Literal["outside", "nothing"] | None = may(None, _SENDS)
    changes: bool | None = may(None, _CHANGES)
    tools: Mapping[ToolName, Tool] = may({}, "What we know better about its tools, by the server's own names.")


class Config(Section):
    """A whole configuration."""

    gateway: Gateway = must("The gateway itself.")
    identity: Mapping[Name, Identity] = may({}, "Who may speak; without any, only tokens made by `ostiary token`.")
    authorization: Authorization | None = may(
        None, "The gateway as authorization server, for programs that a person's identity provider cannot serve."
    )
    servers: Mapping[Name, Server] = may({}, "The servers behind it, by name: lower-case letters, digits and hyphens.")
    views: Mapping[Name, View] = may({}, "Virtual servers, by name.")
    rules: Annotated[tuple[Rule, ...], Strict(strict=False)] = may(
        (), "The policy; without rules nobody may use anything."
    )
    limits: Annotated[tuple[Limit, ...], Field(min_length=1), Strict(strict=False)] = may(
        DEFAULT, "Bounds on how often; what is written here replaces the default."
    )
    guards: Annotated[tuple[GuardEntry, ...], Strict(strict=False)] = may(
        (), "What reads the words of calls, in this order; a guard that fails stops the call."
    )
    runaways: Annotated[tuple[Runaway, ...], Strict(strict=False)] = may(
        (), "What is done about agents that go in circles; the harshest line that a call meets counts."
    )
    anomalies: Anomalies | None = may(None, "An alarm where a caller is not themselves; without it nobody looks.")
    prices: Prices = may({}, "What tokens of models cost.")
    ledger: Ledger = may({}, "The audit ledger.")
    capture: Capture | None = may(None, "Payloads of calls, kept sealed where rules want that; without it none are.")
    exports: Exports = may((), "Where the ledger is pushed to; each gets every record, also after an outage.")
    telemetry: Telemetry = may({}, "Traces, pushed metrics, and what servers hear of the trace that a call is in.")
    alerts: Alerts = may((), "Who is told when something happens, and again when it is over.")
    notify: Notify = may({}, "Receivers of alerts, by name.")
    expect: Annotated[tuple[Expectation, ...], Strict(strict=False)] = may((), "The policy's own tests.")


LATER: Final[Mapping[str, tuple[str, str]]] = {
    "servers.*.sandbox": (
        "sandboxes are not supported in this version",
        "remove the key and run the server in a container: its command may be `docker run -i ...`",
    ),
    "servers.*.credential.kind=client": (
        "client credentials are not supported in this version",
        "use kind: bearer, header or basic",
    ),
}
"""Keys (or, after `=`, values) that a later version will know: what to say about them, and what to do now."""


def weakened(config: Config) -> tuple[str, ...]:
    """Return every `unsafe_` key in force, by its path."""
    of_gateway = [f"gateway.{key}" for key in Gateway.model_fields if _unsafe(config.gateway, key)]
    of_servers = [
        f"servers.{name}.{key}"
        for name, server in config.servers.items()
        for key in Server.model_fields
        if _unsafe(server, key)
    ]
    of_guards = [
        f"guards.{guard.name}.{key}"
        for guard in config.guards
        for key in GuardEntry.model_fields
        if _unsafe(guard, key)
    ]
    of_others = (*of_ledger(config.ledger), *of_exports(config.exports), *of_notify(config.notify))
    return (*of_gateway, *of_servers, *of_guards, *of_others)


def _unsafe(section: Section, key: str) -> bool:
    return key.startswith("unsafe_") and getattr(section, key) is True
