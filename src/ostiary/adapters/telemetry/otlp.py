"""Spans and metrics as OTLP messages, in the classes that OpenTelemetry publishes for them (the extra `otel`).

Only the messages are OpenTelemetry's. Its SDK would read settings from the environment, keep threads, and ask
collectors through an HTTP client that no egress rule binds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1 import common_pb2 as common
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as trace
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar

from ostiary import __version__
from ostiary.adapters.telemetry.exporting import TRACES
from ostiary.adapters.telemetry.spans import SERVER, Attributes, Span, Value

SCHEMA: Final = "https://opentelemetry.io/schemas/1.37.0"
"""Where the names come from: the conventions for MCP and GenAI."""
_REMOTE: Final = 0x300
"""The parent is somebody else's, and that is known."""
_LOCAL: Final = 0x100
_SAMPLED: Final = 0x01
_UNITS: Final = (("_seconds", "s"), ("_bytes", "By"), (".duration", "s"))
"""As UCUM spells what our names say in words."""
_CUMULATIVE: Final = metrics.AGGREGATION_TEMPORALITY_CUMULATIVE


class Writer:
    """Writes what one gateway tells."""

    def __init__(self, attributes: Mapping[str, str], started: float, time: Callable[[], float]) -> None:
        """`attributes` say which gateway it is; `started` is when it began to count."""
        told = {"service.name": "ostiary", "service.version": __version__, **attributes}
        self._resource = Resource(attributes=list(_pairs(told)))
        self._scope = common.InstrumentationScope(name="ostiary", version=__version__)
        self._started, self._time = int(started * 1e9), time

    def spans(self, spans: tuple[Span, ...]) -> bytes:
        """Return the request that tells spans."""
        found = trace.ScopeSpans(scope=self._scope, spans=[_span(each) for each in spans], schema_url=SCHEMA)
        told = trace.ResourceSpans(resource=self._resource, scope_spans=[found], schema_url=SCHEMA)
        return ExportTraceServiceRequest(resource_spans=[told]).SerializeToString()

    def metrics(self, families: Iterable[Metric]) -> bytes:
        """Return the request that tells metrics as they are now."""
        now = int(self._time() * 1e9)
        told = [each for family in families for each in _family(family, self._started, now)]
        found = metrics.ScopeMetrics(scope=self._scope, metrics=told, schema_url=SCHEMA)
        whole = metrics.ResourceMetrics(resource=self._resource, scope_metrics=[found], schema_url=SCHEMA)
        return ExportMetricsServiceRequest(resource_metrics=[whole]).SerializeToString()


def rejected(signal: str, body: bytes) -> int:
    """Return how many of what was sent a collector says that it did not take; what cannot be read says nothing."""
    try:
        if signal == TRACES:
            return int(ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans)
        return int(ExportMetricsServiceResponse.FromString(body).partial_success.rejected_data_points > 0)
    except DecodeError:
        return 0


def _span(span: Span) -> trace.Span:
    made = trace.Span(
        trace_id=bytes.fromhex(span.trace),
        span_id=bytes.fromhex(span.span),
        parent_span_id=bytes.fromhex(span.parent),
        trace_state=span.state,
        flags=_SAMPLED | (_REMOTE if span.remote else _LOCAL),
        name=span.name,
        kind=trace.Span.SPAN_KIND_SERVER if span.kind == SERVER else trace.Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=list(_pairs(span.attributes)),
        events=[trace.Span.Event(time_unix_nano=at, name=name) for at, name in span.events],
    )
    if span.failed:
        made.status.code = trace.Status.STATUS_CODE_ERROR
    if span.link is not None:
        link = made.links.add()
        link.trace_id, link.span_id = bytes.fromhex(span.link.trace), bytes.fromhex(span.link.span)
        link.trace_state, link.flags = span.link.state, _REMOTE | int(span.link.sampled)
    return made


def _pairs(attributes: Attributes) -> Iterator[common.KeyValue]:
    for key, value in attributes.items():
        yield common.KeyValue(key=key, value=_value(value))


def _value(value: Value) -> common.AnyValue:
    match value:
        case bool():
            return common.AnyValue(bool_value=value)
        case int():
            return common.AnyValue(int_value=value)
        case float():
            return common.AnyValue(double_value=value)
        case str():
            return common.AnyValue(string_value=value)
        case _:
            return common.AnyValue(array_value=common.ArrayValue(values=[_value(each) for each in value]))


# What a scraper would read


def _family(family: Metric, started: int, now: int) -> Iterator[metrics.Metric]:
    unit = next((unit for word, unit in _UNITS if word in family.name), family.unit)
    made = metrics.Metric(name=family.name, description=family.documentation, unit=unit)
    if family.type == "histogram":
        made.histogram.aggregation_temporality = _CUMULATIVE
        made.histogram.data_points.extend(_histograms(family, started, now))
    elif family.type == "counter":
        made.sum.aggregation_temporality, made.sum.is_monotonic = _CUMULATIVE, True
        made.sum.data_points.extend(_numbers(family, started, now))
    else:
        made.gauge.data_points.extend(_numbers(family, 0, now))
    yield made


def _numbers(family: Metric, started: int, now: int) -> Iterator[metrics.NumberDataPoint]:
    for each in family.samples:
        yield metrics.NumberDataPoint(
            attributes=list(_pairs(each.labels)),
            start_time_unix_nano=started,
            time_unix_nano=now,
            as_double=float(each.value),
        )


def _histograms(family: Metric, started: int, now: int) -> Iterator[metrics.HistogramDataPoint]:
    """Yield one point for each set of labels: their buckets come one after the other, then their count and sum."""
    point = metrics.HistogramDataPoint()
    before = 0.0
    for each in family.samples:
        if each.name.endswith("_bucket"):
            bound = float(each.labels["le"])
            point.bucket_counts.append(int(each.value - before))
            before = each.value
            if not math.isinf(bound):
                point.explicit_bounds.append(bound)
            if each.exemplar is not None:
                point.exemplars.append(_exemplar(each.exemplar))
        elif each.name.endswith("_sum"):
            point.sum, point.count = float(each.value), int(before)
            point.attributes.extend(_pairs(each.labels))
            point.start_time_unix_nano, point.time_unix_nano = started, now
            yield point
            point, before = metrics.HistogramDataPoint(), 0.0


def _exemplar(exemplar: Exemplar) -> metrics.Exemplar:
    return metrics.Exemplar(
        time_unix_nano=int(float(exemplar.timestamp or 0.0) * 1e9),
        as_double=float(exemplar.value),
        trace_id=bytes.fromhex(exemplar.labels["trace_id"]),
        span_id=bytes.fromhex(exemplar.labels["span_id"]),
    )
