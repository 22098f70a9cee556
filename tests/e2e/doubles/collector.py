"""A collector of OpenTelemetry's that keeps every byte it is sent, can be away for a while, and reads what it kept."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.e2e.searched import RUN

PATIENCE = 20.0
TICK = 0.05


@dataclass
class Collector:
    """What came, and what to answer."""

    port: int = 0
    status: int = 200
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path, headers and body of each request that was answered 200."""
    refused: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return how a gateway's configuration names this collector."""
        return {"url": f"http://127.0.0.1:{self.port}", "allow_private": ["127.0.0.0/8"], **more}

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Keep a request, or refuse it."""
        with self._changed:
            if self.status == 200:
                RUN.heard("collector", path, body)
                self.came.append((path, headers, body))
            else:
                self.refused += 1
            self._changed.notify_all()
            return self.status

    def until(self, enough: Callable[[], bool]) -> None:
        """Wait until something is true of what came."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while not enough():
                left = deadline - time.monotonic()
                assert left > 0, f"within {PATIENCE} s there came {len(self.came)} requests, {self.refused} refused"
                self._changed.wait(min(left, TICK))

    def bodies(self, path: str) -> list[bytes]:
        """Return what came to a path."""
        return [body for at, _, body in self.came if at == path]

    def spans(self) -> list[Span]:
        """Return every span, in the order in which they came."""
        found = (ExportTraceServiceRequest.FromString(body) for body in self.bodies("/v1/traces"))
        return [
            span
            for request in found
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Metric]:
        """Return the metrics that came last, by their names."""
        bodies = self.bodies("/v1/metrics")
        if not bodies:
            return {}
        request = ExportMetricsServiceRequest.FromString(bodies[-1])
        scopes = [scope for resource in request.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: metric for scope in scopes for metric in scope.metrics}


def attributes(holder: Any) -> dict[str, Any]:
    """Return the attributes of a span, a resource or a point."""
    return {pair.key: value(pair.value) for pair in holder.attributes}


def value(said: AnyValue) -> Any:
    """Return a value as Python has it."""
    kind = said.WhichOneof("value")
    if kind == "array_value":
        return [value(each) for each in said.array_value.values]
    return getattr(said, kind or "string_value")


@contextmanager
def collector(tls: ssl.SSLContext | None = None) -> Iterator[Collector]:
    """Run a collector on a free loopback port, with TLS where there is something to prove itself by."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = found.take(self.path, {name.lower(): said for name, said in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        running = threading.Thread(target=server.serve_forever)
        running.start()
        try:
            yield found
        finally:
            server.shutdown()
            running.join()
