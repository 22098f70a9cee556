"""What an issuer publishes about itself (RFC 8414; OpenID Connect Discovery 1.0), found and held to its name."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from msgspec import Struct

from ostiary.adapters.identity.outbound import WITHIN, Fetch, document, usable
from ostiary.core.errors import Garbled, UpstreamRefused
from ostiary.core.model import Json

_OAUTH: Final = "/.well-known/oauth-authorization-server"
_OPENID: Final = "/.well-known/openid-configuration"


class Metadata(Struct, frozen=True):
    """An issuer's own description."""

    issuer: str
    """Exactly the configured one."""
    jwks_uri: str
    document: Json
    """All of it, for those who need other endpoints; each URL in it is to be judged by `usable`."""


def places(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may be, in the order to look (2026-07-28, authorization server discovery)."""
    # RFC 8414 section 3.1 and OpenID Connect Discovery section 4: a slash at the end goes, here and nowhere else.
    bare = issuer.removesuffix("/")
    origin, slash, path = _split(bare)
    if not slash:
        return f"{origin}{_OAUTH}", f"{origin}{_OPENID}"
    return f"{origin}{_OAUTH}/{path}", f"{origin}{_OPENID}/{path}", f"{bare}{_OPENID}"


def _split(url: str) -> tuple[str, str, str]:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash, path


async def discovered(issuer: str, fetch: Fetch) -> Metadata:
    """Return the metadata of an issuer; raise an `UpstreamFailure` that says what each place answered.

    A provider that cannot be reached is not asked at its other places: they are on the same host.
    """
    if not usable(issuer) or "?" in issuer:
        # RFC 8414 section 2: https, without query or fragment.
        raise Garbled("the issuer is no https URL without a query; correct the configuration")
    complaints: list[str] = []
    for place in places(issuer):
        fetched = await fetch("GET", place, deadline=asyncio.get_running_loop().time() + WITHIN)
        try:
            return judged(document(fetched, place), issuer)
        except (Garbled, UpstreamRefused) as error:
            complaints.append(error.detail)
    raise Garbled("; ".join(complaints))


def judged(found: dict[str, Any], issuer: str) -> Metadata:
    """Return metadata that is really this issuer's, or raise `Garbled`."""
    if found.get("issuer") != issuer:
        # RFC 8414 section 3.3: identical, as texts. A slash more or less is another issuer.
        raise Garbled("the metadata names another issuer than the one configured; they must be identical")
    jwks_uri = found.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not usable(jwks_uri):
        raise Garbled("the metadata has no https jwks_uri")
    return Metadata(issuer, jwks_uri, found)
