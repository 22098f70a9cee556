"""What a gateway needs now and then, it does not hold for ever: memory goes back to the system."""

from __future__ import annotations

import asyncio
import ctypes
from functools import cache
from typing import Any, Final

from ostiary.integrity import phrases

EVERY: Final = 10
"""Seconds between two times."""


async def rest() -> None:
    """Put away what only a change of a catalogue needs, and give back what is free, be it a flood's: a chore."""
    phrases.put_away()
    if trim := _trim():
        await asyncio.to_thread(trim, 0)


@cache
def _trim() -> Any:
    """Return malloc_trim(3): glibc alone keeps what was freed, a part for every thread, and alone has it."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
