"""What an export needs of a receiver, and how a receiver that did not take something says so."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from ostiary.adapters.export.cursor import Cursor
from ostiary.protocol.happening import Happening

PATIENCE = 10.0
"""Seconds for connecting, and for each answer."""


class Item(Struct, frozen=True):
    """One record to send."""

    told: Happening
    text: str
    """As the format says it, without the end of its line; empty where the receiver's protocol says it."""
    after: Cursor
    """Where the ledger is read on when it was acknowledged."""


class Undelivered(Exception):
    """What was sent is not acknowledged. It is sent again, with the same names."""

    def __init__(self, reason: str, *, wait: float = 0.0, smaller: bool = False) -> None:
        """`wait` is what the receiver asked for, in seconds; `smaller`: fewer at a time may succeed."""
        super().__init__(reason)
        self.reason, self.wait, self.smaller = reason, wait, smaller


class Receiver(Protocol):
    """Somewhere that records are sent to. Slow, and used from one thread."""

    place: str
    """How it is named in messages."""

    def deliver(self, items: Sequence[Item], cursor: Cursor) -> Cursor:
        """Send these, return the cursor after them once all are acknowledged, or raise `Undelivered`."""

    def close(self) -> None:
        """Let go of connections."""


class Trust(Struct, frozen=True):
    """Whom a receiver's certificate has to come from, and what we prove ourselves with."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return what TLS is spoken with: names and chains are always checked."""
        context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context
