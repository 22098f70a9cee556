"""When a server, or a guard's provider, is left alone, and when it is asked again. Pure: time comes in as an argument.

Closed: it is asked. Open: it is not, for a while that doubles each time. Half open: one request goes out to see, and
what becomes of it decides. So what is down costs calls no time, and what is back is found by itself.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

from msgspec import Struct

_RATIO_OF: Final = 20
"""Requests of which so many as `ratio` says may fail, beside those that fail in a row."""


class State(StrEnum):
    """Whether it is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Pace(Struct, frozen=True):
    """How patient we are."""

    row: int = 5
    """Failures in a row after which it is left alone."""
    ratio: float = 0.5
    """Of its last requests, the part that may fail; more than 1: any."""
    rest: float = 1.0
    """Seconds for which it is left alone the first time."""
    longest: float = 30.0
    """Seconds for which it is left alone at most, unless it asks for more itself."""
    asked_for: float = 300.0
    """Seconds for which it may ask to be left alone (Retry-After)."""


class Breaker:
    """What is known of how well it is."""

    def __init__(self, pace: Pace | None = None) -> None:
        """Begin closed."""
        self._pace = pace or Pace()
        self.state = State.CLOSED
        self.until = 0.0
        """When the next request may go out, while it is open."""
        self.reason = ""
        """Why the last request failed."""
        self._last: deque[bool] = deque(maxlen=_RATIO_OF)
        self._row = 0
        self._rest = self._pace.rest

    def take(self, now: float) -> bool:
        """Say whether a request may go out now; each that may has to be followed by `well`, `failed` or `released`."""
        if self.state is State.CLOSED:
            return True
        if now < self.until:
            return False
        # One goes out to see; should nobody ever say what became of it, another one may after a long rest.
        self.state, self.until = State.HALF_OPEN, now + self._pace.longest
        return True

    def well(self) -> bool:
        """Note an answer that could be read; say whether that closed it."""
        was, self.state = self.state, State.CLOSED
        if was is not State.CLOSED:
            self._last.clear()
        self._last.append(True)
        self._row, self._rest, self.reason = 0, self._pace.rest, ""
        return was is not State.CLOSED

    def failed(self, now: float, reason: str, retry_after: float = 0.0) -> bool:
        """Note a failure; say whether that opened it."""
        self.reason = reason
        self._row += 1
        self._last.append(False)
        if self.state is State.OPEN:
            # A request that was under way when it opened: nothing new, unless it says for how long.
            self.until = max(self.until, now + min(retry_after, self._pace.asked_for))
            return False
        if self.state is State.CLOSED and not retry_after and not self._too_many():
            return False
        opened = self.state is State.CLOSED
        self.state = State.OPEN
        self.until = now + max(self._rest, min(retry_after, self._pace.asked_for))
        self._rest = min(self._rest * 2, self._pace.longest)
        return opened

    def released(self, now: float) -> None:
        """Take back a request that told nothing: it was cancelled, or refused for what was in it."""
        if self.state is State.HALF_OPEN:
            self.state, self.until = State.OPEN, now

    def _too_many(self) -> bool:
        last = self._last
        return self._row >= self._pace.row or (
            len(last) == _RATIO_OF and last.count(False) >= self._pace.ratio * _RATIO_OF
        )


class Fuse:
    """The breaker of a server that many callers share, so that none of them can shut it for the others.

    A caller may know arguments with which a call hangs. What fails for one caller alone therefore shuts the server for
    that caller alone; what nobody can have caused, a connection that is refused, shuts it for all.
    """

    def __init__(self, row: int, rest: float, longest: float) -> None:
        """Shut after so many failures in a row, for `rest` seconds first and `longest` at most; 0 failures: never."""
        self._breaker = Breaker(Pace(row=row, ratio=2.0, rest=rest, longest=max(rest, longest)))
        self._never = row == 0
        self._only: str | None = None
        """The one caller for whom calls failed; an empty text stands for everybody."""
        self.shut = False
        """Whether somebody's calls are not to go out unasked."""

    @property
    def state(self) -> State:
        """Whether it is asked."""
        return self._breaker.state

    @property
    def reason(self) -> str:
        """Why the last call failed."""
        return self._breaker.reason

    @property
    def everybody(self) -> bool:
        """Whether it is shut for everybody, and not for one caller only."""
        return self.shut and not self._only

    def wait(self, who: str, now: float) -> float:
        """Return the seconds for which this caller's calls may not go out; 0: this one may."""
        if not self.shut or (self._only and self._only != who) or self._breaker.take(now):
            return 0.0
        return max(0.1, self._breaker.until - now)

    def well(self) -> bool:
        """Note an answer; say whether that opened the way again."""
        self._only, self.shut = None, False
        return self._breaker.well()

    def failed(self, who: str, now: float, reason: str, *, unreachable: bool) -> bool:
        """Note a failure; say whether that shut it."""
        if self._never:
            return False
        self._only = "" if unreachable or self._only not in {None, who} else who
        opened = self._breaker.failed(now, reason)
        self.shut = self._breaker.state is not State.CLOSED
        return opened

    def released(self, now: float) -> None:
        """Take back a call that told nothing: it was cancelled, or refused before it left."""
        self._breaker.released(now)
