"""Identity assertions (ID-JAG): a company's provider says whom a client acts for, at an authorization server of ours.

What is proven here is who says so, that it is said to us, and that it is said now. Which client may bring it, for what,
and that it comes once, is for the authorization server to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from ostiary.adapters.identity import jwt
from ostiary.adapters.identity.jwks import Keys
from ostiary.adapters.identity.jwt import Expected, refused
from ostiary.adapters.identity.turns import Turns
from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Caller, Json
from ostiary.policy.claims import Reading, caller

LONGEST: Final = 3600.0
"""Seconds that an assertion may live: so long its id must be remembered."""


class Trusted(Struct, frozen=True):
    """An issuer whose assertions are taken, as configured."""

    name: str
    """Its entry under `identity:`."""
    reading: Reading
    """How its claims are read: whom it speaks of, and what they are."""
    algorithms: frozenset[str] = jwt.USUAL
    skew: float = 30.0


class Asserted(Struct, frozen=True):
    """An assertion that is true."""

    header: Json
    """Its `typ`: nothing else in it has a meaning any more."""
    claims: Json
    caller: Caller
    """Whom it speaks of, by the mapping of its issuer."""


class Assertions:
    """Verifies identity assertions for one authorization server."""

    def __init__(
        self,
        audience: str,
        trusted: Callable[[], Mapping[str, Trusted]],
        keys: Callable[[str], Keys],
        time: Callable[[], float],
    ) -> None:
        """`audience` is the server's own name as an issuer; `trusted` and `keys` are asked by an issuer's name."""
        self._audience, self._trusted, self._keys, self._time = audience, trusted, keys, time
        self._turns = Turns()

    async def __call__(self, text: str) -> Asserted:
        """Return what an assertion says; raise `Unauthenticated` if it is none, `Overloaded` while nobody can know."""
        await self._turns.mine()
        token = jwt.read(text, jwt.ASSERTION)
        said = token.claims.get("iss")
        trusted = self._trusted().get(said) if isinstance(said, str) else None
        if trusted is None or said == self._audience:
            # Were we believed ourselves, a token of ours could be exchanged for one that says more.
            raise refused("jwt_wrong_issuer", "of no issuer whose assertions are taken")
        expires = self._judged(token, str(said), trusted)
        await self._proven(token, self._keys(str(said)))
        try:
            found = caller(token.claims, trusted.reading, f"id-jag:{trusted.name}", expires)
        except Unauthenticated as error:
            raise refused("jwt_nobody", error.detail) from error
        return Asserted({"typ": token.type}, token.claims, found)

    def _judged(self, token: jwt.Unverified, issuer: str, trusted: Trusted) -> float:
        """Return when it ends; refuse what is not for us alone, not now, or for too long."""
        expected = Expected(issuer, frozenset({self._audience}), "", trusted.algorithms, trusted.skew, max_age=LONGEST)
        jwt.permitted(token, expected)
        if jwt.audiences(token.claims) != expected.audiences:
            raise refused("jwt_wrong_audience", "for somebody else, or for others too")
        return jwt.judge(token.claims, expected, self._time())

    async def _proven(self, token: jwt.Unverified, keys: Keys) -> None:
        found = keys.ready(token.kid)
        if found is None:
            found = await keys.find(token.kid)
            # Everybody who waited goes on in one and the same turn of the loop.
            await self._turns.mine()
        jwt.keyed(token, found)
        jwt.proven(token, found)
