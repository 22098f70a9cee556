"""An S3-compatible store on this machine: path-style addresses, signatures that are checked, and faults on demand."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from calendar import timegm
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5, sha256
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ostiary.protocol.sigv4 import Keys, Request, Scope, signed

KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
REGION = "eu-north-1"


class Objects:
    """What the store holds, and what it does wrong."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.locked: dict[str, tuple[str, str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.status = 0
        """What it answers instead; 0: it works."""
        self.body = b"<Error><Code>SlowDown</Code></Error>"
        self.old = False
        """It does not know `If-None-Match`."""
        self.forgets = False
        """It keeps an object, and never says so."""
        self.most = 1000

    def answer(self, request: Request, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        """Answer one request."""
        self.asked.append((request.method, path))
        if not proven(request):
            return 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        if self.status:
            return self.status, self.body
        if request.method == "PUT":
            return self.put(path, request)
        if query:
            return 200, self.listed(query)
        if path not in self.kept:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        return 200, self.kept[path]

    def put(self, path: str, request: Request) -> tuple[int, bytes]:
        """Keep an object."""
        said = request.headers
        if self.old and "if-none-match" in said:
            return 501, b"<Error><Code>NotImplemented</Code></Error>"
        if b64encode(md5(request.body, usedforsecurity=False).digest()).decode() != said["content-md5"]:
            return 400, b"<Error><Code>BadDigest</Code></Error>"
        if path in self.kept and "if-none-match" in said:
            return 412, b"<Error><Code>PreconditionFailed</Code></Error>"
        self.kept[path] = request.body
        if "x-amz-object-lock-mode" in said:
            self.locked[path] = said["x-amz-object-lock-mode"], said["x-amz-object-lock-retain-until-date"]
        return (500, b"") if self.forgets else (200, b"")

    def listed(self, query: dict[str, list[str]]) -> bytes:
        """Return the page of names that was asked for."""
        after, prefix = query["start-after"][0], query["prefix"][0]
        names = sorted(path.partition("/")[2] for path in self.kept)
        names = [name for name in names if name.startswith(prefix) and name > after]
        most = min(self.most, int(query["max-keys"][0]))
        return b"".join(b"<Contents><Key>%b</Key></Contents>" % escape(name).encode() for name in names[:most])


def proven(request: Request) -> bool:
    """Say whether a request has the signature that it should have."""
    names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    made = {"host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}
    covered = {name: request.headers[name] for name in names if name not in made}
    when = float(timegm(time.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")))
    meant = signed(KEYS, Scope(REGION, "s3"), Request(request.method, request.url, covered, request.body), when)
    same = request.headers["x-amz-content-sha256"] == sha256(request.body).hexdigest()
    return same and request.headers["authorization"] == meant["Authorization"]


@contextmanager
def served(objects: Objects, context: Any = None) -> Iterator[str]:
    """Serve it, and give its address."""
    scheme = "http" if context is None else "https"

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            url = f"{scheme}://{headers['host']}{self.path}"
            parts = urlsplit(self.path)
            request = Request(self.command, url, headers, self.rfile.read(length))
            status, said = objects.answer(
                request, parts.path.lstrip("/"), parse_qs(parts.query, keep_blank_values=True)
            )
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_PUT = do_GET  # noqa: N815 - http.server calls it by this name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
