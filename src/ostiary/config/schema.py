"""Every key of the configuration: its type, its default and one sentence about it. Pure.

This is the one schema: the reference page, the JSON Schema for editors and the checks all follow from it. What no
single key can know (that a rule names a server which exists) is in `references`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    Strict,
    WithJsonSchema,
)

from ostiary.config import units, values
from ostiary.config.problems import Unfit
from ostiary.config.units import Rate
from ostiary.config.values import Address, Network, Secret


def _text(parse: Callable[[Any], Any], kind: str, pattern: str, write: Callable[[Any], str] = str) -> tuple[Any, ...]:
    schema = {"type": "string", "pattern": pattern, "$comment": kind}
    return PlainValidator(parse), PlainSerializer(write, return_type=str), WithJsonSchema(schema)


def _checked(check: Callable[[str], Any], kind: str, pattern: str = "") -> tuple[Any, ...]:
    schema = {"type": "string", "$comment": kind} | ({"pattern": pattern} if pattern else {})
    return AfterValidator(check), WithJsonSchema(schema)


Seconds = Annotated[float, *_text(units.seconds, "duration", "^[0-9]+(ms|s|m|h|d)$", units.as_duration)]
Octets = Annotated[int, *_text(units.octets, "size", "^[0-9]+([KMG]i?)?B$", units.as_size)]
Times = Annotated[Rate, *_text(units.rate, "rate", "^[0-9]+/(s|min|h|day)$")]
Reference = Annotated[Secret, *_text(values.secret, "secret reference", "^(env|file):.+$")]
File = Annotated[Secret, *_text(values.file, "file reference", "^file:.+$")]
Value = Annotated[str | Secret, *_text(values.literal_or_secret, "text or secret reference", "")]
Listen = Annotated[Address, *_text(values.listen, "host:port", ":[0-9]+$")]
Reachable = Annotated[Network, *_text(lambda it: values.network(_string(it)), "network", "^[0-9a-fA-F.:]+(/[0-9]+)?$")]

Name = Annotated[str, Field(pattern=values.SERVER_NAME)]
Exposed = Annotated[str, Field(pattern=values.EXPOSED_NAME)]
RuleName = Annotated[str, *_checked(values.rule_name, "name", "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Pattern = Annotated[str, *_checked(values.pattern, "pattern")]
Label = Annotated[str, *_checked(values.label, "label")]
Header = Annotated[str, *_checked(values.header_name, "header name")]
CredentialHeader = Annotated[str, *_checked(values.credential_header, "header name")]
Variable = Annotated[str, *_checked(values.variable, "variable name", "^[A-Za-z_][A-Za-z0-9_]*$")]
ToolName = Annotated[str, *_checked(values.tool_name, "tool name")]
User = Annotated[str, *_checked(values.user, "text")]
Somebody = Annotated[str, *_checked(values.somebody, "name")]
Subject = Annotated[str, *_checked(values.subject, "subject")]
Folder = Annotated[str, *_checked(values.directory, "path")]
OwnURL = Annotated[str, *_checked(values.gateway_url, "URL")]
ServerURL = Annotated[str, *_checked(values.server_url, "URL")]
Origin = Annotated[str, *_checked(values.origin, "origin")]
HostName = Annotated[str, *_checked(values.host_name, "host name")]
Filled = Annotated[str, Field(min_length=1, max_length=4096)]
Word = Annotated[str | Secret, *_text(values.word, "text or secret reference", "")]
Count = Annotated[int, Field(ge=1, le=100_000)]


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise Unfit("must be text", "put it in quotes")


def _key(default: Any, description: str, **more: Any) -> Any:
    # Defaults are written as a person would write them, and read by the same code; the reference page shows them.
    return Field(default, description=description, validate_default=True, **more)


def _must(description: str, **more: Any) -> Any:
    return Field(description=description, **more)


class Section(BaseModel):
    """What every section has in common: it cannot change, knows all its keys, and converts nothing silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class TLS(Section):
    """The gateway's own certificate. Without it, put a proxy that speaks TLS in front."""

    certificate: File = _must("The certificate chain, PEM.")
    key: File = _must("The private key, PEM; readable by the gateway alone.")
    client_ca: File | None = _key(None, "The authorities whose client certificates are demanded, PEM.")


