"""What the gateway tells others of calls as they happen: traces, pushed metrics, and what servers hear. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, Strict, ValidationInfo

from ostiary.config.fields import (
    CredentialHeader,
    File,
    Filled,
    Name,
    Reachable,
    Reference,
    Seconds,
    Section,
    ServerURL,
    may,
    must,
)
from ostiary.config.problems import Unfit

Propagate = Literal["none", "trace", "all"]
Share = Annotated[float, Field(ge=0, le=1)]


def _collected(value: Any, info: ValidationInfo) -> Any:
    if value is not None and info.data.get("otlp", value) is None:
        raise Unfit("traces go nowhere without otlp", "add otlp: with the url of a collector")
    return value


def _base(value: str) -> str:
    if "?" in value:
        raise Unfit("is no address to which a path can be appended", "leave out what begins with ?")
    return value.rstrip("/")


class OTLP(Section):
    """Where traces and metrics are sent to: OTLP over HTTP (protobuf), as OpenTelemetry collectors take it."""

    url: Annotated[ServerURL, AfterValidator(_base)] = must(
        "Its address, to which /v1/traces and /v1/metrics are appended."
    )
    headers: Mapping[CredentialHeader, Reference] = may(
        {}, "Headers that it wants, such as `authorization`, each by a reference."
    )
    allow_private: Annotated[tuple[Reachable, ...], Strict(strict=False)] = may(
        (), "Private networks in which it may be; without any, only a public address, by https."
    )
    ca: File | None = may(None, "The authority of its certificate, PEM, if not one that the system knows.")
    metrics: bool = may(True, "Send metrics.")
    every: Seconds = may("60s", "How often metrics are sent.")
    queue: Annotated[int, Field(ge=64, le=65_536)] = may(
        4096, "Calls that wait to be sent at most; further ones are dropped, and counted as dropped."
    )
    resource: Mapping[Filled, Filled] = may(
        {}, "What every line says of this gateway, such as `deployment.environment.name: production`."
    )


class Traces(Section):
    """Spans of calls. Without this section there are none, and they cost nothing."""

    sample: Share = may(
        0.0, "The share of calls that are traced, between 0 and 1, of those that nobody trusted has decided about."
    )
    trust: Annotated[tuple[Filled, ...], Strict(strict=False)] = may(
        (), 'Roles of callers whose traces are continued, and sampled as they say; `"*"`: everybody.'
    )
    principal: Literal["none", "digest", "name"] = may(
        "none", "What a span says of who called: nothing, a keyed digest, or the name."
    )


class Telemetry(Section):
    """Traces, metrics that are pushed, and what servers hear of the trace that a call belongs to."""

    propagate: Propagate = may(
        "trace",
        "What servers are told of the trace that a call belongs to: nothing, its place (`traceparent`, `tracestate`), "
        "or all, with the baggage that clients attach.",
    )
    propagate_to: Mapping[Name, Propagate] = may({}, "Servers that are told more or less, by name.")
    otlp: OTLP | None = may(None, "Where traces and metrics are sent to.")
    traces: Annotated[Traces | None, AfterValidator(_collected)] = may(None, "Spans of calls; none without it.")

    def told(self, server: str) -> Propagate:
        """Return what a server is told of traces."""
        return self.propagate_to.get(server, self.propagate)
