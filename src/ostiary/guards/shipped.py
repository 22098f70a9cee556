"""The injection model of this package, and the digest that it has to have. Pure, but for reading its own file once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from ostiary.guards.classifier import Model, loaded

DIGEST: Final = "145206e5b3686f69bb7f5c948ad45aae391b9fdf3b0caa64a1ec4bf245dd20f4"
"""The SHA-256 of the model that this program was tested with; `scripts/train_injection.py` writes it."""
_NAME: Final = "injection.model"


@cache
def shipped() -> Model:
    """Return the model of this package, read when it is needed first."""
    return loaded(files(__package__).joinpath(_NAME).read_bytes(), DIGEST)