class Timeouts(Section):
    """How long things may take at most."""

    call: Seconds = _key("60s", "One call, from its first byte to its last; a server's own timeout may be shorter.")
    session: Seconds = _key("24h", "A session of the handshake era, after which the client initializes anew.")
    answer: Seconds = _key("10m", "How long a client has to answer what a server asks in the middle of a call.")
    shutdown: Seconds = _key("10s", "Calls in flight when the gateway stops, before they are cut off.")


class Bounds(Section):
    """What one message, and all of them together, may be at most."""

    body: Octets = _key("4MiB", "The body of one request.")
    depth: Annotated[int, Field(ge=4, le=512)] = _key(64, "How deep JSON may be nested.")
    answer: Octets = _key("32MiB", "One answer of a server.")
    in_flight: Count = _key(1024, "Calls at the same time; one more is answered 503.")


class Log(Section):
    """What the gateway writes about itself to standard error; calls are in the ledger."""

    level: Literal["debug", "info", "warning", "error"] = _key("info", "The least important thing that is written.")
    format: Literal["json", "text"] = _key("json", "One JSON object for each line, or lines for people.")


class Metrics(Section):
    """Who may read `/metrics`."""

    token: Reference | None = _key(
        None, "What a scraper must send as its bearer token; without one, /metrics answers 401 to everyone."
    )


class Gateway(Section):
    """The gateway itself."""

    url: OwnURL = _must(
        "Our own name, without a path: base of every link, audience of every token; https except on loopback."
    )
    listen: Listen = _key("127.0.0.1:8080", "Where to listen; beyond loopback an identity is needed.")
    data: Folder = _key("./ostiary-data", "The folder of the database, the ledger's segments and the sealed keys.")
    tls: TLS | None = _key(None, "The gateway's own certificate; without it, TLS ends in front of it.")
    hosts: Annotated[tuple[HostName, ...], Strict(strict=False)] = _key(
        (), "Names accepted in the Host header, besides the one in `url`."
    )
    origins: Annotated[tuple[Origin, ...], Strict(strict=False)] = _key(
        (), "Browser origins that may call, besides our own."
    )
    timeouts: Timeouts = _key({}, "How long things may take at most.")
    bounds: Bounds = _key({}, "What one message, and all of them together, may be at most.")
    log: Log = _key({}, "What the gateway writes about itself.")
    metrics: Metrics = _key({}, "Who may read /metrics.")
    unsafe_open_metrics: bool = _key(False, "Let everyone read /metrics, which names servers and tools.")
    unsafe_listen_without_identity: bool = _key(
        False, "Listen beyond loopback although only tokens of `ostiary token` say who calls."
    )


class BearerCredential(Section):
    """Send `Authorization: Bearer …`."""

    kind: Literal["bearer"] = _must("A bearer token.")
    token: Reference = _must("Where the token is kept.")


class HeaderCredential(Section):
    """Send a secret in a header of the server's choice."""

    kind: Literal["header"] = _must("A header of its own.")
    name: CredentialHeader = _must("The name of the header.")
    value: Reference = _must("Where its whole value is kept.")


class BasicCredential(Section):
    """Send a user and a password (RFC 7617)."""

    kind: Literal["basic"] = _must("A user and a password.")
    user: User = _must("The user, which may not contain a colon.")
    password: Reference = _must("Where the password is kept.")


Credential = Annotated[BearerCredential | HeaderCredential | BasicCredential, Field(discriminator="kind")]


class ServerTLS(Section):
    """How a server proves itself to the gateway, and the gateway to it."""

    ca: File | None = _key(None, "The authorities to trust instead of the system's, PEM.")
    certificate: File | None = _key(None, "Our client certificate, PEM.")
    key: File | None = _key(None, "Its private key, PEM.")


class Tool(Section):
    """What we know better about a tool than its server says."""

    destructive: bool | None = _key(None, "It changes or deletes things; overrides what the server says.")
    read_only: bool | None = _key(None, "It changes nothing; overrides what the server says.")
    timeout: Seconds | None = _key(None, "How long a call of it may take; otherwise the server's timeout.")
    disabled: bool = _key(False, "It does not exist for anybody.")


_ONE_TRANSPORT: Final[dict[str, JsonValue]] = {
    "oneOf": [{"required": ["command"]}, {"required": ["url"]}, {"required": ["sse"]}]
}


