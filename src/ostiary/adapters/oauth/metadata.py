"""What the authorization server says about itself (RFC 8414), and its keys (RFC 7517)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ostiary.adapters.oauth import addresses
from ostiary.adapters.oauth.setting import Setting

ASSERTED: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""Algorithms of client assertions; nothing symmetric, and never `none`."""
BEARER_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Anybody may read them, from any page: no cookie is looked at. (Fetch Standard, CORS protocol.)
_OPEN: Final = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*"}

Endpoint = Callable[[Request], Awaitable[Response]]


def described(setting: Setting) -> dict[str, Any]:
    """Return the metadata; every address in it begins with the issuer, which is exactly gateway.url."""
    issuer = setting.issuer
    methods = ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"]
    found: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}{addresses.AUTHORIZE}",
        "token_endpoint": f"{issuer}{addresses.TOKEN}",
        "revocation_endpoint": f"{issuer}{addresses.REVOKE}",
        "jwks_uri": f"{issuer}{addresses.JWKS}",
        "scopes_supported": sorted(setting.scopes()),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTED),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTED),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
    }
    if setting.registration():
        found["registration_endpoint"] = f"{issuer}{addresses.REGISTER}"
    if setting.assertion is not None:
        found["grant_types_supported"].append(BEARER_GRANT)
        found["authorization_grant_profiles_supported"] = ["urn:ietf:params:oauth:grant-profile:id-jag"]
    if setting.proof is not None:
        found["dpop_signing_alg_values_supported"] = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]
    return found


def metadata(setting: Setting) -> Endpoint:
    """Return the endpoint that tells the metadata."""

    async def answer(_: Request) -> Response:
        return _public(described(setting))

    return answer


def keys(setting: Setting) -> Endpoint:
    """Return the endpoint that shows every live public key."""

    async def answer(_: Request) -> Response:
        return _public(setting.keys.public())

    return answer


def _public(content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), 200, _OPEN, "application/json")
