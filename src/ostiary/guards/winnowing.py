"""Fingerprints of a text by which copies of parts of it are known again: winnowing (Schleimer et al., 2003). Pure.

Of a text only letters and digits count, without case, so that no blank, line end or sign between them makes a copy
another text. A fingerprint is the keyed hash of so many of them in a row; of every so many neighbours the least is
kept, so that any two texts with a common stretch of `FOUND` characters have one in common, and no two have one that
share less than `GRAM` of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from ostiary.guards.pace import breathe

GRAM: Final = 24
"""Letters and digits of one fingerprint: ordinary phrases are shorter, or are known (`commonplace.py`)."""
WINDOW: Final = 9
"""Neighbours of which one is kept."""
FOUND: Final = GRAM + WINDOW - 1
"""Letters and digits in a row that are found again wherever they stand."""

_PIECE: Final = 4_096
_APART: Final = re.compile(r"[\W_]+")
# One of these letters says as much as a syllable or a word of others, and is counted so.
_WORDS: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
_SPLIT: Final = 8_192
_OFTEN: Final = 1_024
"""Hashes among which neighbours are compared in a row."""


def normal(text: str) -> str:
    """Return what counts of a text: its letters and digits, compatible ones alike, without case and accents."""
    text = _APART.sub("", text)
    if not text.isascii():
        # Marks are gone before letters are taken apart: putting a tower of them in order takes more than linear time.
        text = _APART.sub("", unicodedata.normalize("NFKD", text))
        text = _WORDS.sub(lambda found: found[0] * 3, text)
    return text.casefold()


def parts(text: str) -> Iterator[str]:
    """Yield what counts of a text, a part at a time."""
    for start in range(0, len(text), _SPLIT):
        breathe()
        yield normal(text[start : start + _SPLIT])


def grams(stream: str, salt: bytes, size: int = GRAM) -> list[int]:
    """Return the keyed hash of every stretch of so many characters."""
    return [hash((salt, stream[at : at + size])) for at in range(len(stream) - size + 1)]


def pieces(stream: str, overlap: int = FOUND - 1) -> Iterator[str]:
    """Yield a stream in pieces that take a moment each; every stretch of one more than `overlap` is whole in one."""
    step = _PIECE
    for start in range(0, max(1, len(stream) - overlap), step):
        breathe()
        yield stream[start : start + step + overlap]


def chosen(hashes: Sequence[int]) -> set[int]:
    """Return the least of every window of neighbours; of fewer than a window, the least of all."""
    if len(hashes) < WINDOW:
        return {min(hashes)} if hashes else set()
    found: set[int] = set()
    least, place = 0, -1
    for end in range(WINDOW, len(hashes) + 1):
        if not end % _OFTEN:
            breathe()
        if place < end - WINDOW:
            window = hashes[end - WINDOW : end]
            least = min(window)
            place = end - WINDOW + window.index(least)
            found.add(least)
        elif hashes[end - 1] < least:
            least, place = hashes[end - 1], end - 1
            found.add(least)
    return found
