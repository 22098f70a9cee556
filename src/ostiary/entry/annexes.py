"""What stands beside the way of a call: it hears how calls ended, has chores of its own, and can be left out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from itertools import chain
from typing import Any, Final

import structlog
from msgspec import Struct

from ostiary.core.ports import Capturing
from ostiary.core.trail import Trail
from ostiary.entry.chores import Chore
from ostiary.pipeline.world import nowhere

log: Final = structlog.get_logger(__name__)

Hears = Callable[[Trail], None]


async def nothing() -> None:
    """Close what was never opened."""


Numbers = float | Mapping[str, float] | Mapping[tuple[str, str], float]
"""A number, or numbers by the value of the one label, or by those of both."""


class Number(Struct, frozen=True):
    """What metrics tell of it, looked at whenever somebody asks."""

    name: str
    """With `_total` at its end it only grows."""
    told: str
    look: Callable[[], Numbers]
    labels: tuple[str, ...] = ()
    """Their values are bounded by the configuration."""


class Annex(Struct, frozen=True):
    """One thing beside the way of a call, and what the gateway has to do for it."""

    name: str
    hears: Hears | None = None
    """Is told of each call when it has ended, on the event loop: it only remembers, and does its work in a chore."""
    chores: tuple[Chore, ...] = ()
    """What is due every second."""
    running: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    """What runs as long as the gateway does, and is cancelled with it."""
    notes: Callable[[], Iterable[str]] = tuple
    """What readiness says of it."""
    numbers: tuple[Number, ...] = ()
    """What metrics tell of it."""
    close: Callable[[], Awaitable[None]] = nothing
    """Ends it, when no call is left and before the ledger is closed."""


class Annexes:
    """All that stands beside the way of a call in one gateway, in the order in which it is closed."""

    def __init__(self, *annexes: Annex, capture: Capturing = nowhere) -> None:
        """Take what stands there, and what keeps payloads, which calls wait for."""
        self._annexes, self.capture = annexes, capture

    def hearing(self, meter: Hears) -> Hears:
        """Return what is told of calls that have ended: the meter itself where nothing else listens."""
        others = tuple(each.hears for each in self._annexes if each.hears is not None)
        if not others:
            return meter

        def hear(trail: Trail) -> None:
            meter(trail)
            for other in others:
                other(trail)

        return hear

    def chores(self) -> list[Chore]:
        """Return what is due every second."""
        return list(chain.from_iterable(each.chores for each in self._annexes))

    def running(self) -> list[Coroutine[Any, Any, None]]:
        """Begin what runs as long as the gateway does."""
        return [run() for each in self._annexes for run in each.running]

    def notes(self) -> tuple[str, ...]:
        """Return what readiness says of them."""
        return tuple(chain.from_iterable(each.notes() for each in self._annexes))

    def numbers(self) -> tuple[Number, ...]:
        """Return what metrics tell of them."""
        return tuple(chain.from_iterable(each.numbers for each in self._annexes))

    async def close(self) -> None:
        """End them all; one that fails to end keeps none of the others from it."""
        for each in self._annexes:
            try:
                await each.close()
            except Exception:
                log.exception("what stands beside calls did not end well", annex=each.name)
