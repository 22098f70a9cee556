"""Our own issuer: the keys that we sign with, given to the verifier as any issuer's are, without a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ostiary.adapters.identity.outbound import Fetched
from ostiary.core.errors import Unreachable

_NOTHING: Final[Mapping[str, str]] = {}


class OwnKeys:
    """Answers the one request that a verifier makes of an issuer whose key set's address is known (port `Fetch`)."""

    def __init__(self, place: str, keys: Callable[[], Mapping[str, Any]]) -> None:
        """`keys` is the key set (RFC 7517) as it is at the time of asking; `place` is its address."""
        self.place, self._keys = place, keys

    async def __call__(
        self,
        method: str,
        url: str,
        /,
        *,
        deadline: float,  # noqa: ARG002 - the port's shape
        headers: Mapping[str, str] = _NOTHING,  # noqa: ARG002 - the port's shape
        form: Mapping[str, str] | None = None,  # noqa: ARG002 - the port's shape
        basic: tuple[str, str] | None = None,  # noqa: ARG002 - the port's shape
    ) -> Fetched:
        """Return the key set; nothing else is known here."""
        if (method, url) != ("GET", self.place):
            raise Unreachable(f"our own issuer was asked for {method} {url}, which is not its key set")
        return Fetched(200, {"content-type": "application/json"}, msgspec.json.encode(self._keys()))
