"""A text as its words and what a linear model may weigh of them: words, their parts, and rows of kinds of words. Pure.

Training and judging read a text through here, so that both mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple, TypeVar
from zlib import crc32

from msgspec import Struct

from ostiary.guards.pace import breathe
from ostiary.guards.vocabulary import FUNCTION, JOINED, kind

BITS: Final = 20
MASK: Final = (1 << BITS) - 1
"""What a hash has to be cut with to be the number of a feature."""
_APART: Final = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
# Scripts of which half the letters are marks, which are none to `\w`.
_MARKED: Final = r"\u0900-\u0963\u0966-\u0dff"
_OTHERS: Final = _APART + _MARKED
# Addresses, names and places to fill in are one word each, whatever is in them. Scripts without blanks between words
# are read by the words that are known, or letter by letter. Each repetition that can fail has a bound. Most words are
# followed by what is in no address and no name, and most signs begin nothing else: those are tried first.
_TOKEN: Final = re.compile(
    rf"[ ]{{0,8}}+(?:((?:[A-Z]{{1,20}}+[^\W\d_A-Z{_OTHERS}]{{0,38}}+|[^\W\d_A-Z{_OTHERS}]{{1,38}}+|\d{{1,58}}+)"
    r"(?![\w.+\-@/'\u2019]|:/))|([,\"`>!?:#(\n\u201c\u201d\u00ab\u00bb\u300c\u300d\u060c\u061f\u0964])"
    r"|([A-Za-z0-9+/]{60,}={0,2})|(https?://[^\s<>\"'`)\]]+)|([\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]+)"
    r"|(\{\{?[\w .-]{1,40}\}|\$\{\w{1,40}\}|<[A-Z_ ]{3,40}>|\[[A-Z_ ]{3,40}\])"
    r"|((?<![\w/])(?:~|\.{1,2})?/[\w.~-]+(?:/[\w.~*-]+)*/?)"
    r"|([A-Za-z]+\d*(?:_[A-Za-z\d]+)+|[a-z]+[A-Z][A-Za-z]+)"
    rf"|([^\W\d_{_OTHERS}]+(?:['\u2019]t\b)?|[{_MARKED}]{{1,40}}|\d+|[<{{]|[.;\u3002](?=\W|$)"
    rf"|(?=[{_APART}])(?:" + "|".join(map(re.escape, JOINED)) + r"|\w)))"
)  # fmt: skip
_PLAIN: Final = 1
_SHAPES: Final = ("", "", "", "\x01b", "\x01u", "\x01m", "\x01s", "\x01p", "\x01n", "")
"""What a word of each group of these is read as; none: as it is written."""
_SAME: Final = str.maketrans(
    {"\n": ".", ";": ".", "\u3002": ".", "\u201c": '"', "\u201d": '"', "\u00ab": '"', "\u00bb": '"',
     "\u300c": '"', "\u300d": '"', "\u2019": "'", "\u060c": ",", "\u061f": "?", "\u0964": "."}
)  # fmt: skip
WORD: Final = 0.35
"""What words weigh, against the rows of their kinds: what is meant is seldom said in the same words."""
KIND: Final = 0.5
"""What a kind weighs, or two of them, in a window."""
PART: Final = 0.2
"""What the beginning of a word weighs, or its end."""
_WORDY, _PREFIX = 4, 6
"""Letters of words whose parts say nothing more, and of the longer beginnings."""
_LONG: Final = 24
"""Characters; what has more is no word that anybody says."""
_FIRST, _SECOND, _SHIFT = 0x9E3779B1, 0x85EBCA77, 7
WIDE: Final = 84
"""Words of the widest windows, which are about 420 characters; overlap is half of that."""
LONGEST: Final = 40
"""Words of a sentence; what is longer is read in pieces, each two of which are read together as well."""
_SHORTEST, _FEWEST = 4, 6
"""Words without which what ends is no sentence, and without which it says too little to be judged alone."""
_ENDS: Final = frozenset(".!?")
ANY: Final = "w"
"""Words beside a window that are no surroundings, and of a text that is long."""
_BREATH: Final = 512
_T = TypeVar("_T")


class Words(Struct, frozen=True):
    """The words of a text, in their order."""

    tokens: Sequence[str]
    places: Sequence[tuple[int, int]]
    """Where each of them begins and ends."""


class Window(Struct, frozen=True):
    """Some words that stand together."""

    first: int
    last: int
    """Numbers of words; the last is not of it."""
    start: int
    end: int
    """Offsets in the text."""


class Known(Struct, frozen=True):
    """What is known of a word, whatever stands around it."""

    word: int
    """Its hash."""
    bits: int
    """Its kinds."""
    read: str
    """How it stands in a row."""
    row: int
    """The hash of that."""
    parts: tuple[int, ...] = ()
    """The features of how it begins and ends."""


def read(text: str) -> Words:
    """Return a text as words, whose case and numbers do not count."""
    tokens, places = [], []
    for found in _breathing(_TOKEN.finditer(text)):
        group = found.lastindex or 0
        token = _SHAPES[group]
        if group == _PLAIN:
            token = found[1].lower()
            token = "0" if token[0].isdigit() else token
        elif not token:
            token = found[group]
            token = "0" if token[0].isdigit() else token.lower().translate(_SAME)
        tokens.append(token)
        places.append(found.span(group))
    return Words(tokens, places)


def _breathing(every: Iterable[_T]) -> Iterator[_T]:
    """Return all of some, and let others have their turn now and then."""
    rest = iter(every)
    return chain.from_iterable(iter(lambda: _breath(rest), []))


def _breath(rest: Iterator[_T]) -> list[_T]:
    breathe()
    return list(islice(rest, _BREATH))


def known(word: str) -> Known:
    """Return what is known of a word; words that nobody says are one and the same."""
    bits, read = kind(word)
    said = read or ANY
    hashed = _hash(word) if len(word) <= _LONG else _LONG
    return Known(hashed, bits, said, _hash(f"\x02{said}"), _parts(word))


def _parts(word: str) -> tuple[int, ...]:
    """Return the features of how a word begins and ends: languages bend and join their words, and people misspell."""
    if not _WORDY < len(word) <= _LONG or word in FUNCTION:
        return ()
    found = [f"\x03{word[:4]}", f"\x04{word[-3:]}"]
    if len(word) > _PREFIX:
        found.append(f"\x03{word[:_PREFIX]}")
    return tuple(_hash(each) & MASK for each in found)


def _hash(word: str) -> int:
    return crc32(word.encode("utf-8", "replace"))


def pair(first: int, second: int) -> int:
    """Return the hash of two hashes, in their order."""
    return (first * _FIRST ^ second * _SECOND) >> _SHIFT


def rows(some: Iterable[Known]) -> Iterator[Sequence[int]]:
    """Yield of each word the features of what stands before it and itself.

    They are those of two words, of two to four in the row in which words without a kind are one and the same, and of
    two and three of those that have a kind, wherever they stand in the sentence.
    """
    before = one = two = three = first = second = 0
    for each in some:
        found = [pair(before, each.word) & MASK]
        before = each.word
        if each.read != ANY or one != each.row:
            last = pair(one, each.row)
            more = pair(two, last)
            found += (last & MASK, more & MASK, pair(three, more) & MASK)
            three, two, one = two, one, each.row
        if each.read in _ENDS:
            first = second = 0
        elif each.bits or "@" < each.read[0] < "[":
            both = pair(second, each.row ^ 1)
            found += (both & MASK, pair(first, both) & MASK)
            first, second = second, each.row ^ 1
        yield found


class Term(NamedTuple):
    """A word's own part of a sum, and what its rows need of it, multiplied already."""

    own: float
    word: int
    after: int
    """The word as the first and as the second of two."""
    row: int
    next: int
    apart: int
    wide: int
    """How it stands in a row, as the first and as the second of two; and among those that stand anywhere."""
    plain: bool
    """Whether it is any word."""
    ends: bool
    lone: bool
    """Whether it ends a sentence, and whether it counts wherever it stands."""


