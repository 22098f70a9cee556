"""Personal data in a text: shapes, then check digits, then the words that stand around. Pure."""

# ruff: noqa: E501, PLR2004
# Patterns are one string each; the scores and sizes were set by tests/unit/guards/sensitive_report.py.

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

import re2

from ostiary.guards.columns import Columns
from ostiary.guards.engine import encoded
from ostiary.guards.found import Found
from ostiary.guards.matching import Candidate, Hints, compiled, hits, told
from ostiary.guards.pace import breathe
from ostiary.guards.personal_context import around, of_a_version, of_another_trade
from ostiary.guards.personal_forms import FORMS
from ostiary.guards.personal_numbers import FALLBACK, GENERIC, NUMBERS, written

KIND: Final = "personal"
SLUGS: Final = frozenset({"phone", *(each.slug for each in FORMS), *(each.slug for each in NUMBERS)})
"""The last parts of the rules that this module can report."""
_PHONE_WORDS: Final = (
    r"phone|\btel\b|telefon|t[ée]l[ée]phone|mobile|\bmobil|\bcell\b|celular|\bfax\b|whats ?app|\bcall(?: me| us| him| her| them)? (?:at|on|back)"
    r"|\bsms\b|\bhandy|m[óo]vil|電話|手机|电话|전화|\bdial\b|hotline|rufnummer|msisdn|reach (?:me|us|him|her|them)|\btext me|num[ée]ro|telefono|teléfono|contact (?:no|num)|\bring\b"
)
_DIGITS: Final = len(FORMS)
_HINTS: Final = Hints([*((each.hint, row) for row, each in enumerate(FORMS)), (r"\d(?:[ .\-/()]{0,2}\d){5}", _DIGITS)])
_GENERIC, _PHONE = len(NUMBERS), len(NUMBERS) + 1
_WORDS: Final = [*(each.words for each in NUMBERS), GENERIC, _PHONE_WORDS]
_NEAR: Final = Hints((words, row) for row, words in enumerate(_WORDS))
# Over a whole text the words need no borders: what this lets through, the words around a number decide.
_ANYWHERE: Final = Hints((f"(?i){words.replace(chr(92) + 'b', '')}", row) for row, words in enumerate(_WORDS))
_JOINS: Final = bytes.maketrans(b"_-\t\n\r\"'`:=", b"          ")
_NINES: Final = bytes.maketrans(b"012345678", b"999999999")
# The C engine of the standard library, as there are many runs: each step is decided by one byte, so nothing is tried twice.
_RUN: Final = re.compile(rb"\d(?:[ .\-/()]{0,2}\d){5,}")
_GROUP: Final = re.compile(rb"\d+")
_MOST_GROUPS, _KEY_SHOWN, _SURE = 8, 64, 0.9
_SHORTEST, _LONGEST = 6, 19
_JUDGED: Final = 64
"""Numbers of one text that the plans are asked about. Where there are more it is a list of them, and each is taken for one."""
_SHAPES: Final[dict[bytes, list[int]]] = {}
for _row, _number in enumerate(NUMBERS):
    for _shape in written(_number.shapes):
        _SHAPES.setdefault(_shape.encode(), []).append(_row)
_ALONE: Final = frozenset((shape.encode(), row) for row, each in enumerate(NUMBERS) for shape in written(each.alone))
_AMERICAN: Final = frozenset(
    (
        b"999-999-9999",
        b"999.999.9999",
        b"(999) 999-9999",
        b"(999)999-9999",
        b"(999) 999 9999",
        b"1-999-999-9999",
        b"1 (999) 999-9999",
        b"1.999.999.9999",
    )
)
_DATES: Final = re2.compile(
    rb"^(?:9999([\-/.])99?[\-/.]99?|99?[\-/.]99?[\-/.]9999|9999[\-/]99|9{1,3}(?:\.9{1,3}){3}|9+\.9+)(?: .*)?$"
)
_YEARS: Final = re2.compile(r"^(?:19|20)\d\d ?[\-/] ?(?:19|20)\d\d$")
# No country's code begins with 0, and no area's in North America with 0 or 1 (E.164; NANP).
_UNASSIGNED: Final = re.compile("0|1[01]")
_USER_INFO: Final = re2.compile(rb"://[^\s/?#&=]*$")


