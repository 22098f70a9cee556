"""Logout tokens (OpenID Connect Back-Channel Logout 1.0): what must be true of one, once its signature is. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.adapters.login.ports import Provider
from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Json

LONGEST: Final = 16 * 1024
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
SKEW: Final = 60.0
"""Seconds that two clocks may differ by."""
OLDEST: Final = 300.0
"""Seconds after which a token without a near expiry is history (section 2.6 leaves it to us)."""
_LONGEST_NAME: Final = 256


class Farewell(Struct, frozen=True):
    """Whose sessions end."""

    sid: str
    subject: str
    jti: str
    until: float
    """Until when the token could be sent again."""


def claimed_issuer(token: str) -> str:
    """Return the issuer that a token names, unverified: only to know whose keys to ask; empty where it names none."""
    parts = token.split(".")
    if len(token) > LONGEST or len(parts) != 3:  # noqa: PLR2004 - RFC 7515 section 3.1
        return ""
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return ""
    said = claims.get("iss") if isinstance(claims, dict) else None
    return said if isinstance(said, str) else ""


def farewell(claims: Json, provider: Provider, now: float) -> Farewell:
    """Return whose sessions end by these claims, whose signature is verified; refuse all else (section 2.6)."""
    audiences = claims.get("aud")
    named = [audiences] if isinstance(audiences, str) else audiences
    if claims.get("iss") != provider.issuer or not isinstance(named, list) or provider.client.id not in named:
        raise _refused("not of this issuer, or not for this gateway")
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise _refused("no logout event")
    if "nonce" in claims:
        # Section 2.4: so that no ID token can pass as a logout token.
        raise _refused("it has a nonce, so it is an ID token")
    sid, subject, jti = (_named(claims, name) for name in ("sid", "sub", "jti"))
    if not jti or not (sid or subject):
        raise _refused("it names no session and nobody, or has no jti")
    return Farewell(sid, subject, jti, _until(claims, now))


def _named(claims: Json, name: str) -> str:
    said = claims.get(name, "")
    if not isinstance(said, str) or len(said) > _LONGEST_NAME:
        raise _refused(f"its {name} is no short text")
    return said


def _until(claims: Json, now: float) -> float:
    issued, expires = (claims.get(name) for name in ("iat", "exp"))
    # A boolean is an int to Python, and no time to anybody.
    if isinstance(issued, bool) or not isinstance(issued, int | float) or not now - OLDEST <= issued <= now + SKEW:
        raise _refused("issued too long ago, or in the future")
    if expires is None:
        # The final specification demands `exp`; providers of the drafts before it send none.
        return issued + OLDEST
    if isinstance(expires, bool) or not isinstance(expires, int | float) or expires + SKEW <= now:
        raise _refused("it has expired")
    return min(expires + SKEW, issued + OLDEST)


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"logout_token: {why}", hint="the logout token is not valid")
