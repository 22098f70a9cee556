"""Payloads of calls that are kept sealed, because a rule wants that. Pure."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Half(StrEnum):
    """Which way the words were going."""

    ARGUMENTS = "arguments"
    RESULT = "result"


class Capture(Struct, frozen=True):
    """What a rule has kept of the calls that it allows."""

    name: str
    """The class, which says for how long."""
    halves: frozenset[Half] = frozenset(Half)

    @property
    def said(self) -> str:
        """What is kept, in words."""
        return f"{' and '.join(half.value for half in Half if half in self.halves)} in the class {self.name}"


class Captured(Struct, frozen=True):
    """A payload that was kept, as the ledger vouches for it."""

    name: str
    """Its class."""
    key: str
    """The id of the key that it is sealed with."""
    half: Half
    digest: str
    """SHA-256 of the file that holds it, sealed: in hex."""
    size: int
    """Bytes of the whole payload, in clear."""
    cut: bool = False
    """It was larger than its class allows, and only its beginning was kept."""