class _Reading:
    """One text while it is read: what all candidates ask of it is computed once."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.judged = 0

    @cached_property
    def words(self) -> frozenset[int]:
        """The kinds whose words are anywhere in the text."""
        return frozenset(_ANYWHERE.rows(self.raw.translate(_JOINS)))

    @cached_property
    def columns(self) -> Columns:
        """The heads of its tables."""
        return Columns(self.raw)

    def near(self, start: int, end: int) -> frozenset[int]:
        """Return the kinds whose words are around a place."""
        return frozenset(_NEAR.rows(encoded(self.beside(start, end))))

    def of_another_trade(self, start: int) -> bool:
        """Say whether what stands in front, or above, makes a number something else than a person's."""
        return of_another_trade(self.raw, start, self.columns.head(start))

    def beside(self, start: int, end: int) -> str:
        """Return the words around a place, with the head of its column."""
        return around(self.raw, start, end, self.columns.head(start))


def search(text: str, key: str = "") -> tuple[Found, ...]:
    """Return the personal data in a text; `key` is the name that the text is kept under, where it has one."""
    before = f"{key[-_KEY_SHOWN:]}: " if key else ""
    raw = encoded(before + text)
    rows = _HINTS.rows(raw)
    if not rows:
        return ()
    reading = _Reading(raw)
    found = (each for row in rows for each in (_digits(reading) if row == _DIGITS else _form(row, reading)))
    return told(raw, found, KIND, before)


def _form(row: int, reading: _Reading) -> Iterator[Candidate]:
    form, raw = FORMS[row], reading.raw
    for hit in hits(form.pattern, raw):
        value = form.cut(raw[hit.start : hit.end].decode("utf-8", "replace"))
        end = hit.start + len(value.encode())
        if not form.valid(value) or (
            form.slug == "email" and _USER_INFO.search(raw[max(0, hit.start - 80) : hit.start])
        ):
            continue
        if form.score < _SURE and reading.of_another_trade(hit.start):
            continue
        if form.slug == "ip" and of_a_version(raw, hit.start, end):
            continue
        if not form.words or compiled(form.words).search(encoded(reading.beside(hit.start, end))):
            yield Candidate(hit.start, end, form.slug, form.score)


def _digits(reading: _Reading) -> Iterator[Candidate]:
    """Yield the numbers in each run of digits: the longest reading first, from left to right."""
    for run in _RUN.finditer(reading.raw):
        groups = [each.span() for each in _GROUP.finditer(reading.raw, *run.span())]
        place = 0
        while place < len(groups):
            breathe()
            taken = _from(reading, groups, place)
            if taken is not None:
                yield taken
            place = _after(groups, place, taken)


def _after(groups: Sequence[tuple[int, int]], place: int, taken: Candidate | None) -> int:
    place += 1
    while taken is not None and place < len(groups) and groups[place][0] < taken.end:
        place += 1
    return place


def _from(reading: _Reading, groups: Sequence[tuple[int, int]], first: int) -> Candidate | None:
    """Return the number that begins with a group, if one does."""
    raw, start = reading.raw, groups[first][0]
    led = raw[max(0, start - 2) : start]
    abroad = led.endswith(b"+") or led == b"+("
    dialled = abroad or led.endswith(b"(") or raw.startswith(b"00", start) or _PHONE in reading.words
    for end in reversed(_endings(groups, first)):
        shape = raw[start:end].translate(_NINES)
        found = None
        if shape in _SHAPES and not abroad:
            found = _number_at(reading, start, end, shape)
        if found is None and (dialled or shape in _AMERICAN):
            found = _phone_at(reading, start, end, shape)
        if found is not None:
            return found
    return None


def _endings(groups: Sequence[tuple[int, int]], first: int) -> list[int]:
    """Return where a number that begins with a group may end: no number has fewer digits than these, or more."""
    digits, ends = 0, []
    for start, end in groups[first : first + _MOST_GROUPS]:
        digits += end - start
        if digits > _LONGEST:
            break
        if digits >= _SHORTEST:
            ends.append(end)
    return ends


