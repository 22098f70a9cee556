"""Proofs of possession as a client makes them, and as an attacker does; and requests that carry them."""

from __future__ import annotations

import base64
import hashlib
import itertools
from typing import Any

from msgspec.structs import replace

from ostiary.adapters.identity.dpop import Nonces, Proofs, Rules
from ostiary.adapters.identity.mutual import Mode, binding
from ostiary.core.model import Certificate, Inbound
from tests.contract.identity.provider import NOW, URL, Clock, inbound, made, signed

TOKEN = "ey.the.token"
ELLIPTIC = made("ES256")
_COUNT = itertools.count()


def thumbprint(key: Any) -> str:
    """By the library, not by us."""
    return str(key.thumbprint())


def hashed(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def proof(token: str = TOKEN, key: Any = ELLIPTIC, algorithm: str = "ES256", **changed: Any) -> str:
    """Return a good proof with changes: of claims, and of the header with `header`; None takes one away."""
    claims = {
        "jti": f"jti-{next(_COUNT)}",
        "htm": "POST",
        "htu": f"{URL}/mcp",
        "iat": int(NOW),
        "ath": hashed(token),
    }
    header = {"typ": "dpop+jwt", "jwk": shown(key)} | changed.pop("header", {})
    kept = {name: value for name, value in (claims | changed).items() if value is not None}
    return signed(key, kept, algorithm, None, **{name: value for name, value in header.items() if value is not None})


def shown(key: Any, **more: Any) -> dict[str, Any]:
    members = {"EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x"), "RSA": ("kty", "n", "e")}
    said = key.as_dict(private=False)
    return {name: said[name] for name in members[said["kty"]]} | more


def asked(sent: str | None = None, token: str = TOKEN, scheme: str = "DPoP", **changed: Any) -> Inbound:
    """Return a request with a token and, where there is one, its proof."""
    headers = {"authorization": f"{scheme} {token}"} | ({"dpop": sent} if sent is not None else {})
    return replace(inbound(token), headers=headers, **changed)


def proofs(clock: Any = None, nonces: Nonces | None = None, **rules: Any) -> Proofs:
    return Proofs(URL, clock or Clock(), nonces, Rules(**rules))


def bind(mode: Mode = "none", clock: Any = None, **rules: Any) -> Any:
    clock = clock or Clock()
    return binding(mode, proofs(clock, **rules), clock)


def certificate(name: str = "spiffe://example.org/agents/crm", expires: float = NOW + 600) -> Certificate:
    return Certificate(hashed(name), (name,), expires)
