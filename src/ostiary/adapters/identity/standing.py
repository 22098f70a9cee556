"""Is a caller who was let in a while ago still to be let in? For streams, which outlive the question at the door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ostiary.core.errors import GatewayError
from ostiary.core.model import Caller, Token

_KEPT: Final = 10_000


class Standing:
    """Looks a caller's token up again, but only when something about tokens has changed (port `Standing`)."""

    def __init__(
        self, lookup: Callable[[str], Token | None], generation: Callable[[], int], time: Callable[[], float]
    ) -> None:
        """`lookup` returns the token with an id, whether or not it may still be used. It blocks."""
        self._lookup, self._generation, self._time = lookup, generation, time
        self._good: dict[str, tuple[int, float]] = {}
        """In which generation a token was known to be good, and until when, by its id."""

    async def __call__(self, caller: Caller) -> bool:
        """Say whether the caller's token is neither expired nor revoked; not where that cannot be known."""
        now, generation = self._time(), self._generation()
        if caller.expires <= now:
            return False
        known = self._good.get(caller.client)
        # A token that was rotated since ends earlier than it did when its caller was let in.
        if known is not None and known[0] == generation and known[1] > now:
            return True
        try:
            token = await asyncio.to_thread(self._lookup, caller.client)
        except GatewayError:
            return False
        if token is None or token.revoked is not None or token.subject != caller.subject or token.expires <= now:
            self._good.pop(caller.client, None)
            return False
        if len(self._good) >= _KEPT:
            del self._good[next(iter(self._good))]
        self._good[caller.client] = (generation, token.expires)
        return True
