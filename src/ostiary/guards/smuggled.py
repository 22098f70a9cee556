"""What is written in characters that nobody sees, read as what it spells. Pure.

Three alphabets are known: Unicode tags (a letter each), variation selectors (a byte each, or half of one), and runs of
two zero-width characters (a bit each).
"""

from __future__ import annotations

import re
from typing import Final

from ostiary.guards.mapping import Draft, Layer

GATE: Final = (
    "[\U000e0020-\U000e007e]|[\ufe00-\ufe0f]{8}|[\ufe00-\ufe0d\U000e0100-\U000e01ef]"
    "|[\u200b-\u200d\u2060-\u2064\ufeff]{32}"
)
# Emoji need the last two selectors of the first block, and no text has their bytes (14, 15).
_WRITTEN: Final = re.compile(
    "(?P<flag>\U0001f3f4[\U000e0061-\U000e007a]{5}\U000e007f)|(?P<tags>[\U000e0020-\U000e007e]+)"
    "|(?P<halves>[\ufe00-\ufe0f]{8,})|(?P<bytes>[\ufe00-\ufe0d\U000e0100-\U000e01ef]+)"
    "|(?P<bits>[\u200b-\u200d\u2060-\u2064\ufeff]{32,})"
)
_TAGS: Final = {each: each - 0xE0000 for each in range(0xE0020, 0xE007F)}
_BYTES: Final = {each: each - 0xFE00 for each in range(0xFE00, 0xFE0E)} | {
    each: each - 0xE0100 + 16 for each in range(0xE0100, 0xE01F0)
}
_RATES: Final = {"tags": 1, "halves": 2, "bytes": 1, "bits": 8}
_HIGH: Final = re.compile("[\x80-\xff]+")
_FEWEST: Final = 4


def spelled(text: str) -> tuple[str, tuple[Layer, ...]]:
    """Return only what is written in characters that nobody sees, and the ways back; nothing if that says nothing."""
    draft = Draft(text)
    at = 0
    for found in _WRITTEN.finditer(text):
        if new := _spelled(found):
            draft.cut(at, found.start())
            draft.evenly(new, *found.span(), (1, _RATES[found.lastgroup or ""]))
            at = found.end()
    draft.cut(at, len(text))
    new, layer = draft.done()
    if sum(each.isprintable() for each in new) < _FEWEST:
        return "", ()
    new, second = _characters(new)
    return new, (layer, second)


def _spelled(found: re.Match[str]) -> str:
    """Return what one run spells; a selector's byte is the character of that number."""
    match found.lastgroup:
        case "tags":
            return found.group().translate(_TAGS)
        case "halves":
            digits = "".join(f"{ord(each) - 0xFE00:x}" for each in found.group())
            return bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("latin-1")
        case "bytes":
            return found.group().translate(_BYTES)
        case "bits":
            return _bits(found.group())
    return ""


def _bits(run: str) -> str:
    """Return the characters that the bits of a run write, whichever of its two characters is the one."""
    two = sorted(set(run))
    if len(two) != 2:  # noqa: PLR2004 - a bit is one of two
        return ""
    for one in two:
        digits = "".join("01"[each == one] for each in run)
        new = "".join(chr(int(digits[at : at + 8], 2)) for at in range(0, len(digits) - 7, 8))
        if new.isprintable():
            return new
    return ""


def _characters(text: str) -> tuple[str, Layer]:
    """Return text whose characters above ASCII are bytes of UTF-8 as what those bytes mean."""
    draft = Draft(text)
    for found in _HIGH.finditer(text):
        data = found.group().encode("latin-1")
        try:
            new = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        draft.decoded(new, *found.span(), (1, 1))
    return draft.done()
