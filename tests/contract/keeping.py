"""A data folder in which payloads are kept, with a ledger that vouches for them, and a clock that stands still."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ostiary.adapters.store.captures import Captures, Room, Terms, free
from ostiary.adapters.store.ledger import Ledger
from ostiary.core.capturing import Capture, Captured, Half
from ostiary.core.model import Allow, Caller, Inbound, Json
from ostiary.core.trail import Trail

NOON = 1_790_000_000.0
DAY = 86_400.0
CAPTURE = Capture("legal")


def person(subject: str, issuer: str = "https://id") -> Caller:
    return Caller(subject, issuer, "cli", "jwt", 9e9)


async def _nothing() -> bytes:
    return b""


class Keeping:
    """What a gateway has, as far as payloads are concerned."""

    def __init__(self, data: Path, private: X25519PrivateKey | None = None) -> None:
        self.data, self.now, self.count = data, NOON, 0
        self.room: Room = free
        self.private = private or X25519PrivateKey.generate()
        self.ledger = Ledger(data, clock=lambda: self.now)
        self.captures = self.opened()

    def opened(self, **terms: Terms) -> Captures:
        """Begin anew, as after a restart."""
        return Captures(
            self.data, self.private.public_key().public_bytes_raw(), terms or {"legal": Terms(30 * DAY, 1024)},
            spare=1024, time=lambda: self.now, room=lambda folder: self.room(folder),
        )  # fmt: skip

    @property
    def public(self) -> str:
        return b64encode(self.private.public_key().public_bytes_raw()).decode()

    async def said(self, caller: Caller, arguments: Json, result: Json, capture: Capture = CAPTURE) -> str:
        """Play one call with both halves kept, and return its reference."""
        self.count += 1
        message = Inbound("POST", "/mcp", {}, frozenset(), None, "127.0.0.1", _nothing)
        trail = Trail(message, f"0a1b2c3d-{self.count:x}", 1, 0.0, self.now, caller)
        trail.decision = Allow("r", capture=capture)
        trail.captured += (await self.kept(caller, trail.reference, Half.ARGUMENTS, arguments, capture),)
        self.ledger.begin(trail)
        trail.captured += (await self.kept(caller, trail.reference, Half.RESULT, result, capture),)
        trail.outcome = "answered"
        self.ledger.end(trail)
        return trail.reference

    async def kept(
        self, caller: Caller, reference: str, half: Half, said: Json, capture: Capture = CAPTURE
    ) -> Captured:
        return await self.captures(capture, half, caller, reference, said)

    def call(self, caller: Caller, word: str = "hello") -> str:
        return asyncio.run(self.said(caller, {"q": word}, {"a": word}))

    def files(self) -> list[Path]:
        """Return every payload that there is."""
        return sorted((self.data / "captures" / "sealed").glob("*/*/*"))

    def key_files(self) -> list[Path]:
        """Return every key that there is."""
        return sorted((self.data / "captures" / "keys").glob("*/*"))

    def clear(self) -> bytes:
        """Return every byte that was written."""
        return b"\n".join(path.read_bytes() for path in self.data.rglob("*") if path.is_file())
