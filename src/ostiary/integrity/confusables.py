"""Letters that look like others: Unicode's list (UTS #39), as far as it leads to ASCII. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

from ostiary.integrity.alike import ALIKE

_PAIRS: Final = (("rn", "m"), ("vv", "w"))
_TABLE: Final = {ord(each): target for target, alike in ALIKE.items() for each in alike}
_SHAPES: Final = str.maketrans({"I": "l", "1": "l", "|": "l", "0": "o", "O": "o", "5": "s", "$": "s"})


def folded(text: str) -> str:
    """Return text with every letter that looks like one of ASCII replaced by that one."""
    return text.translate(_TABLE)


def skeletons(name: str) -> frozenset[str]:
    """Return what a name looks like: two names that share one of these are taken for each other.

    One is the name without case and separators, in compatible characters; the other is what is left of it where the
    shapes that a tired eye mixes up (l, I, 1; O, 0; rn, m) are one.
    """
    plain = folded(unicodedata.normalize("NFKC", name))
    bare = "".join(each for each in plain if each.isalnum() or unicodedata.category(each) == "Mn")
    shape = bare.translate(_SHAPES).casefold()
    for pair, one in _PAIRS:
        shape = shape.replace(pair, one)
    return frozenset({bare.casefold(), shape})
