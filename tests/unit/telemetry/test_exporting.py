"""The way to a collector: bounded, patient, and honest about what did not arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.semconv._incubating.attributes import mcp_attributes
from opentelemetry.semconv._incubating.metrics import mcp_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from ostiary.adapters.telemetry import otlp
from ostiary.adapters.telemetry.exporting import METRICS, TRACES, Encoding, Exporter, Said
from ostiary.adapters.telemetry.spans import CLIENT, SERVER, Span
from ostiary.core.errors import GatewayError, Unreachable
from ostiary.protocol.tracing import Context
from tests.unit.telemetry.test_metrics import meter, trail

TRACE = "0af7651916cd43dd8448eb211c80319c"
NOW = 1_000.0


def span(number: int = 1, **more: object) -> Span:
    made = {
        "trace": TRACE, "span": f"{number:016x}", "parent": "", "state": "", "name": "tools/call", "kind": SERVER,
        "start": int(NOW * 1e9), "end": int(NOW * 1e9) + 5, "attributes": {"a": "b"}, "failed": False,
    }  # fmt: skip
    return Span(**{**made, **more})  # type: ignore[arg-type]  # a table of arguments


class Collector:
    """Answers as it is told to, and keeps what came."""

    def __init__(self, *answers: Said | GatewayError) -> None:
        self.answers, self.came = list(answers), list[tuple[str, bytes]]()
        self.asked = asyncio.Event()

    async def __call__(self, path: str, body: bytes, deadline: float) -> Said:
        self.asked.set()
        said = self.answers.pop(0) if self.answers else Said(200, {}, b"")
        if isinstance(said, GatewayError):
            raise said
        self.came.append((path, body))
        return said


def rejecting(signal: str, body: bytes) -> int:
    return int(body or b"0") if signal == TRACES else 0


def written(spans: tuple[Span, ...]) -> bytes:
    if any(each.name == "unwritable" for each in spans):
        raise ValueError("no such text")
    return b" ".join(each.span.encode() for each in spans)


def exporter(collector: Collector, now: Callable[[], float] = lambda: NOW, **more: float) -> Exporter:
    return Exporter(collector, Encoding(written, lambda: b"all", rejecting), now, **more)  # type: ignore[arg-type]  # by name


async def test_everything_is_sent_in_pieces_and_in_order() -> None:
    collector = Collector()
    telling = exporter(collector)
    for number in range(100):
        telling.put((span(number),))
    await telling.close(5.0)
    assert [path for path, _ in collector.came] == ["/v1/traces", "/v1/traces"]
    assert b" ".join(body for _, body in collector.came).split() == [b"%016x" % number for number in range(100)]
    assert (telling.sent[TRACES], telling.waiting, sum(telling.dropped.values())) == (100, 0, 0)


async def test_what_finds_the_queue_full_is_dropped_and_counted() -> None:
    telling = exporter(Collector(), most=64)
    for number in range(65):
        telling.put((span(number), span(number)))
    assert telling.waiting == 64
    assert +telling.dropped == {(TRACES, "full"): 66}


async def test_it_is_known_for_how_long_the_oldest_has_been_waiting() -> None:
    telling = exporter(Collector(), lambda: NOW + 7.0)
    assert telling.behind() == 0.0
    telling.put((span(),))
    assert telling.behind() == pytest.approx(7.0)


@pytest.mark.parametrize("status", [400, 401, 413, 500])
async def test_what_is_refused_for_good_is_not_sent_again(status: int) -> None:
    collector = Collector(Said(status, {}, b""))
    telling = exporter(collector)
    telling.put((span(),))
    await telling.close(5.0)
    assert len(collector.came) == 1
    assert +telling.dropped == {(TRACES, "refused"): 1}


async def test_what_the_collector_says_it_did_not_take_is_counted() -> None:
    telling = exporter(Collector(Said(200, {}, b"1")))
    telling.put((span(1), span(2)))
    await telling.close(5.0)
    assert (telling.sent[TRACES], telling.dropped[TRACES, "refused"]) == (1, 1)


async def test_a_span_that_cannot_be_written_down_stops_none_after_it() -> None:
    collector = Collector()
    telling = exporter(collector)
    telling.put(tuple(span(number, name="unwritable") for number in range(64)))
    telling.put((span(1),))
    await telling.close(5.0)
    assert +telling.dropped == {(TRACES, "unwritable"): 64}
    assert len(collector.came) == 1


@pytest.mark.parametrize("answer", [Unreachable("away"), Said(503, {}, b""), Said(429, {"retry-after": "20"}, b"")])
async def test_what_may_succeed_later_waits_and_is_given_up_only_at_the_end(answer: Said | GatewayError) -> None:
    telling = exporter(Collector(*([answer] * 9)))
    telling.put((span(),))
    await telling.close(0.01)
    assert telling.retries[TRACES] == 1
    assert +telling.dropped == {(TRACES, "closing"): 1}
    assert telling.waiting == 0


async def test_it_tells_by_itself_until_it_is_cancelled() -> None:
    collector = Collector()
    telling = exporter(collector, every=0.001)
    running = asyncio.create_task(telling.run())
    telling.put(tuple(span(number) for number in range(64)))
    async with asyncio.timeout(5.0):
        while telling.sent[METRICS] < 2 or not telling.sent[TRACES]:
            collector.asked.clear()
            await collector.asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert {path for path, _ in collector.came} == {"/v1/traces", "/v1/metrics"}


async def test_whatever_goes_wrong_with_telling_ends_nothing() -> None:
    """It runs beside calls, in the group of tasks that carries the gateway."""
    collector = Collector()
    looks: Iterator[Any] = iter([KeyError("somebody's number")])

    def metrics() -> bytes:
        found: Any = next(looks, b"all")
        if isinstance(found, KeyError):
            raise found
        return bytes(found)

    telling = Exporter(collector, Encoding(written, metrics, rejecting), lambda: NOW, every=0.001)
    running = asyncio.create_task(telling.run())
    async with asyncio.timeout(10.0):
        await collector.asked.wait()
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


# In OpenTelemetry's own words

WRITER = otlp.Writer({"deployment.environment.name": "test"}, NOW, lambda: NOW + 60)


def test_a_span_is_written_down_as_opentelemetry_reads_it() -> None:
    attributes = {"text": "a", "number": 3, "share": 0.5, "yes": True, "many": ("a", "b")}
    link = Context(TRACE, "b7ad6b7169203331", sampled=True, state="a=1")
    told = span(
        7, parent=f"{5:016x}", attributes=attributes, failed=True, events=((9, "decide"),), link=link, remote=True
    )
    request = ExportTraceServiceRequest.FromString(WRITER.spans((told, span(8, kind=CLIENT))))
    (resource,) = request.resource_spans
    about = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert (about["service.name"], about["deployment.environment.name"]) == ("ostiary", "test")
    first, second = resource.scope_spans[0].spans
    assert (first.trace_id.hex(), first.span_id.hex(), first.parent_span_id.hex()) == (TRACE, f"{7:016x}", f"{5:016x}")
    assert (first.kind, second.kind, first.status.code, second.status.code) == (2, 3, 2, 0)
    assert (first.flags, second.flags) == (0x301, 0x101)
    assert [(event.name, event.time_unix_nano) for event in first.events] == [("decide", 9)]
    assert [(each.span_id.hex(), each.trace_state, each.flags) for each in first.links] == [(link.span, "a=1", 0x301)]
    said = {pair.key: pair.value for pair in first.attributes}
    assert [said[key].WhichOneof("value") for key in attributes] == [
        "string_value", "int_value", "double_value", "bool_value", "array_value",
    ]  # fmt: skip


def test_numbers_are_written_down_as_opentelemetry_reads_them() -> None:
    counter = CounterMetricFamily("ostiary_calls", "Calls.", None, ("server",))
    counter.add_metric(("files",), 3)
    gauge = GaugeMetricFamily("ostiary_up", "Up.", 1.0)
    request = ExportMetricsServiceRequest.FromString(WRITER.metrics([counter, gauge]))
    calls, up = request.resource_metrics[0].scope_metrics[0].metrics
    assert (calls.sum.is_monotonic, calls.sum.aggregation_temporality) == (True, 2)
    (point,) = calls.sum.data_points
    assert (point.as_double, point.start_time_unix_nano, point.time_unix_nano) == (3.0, 10**12, 1_060 * 10**9)
    assert [each.as_double for each in up.gauge.data_points] == [1.0]


def test_what_a_collector_did_not_take_is_read_from_its_answer() -> None:
    traces, metrics = ExportTraceServiceResponse(), ExportMetricsServiceResponse()
    traces.partial_success.rejected_spans, metrics.partial_success.rejected_data_points = 3, 5
    assert otlp.rejected(TRACES, traces.SerializeToString()) == 3
    assert otlp.rejected(METRICS, metrics.SerializeToString()) == 1
    assert otlp.rejected(TRACES, b"\xff<html>") == 0


def test_everything_that_is_scraped_can_be_pushed_and_more() -> None:
    """Durations have the names of the conventions for MCP as well, by method."""
    counting, one = meter(), trail(sent=100.001, answered=100.009, time=5.0)
    counting(one)
    counting.exemplify(one, TRACE, "b7ad6b7169203331")
    request = ExportMetricsServiceRequest.FromString(WRITER.metrics(counting.families()))
    found = {metric.name: metric for metric in request.resource_metrics[0].scope_metrics[0].metrics}
    assert set(MCP) <= set(found)
    assert {"ostiary_calls", "ostiary_call_seconds", "ostiary_upstream_up"} <= set(found)
    for name in MCP:
        (point,) = found[name].histogram.data_points
        assert found[name].unit == "s"
        assert point.attributes[0].key == mcp_attributes.MCP_METHOD_NAME
        assert point.attributes[0].value.string_value == "tools/call"
        assert (point.count, sum(point.bucket_counts)) == (1, 1)
        assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
        assert [each.trace_id.hex() for each in point.exemplars] == [TRACE]


MCP = (mcp_metrics.MCP_SERVER_OPERATION_DURATION, mcp_metrics.MCP_CLIENT_OPERATION_DURATION)
