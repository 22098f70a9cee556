"""The injection model of this package, and the digest that it has to have. Pure, but for reading its own file once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from ostiary.guards.classifier import Model, loaded

DIGEST: Final = "2ec17ff672e3630e2dd9592b77d48a5f5d3d8bcefe9643635f7029f8a6a64a8d"
"""The SHA-256 of the model that this program was tested with; `scripts/train_injection.py` writes it."""
_NAME: Final = "injection.model"


@cache
def shipped() -> Model:
    """Return the model of this package, read when it is needed first."""
    return loaded(files(__package__).joinpath(_NAME).read_bytes(), DIGEST)
