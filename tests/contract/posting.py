"""A receiver over HTTP that keeps what it is sent, and answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.e2e.searched import RUN


@dataclass
class Request:
    """What was sent."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Posted:
    """What came, and what to answer."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    came: list[Request] = field(default_factory=list)

    def until(self, enough: Callable[[], bool], patience: float = 30.0) -> None:
        """Wait until something is true of what came."""
        deadline = time.monotonic() + patience
        while not enough():
            assert time.monotonic() < deadline, f"within {patience} s there came {[each.body for each in self.came]}"
            threading.Event().wait(0.05)


@contextmanager
def posted() -> Iterator[Posted]:
    """Run one on a port of its own."""
    found = Posted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            RUN.heard("collector", self.path, body)
            found.came.append(Request(self.path, {name.lower(): it for name, it in self.headers.items()}, body))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/services/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
