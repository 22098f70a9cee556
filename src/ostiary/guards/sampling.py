"""A text that a pattern matches, drawn anew each time: what guards are shown to prove that they still see. Pure.

It reads the part of RE2's syntax that the rules are written in. What it draws is likely, and not certain, to match:
words may have to end where it goes on. Who needs certainty looks, and draws again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from string import ascii_letters, ascii_lowercase, digits, hexdigits
from typing import Final

Draw = Callable[[int], int]
"""Returns a number from 0 to below what it is given."""
_Part = Callable[[Draw, list[str], list[tuple[int, int]]], None]
"""Adds letters to what was drawn so far, and to the spans those of a group that ends."""

_ALNUM: Final = ascii_letters + digits
_PRINTED: Final = "".join(map(chr, range(0x20, 0x7F)))
_SORTS: Final = {"d": digits, "w": _ALNUM, "s": " ", "D": ascii_lowercase, "W": " ", "S": ascii_lowercase}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_NOWHERE: Final = frozenset("bBAz")
_COUNT: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_CODE: Final = re.compile(r"x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})")
_PROPERTY: Final = re.compile(r"[pP](?:\{\^?(\w+)\}|(\w))")
_LEAD: Final = re.compile(r"\(\?(?:P?<\w+>|[imsU\-]*(:|\)))")
_MORE: Final = 3
"""Repeats beyond the least, where there may be any number."""
_FAR: Final = 64
"""Characters of a range beyond ASCII that are drawn from."""


def sampled(pattern: str, draw: Draw) -> tuple[str, str]:
    """Return a text that a pattern is likely to match, and the part of it that its last group holds, or all of it."""
    out: list[str] = []
    spans: list[tuple[int, int]] = []
    _Reader(pattern).alternatives()(draw, out, spans)
    text = "".join(out)
    return text, text[slice(*spans[-1])] if spans else text


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._text, self._at = pattern, 0

    def alternatives(self) -> _Part:
        """Read up to the end of a group, or of the pattern."""
        choices = [self._row()]
        while self._take("|"):
            choices.append(self._row())
        return lambda draw, out, spans: choices[draw(len(choices))](draw, out, spans)

    def _row(self) -> _Part:
        parts: list[_Part] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._one()))

        def row(draw: Draw, out: list[str], spans: list[tuple[int, int]]) -> None:
            for part in parts:
                part(draw, out, spans)

        return row

    def _repeated(self, part: _Part) -> _Part:
        bounds = self._bounds()
        if bounds is None:
            return part
        self._take("?")
        least, most = bounds

        def repeated(draw: Draw, out: list[str], spans: list[tuple[int, int]]) -> None:
            for _ in range(least + draw(most - least + 1)):
                part(draw, out, spans)

        return repeated

    def _bounds(self) -> tuple[int, int] | None:
        for mark, bounds in (("*", (1, _MORE)), ("+", (1, 1 + _MORE)), ("?", (0, 1))):
            if self._take(mark):
                return bounds
        found = _COUNT.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        least = int(found[1])
        if found[2] is None:
            return least, least
        return least, int(found[3]) if found[3] else least + _MORE

    def _one(self) -> _Part:
        letter = self._text[self._at]
        if letter == "(":
            return self._group()
        self._at += 1
        if letter in "^$":
            return _nothing
        if letter == "[":
            return _any_of(self._class())
        return _any_of(self._escaped() if letter == "\\" else ascii_lowercase if letter == "." else letter)

    def _group(self) -> _Part:
        lead = _LEAD.match(self._text, self._at)
        captures = lead is None or lead[1] is None
        self._at = lead.end() if lead is not None else self._at + 1
        if lead is not None and lead[1] == ")":
            return _nothing
        inner = self.alternatives()
        self._take(")")
        return _captured(inner) if captures else inner

    def _escaped(self) -> str:
        """Return the letters that an escape stands for; none for a border."""
        code, named = _CODE.match(self._text, self._at), _PROPERTY.match(self._text, self._at)
        if code is not None:
            self._at = code.end()
            return chr(int(code[1] or code[2], 16))
        if named is not None:
            self._at = named.end()
            return ascii_lowercase
        letter = self._text[self._at]
        self._at += 1
        if letter in _NOWHERE:
            return ""
        return _SORTS.get(letter) or _CONTROLS.get(letter, letter)

    def _class(self) -> str:
        """Return the letters of a class; of one that excludes, those that are printed and are not excluded."""
        excludes = self._take("^")
        letters = "".join(self._members())
        if not excludes:
            # Hints are often written for small letters only, where patterns take both.
            return letters if set(letters) != set(hexdigits) else letters.lower()
        left = [each for each in " " + _PRINTED if each not in letters]
        return left[0] if left else "\n"

    def _members(self) -> Iterator[str]:
        first = True
        while first or self._text[self._at] != "]":
            low = self._member()
            first = False
            if len(low) == 1 and self._text[self._at] == "-" and self._text[self._at + 1] != "]":
                self._at += 1
                start, end = ord(low), ord(self._member())
                yield "".join(map(chr, range(start, min(end, max(start + _FAR, 0x7E)) + 1)))
            else:
                yield low
        self._at += 1

    def _member(self) -> str:
        letter = self._text[self._at]
        self._at += 1
        return self._escaped() if letter == "\\" else letter

    def _take(self, mark: str) -> bool:
        found = self._text.startswith(mark, self._at)
        self._at += len(mark) if found else 0
        return found


def _nothing(_draw: Draw, _out: list[str], _spans: list[tuple[int, int]]) -> None:
    """Add nothing: a border has no letters."""


def _any_of(letters: str) -> _Part:
    def drawn(draw: Draw, out: list[str], _spans: list[tuple[int, int]]) -> None:
        if letters:
            out.append(letters[draw(len(letters))])

    return drawn


def _captured(inner: _Part) -> _Part:
    def captured(draw: Draw, out: list[str], spans: list[tuple[int, int]]) -> None:
        start = sum(map(len, out))
        inner(draw, out, spans)
        spans.append((start, sum(map(len, out))))

    return captured
