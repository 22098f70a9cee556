"""Short values by which a record is known: addresses, numbers, and words with digits. Pure.

They are shorter than what fingerprints find. A date, a round number and the name of an algorithm say nothing about
whose record it is, and are not among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ostiary.guards.pace import breathe
from ostiary.guards.winnowing import normal

SHORTEST: Final = 6
"""Letters and digits of a value."""
ANYWHERE: Final = 10
"""With so many of them it is found also within other letters and digits; a shorter one only as a word of its own."""
LONGEST: Final = 64

_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_WORD: Final = re.compile(r"[^\W_]+(?:[-_][^\W_]+){0,7}")
_ATOM: Final = re.compile(r"[^\W_]+")
_NUMBER: Final = re.compile(r"\d+(?:[ .()/\u00a0-]{1,2}\d+){0,15}")
_DIGITS: Final = re.compile(r"\d+")
_DIGIT: Final = re.compile(r"\d")
_WHEN: Final = re.compile(
    r"(?<!\d)(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2}))(?!\d)"
    r"(?:[T ]{1,2}\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_COMMON: Final = re.compile(
    r"(?:sha|rfc|iso|ed|aes|int|uint|float|double|cp|latin|windows|http|x)[0-9]{1,5}[a-z]{0,3}[0-9]{0,3}|cve[0-9]{8,11}"
)
_RISING: Final = "01234567890123456789"
_FALLING: Final = _RISING[::-1]
_FEWEST_DIGITS: Final = 3
_GROUPS: Final = 5
_APART: Final = 9
"""Digits that several groups have at least: fewer are found together by chance, as in a table."""


def values(text: str) -> Iterator[str]:
    """Yield the values of a text as they are compared; the same one more than once where it is written so."""
    text = _WHEN.sub(" . . ", text)
    if "@" in text:
        mails = (normal(found[0]) for found in _MAIL.finditer(text))
        yield from (mail for mail in mails if SHORTEST <= len(mail) <= LONGEST)
    if _DIGIT.search(text) is None:
        return
    for found in _WORD.finditer(text):
        breathe()
        if found.end() - found.start() >= SHORTEST and len(_DIGIT.findall(found[0])) >= _FEWEST_DIGITS:
            yield from _of_word(found[0])
    for found in _NUMBER.finditer(text):
        breathe()
        if found.end() - found.start() >= SHORTEST:
            yield from _of_number(_DIGITS.findall(found[0]))


def _of_word(word: str) -> Iterator[str]:
    atoms = _ATOM.findall(word)
    for each in (word, *atoms) if len(atoms) > 1 else (word,):
        plain = normal(each)
        if _telling(plain) and not plain.isdigit():
            yield plain


def _of_number(groups: list[str]) -> Iterator[str]:
    """Yield the number that groups of digits make, and every part of it that may be one by itself."""
    for first in range(len(groups)):
        whole = ""
        for last in range(first, min(len(groups), first + _GROUPS)):
            whole += groups[last]
            if len(whole) > LONGEST:
                break
            if len(whole) >= (SHORTEST if last == first else _APART) and _significant(whole):
                yield whole


def _telling(word: str) -> bool:
    """Say whether a word of letters and digits is one of few."""
    if not SHORTEST <= len(word) <= LONGEST:
        return False
    digits = sum(each.isdigit() for each in word)
    return _FEWEST_DIGITS <= digits < len(word) and _COMMON.fullmatch(word) is None


def _significant(digits: str) -> bool:
    """Say whether a number is neither round nor counted up on fingers."""
    return (
        len(digits.rstrip("0")) >= SHORTEST - 2
        and len(set(digits)) > (1 if len(digits) > _APART else 2)
        and digits not in _RISING
        and digits not in _FALLING
    )
