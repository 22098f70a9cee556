"""Run a guard that takes long beside the event loop, from its first character on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ostiary.core.screening import Guard, Payload, Verdict

# One thread, and not the one in which texts are read in pieces: what looks here waits for that one.
_ASIDE: Final = ThreadPoolExecutor(1, "guards-aside")


class Aside:
    """A guard whose every look is in a thread of its own; a look that nobody waits for any more is not begun."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def __call__(self, payload: Payload) -> Verdict:
        """Look as the guard does."""
        return await asyncio.get_running_loop().run_in_executor(_ASIDE, self._looked, payload)

    def _looked(self, payload: Payload) -> Verdict:
        return asyncio.run(_awaited(self._guard, payload))


async def _awaited(guard: Guard, payload: Payload) -> Verdict:
    return await guard(payload)


def soon(work: Callable[[], object]) -> None:
    """Begin with some work before anything is looked at."""
    _ASIDE.submit(work)
