"""An issuer of tokens on loopback: metadata and keys over HTTP, and a token that says whatever a test wants said."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwk, jwt

from tests.e2e.searched import RUN

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer that answers."""

    url: str
    key: Any

    def token(self, audience: str, subject: str, **claims: Any) -> str:
        """Return an access token (RFC 9068) for a gateway."""
        now = int(time.time())
        said = {"iss": self.url, "sub": subject, "aud": audience, "iat": now, "exp": now + 3600, "client_id": "program"}
        header = {"alg": "ES256", "typ": "at+jwt", "kid": "one"}
        token = jwt.encode(header, {**said, **claims}, self.key)
        RUN.plant("access token", f"of {subject}", token)
        return token

    def settings(self, **more: Any) -> Json:
        """Return how a gateway's configuration names this issuer."""
        return {"issuer": self.url, "allow_private": ["127.0.0.0/8"], "algorithms": ["ES256"], **more}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = getattr(self.server, "documents", {}).get(self.path)
        body = json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@contextmanager
def issuer() -> Iterator[Issuer]:
    """Serve an issuer for the length of the block."""
    key = jwk.generate_key("EC", "P-256")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    url = f"http://127.0.0.1:{server.server_port}"
    public = {**key.as_dict(private=False), "kid": "one", "use": "sig"}
    ends = {name: f"{url}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
    metadata = {"issuer": url, "jwks_uri": f"{url}/keys", "response_types_supported": ["code"], **ends}
    documents: Any = {"/.well-known/openid-configuration": metadata, "/keys": {"keys": [public]}}
    server.documents = documents  # type: ignore[attr-defined]  # read by _Answers
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Issuer(url, key)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