def _number_at(reading: _Reading, start: int, end: int, shape: bytes) -> Candidate | None:
    rows = [
        row
        for row in _SHAPES.get(shape, ())
        if row in reading.words or (shape, row) in _ALONE or _generic(row, reading)
    ]
    if not rows or not _free(reading.raw, start, end):
        return None
    digits = bytes(each for each in reading.raw[start:end] if each > 47).decode()
    rows = [row for row in rows if NUMBERS[row].valid(digits)]
    if not rows:
        return None
    near = reading.near(start, end)
    # A word of its own first; then any word for such numbers, if a check digit agrees; then those that a word alone makes.
    named = [row for row in rows if row in near and NUMBERS[row] is not FALLBACK]
    named = named or [row for row in rows if _GENERIC in near and _generic(row, reading)]
    named = named or [row for row in rows if row in near]
    if named:
        return Candidate(start, end, NUMBERS[named[0]].slug, 0.95 if NUMBERS[named[0]].generic else 0.9)
    rows = [row for row in rows if (shape, row) in _ALONE]
    if not rows or _glued(reading.raw, start) or reading.of_another_trade(start):
        return None
    return Candidate(start, end, NUMBERS[rows[0]].slug, 0.75)


def _generic(row: int, reading: _Reading) -> bool:
    return _GENERIC in reading.words and NUMBERS[row].generic and NUMBERS[row] is not FALLBACK


def _free(raw: bytes, start: int, end: int) -> bool:
    """Say whether digits are a number of their own, and not part of a word, a longer number or a date."""
    before, behind = raw[max(0, start - 2) : start], raw[end : end + 2]
    if before[-1:].isalnum() or before[-1:] == b"_" or behind[:1].isalnum() or behind[:1] == b"_":
        return False
    inside = before[-1:] in {b"-", b".", b"/"} and before[:1].isdigit() and len(before) > 1
    return not inside and not (behind[:1] in {b"-", b".", b"/"} and behind[1:].isdigit())


def _glued(raw: bytes, start: int) -> bool:
    """Say whether a mark ties the digits to a word in front, as in `SKU-4111…` and in the last part of a UUID."""
    return raw[start - 1 : start] in {b"-", b".", b"/", b"#"} and start > 0


def _phone_at(reading: _Reading, start: int, end: int, shape: bytes) -> Candidate | None:
    count = shape.count(b"9")
    if not 7 <= count <= 15:
        return None
    raw = reading.raw
    while start > 0 and raw[start - 1 : start] in {b"+", b"("}:
        start -= 1
    abroad = raw[start : start + 2] in {b"00", b"(+"} or raw[start : start + 1] == b"+"
    american = raw[start:end].translate(_NINES) in _AMERICAN
    if not (abroad or american or _PHONE in reading.words) or not _free(raw, start, end):
        return None
    named = _PHONE in reading.words and _PHONE in reading.near(start, end)
    text = raw[start:end].decode()
    if abroad and _UNASSIGNED.match("".join(filter(str.isdigit, text)).removeprefix("00")):
        return None
    score = _phone_score(reading, text, count, abroad=abroad, american=american, named=named)
    if not score or (not named and (reading.of_another_trade(start) or _glued(raw, start))):
        return None
    return Candidate(start, end, "phone", score)


def _phone_score(reading: _Reading, text: str, count: int, *, abroad: bool, american: bool, named: bool) -> float:
    if abroad:
        valid, possible = _planned(reading, text, "")
        return 0.95 if valid else 0.6 * (possible and (named or (count >= 10 and len(text) > count + 2)))
    if american:
        return 0.9 if _planned(reading, text, "US")[0] else 0.6 * (named or text.startswith("("))
    dated = _DATES.search(text.encode().translate(_NINES)) or _YEARS.search(text)
    return 0.7 * (named and not dated)


def _planned(reading: _Reading, text: str, region: str) -> tuple[bool, bool]:
    reading.judged += 1
    if reading.judged > _JUDGED:
        return True, True
    # The numbering plans are read when the first candidate is seen: most texts have none, and they cost 11 MB.
    from ostiary.guards.phones import judged  # noqa: PLC0415

    return judged("+" + text[2:] if text.startswith("00") else text, region)
