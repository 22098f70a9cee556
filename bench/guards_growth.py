"""How the work for a text grows with its length, where somebody made the text for that."""

from __future__ import annotations

import asyncio
import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from bench.guards_costs import GUARDS, forget, payload
from ostiary.core.screening import Side
from ostiary.guards import personal, secrets
from ostiary.guards.detecting import DETECTORS
from ostiary.guards.disguised import readings
from ostiary.guards.distinctive import values
from ostiary.guards.views import views

_ROUNDS: Final = 3
_LONG: Final = 0.4
_LEAST: Final = 0.4
"""Milliseconds: what takes less says nothing of how it grows, on any machine."""
_Work = Callable[[str], object]


def _valued(text: str) -> object:
    return list(values(text))


def _disguised(text: str) -> object:
    return list(readings(text))


EACH: Final[Mapping[str, _Work]] = {
    "views": views,
    "secrets": secrets.search,
    "personal": personal.search,
    "injection": lambda text: DETECTORS["injection"](text, "text", "answer"),
    "flow: values": _valued,
    "flow: readings": _disguised,
}
"""What reads a text whole, each by itself. In calls it is given pieces of some kilobytes at most."""


class Growth(NamedTuple):
    """What was taken for texts of twice the length each."""

    name: str
    sizes: Sequence[int]
    took: Sequence[float]
    """Milliseconds of CPU."""

    @property
    def exponent(self) -> float:
        """Return the power of its length with which the work grows: the slope of a line through the logarithms."""
        if self.took[-1] < _LEAST:
            return 0.0
        points = [
            (math.log2(size), math.log2(max(took, 1e-3))) for size, took in zip(self.sizes, self.took, strict=True)
        ]
        return statistics.linear_regression(*zip(*points, strict=True)).slope

    @property
    def steepest(self) -> float:
        """Return the greatest power between two neighbours."""
        return max(math.log2(after / max(before, 1e-3)) for before, after in pairwise(self.took))


def growths(text: Callable[[int], str], sizes: Sequence[int]) -> Iterator[Growth]:
    """Yield how the work of each detector grows over the whole of a text."""
    for name, work in EACH.items():
        yield Growth(name, sizes, [_took(work, text, size) for size in sizes])


def together(text: Callable[[int], str], sizes: Sequence[int]) -> Growth:
    """Return how the work of all guards together grows for an answer, in pieces, as calls are read."""
    # Up to the first of these sizes there is one piece, and of that nothing is read again.
    sizes = sizes[1:]
    return Growth("all, in pieces", sizes, [_took(_looked, text, size) for size in sizes])


def _looked(text: str) -> object:
    said = payload({"text": text}, Side.ANSWER)

    async def once() -> None:
        for each in GUARDS.values():
            # Readings that one guard made of a short text another finds made, of a long one not: that is no growth.
            forget()
            await each(said)

    return asyncio.run(once())


def _took(work: _Work, text: Callable[[int], str], size: int) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        # Each time another text where it is drawn: what the engine has learnt of one would make it quick.
        said = text(size)
        forget()
        # As in a gateway that has started, what lives for good is gone through in no collection.
        gc.collect()
        gc.freeze()
        started = time.process_time()
        work(said)
        best = min(best, time.process_time() - started)
        if best > _LONG:
            break
    return best * 1e3
