"""Opaque tokens, asked about at their issuer (RFC 7662)."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from msgspec import Struct

from ostiary.adapters.identity.jwt import refused
from ostiary.adapters.identity.outbound import WITHIN, Fetch, document, usable
from ostiary.core.errors import GatewayError, Overloaded
from ostiary.core.model import Json

log: Final = structlog.get_logger(__name__)


class Introspection(Struct, frozen=True):
    """Where an issuer is asked about tokens, and as whom."""

    url: str
    id: str
    secret: str

    def __repr__(self) -> str:
        """Show everything but the secret."""
        return f"Introspection(url={self.url!r}, id={self.id!r}, secret=…)"


async def introspected(token: str, at: Introspection, issuer: str, fetch: Fetch) -> Json:
    """Return what the issuer says of an active token; `Unauthenticated` if it is not, `Overloaded` if nobody knows.

    An issuer that cannot be asked, or that does not let us ask, is no reason for a client to throw its token away.
    """
    try:
        found = await _asked(token, at, fetch)
    except GatewayError as error:
        log.warning("an issuer could not be asked about a token", issuer=issuer, reason=error.detail or error.code)
        raise Overloaded(
            f"introspection_unreachable: {error.detail or error.code}",
            hint="the identity provider cannot be asked at the moment",
            retry_after=5.0,
        ) from error
    if found.get("active") is not True:
        raise refused("introspection_inactive", "the issuer says that the token is not active")
    # RFC 7662 section 2.2 leaves `iss` out where there is only one issuer; who was asked here is who is meant.
    return {"iss": issuer, **found}


async def _asked(token: str, at: Introspection, fetch: Fetch) -> Json:
    if not usable(at.url):
        raise Overloaded("the introspection URL is not https; correct the configuration")
    answer = await fetch(
        "POST",
        at.url,
        deadline=asyncio.get_running_loop().time() + WITHIN,
        form={"token": token, "token_type_hint": "access_token"},
        basic=(at.id, at.secret),
    )
    return document(answer, at.url)
