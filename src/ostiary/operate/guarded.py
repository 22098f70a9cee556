"""The guards of a configuration, made once for it and not again whenever a catalogue changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ostiary.config.guards import Guarding
from ostiary.config.schema import Config
from ostiary.core.screening import Guard

_KEPT: Final = 2
"""The present configuration's, and those of one that is being tried."""


class Guarded:
    """Makes guards, and keeps those of the last configurations: some of them remember, or took long to make."""

    def __init__(self, make: Callable[[Config], Mapping[str, Guard]] | None) -> None:
        """`make` makes what looks for each guard of a configuration; without it, what is guarded stands still."""
        self._make, self._made = make, dict[str, Mapping[str, Guard]]()

    def __call__(self, config: Config, digest: str) -> Mapping[str, Guard]:
        """Return what looks for each guard of a configuration."""
        if self._make is None:
            return {}
        made = self._made.pop(digest, None)
        self._made[digest] = made = self._make(config) if made is None else made
        while len(self._made) > _KEPT:
            del self._made[next(iter(self._made))]
        return made

    def standing(self, config: Config, digest: str) -> Guarding:
        """Return where each guard of a configuration stands."""
        return Guarding(config.guards, self(config, digest))