def term(each: Known, own: float) -> Term:
    """Return what a sum needs of a word."""
    ends, lone = each.read in _ENDS, each.row ^ 1
    return Term(
        own, each.word * _FIRST, each.word * _SECOND, each.row * _FIRST, each.row * _SECOND,
        lone * _FIRST, lone * _SECOND, each.read == ANY, ends,
        not ends and bool(each.bits or "@" < each.read[0] < "["),
    )  # fmt: skip


def summed(terms: Iterable[Term], table: Sequence[int]) -> Sequence[float]:
    """Return of each word its own weight with those of its `rows`, for which no list is made."""
    found = []
    before = one = two = three = first = second = 0
    for own, word, after, row, then, apart, wide, plain, ends, lone in _breathing(terms):
        total = own + WORD * table[(before ^ after) >> _SHIFT & MASK]
        before = word
        if not plain or one != row:
            last = (one ^ then) >> _SHIFT
            more = (two ^ last * _SECOND) >> _SHIFT
            total += table[last & MASK]
            total += table[more & MASK]
            total += table[(three ^ more * _SECOND) >> _SHIFT & MASK]
            three, two, one = two, one, row
        if ends:
            first = second = 0
        elif lone:
            both = (second ^ wide) >> _SHIFT
            total += table[both & MASK]
            total += table[(first ^ both * _SECOND) >> _SHIFT & MASK]
            first, second = second, apart
        found.append(total)
    return found


def windows(words: Words) -> Iterator[Window]:
    """Yield what is judged as one: sentences, each two that follow one another, and wider windows that overlap."""
    count = len(words.tokens)
    borders = _borders(words.tokens)
    for at in range(len(borders) - 1):
        if borders[at + 1] - borders[at] >= _FEWEST or len(borders) == 2:  # noqa: PLR2004  # one sentence is all there is
            yield _window(words, borders[at], borders[at + 1])
        if at + 2 < len(borders):
            yield _window(words, borders[at], borders[at + 2])
    for first in range(0, count - WIDE // 2, WIDE // 2):
        yield _window(words, first, min(count, first + WIDE))


def _window(words: Words, first: int, last: int) -> Window:
    return Window(first, last, words.places[first][0], words.places[last - 1][1])


def _borders(tokens: Sequence[str]) -> Sequence[int]:
    """Return where sentences begin, and where the last one ends; what never ends is cut, and short ones are joined."""
    found = [0]
    for at, token in enumerate(tokens, 1):
        size = at - found[-1]
        if (token in _ENDS and size >= _SHORTEST) or size >= LONGEST:
            found.append(at)
    if found[-1] < len(tokens):
        found.append(len(tokens))
    return found
