"""Challenges (RFC 6750, RFC 9449) and protected-resource metadata (RFC 9728). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

NONCE: Final = "dpop_nonce"
"""The member of a refusal's `data` that is the nonce a client must come back with (RFC 9449 section 9)."""
WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_SCOPES: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6750 section 3: what may stand between the quotes."""
_ROOM: Final = 1024
"""Characters of scopes in a header: many clients and proxies take 8 KiB for all headers."""
_PROOFS: Final = ', DPoP algs="'
"""No quoted text can have this inside, for it has a quote."""
_SCOPE: Final = re.compile(r', scope="[^"]*"')
_PLACE: Final = re.compile(r'resource_metadata="[^"]*"')


class Protection(Struct, frozen=True):
    """What clients must know to come back with a token that this gateway takes."""

    url: str = ""
    """The gateway's own, without a path."""
    issuers: tuple[str, ...] = ()
    """The authorization servers; none: tokens are made by an operator, and there is nothing to discover."""
    scopes: tuple[str, ...] = ()
    """What to begin with; anything more is a step up, when a call needs it."""
    dpop: tuple[str, ...] = ()
    """Algorithms of proofs of possession that are taken (RFC 9449); empty: none are."""


def challenge(protection: Protection, path: str) -> str:
    """Return the WWW-Authenticate value for an endpoint, without the reason; that is added by who knows it."""
    if not protection.issuers:
        return f'Bearer realm="{protection.url}"'
    said = f'Bearer resource_metadata="{metadata_url(protection, path)}"'
    scope = " ".join(protection.scopes)
    # Clients without it look into the metadata, where there is room for more.
    said = f'{said}, scope="{scope}"' if len(scope) <= _ROOM and _SCOPES.fullmatch(scope) else said
    # Second, for clients that read only the first (RFC 9449 section 7.1 has both in one header).
    return f'{said}{_PROOFS}{" ".join(protection.dpop)}"' if protection.dpop else said


def reasoned(challenge: str, reason: str, *, nonce: bool = False) -> str:
    """Return a challenge with the reason, in each of its schemes; for who must use a `nonce`, that and nothing else."""
    bearer, proofs, algorithms = challenge.partition(_PROOFS)
    if nonce:
        # Clients do it over with the nonce only if this is the one thing they are told (RFC 9449 section 9).
        known = [f'algs="{algorithms}'] if proofs else []
        return ", ".join(['DPoP error="use_dpop_nonce"', *known, *_PLACE.findall(bearer)])
    if not reason:
        return challenge
    if "scope=" in reason:
        # RFC 9110 section 11.2: a parameter comes once; what is missing counts, and not what everybody needs.
        bearer = _SCOPE.sub("", bearer)
    # RFC 9110 section 11.6.1: a bare scheme is followed by a space, its parameters by commas.
    said = f"{bearer}{', ' if ' ' in bearer else ' '}{reason}"
    return f"{said}{proofs}{algorithms}, {reason}" if proofs else said


def metadata_url(protection: Protection, path: str) -> str:
    """Return where an endpoint's metadata is (RFC 9728 section 3.1: the path is inserted)."""
    return f"{protection.url}{WELL_KNOWN}{path}"


def metadata(protection: Protection, path: str) -> dict[str, Any]:
    """Return an endpoint's metadata; `resource` is exactly what clients use."""
    said: dict[str, Any] = {
        "resource": f"{protection.url}{path}",
        "authorization_servers": list(protection.issuers),
        "bearer_methods_supported": ["header"],
        "resource_name": "Ostiary",
    }
    if protection.scopes:
        said["scopes_supported"] = list(protection.scopes)
    if protection.dpop:
        said["dpop_signing_alg_values_supported"] = list(protection.dpop)
    return said


def audiences(protection: Protection, endpoints: Iterable[str]) -> frozenset[str]:
    """Return every audience a token may name to be for us: the gateway, and each of its endpoints."""
    return frozenset({protection.url, f"{protection.url}/", *(f"{protection.url}{path}" for path in endpoints)})
