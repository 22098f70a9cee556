"""Characters that a person does not see and a model reads. Pure.

Of 689 real tool definitions none held a hidden character. What writing systems and emoji need is not hidden: joiners
inside words of the scripts that use them, direction marks in text that runs from right to left, one variation
selector after a symbol, the three flags that are spelled with tags.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

# Letters, marks and digits of these blocks join: Arabic to Sinhala, Thai to Tibetan, Myanmar, Khmer, Mongolian.
_JOINING: Final = ((0x0600, 0x10A0), (0x1780, 0x18B0), (0xFB50, 0xFE00), (0xFE70, 0xFEFD))
_UNSPACED: Final = ((0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1780, 0x1800))
_MARKS: Final = frozenset("\u200e\u200f\u061c")
_ISOLATES: Final = frozenset("\u2066\u2067\u2068\u2069")
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e") | _ISOLATES | _MARKS
# Letters, marks and symbols by category, and blank on every screen.
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_FLAGS: Final = tuple(
    "".join(chr(0xE0000 + ord(each)) for each in word) + "\U000e007f" for word in ("gbeng", "gbsct", "gbwls")
)
_FEW: Final = 3
_ODD: Final = re.compile(r"[^\n\t -~]")
_ZWJ, _ZWNJ, _ZWSP = "\u200d", "\u200c", "\u200b"
_BLACK_FLAG: Final = "\U0001f3f4"


class Hidden(Struct, frozen=True):
    """One character that is hidden where it stands."""

    at: int
    kind: str


def hidden(text: str) -> Iterator[Hidden]:
    """Yield every hidden character, what it is, and where."""
    rtl: bool | None = None
    skip = 0
    for odd in _ODD.finditer(text):
        at, each = odd.start(), odd.group()
        if at < skip or (each.isprintable() and each not in _BLANKS and not _selector(each)):
            continue
        if _tag(each) and (length := _flag(text, at)):
            skip = at + length
            continue
        if each in _BIDI and rtl is None:
            rtl = any(unicodedata.bidirectional(other) in {"R", "AL"} for other in text)
        kind = _kind(text, at, rtl=bool(rtl))
        if kind:
            yield Hidden(at, kind)


def stripped(text: str) -> str:
    """Return text without what cannot be seen, so that words that were broken by it become words again."""
    return _ODD.sub(lambda odd: odd.group() if _seen(odd.group()) else "", text)


def _seen(each: str) -> bool:
    if each in "\r\x0b\x0c\x85\u2028\u2029" or unicodedata.category(each) == "Zs":
        return True
    return each.isprintable() and each not in _BLANKS and not _selector(each)


def smuggled(text: str) -> str:
    """Return what is written in Unicode tags, or as bytes in variation selectors: two alphabets nobody sees."""
    tags = "".join(chr(ord(each) - 0xE0000) for each in text if "\U000e0020" <= each <= "\U000e007e")
    data = bytes(_nibble(each) for each in text if _selector(each))
    return tags + (data.decode("utf-8", "replace") if len(data) > _FEW else "")


def _kind(text: str, at: int, *, rtl: bool) -> str:
    """Return what a character is that does not print; empty where it belongs."""
    each = text[at]
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if each in _BIDI:
        return "" if rtl and each in _MARKS | _ISOLATES else "direction control"
    if _tag(each):
        return "Unicode tag"
    if _selector(each):
        return "" if _selects(each, before, after) else "variation selector"
    if each in {_ZWJ, _ZWNJ, _ZWSP}:
        return "" if _joins(each, before, after) else "zero-width character"
    return _by_category(each, after)


def _by_category(each: str, after: str) -> str:
    match unicodedata.category(each):
        case "Cc":
            # A carriage return alone writes over the line that a person was reading.
            return "" if each in "\t\n" or (each == "\r" and after == "\n") else "control character"
        case "Co":
            return "private-use character"
        case "Cn":
            return "unassigned character"
        case "Cs":
            return "lone surrogate"
        case "Zs":
            # No-break and typographic spaces are blank, as a space is.
            return ""
        case "Zl" | "Zp":
            return "line separator"
    return "invisible character"


def _tag(each: str) -> bool:
    return "\U000e0000" <= each <= "\U000e007f"


def _selector(each: str) -> bool:
    return "\ufe00" <= each <= "\ufe0f" or "\U000e0100" <= each <= "\U000e01ef"


def _nibble(each: str) -> int:
    return ord(each) - 0xFE00 if each <= "\ufe0f" else (ord(each) - 0xE0100 + 16) & 0xFF


def _flag(text: str, at: int) -> int:
    """Return how many tags spell a flag here."""
    if text[at - 1 : at] != _BLACK_FLAG:
        return 0
    return next((len(flag) for flag in _FLAGS if text.startswith(flag, at)), 0)


def _selects(each: str, before: str, after: str) -> bool:
    """Say whether a variation selector says how the one character before it looks."""
    if not before or _selector(after):
        return False
    if each in "\ufe0e\ufe0f":
        return _symbol(before) or (before in "0123456789#*" and after == "\u20e3")
    return unicodedata.name(before, "").startswith("CJK ") and each >= "\U000e0100"


def _symbol(each: str) -> bool:
    # Arrows, double exclamation marks and the information sign have an emoji's face too.
    return not each.isascii() and (unicodedata.category(each) in {"So", "Sm", "Po", "Pd", "Sk"} or each == "\u2139")


def _joins(each: str, before: str, after: str) -> bool:
    if not before or not after:
        return False
    if each == _ZWJ and (_symbol(before) or before == "\ufe0f") and _symbol(after):
        return True
    blocks = _UNSPACED if each == _ZWSP else _JOINING
    return _within(before, blocks) and (_within(after, blocks) or after in " \n")


def _within(each: str, blocks: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= ord(each) < high for low, high in blocks)
