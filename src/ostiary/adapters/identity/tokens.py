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
from typing import Any, Final

import structlog

from ostiary.config.values import covers, server_of
from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Caller, Inbound, Token
from ostiary.policy.scopes import Brings, widened

log: Final = structlog.get_logger(__name__)

ISSUER: Final = "ostiary"
_SHAPE: Final = re.compile(r"ost_([A-Za-z0-9_-]{43})_([0-9a-f]{8})")
_FRESH: Final = 60.0
"""Seconds that a looked-up token is trusted without looking again; a revocation does not wait for it."""
_KEPT: Final = 50_000
_INVALID: Final = "the token is malformed, unknown, expired or revoked"
_DAY: Final = 86_400.0
_SOON: Final = 7 * _DAY
_SHARE: Final = 4
"""A token that was made for an hour is told of in its last quarter of an hour, not from its first call on."""
_TOLD: Final = 10_000
_NOTHING: Final[Brings] = {}


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


def caller(token: Token, brings: Brings = _NOTHING) -> Caller:
    """Return whom a token speaks for; `brings` is what scopes bring with them."""
    tags = {
        "*", f"issuer:{ISSUER}", f"subject:{token.subject}", f"client:{token.id}",
        # Were a successor nobody that rules speak of, a rotation would undo what they say against a token.
        *(f"client:{each}" for each in token.replaces),
        *(f"role:{role}" for role in token.roles), *(f"team:{team}" for team in token.teams),
    }  # fmt: skip
    return Caller(
        token.subject, ISSUER, token.id, f"token:{token.id}", token.expires,
        frozenset(token.roles), frozenset(token.teams), widened(token.scopes, brings), _reach(token),
        frozenset(tags), within=_within(token) if token.tools else None,
    )  # fmt: skip


def places(token: Token) -> frozenset[str]:
    """Return the endpoints that a token is good at; empty: at any."""
    return frozenset(f"/views/{name}/mcp" for name in token.views)


def _reach(token: Token) -> frozenset[str]:
    # A pattern without a server's own name reaches nothing: an empty set would reach everything.
    return frozenset(map(server_of, token.tools)) if token.tools else frozenset(token.servers)


def _within(token: Token) -> Callable[[str], bool]:
    """Return the test whether a label is of the token's servers and fits one of its patterns."""
    own = [each for each in token.tools if not token.servers or server_of(each) in token.servers]
    exact, patterns = frozenset(own), [each for each in own if "*" in each]
    return lambda label: label in exact or any(covers(each, label) for each in patterns)


Lookup = Callable[[str], Token | None]
"""The token with this digest, whether or not it may still be used. Blocks."""


class Tokens:
    """Turns a bearer token into a caller."""

    def __init__(self, lookup: Lookup, generation: Callable[[], int], time: Callable[[], float]) -> None:
        self._lookup, self._generation, self._time = lookup, generation, time
        self._seen = generation()
        self._brings = _NOTHING
        self._known: dict[str, tuple[Caller, float]] = {}
        self._placed: dict[str, tuple[Caller, float, frozenset[str]]] = {}
        """Those that are good at some endpoints only."""
        self._used: dict[str, float] = {}
        self._told: dict[str, float] = {}
        """When it was last told that a token will expire soon, by its id."""

    def configure(self, brings: Brings) -> None:
        """Let scopes bring these others from now on; every token is looked up anew."""
        self._brings = brings
        self._forget()

    async def __call__(self, message: Inbound) -> Caller:
        """Return the caller, or raise `Unauthenticated`, with a hint only where a credential came."""
        credential = message.credential
        if credential is None:
            raise Unauthenticated("no credential")
        if self._generation() != self._seen:
            self._seen = self._generation()
            self._forget()
        key, now = digest(credential), self._time()
        known = self._known.get(key)
        if known is not None and known[1] > now:
            self._used[known[0].client] = now
            return known[0]
        kept = self._placed.get(key)
        if kept is None or kept[1] <= now:
            kept = await self._looked_up(credential, key, now)
        found, _, good_at = kept
        if good_at and message.endpoint not in good_at:
            # RFC 8707: as with any token that was made for another resource.
            raise Unauthenticated(f"token_elsewhere: {found.client} is narrowed to other endpoints", hint=_INVALID)
        self._used[found.client] = now
        return found

    def _forget(self) -> None:
        self._known.clear()
        self._placed.clear()

    def again(self, key: str) -> Caller | None:
        """Return the caller of a token by its digest, where it was looked up of late and nothing changed since."""
        if self._generation() != self._seen:
            return None
        known = self._known.get(key)
        if known is None:
            return None
        (found, until), now = known, self._time()
        if until <= now:
            return None
        self._used[found.client] = now
        return found

    async def _looked_up(self, credential: str, key: str, now: float) -> tuple[Caller, float, frozenset[str]]:
        if not well_formed(credential):
            raise Unauthenticated("not a token of ours", hint=_INVALID)
        generation, brings = self._generation(), self._brings
        token = await asyncio.to_thread(self._lookup, key)
        if token is None:
            raise Unauthenticated("unknown token", hint=_INVALID)
        if token.revoked is not None:
            raise Unauthenticated(f"{token.id} was revoked", hint=_INVALID)
        if token.expires <= now:
            raise Unauthenticated(f"{token.id} expired", hint=_INVALID)
        self._tell(token, now)
        kept = caller(token, brings), min(token.expires, now + _FRESH), places(token)
        # A revocation that came while the database was read has moved the generation: then nothing is kept.
        if generation == self._generation() == self._seen and brings is self._brings:
            self._keep(key, kept)
        return kept

    def _keep(self, key: str, kept: tuple[Caller, float, frozenset[str]]) -> None:
        known: dict[str, Any] = self._placed if kept[2] else self._known
        if len(known) >= _KEPT:
            del known[next(iter(known))]
        known[key] = kept if kept[2] else kept[:2]

    def _tell(self, token: Token, now: float) -> None:
        """Warn once a day of a token that is in use and will expire soon."""
        left = token.expires - now
        if left > min(_SOON, (token.expires - token.created) / _SHARE) or self._told.get(token.id, 0.0) > now - _DAY:
            return
        if len(self._told) >= _TOLD:
            del self._told[next(iter(self._told))]
        self._told[token.id] = now
        successor = {"successor": token.successor} if token.successor else {}
        log.warning("a token that is in use expires soon", token_id=token.id, minutes=int(left // 60), **successor)

    def used(self) -> dict[str, float]:
        """Return when tokens were last used, since the last time this was asked."""
        used, self._used = self._used, {}
        return used
