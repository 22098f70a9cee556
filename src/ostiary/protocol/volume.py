"""How much is in JSON that nobody has read yet? Pure.

A value takes fifty times its own bytes in memory, and an array of empty arrays is three bytes for each: whoever reads
first and counts then has the memory of a whole machine taken by one answer.
"""

from __future__ import annotations

_BORDERS = (b",", b"[", b"{")


def crowded(body: bytes, most: int) -> bool:
    """Say whether there are more than `most` commas and brackets between the texts: at least half as many values."""
    if len(body) <= most or _borders(body) <= most:
        return False
    # What is escaped within a text can no longer be taken for its end, so that every other part is one between texts.
    between = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    return sum(map(_borders, between)) > most


def _borders(part: bytes) -> int:
    return sum(part.count(each) for each in _BORDERS)
