"""Keep what is measured with out of what is trained on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

MEASURED: Final = Path(__file__).resolve().parent.parent / "tests/data/blind"
"""Texts that are held back: see the README there."""


def refusing(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to open what is held back to measure with: what was learnt from proves nothing."""
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        path = Path(os.fsdecode(arguments[0])).absolute()
        if MEASURED in path.parents or MEASURED in path.resolve().parents:
            message = f"{path} is held back to measure with, so nothing is trained on it: leave it where it is"
            raise PermissionError(message)
