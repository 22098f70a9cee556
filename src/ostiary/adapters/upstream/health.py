"""How well one server is: why its last call failed, and whether its calls go out, rest, or are turned away."""

from __future__ import annotations

import asyncio
import math
from typing import Final

import structlog

from ostiary.adapters.upstream.places import Places
from ostiary.core.errors import Lost, Overloaded, TimedOut, Unreachable, UpstreamFailure
from ostiary.core.model import Caller, Order
from ostiary.policy.breakers import Fuse, State

log: Final = structlog.get_logger(__name__)

LONGEST: Final = 60.0
"""Seconds for which a server is left alone at most, unless the first time is longer already."""
TOGETHER: Final = 0.2
"""Seconds in which connections that are lost or refused count once: a server that starts anew loses all its calls."""
_COUNTED: Final = (Unreachable, Lost, TimedOut)
"""What costs time. A server that answers, whatever it answers, costs none, and is there."""


class Health:
    """What is known of one server from the calls that it was sent."""

    __slots__ = ("_counted", "_fuse", "_name", "_reached", "_together", "failing", "shut", "turned")

    def __init__(self, name: str, failures: int, rest: float, *, reached: bool, together: float = TOGETHER) -> None:
        """Leave it alone for `rest` seconds after so many failures in a row; 0: never.

        `reached` is said of what is dialled: whether a process starts is its supervisor's to judge. Connections that
        fail within `together` seconds fail for one cause, and count once.
        """
        self._together, self._counted = together, -math.inf
        self._name, self._fuse, self._reached = name, Fuse(failures, rest, LONGEST), reached
        self.failing = ""
        """Why the last call failed, if it did."""
        self.turned = 0
        """How many calls did not go out, because it is left alone."""
        self.shut = False
        """Whether calls have to ask before they go out."""

    @property
    def state(self) -> State:
        """Whether its calls go out."""
        return self._fuse.state

    @property
    def told(self) -> str:
        """Return what is wrong, for people who run the gateway; nothing if nothing is."""
        if not self.shut:
            return self.failing
        whom = "" if self._fuse.everybody else "; one caller's calls only"
        return f"{self.failing or self._fuse.reason} (left alone after failures in a row{whom})"

    def admit(self, caller: Caller) -> None:
        """Let a call go out, which has to end in `well`, `failed` or `released`; or raise at once that it may not."""
        wait = self._fuse.wait(_who(caller), asyncio.get_running_loop().time())
        if wait:
            self.turned += 1
            hint = f"it failed several times in a row and is left alone; call again in {math.ceil(wait)} s"
            raise Unreachable(f"its breaker is {self.state}: {self._fuse.reason}", hint=hint, retry_after=wait)

    def well(self) -> None:
        """Note an answer."""
        self.failing = ""
        if self._fuse.well():
            log.info("server answers again", server=self._name)
        self.shut = False

    def ended(self, error: BaseException, caller: Caller) -> None:
        """Note a call that ended without an answer: by a failure of the server's, or by anything else."""
        now = asyncio.get_running_loop().time()
        if isinstance(error, UpstreamFailure):
            self.failing = error.public
        if not isinstance(error, _COUNTED) or (isinstance(error, Unreachable) and not self._reached):
            self._fuse.released(now)
            return
        if not self.shut and not isinstance(error, TimedOut):
            if now < self._counted + self._together:
                return
            self._counted = now
        if self._fuse.failed(_who(caller), now, error.public, unreachable=isinstance(error, Unreachable)):
            log.warning("server is left alone", server=self._name, reason=error.detail or error.public)
        self.shut = self._fuse.shut


def _who(caller: Caller) -> str:
    return f"{caller.issuer} {caller.subject}"


async def placed(health: Health, places: Places, order: Order, name: str) -> None:
    """Take a place for a call, waiting for one if need be; raise where it may not go out, or none is left in time."""
    asked = health.shut
    if asked:
        health.admit(order.caller)
    if places.entered():
        return
    try:
        found = await places.waited(order.deadline, _who(order.caller))
    except BaseException as error:
        if asked:
            health.ended(error, order.caller)
        raise
    if not found:
        places.shed += 1
        full = Overloaded(f"{places.taken} calls are in flight at {name}, {places.waiting} wait", retry_after=1.0)
        if asked:
            health.ended(full, order.caller)
        raise full
    if health.shut and not asked:
        # It was shut while this one waited: those who wait must not find out one after the other.
        _admitted(health, places, order.caller)


def _admitted(health: Health, places: Places, caller: Caller) -> None:
    try:
        health.admit(caller)
    except Unreachable:
        places.leave()
        raise