class Server(Section):
    """One server behind the gateway: a process that it starts (`command`), or an endpoint over HTTP (`url`, `sse`)."""

    model_config = ConfigDict(json_schema_extra=_ONE_TRANSPORT)

    description: Annotated[str, Field(max_length=4096)] = _key("", "What it is for; people see it, models do not.")
    disabled: bool = _key(False, "Keep it in the file, but neither start it nor offer anything of it.")
    command: Annotated[tuple[Word, ...], Field(min_length=1), Strict(strict=False)] | None = _key(
        None, "The program and its arguments, which may be references to secrets; no shell is involved."
    )
    env: Mapping[Variable, Value] = _key(
        {}, "Its environment, added to a minimal one: text, or a reference to a secret.", repr=False
    )
    cwd: Folder | None = _key(None, "The folder it starts in; otherwise the gateway's.")
    shared: bool = _key(False, "One process for all callers; otherwise each caller gets their own.")
    idle: Seconds = _key("10m", "How long a process without calls is kept.")
    start_timeout: Seconds = _key(
        "60s", "How long it may take to start; package runners download on their first start."
    )
    url: ServerURL | None = _key(None, "Its Streamable HTTP endpoint.")
    sse: ServerURL | None = _key(None, "Its event stream, for a server that has only the transport of 2024-11-05.")
    allow_private: Annotated[tuple[Reachable, ...], Strict(strict=False)] = _key(
        (),
        "Private or loopback networks it may be reached in; without any, only public addresses are dialled.",
    )
    headers: Mapping[Header, Value] = _key(
        {}, "Headers to send with every request: text, or a reference to a secret.", repr=False
    )
    credential: Credential | None = _key(None, "What the gateway proves itself with; never the caller's credential.")
    tls: ServerTLS | None = _key(None, "Authorities and client certificate.")
    unsafe_plain_http: bool = _key(
        False, "Speak http:// to a host beyond loopback: everyone in between reads and changes it."
    )
    timeout: Seconds = _key("30s", "How long one call may take.")
    max_in_flight: Count = _key(32, "Calls at the same time; more wait until their deadline.")
    approve: Literal["first-use", "always", "never"] = _key(
        "first-use",
        "What is approved without a person: what it offers when it is first seen, everything at any time, or nothing.",
    )
    unknown_arguments: Literal["refuse", "drop", "allow"] = _key(
        "refuse", "What happens to arguments that the approved schema does not name."
    )
    era: Literal["auto", "modern", "handshake"] = _key("auto", "Which era of the protocol it speaks; `auto` finds out.")
    refresh: Seconds = _key("60s", "How often it is asked what it offers, if it does not announce changes.")
    tools: Mapping[ToolName, Tool] = _key({}, "What we know better about its tools, by the server's own names.")


class View(Section):
    """A virtual server at `/views/NAME/mcp`: chosen things of several servers. Rules still decide who may use them."""

    description: Annotated[str, Field(max_length=4096)] = _key(
        "", "What it is for; clients see it as the server's instructions."
    )
    include: Annotated[tuple[Pattern, ...], Field(min_length=1), Strict(strict=False)] = _must(
        "Patterns of what it offers."
    )
    rename: Mapping[Label, Exposed] = _key({}, "New names, by label: `crm.search_people: find_person`.")


Some = Annotated[tuple[Somebody, ...], Field(min_length=1), Strict(strict=False)]
Subjects = Annotated[tuple[Subject, ...], Field(min_length=1), Strict(strict=False)]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1), Strict(strict=False)]
_ONE_EFFECT: Final[dict[str, JsonValue]] = {"oneOf": [{"required": ["allow"]}, {"required": ["deny"]}]}


class Rule(Section):
    """One line of policy: no rule, no access; a matching deny always wins; otherwise one matching allow is enough."""

    model_config = ConfigDict(json_schema_extra=_ONE_EFFECT)

    name: RuleName = _must("A unique name: what `ostiary why` and the ledger say decided.")
    allow: Patterns | None = _key(None, "What may be used.")
    deny: Patterns | None = _key(None, "What may not be used, whatever other rules allow.")
    roles: Some | None = _key(None, "Callers with one of these roles.")
    teams: Some | None = _key(None, "Callers in one of these teams.")
    subjects: Subjects | None = _key(None, 'These callers; `["*"]` is everyone with a valid token.')
    clients: Some | None = _key(None, "Calls with one of these credentials: the id of a token.")
    scopes: Some | None = _key(None, "Scopes the credential must have, all of them; not a who.")
    limit: Times | None = _key(None, "How often each caller may use this rule.")


