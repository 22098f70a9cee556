"""A real gateway tells a collector of its calls, and its servers of the traces that these are in: so much and no more."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.doubles.collector import Collector, attributes, collector
from tests.e2e.rig import Rig, rig, upstream

pytestmark = pytest.mark.e2e

VERSION = "2026-07-28"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
UNSAMPLED = f"00-{TRACE}-{SPAN}-00"


class Stage:
    """A gateway before an echo, and a collector that it tells."""

    def __init__(self, collector: Collector, rigged: Rig, record: Path) -> None:
        self.collector, self.rig, self._record = collector, rigged, record
        self._client = httpx2.Client(trust_env=False)
        self._count = 0

    def call(self, *, meta: dict[str, Any] | None = None, secret: str = "x", **headers: str) -> Any:
        """Call the echo, and return its answer."""
        self._count += 1
        said = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
        params = {"name": "files__echo", "arguments": {"secret": secret}, "_meta": said | (meta or {})}
        body = {"jsonrpc": "2.0", "id": self._count, "method": "tools/call", "params": params}
        fields = {
            "authorization": f"Bearer {self.rig.tokens[0]}", "accept": "application/json, text/event-stream",
            "mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": "files__echo", **headers,
        }  # fmt: skip
        answer = self._client.post(f"{self.rig.gateway.url}/mcp", json=body, headers=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def heard(self) -> list[str]:
        """Return every place in a trace that the server was told of, in the order in which it was."""
        return re.findall(r'"traceparent":"([^"]+)"', self.sent())

    def sent(self) -> str:
        """Return everything that the server was sent."""
        return self._record.read_bytes().decode("latin-1")

    def metrics(self, accept: str = "") -> httpx2.Response:
        """Scrape."""
        token = (self.rig.gateway.config.parent / "metrics.token").read_text()
        fields = {"authorization": f"Bearer {token}", "accept": accept}
        return self._client.get(f"{self.rig.gateway.url}/metrics", headers=fields)


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Any]:
    """Return what makes a stage with a section `telemetry`."""
    with ExitStack() as stack:
        collecting = stack.enter_context(collector())

        def made(otlp: dict[str, Any] | None = None, **telemetry: Any) -> Stage:
            record = tmp_path / "sent"
            echo = stack.enter_context(upstream("tests.security.echo_upstream", "--record", str(record)))
            section = {"otlp": collecting.settings(**(otlp or {})), **telemetry}
            running = stack.enter_context(rig(tmp_path, {"files": echo.settings()}, telemetry=section))
            return Stage(collecting, running, record)

        yield made


def test_a_trusted_callers_trace_goes_through_the_gateway_to_the_server(staged: Any) -> None:
    stage = staged(traces={"trust": ["*"]})
    stage.call(meta={"traceparent": PARENT, "tracestate": "vendor=1"}, secret="not-for-traces")
    stage.collector.until(lambda: len(stage.collector.spans()) >= 2)
    ours, theirs = stage.collector.spans()
    assert (ours.trace_id.hex(), ours.parent_span_id.hex(), ours.trace_state) == (TRACE, SPAN, "vendor=1")
    assert (theirs.trace_id, theirs.parent_span_id) == (ours.trace_id, ours.span_id)
    assert stage.heard() == [f"00-{TRACE}-{theirs.span_id.hex()}-01"], "the server's parent is our way to it"
    assert f"traceparent: {stage.heard()[0]}\r\n" in stage.sent(), "and its HTTP layer hears the same"
    assert ours.start_time_unix_nano <= theirs.start_time_unix_nano <= theirs.end_time_unix_nano
    assert theirs.end_time_unix_nano <= ours.end_time_unix_nano
    said = attributes(ours)
    assert said["mcp.method.name"] == "tools/call"
    assert (said["gen_ai.tool.name"], said["gen_ai.operation.name"]) == ("files__echo", "execute_tool")
    assert (said["mcp.protocol.version"], said["ostiary.rule"]) == (VERSION, "everyone")
    assert attributes(theirs)["gen_ai.tool.name"] == "echo"
    whole = b"".join(body for _, _, body in stage.collector.came)
    assert b"not-for-traces" not in whole, "never what was asked or answered"
    assert b"caller" not in whole, "never who asked, unless told to"


def test_a_header_counts_where_the_program_says_nothing(staged: Any) -> None:
    stage = staged(traces={"trust": ["*"]})
    stage.call(traceparent=PARENT, baggage="user=ana")
    stage.collector.until(lambda: len(stage.collector.spans()) >= 2)
    assert stage.collector.spans()[0].parent_span_id.hex() == SPAN
    assert "user=ana" not in stage.sent()


def test_who_is_not_trusted_decides_nothing(staged: Any) -> None:
    """A caller who could have calls traced, or put them into another's trace, could fill and forge what others read."""
    stage = staged(traces={"trust": ["agent"], "sample": 1.0}, propagate="all")
    stage.call(meta={"traceparent": UNSAMPLED, "tracestate": "v=1", "baggage": "team=blue"})
    stage.collector.until(lambda: len(stage.collector.spans()) >= 2)
    ours, theirs = stage.collector.spans()
    assert ours.trace_id.hex() != TRACE
    assert ours.parent_span_id == b""
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in ours.links] == [(TRACE, SPAN)]
    assert stage.heard() == [f"00-{ours.trace_id.hex()}-{theirs.span_id.hex()}-01"]
    assert '"baggage":"team=blue"' in stage.sent()
    assert "tracestate" not in stage.sent(), "it belongs to the other trace"


