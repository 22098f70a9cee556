"""Places in long work at which others may have their turn: whoever runs the work says what happens there. Pure.

A piece of a text that somebody made for it takes longer than others may wait. Where the work is done beside the event
loop its thread has to pause for them: with one core the system lets a thread that waits for nothing run for some
milliseconds, whoever else is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar  # noqa: TID251 - nothing that is found depends on it, only when others have their turn
from typing import Final


def _on() -> None:
    """Go on at once."""


PAUSE: Final[ContextVar[Callable[[], None]]] = ContextVar("pause", default=_on)
"""What happens at these places, in the thread that sets it."""


def breathe() -> None:
    """Let others have their turn, where whoever runs this work wants that; what is read stays the same."""
    PAUSE.get()()
