"""What arrives for one request, kept until somebody reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ostiary.core.errors import Fault, GatewayError, TimedOut

Message = dict[str, Any]

# A reader this far behind has no use for the oldest ones, and a flood must not fill the memory.
PROGRESS_KEPT: Final = 32


class Arriving:
    """What belongs to one request: its progress, then its answer."""

    __slots__ = ("_answer", "_deadline", "_failure", "_forget", "_progress", "_waiter", "number")

    def __init__(self, number: int, deadline: float, forget: Callable[[int], None]) -> None:
        self.number, self._deadline, self._forget = number, deadline, forget
        self._progress: deque[Message] = deque(maxlen=PROGRESS_KEPT)
        self._answer: Message | None = None
        self._failure: GatewayError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def next(self) -> Message:
        """Return the next progress notification, or the answer, which is the last; raise once the deadline passed."""
        while True:
            if self._progress:
                return self._progress.popleft()
            if self._answer is not None:
                answer, self._answer = self._answer, None
                self._failure = Fault("nothing follows an answer")
                return answer
            if self._failure is not None:
                raise self._failure
            await self._more()

    async def _more(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout_at(self._deadline):
                await self._waiter
        except TimeoutError as error:
            self.close()
            raise TimedOut(f"no answer to request {self.number} before its deadline") from error
        finally:
            self._waiter = None

    def close(self) -> None:
        """Forget the request; what still arrives for it is dropped."""
        self._forget(self.number)
        self.fail(Fault("read after close"))

    def progress(self, message: Message) -> None:
        """Keep a notification; when nobody reads them, the oldest gives way."""
        self._progress.append(message)
        self._wake()

    def answer(self, message: Message) -> None:
        """Keep the last word."""
        self._answer = message
        self._wake()

    def fail(self, failure: GatewayError) -> None:
        """End without an answer, unless there is one."""
        self._failure = self._failure or failure
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
