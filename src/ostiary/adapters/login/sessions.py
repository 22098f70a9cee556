"""People's sessions: a random id in a cookie, everything else in the database, under the digest of that id."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from ostiary.adapters.login.ports import Logins
from ostiary.core.model import Caller, Json

_SHAPE: Final = 43
"""Characters of 256 bits in base64url."""
_PROTOCOL: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "jti", "aud", "azp", "exp", "iat", "nbf"})
"""Claims about a token, not about a person."""


class Person(Struct, frozen=True):
    """Who is signed in."""

    subject: str
    issuer: str
    roles: frozenset[str]
    teams: frozenset[str]
    claims: Json
    session: str
    """The digest of the session's id: names the session, and opens none."""
    provider: str = ""
    """The entry under `identity:` by which they came; empty: the bootstrap link."""
    ends: float = 0.0
    """When the session is over, whatever happens."""


class Times(Struct, frozen=True):
    """How long a session lasts."""

    idle: float = 30 * 60.0
    absolute: float = 12 * 3600.0

    @property
    def grain(self) -> float:
        """How exactly its last use is known: what is read at every click is not written at every click."""
        return min(60.0, self.idle / 10)


def digest(secret: str) -> str:
    """Return what is kept of a secret of 256 random bits; a slow hash would protect nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def fresh() -> str:
    """Return a secret of 256 random bits."""
    return secrets.token_urlsafe(32)


_USUAL: Final = Times()


class Sessions:
    """Opens, finds and ends sessions. Each is looked up at each use, so an end is at once an end on every worker."""

    def __init__(
        self,
        logins: Logins,
        time: Callable[[], float],
        times: Times = _USUAL,
        fresh: Callable[[], str] = fresh,
    ) -> None:
        self._logins, self._time, self._times, self._fresh = logins, time, times, fresh

    async def open(self, caller: Caller, provider: str, sid: str = "", hint: str = "") -> str:
        """Open a session and return its id, which is new: one from before the login is worth nothing after it.

        `hint` is what the provider wants to see at logout, sealed.
        """
        ident, now = self._fresh(), self._time()
        row: dict[str, Any] = {
            "digest": digest(ident), "issuer": caller.issuer, "subject": caller.subject, "provider": provider,
            "sid": sid, "hint": hint, "roles": sorted(caller.roles), "teams": sorted(caller.teams),
            "claims": {name: value for name, value in caller.claims.items() if name not in _PROTOCOL},
            "created": now, "seen": now, "ends": now + self._times.absolute,
        }  # fmt: skip
        await asyncio.to_thread(self._logins.add, row)
        return ident

    async def find(self, ident: str) -> Person | None:
        """Return whose session this is; None where it never was one, was ended, or is over."""
        if len(ident) != _SHAPE:
            return None
        key, now = digest(ident), self._time()
        row = await asyncio.to_thread(self._logins.find, key)
        if row is None:
            return None
        # A clock that was set back makes no session younger.
        if now >= row["ends"] or now - row["seen"] >= self._times.idle or now < row["created"] - self._times.grain:
            await asyncio.to_thread(self._logins.end, key)
            return None
        if now - row["seen"] >= self._times.grain:
            await asyncio.to_thread(self._logins.touch, key, now)
        who = (row["subject"], row["issuer"], frozenset(row["roles"]), frozenset(row["teams"]), row["claims"])
        return Person(*who, session=key, provider=row["provider"], ends=row["ends"])

    async def hint(self, person: Person) -> str:
        """Return what the provider wants to see at this person's logout, sealed."""
        row = await asyncio.to_thread(self._logins.find, person.session)
        return "" if row is None else str(row["hint"])

    async def end(self, person: Person) -> None:
        """End one session."""
        await asyncio.to_thread(self._logins.end, person.session)

    async def end_all(self, issuer: str, sid: str, subject: str) -> int:
        """End the sessions that a provider says are over; return how many there were."""
        if not sid and not subject:
            return 0
        return await asyncio.to_thread(self._logins.end_all, issuer, sid, subject)

    async def once(self, purpose: str, what: str, until: float) -> bool:
        """Say whether this is the first time that a thing is used, on any worker."""
        return await asyncio.to_thread(self._logins.spend, digest(f"{purpose}\0{what}"), until, self._time())

    async def offer(self, token: str, until: float) -> None:
        """Make this the only bootstrap link."""
        await asyncio.to_thread(self._logins.offer, digest(token), until)

    async def take(self, token: str) -> bool:
        """Use a bootstrap link up; False where it is unknown, used or too old: the three look the same."""
        return len(token) == _SHAPE and await asyncio.to_thread(self._logins.take, digest(token), self._time())