class Limit(Section):
    """A bound on how often, or on how many calls at once."""

    name: RuleName = _must("A unique name: what the refusal and the metrics say.")
    per: Literal["caller", "team", "all"] = _must("Who shares it: nobody, the caller's team, or everybody.")
    on: Patterns = _key(("*",), "What it counts.")
    calls: Times | None = _key(None, "How often.")
    concurrent: Count | None = _key(None, "Calls at the same time.")


_DEFAULT_LIMITS: Final = ({"name": "default", "per": "caller", "calls": "1200/min", "concurrent": 64},)
DEFAULT_LIMITS: Final = tuple(Limit.model_validate(limit) for limit in _DEFAULT_LIMITS)
"""What holds when a configuration says nothing about limits."""


class Ledger(Section):
    """The audit ledger."""

    rotate: Octets = _key("64MiB", "The size at which a segment is sealed and a new one begun.")
    seal_every: Seconds = _key("60s", "How often what was written is signed in between.")
    arguments: Literal["masked", "digest"] = _key(
        "masked", "What is kept of a call's arguments: their shape with values masked, or a digest."
    )


class Who(Section):
    """A caller to try the policy with."""

    subject: Somebody | None = _key(None, "Their subject.")
    roles: Annotated[tuple[Somebody, ...], Strict(strict=False)] = _key((), "Their roles.")
    teams: Annotated[tuple[Somebody, ...], Strict(strict=False)] = _key((), "Their teams.")
    scopes: Annotated[tuple[Somebody, ...], Strict(strict=False)] = _key((), "The scopes of their credential.")


Labels = Annotated[tuple[Label, ...], Strict(strict=False)]


class Expectation(Section):
    """A test of the policy: a file whose expectations fail is not activated."""

    who: Who = _must("A caller.")
    can: Labels = _key((), "Labels they must be able to use.")
    cannot: Labels = _key((), "Labels they must not be able to use.")


class Config(Section):
    """A whole configuration."""

    gateway: Gateway = _must("The gateway itself.")
    servers: Mapping[Name, Server] = _key({}, "The servers behind it, by name: lower-case letters, digits and hyphens.")
    views: Mapping[Name, View] = _key({}, "Virtual servers, by name.")
    rules: Annotated[tuple[Rule, ...], Strict(strict=False)] = _key(
        (), "The policy; without rules nobody may use anything."
    )
    limits: Annotated[tuple[Limit, ...], Field(min_length=1), Strict(strict=False)] = _key(
        _DEFAULT_LIMITS, "Bounds on how often; what is written here replaces the default."
    )
    ledger: Ledger = _key({}, "The audit ledger.")
    expect: Annotated[tuple[Expectation, ...], Strict(strict=False)] = _key((), "The policy's own tests.")


LATER: Final[Mapping[str, tuple[str, str]]] = {
    "identity": (
        "identity providers are not supported in this version",
        "remove the key; callers use tokens made by `ostiary token create`",
    ),
    "guards": ("guards are not supported in this version", "remove the key; nothing would look at the words of calls"),
    "rules.*.when": (
        "conditions are not supported in this version",
        "remove the rule, or write one that is right without a condition",
    ),
    "rules.*.approval": (
        "approvals by people are not supported in this version",
        "remove the rule: without approval it would allow more than you mean",
    ),
    "rules.*.shadow": (
        "rehearsed rules are not supported in this version",
        "remove the rule: it would be enforced",
    ),
    "limits.*.spend": ("budgets are not supported in this version", "limit calls or concurrent instead"),
    "servers.*.sandbox": (
        "sandboxes are not supported in this version",
        "remove the key and run the server in a container: its command may be `docker run -i ...`",
    ),
    "servers.*.tools.*.price": ("prices are not supported in this version", "remove the key"),
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
    return (*of_gateway, *of_servers)


def _unsafe(section: Section, key: str) -> bool:
    return key.startswith("unsafe_") and getattr(section, key) is True
