"""A program of the tests' own, which does at the authorization server one thing at a time, and calls the gateway."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jwt
from playwright.sync_api import Page

from tests.e2e.gateway import free_port
from tests.e2e.idp.granting import House, allowed
from tests.security.echo_upstream import MODERN

Answer = tuple[int, dict[str, Any]]

META: Final = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
FIXED: Final = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": MODERN,
}


def sent(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    """Send one request; return status, headers and body, whatever the status."""
    request = urllib.request.Request(url, body, headers or {}, method="GET" if body is None else "POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def digest(value: str) -> str:
    """Return what PKCE and DPoP say of a secret instead of it."""
    return urlsafe_b64encode(sha256(value.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Desk:
    """A public client of the configuration."""

    house: House
    client: str = "desk"
    back: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}/callback")

    @property
    def resource(self) -> str:
        """Return what tokens are for."""
        return f"{self.house.url}/mcp"

    def code(self, page: Page, login: str = "ana") -> tuple[str, str]:
        """Have a person allow this program; return the code that came back, and its verifier."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(12)
        asked = {
            "response_type": "code", "client_id": self.client, "redirect_uri": self.back, "state": state,
            "code_challenge": digest(verifier), "code_challenge_method": "S256", "resource": self.resource,
        }  # fmt: skip
        page.route(f"{self.back}*", lambda route: route.fulfill(body="Back at the program."))
        allowed(page, self.house, f"{self.house.url}/authorize?{urlencode(asked)}", login)
        found = parse_qs(urlsplit(page.url).query)
        assert (found["state"], found["iss"]) == ([state], [self.house.url])
        return found["code"][0], verifier

    def redeemed(self, code: str, verifier: str) -> Answer:
        """Ask for tokens with a code."""
        return self.asked(
            grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=self.back,
            resource=self.resource,
        )  # fmt: skip

    def granted(self, page: Page, login: str = "ana") -> dict[str, Any]:
        """Have a person allow this program, and return its tokens."""
        status, tokens = self.redeemed(*self.code(page, login))
        assert status == 200, tokens
        return tokens

    def refreshed(self, token: str) -> Answer:
        """Ask for new tokens with a refresh token."""
        return self.asked(grant_type="refresh_token", refresh_token=token)

    def asked(self, **form: str) -> Answer:
        """Ask the token endpoint."""
        return self.posted("/token", form)

    def revoked(self, token: str) -> int:
        """Give a token up (RFC 7009)."""
        return self.posted("/revoke", {"token": token})[0]

    def posted(self, path: str, form: dict[str, str]) -> Answer:
        """Send a form as this client, which proves nothing by that."""
        body = urlencode({"client_id": self.client, **form}).encode()
        status, _, said = sent(self.house.url + path, body, FORM)
        return status, json.loads(said or b"{}")


FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


def service(
    house: House, secret: str, headers: Mapping[str, str] = MappingProxyType({}), **form: str
) -> tuple[int, Any, Any]:
    """Ask for a token as the service account `robot`; return status, headers and what was said."""
    basic = b64encode(f"robot:{secret}".encode()).decode()
    fields = {**FORM, "authorization": f"Basic {basic}", **headers}
    form = {"grant_type": "client_credentials", "resource": f"{house.url}/mcp", **form}
    status, told, said = sent(f"{house.url}/token", urlencode(form).encode(), fields)
    return status, told, json.loads(said)


def assertion(key: jwk.ECKey, audience: str) -> dict[str, str]:
    """Return the form in which the service account `worker` proves itself with its key (RFC 7523 section 2.2)."""
    now = int(time.time())
    claims = {"iss": "worker", "sub": "worker", "aud": audience, "iat": now, "exp": now + 60}
    signed = jwt.encode({"alg": "ES256", "kid": "worker"}, {**claims, "jti": secrets.token_urlsafe(12)}, key)
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": signed}


def called(
    house: House, method: str, scheme: str = "Bearer", token: str = "", proof: str = "", **params: Any
) -> tuple[int, Any, dict[str, Any]]:
    """Make one call as a modern client with this credential; return status, headers and answer."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    fields = {**FIXED, "mcp-method": method, **({"mcp-name": params["name"]} if "name" in params else {})}
    fields |= {"authorization": f"{scheme} {token}"} | ({"dpop": proof} if proof else {})
    status, told, said = sent(f"{house.url}/mcp", json.dumps(body).encode(), fields)
    return status, told, json.loads(said)


def listing(house: House, token: str) -> int:
    """Return the status of a call that everybody may make who is known."""
    return called(house, "tools/list", token=token)[0]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a key, and proves it (RFC 9449)."""

    key: jwk.ECKey = field(default_factory=lambda: jwk.ECKey.generate_key("P-256"))

    def proof(self, url: str, token: str = "", nonce: str = "") -> str:
        """Return a new proof for a POST to this address."""
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": self.key.as_dict(private=False)}
        claims: dict[str, Any] = {"jti": secrets.token_urlsafe(12), "htm": "POST", "htu": url, "iat": int(time.time())}
        claims |= ({"ath": digest(token)} if token else {}) | ({"nonce": nonce} if nonce else {})
        return jwt.encode(header, claims, self.key)


def recorded(house: House, *texts: str) -> bool:
    """Say whether one record of the ledger has all of these, or does so in a moment: it is written after its answer."""
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        if any(all(text in line for text in texts) for line in _records(house)):
            return True
        time.sleep(0.05)
    return False


def _records(house: House) -> Iterator[str]:
    for segment in (house.gateway.config.parent / "data" / "ledger").glob("*"):
        yield from segment.read_text(errors="replace").splitlines()
