"""Tokens of an issuer that speak to us as its client: ID tokens, and logout tokens (OpenID Connect)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ostiary.adapters.identity import jwt
from ostiary.adapters.identity.discovery import discovered
from ostiary.adapters.identity.jwks import Keys
from ostiary.adapters.identity.outbound import Fetch
from ostiary.core.errors import GatewayError
from ostiary.core.model import Json

_FRESH: Final = 600.0
"""Seconds that an issuer's metadata is used without asking again."""


class Tokens(Struct, frozen=True):
    """What verifies the tokens that one issuer makes for one client of its."""

    issuer: str
    client: str
    keys: Callable[[], Keys]
    """The issuer's, as they are kept for its access tokens, too."""
    algorithms: frozenset[str]
    """The signatures that are taken."""
    time: Callable[[], float]

    async def identity(self, text: str) -> Json:
        """Return the claims of an ID token; raise `Unauthenticated` where they are not proven, or not for us."""
        token, expected = jwt.read(text, jwt.ID_TOKEN), self._expected()
        jwt.judge(token.claims, expected, self.time())
        return await self._proven(token, expected)

    async def logout(self, text: str) -> Json:
        """Return the claims of a logout token whose signature is good; nothing that they say is judged."""
        return await self._proven(jwt.read(text, jwt.LOGOUT), self._expected())

    def _expected(self) -> jwt.Expected:
        return jwt.Expected(self.issuer, frozenset({self.client}), algorithms=self.algorithms, id_tokens=True)

    async def _proven(self, token: jwt.Unverified, expected: jwt.Expected) -> Json:
        jwt.permitted(token, expected)
        keys = self.keys()
        found = keys.ready(token.kid) or await keys.find(token.kid)
        jwt.keyed(token, found)
        jwt.proven(token, found)
        return token.claims


class Described:
    """An issuer's metadata, kept a while; the last good one serves while the issuer cannot be asked."""

    def __init__(self, issuer: str, fetch: Fetch, clock: Callable[[], float]) -> None:
        """`clock` never steps back."""
        self._issuer, self._fetch, self._clock = issuer, fetch, clock
        self._held: Json | None = None
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def __call__(self) -> Json:
        """Return the document; raise `UpstreamFailure` or `Busy` where none is known."""
        async with self._asking:
            if self._held is not None and self._clock() < self._until:
                return self._held
            try:
                found = await discovered(self._issuer, self._fetch)
            except GatewayError:
                if self._held is None:
                    raise
            else:
                self._held, self._until = found.document, self._clock() + _FRESH
            return self._held
