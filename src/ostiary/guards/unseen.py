"""Characters that nobody sees and a model reads: left out, with compatible characters made plain. Pure.

Terminals hide what ANSI sequences (ECMA-48) move, colour or delete. All of that goes before words are looked for, and
compatibility forms become plain ones (NFKC, UAX #15), letter by letter, so that each knows where it came from.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ostiary.guards.engine import compiled, readable, spans
from ostiary.guards.mapping import Draft, Layer

# Default-ignorable code points, the blank letters, controls but for tab and line ends, the noncharacters nearby.
UNSEEN: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# CSI, the strings that end with BEL or ST, and two-character sequences. A string holds no other start of one, so that
# a text of nothing but starts is read once.
_ANSI: Final = (
    "(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]{0,4096}(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]{0,8}[0-~]"
)
_LEFT_OUT: Final = re.compile(f"{_ANSI}|[{UNSEEN}]+|([\x85\u2028\u2029\u2800])")
_INSTEAD: Final = {"\u2800": " "}
_MOST_MARKS: Final = 8
_FEW: Final = 8
_STACKED: Final = compiled(r"\p{M}{9,}")
# The second halves of what composes and is no mark: vowels and finals of Hangul, one vowel of Kirat Rai.
_HALVES: Final = frozenset(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3), 0x16D67)))

GATE: Final = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
"""What is in every text of ASCII that `plain` changes."""
_HERE: Final = compiled(f"[{UNSEEN}\x85\u2028\u2029\u2800]")


def plain(text: str) -> tuple[str, tuple[Layer, ...]]:
    """Return a text without what cannot be seen, in compatible characters, and the ways back."""
    layers: list[Layer] = []
    for step in (_seen, _unstacked, _compatible, _unstacked):
        draft = step(text)
        if draft.changed:
            text, layer = draft.done()
            layers.append(layer)
    return text, tuple(layers)


def _seen(text: str) -> Draft:
    draft = Draft(text)
    if _HERE.search(readable(text)) is None:
        return draft
    for found in _LEFT_OUT.finditer(text):
        if found[1]:
            draft.put(_INSTEAD.get(found[1], "\n"), *found.span())
        else:
            draft.cut(*found.span())
    return draft


def _unstacked(text: str) -> Draft:
    """Leave out marks that no script stacks so high; sorting them would take more than linear time."""
    draft = Draft(text)
    if not text.isascii():
        for start, end in spans(_STACKED, text):
            draft.cut(start + _MOST_MARKS, end)
    return draft


def _compatible(text: str) -> Draft:
    draft = Draft(text)
    if unicodedata.is_normalized("NFKC", text):
        return draft
    every = {each for each in set(text) if not each.isascii()}
    joining = frozenset(each for each in every if _joins(each))
    changing = joining.union(each for each in every if not unicodedata.is_normalized("NFKC", each))
    done = 0
    for at in _places(text, changing):
        if at < done:
            continue
        # A mark changes the letter before it, also one of ASCII.
        start = max(done, at - (text[at] in joining))
        done = _cluster(text, at + 1, joining)
        new = unicodedata.normalize("NFKC", text[start:done])
        if new != text[start:done]:
            draft.put(new, start, done)
    return draft


def _places(text: str, wanted: frozenset[str]) -> list[int]:
    """Return where any of some characters stands; few of them are found faster one after the other."""
    if len(wanted) > _FEW:
        return [at for at, each in enumerate(text) if each in wanted]
    return sorted(found.start() for each in wanted for found in re.finditer(re.escape(each), text))


def _cluster(text: str, end: int, joining: frozenset[str]) -> int:
    while end < len(text) and text[end] in joining:
        end += 1
    return end


def _joins(each: str) -> bool:
    """Say whether a character may become one with what stands before it."""
    first = unicodedata.normalize("NFKD", each)[0]
    return unicodedata.category(first)[0] == "M" or first in _HALVES
