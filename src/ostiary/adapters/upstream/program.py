"""What to run as an upstream, what it may see, and how its bytes become lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "SHELL", "TERM")


class Program(msgspec.Struct, frozen=True):
    """How to start one server. The environment and the arguments may hold secrets, so its repr shows neither."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = {}
    cwd: str | None = None
    start_timeout: float = 60.0
    """Seconds for the start and the handshake together; cold starts took 14 s and more."""
    idle: float = 600.0
    """Seconds without a call before it is stopped."""
    max_line: int = 8 * 1024 * 1024
    max_in_flight: int = 64
    words: tuple[str, ...] = ()
    """The command as it may be shown: words that come from the places of secrets are empty."""

    def __repr__(self) -> str:
        return f"Program(name={self.name!r}, command=({self.command[0]!r}, …))"


def environment(base: Mapping[str, str], program: Program) -> dict[str, str]:
    """Return all that the program will see: a few harmless names of `base`, then its own."""
    # "()" starts a function that an old bash would run on start (CVE-2014-6271).
    kept = {name: base[name] for name in INHERITED if name in base and not base[name].startswith("()")}
    # Some servers also listen on 0.0.0.0 when nobody tells them where.
    return {**kept, "HOST": "127.0.0.1", **program.env}


def neutral(raw: bytes, width: int) -> str:
    """Return text that is safe to show on a terminal: bounded, no control or direction characters."""
    text = raw[:width].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


class Lines:
    """Bytes into lines, at most `limit` bytes each."""

    __slots__ = ("_limit", "_rest")

    def __init__(self, limit: int) -> None:
        self._limit, self._rest = limit, bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes; raise `ValueError` once a line is over the limit."""
        if b"\n" not in data:
            self._rest += data
            return self._within([])
        first, *others = data.split(b"\n")
        lines = [bytes(self._rest) + first if self._rest else first, *others]
        self._rest = bytearray(lines.pop())
        return self._within(lines)

    def _within(self, lines: list[bytes]) -> list[bytes]:
        if len(self._rest) > self._limit or any(len(line) > self._limit for line in lines):
            raise ValueError(f"a line is longer than {self._limit} bytes")
        return lines
