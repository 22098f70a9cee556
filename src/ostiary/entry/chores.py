"""What goes on beside calls, again and again: a chore that fails is tried again, and keeps no other from its turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

log: Final = structlog.get_logger(__name__)

Chore = Callable[[], Awaitable[None]]


async def done(chore: Chore, failing: set[str]) -> None:
    """Do a chore; one that fails is tried again in a second, and told once, for calls go on without it."""
    name = chore.__name__.strip("_")
    try:
        await chore()
    except Exception:
        if name not in failing:
            log.exception("housekeeping failed; it is tried again until it succeeds", chore=name)
        failing.add(name)
        return
    if name in failing:
        failing.discard(name)
        log.info("housekeeping succeeds again", chore=name)
