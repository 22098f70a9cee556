"""Calls at handshake-era servers that wait for a modern client to come back with an answer.

Such a server asks by a request of its own, in the middle of the call. A modern client is asked by the call's result,
and answers with a retry. Between the two the call stays where it is, at the server; the retry goes on with it, and
never makes it a second time. This is the one thing the gateway has to remember between two requests.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.core.errors import Overloaded, TimedOut
from ostiary.core.model import Caller, Client, Json, Target
from ostiary.core.ports import Back
from ostiary.protocol import questions, states

_TOTAL: Final = 1024
_PER_PRINCIPAL: Final = 32
_QUESTIONS: Final = 16
"""Open questions of one call; a server in a loop must not pile them up."""
_TOGETHER: Final = 0.02
"""Seconds to wait for more after a first question: what a server asks at once is put to the user at once."""
_GRACE: Final = 2.0
"""Seconds for a server to end a call whose client never came back, before it is cancelled."""


class Held(Struct, frozen=True):
    """Stands for the `requestState` of a suspended call until it is sealed."""

    ident: str


class Question(Struct, frozen=True):
    """What a server wants to know."""

    method: str
    params: Json
    answer: asyncio.Future[Json]


class Suspended:
    """One call that runs at a server on its own, and the way back to a client who is not always there (`Back`)."""

    def __init__(self, caller: Caller, client: Client, target: Target) -> None:
        self.owner, self.caller, self.target = (caller.issuer, caller.subject), caller, target
        self._client, self._questions, self._count = client, dict[str, Question](), 0
        self._news: asyncio.Future[None] | None = None
        self._back: Back | None = None
        self._task: asyncio.Task[Json] | None = None

    def begin(self, call: Coroutine[Any, Any, Json]) -> None:
        """Make the call."""
        self._task = asyncio.get_running_loop().create_task(call)
        self._task.add_done_callback(self._ended)

    async def notify(self, method: str, params: Json) -> None:
        """Pass a notification on, if the client is there; the end of an elicitation means nothing in its era."""
        if self._back is not None and method != "notifications/elicitation/complete":
            await self._back.notify(method, params)

    async def ask(self, method: str, params: Json) -> Json:
        """Keep a server's question until the client has come back with the answer."""
        reason = questions.objection(self._client, method, params)
        if reason or len(self._questions) >= _QUESTIONS:
            return questions.refusal(reason or "there are too many open questions in this call")
        self._count += 1
        key = f"question{self._count}"
        question = Question(method, params, asyncio.get_running_loop().create_future())
        self._questions[key] = question
        self._stir()
        try:
            return await question.answer
        finally:
            del self._questions[key]

    async def attended(self, back: Back, limit: float) -> Json | None:
        """Wait for the call's end and return it, or None once the server has a question; the client is there.

        A client who goes away while it is waited for cancels the call (2026-07-28, "Cancellation").
        """
        if self._task is None:
            raise AssertionError
        self._back = back
        try:
            async with asyncio.timeout_at(limit):
                while not self._task.done() and not self.open:
                    self._news = asyncio.get_running_loop().create_future()
                    await self._news
                if not self._task.done():
                    await asyncio.wait({self._task}, timeout=_TOGETHER)
        except TimeoutError:
            self.cancel()
            raise TimedOut from None
        except asyncio.CancelledError:
            self.cancel()
            raise
        finally:
            self._back = None
        return self._task.result() if self._task.done() else None

    @property
    def open(self) -> dict[str, Question]:
        """The questions that have no answer yet."""
        return {key: each for key, each in self._questions.items() if not each.answer.done()}

    def answer(self, responses: Mapping[str, Json]) -> None:
        """Hand the client's answers to the server; what has no answer is asked again, what nobody asked is dropped."""
        for key, question in self.open.items():
            if key in responses:
                question.answer.set_result({"result": responses[key]})

    def abandon(self) -> None:
        """Tell the server that nobody will answer, and end the call."""
        self._settle()
        asyncio.get_running_loop().call_later(_GRACE, self.cancel)

    def cancel(self) -> None:
        """End the call now."""
        if self._task is not None:
            self._task.cancel()

    def _ended(self, task: asyncio.Task[Json]) -> None:
        if not task.cancelled():
            # Looked at, for nobody may come back to see it.
            task.exception()
        # A server may end a call without waiting for what it asked; nobody will ever answer that.
        self._settle()
        self._stir()

    def _settle(self) -> None:
        for question in self.open.values():
            question.answer.set_result(questions.unanswered(question.method))

    def _stir(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class Suspensions:
    """Every suspended call of this process; bounded for each principal and in total."""

    def __init__(self, ident: Callable[[], str]) -> None:
        self._ident = ident
        self._kept: dict[str, tuple[Suspended, asyncio.TimerHandle]] = {}
        self._of: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        """Count the calls that wait."""
        return len(self._kept)

    def keep(self, call: Suspended, patience: float) -> Held:
        """Keep a call until its client comes back, for `patience` seconds; beyond the bounds end it: `Overloaded`."""
        if len(self._kept) >= _TOTAL or self._of[call.owner] >= _PER_PRINCIPAL:
            call.abandon()
            raise Overloaded("too many suspended calls", hint="too many calls wait for an answer; answer those first")
        ident = self._ident()
        timer = asyncio.get_running_loop().call_later(patience, self._expire, ident)
        self._kept[ident] = (call, timer)
        self._of[call.owner] += 1
        return Held(ident)

    def take(self, ident: str, caller: Caller) -> Suspended:
        """Return a call to its client, once; raise `BadParams` where there is none of this name."""
        found = self._kept.get(ident)
        if found is None or found[0].owner != (caller.issuer, caller.subject):
            raise states.unknown()
        self._drop(ident)
        return found[0]

    def close(self) -> None:
        """End every call that waits."""
        self.end(lambda *_: True)

    def end(self, unwanted: Callable[[Caller, Target], bool]) -> None:
        """End the calls that wait and must not go on, by whose they are and what they are of."""
        for ident, (call, _) in list(self._kept.items()):
            if unwanted(call.caller, call.target):
                self._drop(ident).cancel()

    def _expire(self, ident: str) -> None:
        self._drop(ident).abandon()

    def _drop(self, ident: str) -> Suspended:
        call, timer = self._kept.pop(ident)
        timer.cancel()
        self._of[call.owner] -= 1
        if not self._of[call.owner]:
            del self._of[call.owner]
        return call
