"""Heads of whole answers that were read before: one that comes again, byte for byte, is not parsed again.

Only the length may differ, in its one spelling, and has to be the one that the body has. Nothing can be read here that
the parser did not read before, for it reads a head from nothing but its bytes. Pure.
"""

from __future__ import annotations

import math
import re
from typing import Final

from ostiary.adapters.upstream.values import Head

EVENT_STREAM: Final = b"text/event-stream"
_END: Final = b"\r\n\r\n"
_LINE: Final = b"\r\n"
_LENGTH: Final = re.compile(rb"\r\n(?i:content-length): ?(?=[0-9]+(?:\r\n|\Z))")
_KEPT: Final = 64
"""Heads remembered. Most servers write the time into theirs, so that all are forgotten after about a minute."""


class Heads:
    """Those of one server."""

    __slots__ = ("_known", "_mark")

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], Head] = {}
        self._mark = b"\r\ncontent-length: "
        """How the server spells the one field that differs."""

    def find(self, data: bytes, most: int) -> tuple[Head, bytes] | None:
        """Return the head and the body of an answer that is whole, and has `most` bytes at most."""
        head, _, body = data.partition(_END)
        start, _, rest = head.partition(self._mark)
        length, _, rest = rest.partition(_LINE)
        found = self._known.get((start, rest))
        return (found, body) if found is not None and length == b"%d" % len(body) and len(body) <= most else None

    def learn(self, data: bytes, head: Head) -> None:
        """Remember what the parser read in an answer that came whole and alone."""
        text, _, body = data.partition(_END)
        marks = _LENGTH.findall(text)
        if len(marks) != 1:
            return
        start, _, rest = text.partition(marks[0])
        length, _, rest = rest.partition(_LINE)
        if length != b"%d" % len(body):
            return
        if marks[0] != self._mark or len(self._known) >= _KEPT:
            self._known.clear()
        self._mark = marks[0]
        self._known[start, rest] = head


def is_event_stream(media: bytes) -> bool:
    """Say whether a Content-Type is the one of server-sent events, whatever its parameters."""
    return media.partition(b";")[0].strip().lower() == EVENT_STREAM


def promised_idle(value: bytes) -> float:
    """Return for how many seconds a Keep-Alive field makes a connection worth keeping: a second less than it says."""
    for part in value.split(b","):
        name, _, number = part.strip().lower().partition(b"=")
        if name == b"timeout" and number.isdigit() and len(number) <= len("86400"):
            return max(0.0, float(number) - 1.0)
    return math.inf
