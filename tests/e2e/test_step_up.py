"""Scopes that bring others, stepping up in one challenge, and tokens that are rotated while they are used."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.gateway import Gateway, gateway
from tests.e2e.idp.running import Provider, provider
from tests.e2e.rig import upstream

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SCOPES = {"mcp:write": ["mcp:read"]}
RULES = [
    {"name": "needs-both", "allow": ["echo.echo"], "roles": ["machine"], "scopes": ["mcp:read", "mcp:tools"]},
    {"name": "needs-all", "allow": ["echo.*"], "roles": ["machine"], "scopes": ["mcp:read", "mcp:tools", "mcp:write"]},
]


@dataclass(frozen=True, slots=True)
class House:
    """A gateway, and perhaps the provider that it trusts."""

    gateway: Gateway
    provider: Provider | None = None

    def token(self, scope: str) -> str:
        """Return an access token of a service with these scopes, for this gateway."""
        assert self.provider is not None
        form = {"grant_type": "client_credentials", "resource": f"{self.gateway.url}/mcp", "scope": scope}
        basic = b64encode(b"service:service-secret-of-the-tests").decode()
        fields = {"authorization": f"Basic {basic}"}
        request = urllib.request.Request(f"{self.provider.issuer}/token", urlencode(form).encode(), fields)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["access_token"])

    def call(self, token: str = "", endpoint: str = "/mcp", tool: str = "echo__echo") -> tuple[int, str, Any]:
        """Call the tool as a modern client; return status, challenge and body."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {"_meta": meta, "name": tool, "arguments": {"secret": "x"}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": tool,
            **({"authorization": f"Bearer {token}"} if token else {}),
        }
        request = urllib.request.Request(f"{self.gateway.url}{endpoint}", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, "", json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("www-authenticate", ""), json.load(error)

    def recorded(self, text: str) -> bool:
        """Say whether the ledger says this, or does so in a moment."""
        segments = self.gateway.config.parent / "data" / "ledger"
        return within(5, lambda: any(text in each.read_text() for each in segments.glob("*.jsonl")))


def within(seconds: float, holds: Any) -> bool:
    """Say whether something holds, or does before so many seconds are over."""
    ends = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < ends:
        time.sleep(0.05)
    return bool(held)


def asked(challenge: str) -> list[str]:
    return re.findall(r'scope="([^"]*)"', challenge)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with provider("http://127.0.0.1:1") as found, upstream("tests.security.echo_upstream") as behind:
        identity = {
            "issuer": found.issuer,
            "roles": {"claim": "groups", "map": {"services": "machine"}},
            "allow_private": ["127.0.0.0/8", "::1/128"],
        }
        config = {
            "gateway": {"scopes": SCOPES},
            "identity": {"staff": identity},
            "servers": {"echo": behind.settings()},
            "rules": RULES,
        }
        with gateway(tmp_path_factory.mktemp("scopes"), config) as running:
            yield House(running, found)


def test_clients_are_told_to_begin_with_the_narrowest_scopes(house: House) -> None:
    """2026-07-28, "Scope Selection Strategy"; checklist 44 and 45."""
    status, challenge, _ = house.call()
    assert status == 401
    assert asked(challenge) == ["mcp:read mcp:tools"]
    place = re.findall(r'resource_metadata="([^"]*)"', challenge)[0]
    with urllib.request.urlopen(place, timeout=10) as answer:
        assert json.load(answer)["scopes_supported"] == ["mcp:read", "mcp:tools"]


def test_one_challenge_is_enough_to_step_up(house: House) -> None:
    """Checklist 46: all scopes of this operation at once, those that the token has already among them."""
    status, challenge, _ = house.call(house.token("mcp:read"))
    assert status == 403
    assert 'error="insufficient_scope"' in challenge
    assert "resource_metadata=" in challenge
    # The challenge has two schemes, Bearer and DPoP, and each says the same.
    assert set(asked(challenge)) == {"mcp:read mcp:tools"}
    status, _, body = house.call(house.token(asked(challenge)[0]))
    assert (status, "result" in body) == (200, True)


def test_a_broader_scope_is_taken_for_the_narrower_one(house: House) -> None:
    """2026-07-28: servers must account for scope hierarchies."""
    assert house.call(house.token("mcp:write mcp:tools"))[0] == 200
    assert house.call(house.token("mcp:write"))[0] == 403
    status, challenge, _ = house.call(house.token("mcp:read mcp:tools"), tool="echo__hidden")
    assert status == 403
    assert set(asked(challenge)) == {"mcp:read mcp:tools mcp:write"}


def test_a_token_is_rotated_while_it_is_used(tmp_path: Path) -> None:
    """Both are good for the overlap; then the old one ends by itself, and the ledger has all of it."""
    with upstream("tests.security.echo_upstream") as behind:
        rule = {"name": "all", "allow": ["echo.*"], "subjects": ["ana"]}
        config = {
            "servers": {"echo": behind.settings()},
            "views": {"small": {"include": ["echo.echo"]}},
            "rules": [rule],
        }
        with gateway(tmp_path, config) as running:
            house = House(running)
            old = json.loads(running.command("token", "create", "--subject", "ana", "--json"))
            assert house.call(old["token"])[0] == 200
            new = json.loads(running.command("token", "rotate", "ana", "--overlap", "4s", "--json"))
            assert house.call(new["token"])[0] == 200
            assert within(20, lambda: house.call(old["token"])[0] == 401)
            assert house.call(new["token"])[0] == 200
            assert house.recorded('"token_rotated"')
            assert house.recorded(f'"successor":"{new["id"]}"')
            words = ("--subject", "ana", "--view", "small", "--tool", "echo.echo", "--json")
            narrow = json.loads(running.command("token", "create", *words))["token"]
            assert house.call(narrow, "/views/small/mcp")[0] == 200
            assert house.call(narrow)[0] == 401
            assert house.recorded("token_elsewhere")
