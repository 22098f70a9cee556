"""Letters that look like letters of ASCII, read as what they look like, and words in other dresses. Pure.

Every function here keeps each character in its place, or says where it came from.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ostiary.guards.engine import compiled, spans
from ostiary.guards.mapping import Draft, Layer

# By shape, as Unicode's list of confusables has them (UTS #39): Cyrillic, Greek, Armenian, Cherokee, phonetic letters,
# small capitals, and letters in boxes and flags that have no compatible form.
_SHAPES: Final = {
    "a": "\u0430\u03b1\u0251\u1d00\u0250\u237a",
    "b": "\u0299\u044c\u0185\u0253\u1472\u15af",
    "c": "\u0441\u03f2\u1d04\u0188\u2ca5",
    "d": "\u0501\u1d05\u0257\u146f\u13e7",
    "e": "\u0435\u1d07\u0454\u212e\u04bd\u01dd",
    "f": "\ua730\u0192\u0584\u025f\u1e9d",
    "g": "\u0261\u0262\u0581\u01e5\u0260",
    "h": "\u04bb\u029c\u0570\u0266\u0265",
    "i": "\u0456\u03b9\u026a\u0131\u0269\u04cf\u0268\ua647\u1d09",
    "j": "\u0458\u03f3\u1d0a\u0249\u027e",
    "k": "\u043a\u03ba\u1d0b\u0199\u049b\u029e",
    "l": "\u029f\u01c0\u0142\u026b\u2113\u04c0\u0627\u05c0\u2223",
    "m": "\u043c\u1d0d\u0271\u026f",
    "n": "\u0274\u0578\u057c\u0272\u014b\u043f\u03b7",
    "o": "\u043e\u03bf\u1d0f\u0585\u00f8\u0275\u03c3\u06c1\u0e50\u0966\u2d54",
    "p": "\u0440\u03c1\u1d18\u01a5\u2374",
    "q": "\u051b\u0566\u02a0\u0563",
    "r": "\u0433\u0280\u027c\u1d26\u027d\u0279",
    "s": "\u0455\ua731\u0282\u01bd",
    "t": "\u0442\u03c4\u1d1b\u0167\u0288\u0287",
    "u": "\u057d\u1d1c\u03c5\u028b\u0446",
    "v": "\u03bd\u0475\u1d20\u028c\u2228",
    "w": "\u0461\u051d\u1d21\u0448\u03c9\u0561\u028d",
    "x": "\u0445\u03c7\u00d7\u2715\u2716",
    "y": "\u0443\u028f\u03b3\u04af\u01b4\u10e7\u028e",
    "z": "\u1d22\u0290\u01b6\u0225",
    "A": "\u0410\u0391\u13aa\u15c5\ua4ee",
    "B": "\u0412\u0392\u13f4\u15f7\ua4d0",
    "C": "\u0421\u03f9\u13df\u2ca4\ua4da",
    "D": "\u13a0\u15de\ua4d3\u0110\u0189",
    "E": "\u0415\u0395\u13ac\u2d39\ua4f0",
    "F": "\u03dc\u15b4\ua4dd\u0191",
    "G": "\u050c\u13c0\ua4d6\u01e4",
    "H": "\u041d\u0397\u13bb\u2c8e\ua4e7",
    "I": "\u0406\u0399\u2c92\ua4f2",
    "J": "\u0408\u037f\u13ab\ua4d9",
    "K": "\u041a\u039a\u13e6\u2c94\ua4d7",
    "L": "\u13de\u2cd0\ua4e1\u0141",
    "M": "\u041c\u039c\u13b7\u2c98\ua4df",
    "N": "\u039d\u2c9a\ua4e0\u0418",
    "O": "\u041e\u039f\u0555\u2c9e\ua4f3\u00d8\u3007",
    "P": "\u0420\u03a1\u13e2\u2ca2\ua4d1",
    "Q": "\u2d55\u051a",
    "R": "\u042f\u13a1\u01a6\ua4e3",
    "S": "\u0405\u054f\u13d5\ua4e2",
    "T": "\u0422\u03a4\u13a2\u2ca6\ua4d4\u0166",
    "U": "\u054d\u1200\ua4f4",
    "V": "\u0474\u13d9\u2d38\ua4e6",
    "W": "\u051c\u13b3\ua4ea",
    "X": "\u0425\u03a7\u2cac\ua4eb",
    "Y": "\u04ae\u03a5\u2ca8\ua4ec",
    "Z": "\u0396\u13c3\ua4dc\u01b5",
    "-": "\u2010\u2012\u2013\u2014\u2015\u2212\u2043\u02d7",
    "'": "\u2018\u2019\u02bc\u2032\u201b",
    '"': "\u201c\u201d\u201f\u2033",
    "<": "\u2039\u02c2\u276e\u3008",
    ">": "\u203a\u02c3\u276f\u3009",
    "|": "\u2502\u2503\u01c0\u2758",
    ":": "\ua789\u2236\u02d0\u0589",
    "/": "\u2044\u2215\u29f8",
    "[": "\u3010\u2772",
    "]": "\u3011\u2773",
    "#": "\u2317\u266f",
    "*": "\u2217\u204e\u2022",
}
_BOXED: Final = tuple(first + letter for first in (0x1F150, 0x1F170, 0x1F1E6) for letter in range(26))
_DOTS: Final = bytes.fromhex("0103091911 0b1b130a1a 05070d1d15 0f1f170e1e 25273a2d3d 35")
"""The letters of Braille in their order, from U+2800 on."""
_TABLE: Final = (
    {ord(each): latin for latin, alike in _SHAPES.items() for each in alike}
    | {each: chr(ord("a") + at % 26) for at, each in enumerate(_BOXED)}
    | {0x2800 + each: chr(ord("a") + at) for at, each in enumerate(_DOTS)}
)
_FEW: Final = 16
_MARKS: Final = compiled(r"\p{M}+")
_ROTATED: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM"
)
_NUMBERED: Final = str.maketrans("013457@$!|", "oieastasil")
_NUMBERS: Final = re.compile(r"[A-Za-z013457@$!|]{2,}")
_LETTER: Final = re.compile("[A-Za-z]")
_SPACED: Final = re.compile(r"(?<![A-Za-z])[A-Za-z](?:[ ._*~|-]{1,3}[A-Za-z](?![A-Za-z])){4,}")
_GAPS: Final = re.compile(r"[ ._*~|-]+")

SPACED: Final = r"(?:^|[^A-Za-z])(?:[A-Za-z][ ._*~|-]{1,3}){4}[A-Za-z](?:[^A-Za-z]|$)"
"""What is in every text with a word whose letters stand apart."""
_NUMBERISH: Final = (
    r"\b(?:th3|th1s|y0ur?|fr0m|s3nd|us3r|4ll|w1th|wh3n|4nd|th4t|pl3[a4]s3)\b",
    "1gn[o0]r", "ign0r", "gn[o0]r3", "pr3v", "v10u", "[i1]nstruct10", "1nstr", "syst3m", "s3cr[e3]t", "p[a4@]ssw0",
    "p4ssw", "p@ssw", "0verr", "d1sr", "f[o0]rg3t", "t0k3n", "[a@4]dm1n", "r3v3al", "d3l3t",
)  # fmt: skip
NUMBERED: Final = f"(?i){'|'.join(_NUMBERISH)}"
"""What is in most texts whose letters were replaced by digits."""
_TELLING: Final = (
    "ignore", "disregard", "previous", "instruction", "system", "prompt", "secret", "password", "override", "forget",
    "reveal", "credential", "assistant",
)  # fmt: skip
_USUAL: Final = ("the", "you", "your", "from", "with", "user", "send", "please", "when", "this", "that")
"""Words of any English sentence that are none, turned around or rotated."""
ROTATED: Final = (
    "(?i)" + "|".join(each.translate(_ROTATED) for each in _TELLING)
    + rf"|\b(?:{'|'.join(each.translate(_ROTATED) for each in _USUAL)})\b"
)  # fmt: skip
BACKWARDS: Final = (
    "(?i)" + "|".join(each[::-1] for each in _TELLING)
    + "|[\u202d\u202e]" + rf"|\b(?:{'|'.join(each[::-1] for each in _USUAL)})\b"
)  # fmt: skip
"""What is in most orders that are written so."""


def latin(text: str) -> tuple[str, tuple[Layer, ...]]:
    """Return a text in the letters of ASCII that its letters look like, without accents, and the ways back."""
    table = {ord(each): like for each in set(text) if not each.isascii() and (like := _looks(each)) != each}
    if len(table) > _FEW:
        text = text.translate(table)
    else:
        for each, like in table.items():
            text = text.replace(chr(each), like)
    draft = Draft(text)
    for start, end in spans(_MARKS, text):
        draft.cut(start, end)
    if not draft.changed:
        return text, ()
    text, layer = draft.done()
    return text, (layer,)


def rotated(text: str) -> str:
    """Return a text with every letter of ASCII moved by thirteen."""
    return text.translate(_ROTATED)


def numbered(text: str) -> str:
    """Return a text with digits and signs inside its words read as the letters they look like."""
    return _NUMBERS.sub(lambda found: _word(found.group()), text)


def _word(word: str) -> str:
    return word.translate(_NUMBERED) if _LETTER.search(word) else word


def together(text: str) -> tuple[str, tuple[Layer, ...]]:
    """Return a text with words whose letters stand apart written as words, and the way back."""
    draft = Draft(text)
    for found in _SPACED.finditer(text):
        gaps = list(_GAPS.finditer(found.group()))
        usual, narrow = gaps[0].group(), min(len(gap.group()) for gap in gaps)
        for gap in gaps:
            # The gap between two words is wider than those between the letters of one, or blank where they are not.
            apart = len(gap.group()) > narrow or (" " in gap.group() and " " not in usual)
            draft.put(" " if apart else "", found.start() + gap.start(), found.start() + gap.end())
    text, layer = draft.done()
    return text, (layer,)


def _looks(each: str) -> str:
    """Return the one character that this one looks like, its accents aside; itself where there is none."""
    base = unicodedata.normalize("NFD", each)[0]
    return _TABLE.get(ord(base), base)
