"""The gateway with everything on that watches, limits and prices calls: its configuration, and whom it tells."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench import traffic
from bench.proxies import RULES, SERVED, Upstream

NAME = "ostiary_governed"

# As people would set it, but for the numbers, which the load must not meet: a refused call is a cheap call.
PRICES = """\
    tools: {{{prices}}}
"""
GOVERNED = """\
limits:
  - {{name: per-caller, per: caller, calls: [1000000/s, 50000000/min, 100000000/h], concurrent: 100000}}
  - {{name: budget, per: caller, spend: 1000000 USD/month, warn_at: 80%}}
runaways:
  - {{name: again, watch: repeats, most: 50, then: stop}}
  - {{name: in-turn, watch: cycles, most: 50, then: stop}}
  - {{name: storm, watch: calls, most: 2000, within: 1s, then: slow}}
  - {{name: growing, watch: growth, most: 50, then: warn}}
anomalies: {{}}
ledger:
  checkpoints: {{file: ./elsewhere/checkpoints.jsonl}}
telemetry:
  otlp: {{url: "http://127.0.0.1:{sink}", allow_private: [127.0.0.0/8], every: 5s}}
  traces: {{sample: 0.01}}
notify:
  ops: {{kind: webhook, url: "http://127.0.0.1:{sink}/alerts", allow_private: [127.0.0.0/8]}}
alerts:
  - {{name: refused, on: [denied, limited, runaway, blocked], above: 20, per: caller, to: [ops]}}
  - {{name: failing, on: [upstream_failed, tool_error], share: 20%, above: 10, per: server, to: [ops]}}
  - {{name: proof, on: [ledger_stopped, checkpoints_failed, server_down, anomaly, budget_warning], to: [ops]}}
"""


def configured(folder: Path, behind: Upstream, port: int, sink: int, tools: int) -> None:
    """Write the configuration of the plain series with everything on, where `proxies.ostiary` looks for it."""
    (folder / "elsewhere").mkdir()
    prices = ", ".join(f"{traffic.tool_name(index)}: {{price: 0.000002 USD}}" for index in range(tools))
    text = (SERVED + PRICES + RULES + GOVERNED).format(port=port, upstream=behind.port, sink=sink, prices=prices)
    (folder / "ostiary.yaml").write_text(text)


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Take whatever a gateway tells a collector and a receiver of alerts, and yield the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
