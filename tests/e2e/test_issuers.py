"""Callers with tokens of a real, certified OpenID provider, at a real gateway."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import urllib.error
import urllib.request
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwk, jwt

from tests.e2e.gateway import Gateway, gateway
from tests.e2e.idp.running import Provider, provider
from tests.e2e.rig import upstream

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

LOOPBACK = ["127.0.0.0/8", "::1/128"]
SECRETS = {"service": "service-secret-of-the-tests", "service-dpop": "service-dpop-secret-of-the-tests"}


@dataclass(frozen=True, slots=True)
class House:
    """A provider, and a gateway that trusts it."""

    provider: Provider
    gateway: Gateway

    def token(self, client: str = "service", resource: str = "", **headers: str) -> str:
        """Return an access token of a service for this gateway."""
        form = {"grant_type": "client_credentials", "resource": resource or f"{self.gateway.url}/mcp"}
        body = "&".join(f"{name}={urllib.request.quote(value, safe='')}" for name, value in form.items())  # type: ignore[attr-defined]
        basic = b64encode(f"{client}:{SECRETS[client]}".encode()).decode()
        fields = {"authorization": f"Basic {basic}", **headers}
        request = urllib.request.Request(f"{self.provider.issuer}/token", body.encode(), fields, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["access_token"])

    def call(self, **headers: str) -> tuple[int, Any, Any]:
        """List the tools as a modern client with these headers; return status, headers and body."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
        fixed = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/list",
        }
        request = urllib.request.Request(
            f"{self.gateway.url}/mcp", json.dumps(body).encode(), {**fixed, **headers}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.load(error)

    def recorded(self, text: str) -> bool:
        """Say whether the ledger says this, or does so in a moment: a record is written just after its answer."""
        ends = time.monotonic() + 5
        while time.monotonic() < ends:
            segments = (self.gateway.config.parent / "data" / "ledger").glob("*")
            if any(text in segment.read_text() for segment in segments):
                return True
            time.sleep(0.05)
        return False


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with provider("http://127.0.0.1:1") as found, upstream("tests.security.echo_upstream") as behind:
        identity = {
            "issuer": found.issuer,
            "roles": {"claim": "groups", "map": {"services": "machine"}},
            "teams": {"claim": "team"},
            "allow_private": LOOPBACK,
        }
        rule = {"name": "machines", "allow": ["echo.*"], "roles": ["machine"], "teams": ["machines"]}
        config = {"identity": {"staff": identity}, "servers": {"echo": behind.settings()}, "rules": [rule]}
        with gateway(tmp_path_factory.mktemp("issuers"), config) as running:
            yield House(found, running)


def test_who_comes_without_a_token_learns_where_to_get_one(house: House) -> None:
    """RFC 9728; checklist 44 and 45: nothing but the URL is needed."""
    status, headers, _ = house.call()
    assert status == 401
    where = f"{house.gateway.url}/.well-known/oauth-protected-resource/mcp"
    assert headers["www-authenticate"].startswith(f'Bearer resource_metadata="{where}", DPoP algs="')
    for url in (where, f"{house.gateway.url}/.well-known/oauth-protected-resource"):
        with urllib.request.urlopen(url, timeout=10) as answer:
            told = json.load(answer)
        assert told["resource"] == url.replace("/.well-known/oauth-protected-resource", "")
        assert told["authorization_servers"] == [house.provider.issuer]
    status, headers, _ = house.call(authorization="Bearer rubbish")
    assert (status, 'error="invalid_token"' in headers["www-authenticate"]) == (401, True)


def test_a_token_of_the_provider_is_a_caller_with_mapped_roles(house: House) -> None:
    status, _, body = house.call(authorization=f"Bearer {house.token()}")
    assert status == 200
    assert body["result"]["tools"]
    assert house.recorded(f'"issuer":"{house.provider.issuer}"')
    assert house.recorded('"proof":"jwt:staff"')


def test_a_token_for_another_resource_is_refused_with_its_reason(house: House) -> None:
    """RFC 8707; checklist 45."""
    status, headers, body = house.call(authorization=f"Bearer {house.token(resource='https://other.example/mcp')}")
    assert status == 401
    assert 'error="invalid_token"' in headers["www-authenticate"]
    assert "audience" not in json.dumps(body), "the caller is not told why; the ledger is"
    assert house.recorded("jwt_wrong_audience")


def test_keys_rotate_under_load_without_a_failed_call(house: House) -> None:
    before = house.token()
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(house.call, authorization=f"Bearer {before}") for _ in range(100)]
        house.provider.rotate()
        fresh = house.token()
        calls += [pool.submit(house.call, authorization=f"Bearer {fresh}") for _ in range(100)]
        assert {call.result()[0] for call in calls} == {200}


