"""Handshake-era sessions: sealed tokens, and the soft state of those that are busy here.

What a session *is* (whose, which version, which capabilities) lies in its token and can be read by any process with
our keys. What lies here is only what concerns calls in flight in this process: lost with it, and rebuilt by use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from msgspec import Struct, field

from ostiary.core.errors import Overloaded, SessionUnknown
from ostiary.core.model import Caller, Client, Json
from ostiary.core.ports import Ended, Seal
from ostiary.pipeline.channels import Channels
from ostiary.pipeline.journal import Journals
from ostiary.pipeline.subscriptions import Subscriptions
from ostiary.protocol import handshake

PURPOSE: Final = "session"
_OPENED: Final = 4096
"""Opened tokens remembered; beyond, the oldest are forgotten and cost an unsealing again."""
_BUSY: Final = 20_000
"""Sessions with something in flight."""


class Live(Struct):
    """What is going on in one session, in this process."""

    calls: dict[str | int, asyncio.Task[Any]] = field(default_factory=dict)
    questions: dict[str | int, asyncio.Future[Json]] = field(default_factory=dict)
    """Requests that servers put to the client, by the id that the gateway minted."""
    stream: asyncio.Task[Any] | None = None
    """The GET stream: one a session."""


class Sessions:
    """Begin, recall and end sessions."""

    def __init__(
        self, seal: Seal, ended: Ended, time: Callable[[], float], ident: Callable[[], str], lifetime: float
    ) -> None:
        self._seal, self._ended, self._time, self._ident, self._lifetime = seal, ended, time, ident, lifetime
        self._opened: dict[str, handshake.Session] = {}
        self._live: dict[str, Live] = {}
        self.journals = Journals(ident)
        self.subscriptions = Subscriptions(lifetime=lifetime)
        self.channels = Channels(seal, ident)

    def begin(self, caller: Caller, endpoint: str, client: Client) -> str:
        """Return the sealed token of a new session."""
        session = handshake.Session(
            self._ident(),
            caller.subject,
            caller.issuer,
            endpoint,
            client.version,
            self._time(),
            dict(client.capabilities),
            dict(client.info),
        )
        return self._seal.close(PURPOSE, handshake.pack(session))

    def recall(self, token: str, caller: Caller, endpoint: str) -> Client:
        """Return the client of a session that is this caller's and not over, or raise `SessionUnknown`."""
        session = self._opened.get(token)
        if session is None:
            try:
                session = handshake.unpack(self._seal.open(PURPOSE, token))
            except ValueError as error:
                raise SessionUnknown(str(error)) from None
            _remember(self._opened, token, session)
        if session.id in self._ended:
            raise SessionUnknown("the session was ended")
        return handshake.held(session, caller, endpoint, self._time(), self._lifetime)

    def end(self, session: str) -> None:
        """End a session: its token opens nothing any more, and what it has in flight is cancelled."""
        self._ended.add(session, self._time() + self._lifetime)
        self.journals.forget(session)
        self.subscriptions.forget(session)
        live = self._live.pop(session, None)
        if live is None:
            return
        for task in [*live.calls.values(), *([live.stream] if live.stream else [])]:
            task.cancel()

    def live(self, session: str) -> Live:
        """Return the soft state of a session."""
        found = self._live.get(session)
        if found is None:
            _trim(self._live)
            found = self._live[session] = Live()
        return found

    @contextmanager
    def carrying(self, session: str, ident: str | int) -> Iterator[None]:
        """Keep the running task where `notifications/cancelled` finds it."""
        live, task = self.live(session), asyncio.current_task()
        if task is not None:
            live.calls[ident] = task
        try:
            yield
        finally:
            live.calls.pop(ident, None)
            self.rested(session, live)

    def cancel(self, session: str, ident: str | int) -> None:
        """Cancel a call of this session, if it is in flight."""
        live = self._live.get(session)
        task = live.calls.get(ident) if live else None
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    @contextmanager
    def asking(self, session: str, ident: str) -> Iterator[asyncio.Future[Json]]:
        """Give the future that the client's posted answer to request `ident` will resolve."""
        live = self.live(session)
        if len(live.questions) >= 64:  # noqa: PLR2004 - a server in a loop must not pile up questions
            raise Overloaded("too many open questions in one session")
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        live.questions[ident] = future
        try:
            yield future
        finally:
            live.questions.pop(ident, None)
            self.rested(session, live)

    def rested(self, session: str, live: Live) -> None:
        """Forget the state of a session in which nothing goes on: most sessions rest most of the time."""
        if not (live.calls or live.questions or live.stream) and self._live.get(session) is live:
            del self._live[session]

    def answer(self, session: str, ident: str | int, answer: Json) -> bool:
        """Hand a posted answer to whoever waits for it; False where nobody does."""
        live = self._live.get(session)
        future = live.questions.get(ident) if live else None
        if future is None or future.done():
            return False
        future.set_result(answer)
        return True


def _remember(kept: dict[str, Any], key: str, value: Any) -> None:
    if len(kept) >= _OPENED:
        del kept[next(iter(kept))]
    kept[key] = value


def _trim(live: dict[str, Live]) -> None:
    if len(live) < _BUSY:
        return
    for session, state in list(live.items()):
        if not (state.calls or state.questions or state.stream):
            del live[session]
            return
    raise Overloaded("too many busy sessions")
