"""Work that takes processor time, a little per turn of the event loop, so that a storm of it delays nobody else."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from ostiary.core.errors import Overloaded

_MOST: Final = 1024


class Turns:
    """Lets one piece of work go ahead per turn of the loop: first come, first served.

    Signatures are verified while the interpreter is held, so threads would not take them away from anybody; between
    two of them everything else that is ready has its turn.
    """

    def __init__(self, most: int = _MOST) -> None:
        """Let at most `most` wait."""
        self._most, self._busy = most, False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def mine(self) -> None:
        """Return when it is this one's turn; raise `Overloaded` where too many wait."""
        loop = asyncio.get_running_loop()
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next)
            return
        if len(self._waiting) >= self._most:
            raise Overloaded("verification_storm: too many tokens wait to be verified", retry_after=1.0)
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._busy = False