def test_calls_by_the_shortest_way_are_traced_and_told_as_well(staged: Any) -> None:
    stage = staged(traces={"sample": 1.0})
    for _ in range(20):
        stage.call()
    stage.collector.until(lambda: len(stage.collector.spans()) >= 40)
    below = [span for span in stage.collector.spans() if span.parent_span_id]
    assert [f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for span in below] == stage.heard()


def test_a_trace_that_is_not_sampled_is_passed_on_and_nothing_is_told(staged: Any) -> None:
    stage = staged(traces={"trust": ["*"], "sample": 1.0})
    stage.call(meta={"traceparent": UNSAMPLED, "baggage": "k=v"})
    stage.call()
    stage.collector.until(lambda: len(stage.collector.spans()) >= 2)
    assert TRACE not in {span.trace_id.hex() for span in stage.collector.spans()}
    assert stage.heard()[0] == UNSAMPLED
    assert "baggage" not in stage.sent(), "it is the caller's, and not for servers"


@pytest.mark.parametrize("said", ["nonsense", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", f"{PARENT}\r\nx: y"])
def test_a_place_that_is_malformed_goes_nowhere(staged: Any, said: str) -> None:
    stage = staged()
    stage.call(meta={"traceparent": said, "tracestate": "a=1\r\nb: 2"})
    assert "traceparent" not in stage.sent()
    assert "tracestate" not in stage.sent()


def test_a_server_can_be_told_nothing(staged: Any) -> None:
    stage = staged(propagate="all", propagate_to={"files": "none"}, traces={"sample": 1.0})
    stage.call(meta={"traceparent": PARENT, "tracestate": "v=1", "baggage": "k=v"})
    stage.call()
    stage.collector.until(lambda: len(stage.collector.spans()) >= 4)
    assert not re.search("traceparent|tracestate|baggage", stage.sent())


def test_a_collector_that_was_away_misses_nothing(staged: Any) -> None:
    stage = staged(traces={"sample": 1.0})
    stage.collector.status = 503
    for _ in range(100):
        stage.call()
    stage.collector.until(lambda: stage.collector.refused >= 1)
    stage.collector.status = 200
    stage.collector.until(lambda: len(stage.collector.spans()) >= 200)
    found = [span.span_id for span in stage.collector.spans()]
    assert len(found) == len(set(found)) == 200
    stage.collector.until(lambda: 'ostiary_telemetry_sent_total{signal="traces"} 200.0' in stage.metrics().text)


def test_what_does_not_fit_is_dropped_and_counted_and_holds_nobody_up(staged: Any) -> None:
    stage = staged({"queue": 64}, traces={"sample": 1.0})
    stage.collector.status = 503
    for _ in range(100):
        stage.call()
    text = stage.metrics().text
    assert f'ostiary_telemetry_dropped_total{{reason="full",signal="traces"}} {200 - 64}.0' in text
    stage.collector.status = 200
    stage.collector.until(lambda: len(stage.collector.spans()) >= 64)


def test_metrics_are_pushed_under_the_names_of_the_conventions_as_well(staged: Any) -> None:
    stage = staged({"every": "1s", "resource": {"deployment.environment.name": "test"}}, traces={"sample": 1.0})
    for _ in range(3):
        stage.call()
    durations = "mcp.server.operation.duration"
    stage.collector.until(lambda: any(p.count == 3 for p in _points(stage.collector, durations)))
    (point,) = [each for each in _points(stage.collector, durations) if each.count == 3]
    assert attributes(point) == {"mcp.method.name": "tools/call"}
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    traced = {span.trace_id for span in stage.collector.spans()}
    assert {each.trace_id for each in point.exemplars} <= traced
    assert point.exemplars
    assert "ostiary_calls" in stage.collector.metrics()


def _points(found: Collector, name: str) -> list[Any]:
    metric = found.metrics().get(name)
    return list(metric.histogram.data_points) if metric is not None else []


def test_a_scraper_that_reads_openmetrics_gets_exemplars(staged: Any) -> None:
    stage = staged(traces={"sample": 1.0})
    stage.call()
    stage.collector.until(lambda: len(stage.collector.spans()) >= 2)
    trace = stage.collector.spans()[0].trace_id.hex()
    told = stage.metrics("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert told.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    exemplar = rf'# {{span_id="[0-9a-f]{{16}}",trace_id="{trace}"}}'
    assert re.search(rf"ostiary_call_seconds_bucket{{.*}} \d.* {exemplar}", told.text)
    assert told.text.endswith("# EOF\n")
    plain = stage.metrics("text/plain")
    assert trace not in plain.text
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_the_collectors_credential_is_sent_to_it_and_written_nowhere(staged: Any, tmp_path: Path) -> None:
    file = tmp_path / "collector.token"
    file.touch(mode=0o600)
    file.write_text(f"Bearer {secrets.token_urlsafe(32)}")
    stage = staged({"headers": {"authorization": f"file:{file}"}}, traces={"sample": 1.0})
    stage.call()
    stage.collector.until(lambda: bool(stage.collector.came))
    assert stage.collector.came[0][1]["authorization"] == file.read_text()


def test_without_a_section_nothing_is_told_and_baggage_stays_here(tmp_path: Path) -> None:
    record = tmp_path / "sent"
    with (
        upstream("tests.security.echo_upstream", "--record", str(record)) as echo,
        rig(tmp_path, {"files": echo.settings()}) as running,
        collector() as nobody,
    ):
        stage = Stage(nobody, running, record)
        stage.call(meta={"traceparent": PARENT, "baggage": "k=v"})
        assert stage.heard() == [PARENT]
        assert "k=v" not in stage.sent()
