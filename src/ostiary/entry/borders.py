"""Notice when a rule's time begins or ends: then what people can list changes, though nobody changed anything."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from ostiary.config.policy import windows
from ostiary.config.schema import Config
from ostiary.policy.windows import Window, border, within

_LONGEST: Final = 86_400.0
"""Seconds until the next look at the latest: no window is looked ahead for longer than a week."""


class Borders:
    """Waits for the next border of any window in force; between two of them, a look is one comparison.

    Looked at once a second, and not slept for: a machine that was suspended, or whose clock was set, is not late.
    """

    def __init__(self, config: Callable[[], Config], time: Callable[[], float]) -> None:
        """Follow the configuration in force, by the clock on the wall."""
        self._config, self._time = config, time
        self._of: Config | None = None
        self._windows: tuple[Window, ...] = ()
        self._open: tuple[bool, ...] = ()
        self._looked, self.until = math.inf, -math.inf
        """When it was looked last, and when a border is crossed next, or a look is due."""

    def crossed(self) -> bool:
        """Say, once, that some window opened or closed since the last look."""
        config, now = self._config(), self._time()
        if config is not self._of:
            self._of, self._windows = config, tuple(windows(config))
            # That the rules are others was told. What opened or closed since then was not.
            self._look(min(self._looked, now))
            self.until = -math.inf
        # Earlier than at the last look: the clock was set back.
        if self._looked <= now < self.until:
            self._looked = now
            return False
        before = self._open
        self._look(now)
        return self._open != before

    def _look(self, now: float) -> None:
        self._looked, self._open = now, tuple(within(each, now) for each in self._windows)
        self.until = min((border(each, now) for each in self._windows), default=math.inf)
        self.until = min(self.until, now + _LONGEST)
