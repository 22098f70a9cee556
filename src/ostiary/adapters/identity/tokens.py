"""Personal and service tokens: made once, shown once, kept hashed, looked up by hash.

`ost_` + 43 characters of base64url (256 random bits) + `_` + 8 hexadecimal digits of CRC-32: a prefix that secret
scanners can match, and a checksum so that they, and we, can tell a token from noise without asking the database.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import zlib
from collections.abc import Callable
from typing import Final

from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Caller, Inbound, Token

ISSUER: Final = "ostiary"
_SHAPE: Final = re.compile(r"ost_([A-Za-z0-9_-]{43})_([0-9a-f]{8})")
_FRESH: Final = 60.0
"""Seconds that a looked-up token is trusted without looking again; a revocation does not wait for it."""
_KEPT: Final = 50_000
_INVALID: Final = "the token is malformed, unknown, expired or revoked"


def made() -> tuple[str, str, str]:
    """Return a new token's id, the token itself, and the digest to keep instead of it."""
    body = secrets.token_urlsafe(32)
    token = f"ost_{body}_{zlib.crc32(body.encode()):08x}"
    return f"tok_{secrets.token_hex(6)}", token, digest(token)


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def well_formed(token: str) -> bool:
    """Say whether a text has the shape and the checksum of a token."""
    found = _SHAPE.fullmatch(token)
    return found is not None and f"{zlib.crc32(found.group(1).encode()):08x}" == found.group(2)


def caller(token: Token) -> Caller:
    """Return whom a token speaks for."""
    tags = {
        "*", f"subject:{token.subject}", f"client:{token.id}",
        *(f"role:{role}" for role in token.roles), *(f"team:{team}" for team in token.teams),
    }  # fmt: skip
    return Caller(
        token.subject, ISSUER, token.id, f"token:{token.id}", token.expires,
        frozenset(token.roles), frozenset(token.teams), frozenset(token.scopes), frozenset(token.servers),
        frozenset(tags),
    )  # fmt: skip


Lookup = Callable[[str], Token | None]
"""The token with this digest, whether or not it may still be used. Blocks."""


class Tokens:
    """Turns a bearer token into a caller."""

    def __init__(self, lookup: Lookup, generation: Callable[[], int], time: Callable[[], float]) -> None:
        self._lookup, self._generation, self._time = lookup, generation, time
        self._seen = generation()
        self._known: dict[str, tuple[Caller, float]] = {}
        self._used: dict[str, float] = {}

    async def __call__(self, message: Inbound) -> Caller:
        """Return the caller, or raise `Unauthenticated`, with a hint only where a credential came."""
        credential = message.credential
        if credential is None:
            raise Unauthenticated("no credential")
        if self._generation() != self._seen:
            self._seen = self._generation()
            self._known.clear()
        key, now = digest(credential), self._time()
        known = self._known.get(key)
        if known is not None and known[1] > now:
            self._used[known[0].client] = now
            return known[0]
        return await self._looked_up(credential, key, now)

    async def _looked_up(self, credential: str, key: str, now: float) -> Caller:
        if not well_formed(credential):
            raise Unauthenticated("not a token of ours", hint=_INVALID)
        generation = self._generation()
        token = await asyncio.to_thread(self._lookup, key)
        if token is None:
            raise Unauthenticated("unknown token", hint=_INVALID)
        if token.revoked is not None:
            raise Unauthenticated(f"{token.id} was revoked", hint=_INVALID)
        if token.expires <= now:
            raise Unauthenticated(f"{token.id} expired", hint=_INVALID)
        found = caller(token)
        # A revocation that came while the database was read has moved the generation: then nothing is kept.
        if generation == self._generation() == self._seen:
            if len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[key] = (found, min(token.expires, now + _FRESH))
        self._used[token.id] = now
        return found

    def used(self) -> dict[str, float]:
        """Return when tokens were last used, since the last time this was asked."""
        used, self._used = self._used, {}
        return used
