"""An issuer of tokens on loopback: discovery and keys over HTTP, and as many signed tokens as a run needs."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwk, jws

LIFETIME = 3600


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer that is up."""

    url: str
    keys: dict[str, Any]
    stranger: Any
    """A key that is not published."""

    def token(self, audience: str, number: int, algorithm: str = "ES256", *, forged: bool = False) -> str:
        """Return the token of a caller of its own; a forged one differs from a good one in nothing but its signer."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": f"caller-{number:07d}",
            "aud": audience,
            "exp": now + LIFETIME,
            "iat": now,
            "jti": f"{number:022d}",
            "client_id": "agents-of-the-bench",
            "scope": "tools.read tools.call",
            "groups": ["staff", "engineering"],
        }
        header = {"alg": algorithm, "typ": "at+jwt", "kid": algorithm}
        key = self.stranger if forged else self.keys[algorithm]
        registry = jws.JWSRegistry(algorithms=[algorithm])
        return jws.serialize_compact(header, json.dumps(claims), key, registry=registry)


class Answers(BaseHTTPRequestHandler):
    """Says what `documents` of its server has."""

    def do_GET(self) -> None:
        documents: dict[str, Any] = getattr(self.server, "documents", {})
        found = documents.get(self.path)
        body = json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", f"max-age={LIFETIME}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextlib.contextmanager
def issuer() -> Iterator[Issuer]:
    """Serve an issuer's metadata (OpenID Connect Discovery 1.0) and keys (RFC 7517) for the length of the block."""
    keys: dict[str, Any] = {"RS256": jwk.generate_key("RSA", 2048), "ES256": jwk.generate_key("EC", "P-256")}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    url = f"http://127.0.0.1:{server.server_port}"
    public = [{**key.as_dict(private=False), "kid": name, "use": "sig"} for name, key in keys.items()]
    endpoints = {name: f"{url}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
    metadata = {"issuer": url, "jwks_uri": f"{url}/keys", "response_types_supported": ["code"], **endpoints}
    server.documents = {"/.well-known/openid-configuration": metadata, "/keys": {"keys": public}}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Issuer(url, keys, jwk.generate_key("EC", "P-256"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
