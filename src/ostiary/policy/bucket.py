"""A bucket of tokens, as a value. Pure."""

from __future__ import annotations

from msgspec import Struct


class Bucket(Struct, frozen=True):
    """A bucket as it was at `at`."""

    level: float
    at: float
