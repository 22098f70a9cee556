"""What arrives for one request, kept until somebody reads it."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ostiary.core.errors import Fault, GatewayError, TimedOut

Message = dict[str, Any]


class _Envelope(msgspec.Struct, frozen=True):
    """As much of a message as tells whose it is: the rest is skipped, and takes no memory."""

    id: Any = None
    method: Any = None


_EDGE: Final = 256
_ID: Final = re.compile(rb'"id"\s{0,4}:\s{0,4}([0-9]{1,15})[\s,}]')
_envelope: Final = msgspec.json.Decoder(_Envelope)

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


def claimed(data: bytes, waiting: Mapping[int, Arriving]) -> Arriving | None:
    """Return who waits for an answer that is too much to be read."""
    try:
        found = _envelope.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Not even skipped can it be. Servers write the id before the result or after it, and few bytes from the edge.
        named = _ID.search(data[:_EDGE]) or _ID.search(data[-_EDGE:])
        return waiting.get(int(named[1])) if named else None
    # `True == 1` would let `true` name the first request.
    return waiting.get(found.id) if found.method is None and type(found.id) is int else None