def proof(key: Any, method: str, url: str, token: str = "", nonce: str = "") -> str:
    """Return a proof of possession (RFC 9449)."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    claims: dict[str, Any] = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time())}
    if nonce:
        claims["nonce"] = nonce
    if token:
        claims["ath"] = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    return jwt.encode(header, claims, key)


def test_a_token_that_is_bound_to_a_key_needs_its_proof_each_time(house: House) -> None:
    """RFC 9449: stolen, it is worth nothing."""
    key, url = jwk.generate_key("EC", "P-256"), f"{house.gateway.url}/mcp"
    token = house.token("service-dpop", DPoP=proof(key, "POST", f"{house.provider.issuer}/token"))
    status, headers, _ = house.call(authorization=f"DPoP {token}", dpop=proof(key, "POST", url, token))
    assert (status, 'error="use_dpop_nonce"' in headers["www-authenticate"]) == (401, True), "made beforehand"
    nonce = headers["dpop-nonce"]
    good = proof(key, "POST", url, token, nonce)
    assert house.call(authorization=f"DPoP {token}", dpop=good)[0] == 200
    assert house.call(authorization=f"DPoP {token}", dpop=good)[0] == 401, "a proof is good once"
    assert house.call(authorization=f"Bearer {token}")[0] == 401
    assert house.call(authorization=f"DPoP {token}")[0] == 401
    thief = proof(jwk.generate_key("EC", "P-256"), "POST", url, token, nonce)
    assert house.call(authorization=f"DPoP {token}", dpop=thief)[0] == 401
    assert house.call(authorization=f"DPoP {token}", dpop=proof(key, "POST", url + "x", token, nonce))[0] == 401
    assert all(house.recorded(reason) for reason in ("dpop_nonce", "dpop_replayed", "dpop_wrong_key", "dpop_url"))


def test_an_outage_of_the_provider_does_not_stop_who_is_known(tmp_path: Path) -> None:
    with upstream("tests.security.echo_upstream") as behind:
        with provider("http://127.0.0.1:1") as found:
            identity = {"issuer": found.issuer, "roles": {"claim": "groups"}, "allow_private": LOOPBACK}
            rule = {"name": "machines", "allow": ["echo.*"], "roles": ["services"]}
            config = {"identity": {"staff": identity}, "servers": {"echo": behind.settings()}, "rules": [rule]}
            running = gateway(tmp_path, config)
            opened = running.__enter__()
            house = House(found, opened)
            first, second = house.token(), house.token()
            assert house.call(authorization=f"Bearer {first}")[0] == 200
        try:
            assert house.call(authorization=f"Bearer {second}")[0] == 200, "the last good keys go on serving"
            assert house.call(authorization="Bearer a.b.c")[0] == 401
        finally:
            running.__exit__(None, None, None)


def test_tokens_made_here_can_be_forbidden(tmp_path: Path) -> None:
    with upstream("tests.security.echo_upstream") as behind:
        identity = {"issuer": "https://id.example.com", "roles": {"claim": "groups"}}
        rule = {"name": "all", "allow": ["echo.*"], "subjects": ["ana"]}
        config = {
            "gateway": {"static_tokens": "off"},
            "identity": {"staff": identity},
            "servers": {"echo": behind.settings()},
            "rules": [rule],
        }
        with gateway(tmp_path, config) as running:
            token = running.token("ana")
            assert House(None, running).call(authorization=f"Bearer {token}")[0] == 401  # type: ignore[arg-type]
