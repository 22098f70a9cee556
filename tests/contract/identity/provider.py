"""An identity provider that is only a function: it implements `Fetch`, signs what it is told to, and can go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from joserfc import jwk, jws
from msgspec.structs import replace

from ostiary.adapters.identity.introspection import Introspection
from ostiary.adapters.identity.issuers import Issuers, Setup
from ostiary.adapters.identity.jwks import Pace
from ostiary.adapters.identity.jwt import ALGORITHMS, Expected
from ostiary.adapters.identity.outbound import Fetched
from ostiary.core.errors import Unreachable
from ostiary.core.model import Inbound
from ostiary.policy.claims import Reading, Source

ISSUER = "https://id.example.com/realm"
URL = "https://mcp.example.com"
NOW = 1_800_000_000.0
SHAPES: Mapping[str, tuple[str, Any]] = {
    "RS256": ("RSA", 2048), "PS256": ("RSA", 2048), "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"), "EdDSA": ("OKP", "Ed25519"), "Ed25519": ("OKP", "Ed25519"),
}  # fmt: skip
_MADE: dict[tuple[Any, ...], Any] = {}


def made(algorithm: str = "RS256", number: int = 0) -> Any:
    """Return the same private key for the same name: RSA keys take their time."""
    shape = SHAPES.get(algorithm) or ("RSA", 2048)
    key = (*shape, number)
    if key not in _MADE:
        _MADE[key] = jwk.generate_key(*shape)
    return _MADE[key]


def public(key: Any, kid: str | None = "one", **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **({"kid": kid} if kid else {}), **more}


class Clock:
    """Time that passes when somebody sleeps, or when it is told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now += seconds


class Provider:
    """Implements `Fetch`."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.keys: dict[str, Any] = {"one": made()}
        self.published: list[Any] | None = None
        self.headers: dict[str, str] = {}
        self.metadata: dict[str, Any] = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
        self.opaque: dict[str, Any] = {}
        self.asked: list[str] = []
        self.forms: list[Any] = []
        self.down = False
        self.status = 200
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, method: str, url: str, /, *, deadline: float, headers: Any = None, form: Any = None, basic: Any = None) -> Fetched:  # fmt: skip
        self.asked.append(url)
        known = dict(self.opaque.get(form["token"], {"active": False})) if form else {}
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.down:
            raise Unreachable("the provider is away")
        if url == f"{self.issuer}/introspect":
            self.forms.append((method, form, basic))
            return self._said(known)
        if url == self.metadata.get("jwks_uri"):
            return self._said({"keys": self.listed()})
        if url.endswith(("/.well-known/openid-configuration/realm", "/.well-known/openid-configuration")):
            return self._said(self.metadata)
        return Fetched(404, {}, b"no")

    def _said(self, document: Any) -> Fetched:
        return Fetched(self.status, self.headers, json.dumps(document).encode())

    def listed(self) -> list[Any]:
        return self.published if self.published is not None else [public(key, kid) for kid, key in self.keys.items()]

    def fetched(self) -> int:
        """How often the keys were asked for."""
        return sum(urlsplit(url).path.endswith("/keys") for url in self.asked)

    def token(self, algorithm: str = "RS256", kid: str | None = "one", **claims: Any) -> str:
        return signed(self.keys[kid or "one"], said(self.issuer, **claims), algorithm, kid)


def said(issuer: str = ISSUER, **changed: Any) -> dict[str, Any]:
    """Return good claims with changes; None takes one away."""
    claims = {"iss": issuer, "sub": "ana", "aud": URL, "exp": int(NOW) + 300, "iat": int(NOW) - 10} | changed
    return {name: value for name, value in claims.items() if value is not None}


def signed(key: Any, claims: Any, algorithm: str = "RS256", kid: str | None = "one", **header: Any) -> str:
    """Sign claims, or a text that stands for them."""
    text = claims if isinstance(claims, str | bytes) else json.dumps(claims)
    head = {"alg": algorithm, **({"kid": kid} if kid is not None else {}), **header}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.algorithms = jws.JWSRegistry.algorithms | {"EdDSA": jws.JWSRegistry.algorithms["Ed25519"]}
    return jws.serialize_compact(head, text, key, registry=registry)


def setup(provider: Provider, **changed: Any) -> Setup:
    expected = Expected(provider.issuer, frozenset({URL, f"{URL}/"}), URL, ALGORITHMS)
    reading = Reading(provider.issuer, roles=Source("groups"))
    return replace(Setup("staff", expected, reading, provider, pace=Pace()), **changed)


def opaque(provider: Provider, **changed: Any) -> Setup:
    return setup(provider, introspection=Introspection(f"{provider.issuer}/introspect", "gw", "s3cret"), **changed)


def issuers(provider: Provider, clock: Clock, **changed: Any) -> Issuers:
    return Issuers([setup(provider, **changed)], clock, clock, clock.sleep)


async def _unread() -> bytes:
    raise AssertionError("nobody reads a body to learn who is asking")


def inbound(credential: str | None, peer: str = "192.0.2.7", endpoint: str = "/mcp") -> Inbound:
    return Inbound("POST", endpoint, {}, frozenset(), credential, peer, _unread)


async def until(condition: Any) -> None:
    """Let everything else run until the condition holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)
