"""What was said of the same words a moment ago: a bounded table with a time to live. Pure.

Keys are digests, so that no word is kept; what is kept is what was said, with masked texts where there are any.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ostiary.adapters.providers.formats import Asked

_MOST: Final = 4_096
_HEAVIEST: Final = 8 * 1024 * 1024
"""Characters of masked texts in the whole table."""

S = TypeVar("S")


class Remembered(Generic[S]):
    """The last answers, by the digest of what they are about; the oldest go first."""

    def __init__(
        self, seconds: float, weight: Callable[[S], int], most: int = _MOST, heaviest: int = _HEAVIEST
    ) -> None:
        """Keep answers for `seconds`, as many as fit; 0 keeps none."""
        self._seconds, self._weight, self._most, self._heaviest = seconds, weight, most, heaviest
        self._held: OrderedDict[bytes, tuple[float, int, S]] = OrderedDict()
        self._heavy = 0

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._held)

    def find(self, key: bytes, now: float) -> S | None:
        """Return what was said, if that is not too long ago."""
        held = self._held.get(key)
        if held is None:
            return None
        until, _, said = held
        if now >= until:
            self._drop(key)
            return None
        self._held.move_to_end(key)
        return said

    def keep(self, key: bytes, said: S, now: float) -> None:
        """Remember what was said; what is too heavy for a tenth of the table is not."""
        weight = self._weight(said)
        if self._seconds <= 0 or weight > self._heaviest // 10:
            return
        self._drop(key)
        self._held[key] = (now + self._seconds, weight, said)
        self._heavy += weight
        while len(self._held) > self._most or self._heavy > self._heaviest:
            self._drop(next(iter(self._held)))

    def _drop(self, key: bytes) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._heavy -= held[1]


def digest(whose: tuple[str, ...], asked: Asked) -> bytes:
    """Return the digest of what a provider is asked; `whose` are the provider, its address and its profile.

    What a provider may judge by is in it: the words, where they stand, and whose they are. The run is not: the same
    words mean the same in every run.
    """
    places = [(text.path, text.rigid, len(text.value)) for text in asked.texts]
    # Written as Python writes it, with the lengths of the texts that follow, it can be read in one way only.
    about = repr((whose, asked.side.value, asked.server, asked.label, asked.method, places))
    made = hashlib.sha256(about.encode("utf-8", "surrogatepass"))
    made.update("".join([text.value for text in asked.texts]).encode("utf-8", "surrogatepass"))
    return made.digest()
