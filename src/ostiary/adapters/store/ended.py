"""Ended handshake-era sessions: asked in memory at every call, written down at the next tick."""

from __future__ import annotations

import sqlalchemy as sa

from ostiary.adapters.store import database


class EndedSessions:
    """The sessions that were ended before their tokens expire."""

    def __init__(self, engine: sa.Engine, now: float) -> None:
        self._engine = engine
        self._ended = database.ended_sessions(engine, now)
        self._unwritten: dict[str, float] = {}

    def add(self, session: str, until: float) -> None:
        """End a session from the next call on."""
        self._ended[session] = until
        self._unwritten[session] = until

    def __contains__(self, session: object) -> bool:
        """Say whether a session was ended."""
        return session in self._ended

    def flush(self) -> bool:
        """Write down what was ended since the last flush; blocks, so it runs in a thread. True: something was."""
        unwritten = dict(self._unwritten)
        if unwritten:
            # Forgotten only when written: a session that was ended on a full disk stays ended after a restart.
            database.end_sessions(self._engine, unwritten)
        for session in unwritten:
            del self._unwritten[session]
        return bool(unwritten)

    def reload(self, now: float) -> None:
        """Read what other processes ended, and forget what expired by itself."""
        self._ended |= database.ended_sessions(self._engine, now)
        for session in [session for session, until in self._ended.items() if until < now]:
            del self._ended[session]
