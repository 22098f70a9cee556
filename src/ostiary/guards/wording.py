"""A text as its words and what a linear model may weigh of them: words, their parts, and rows of kinds of words. Pure.

Training and judging read a text through here, so that both mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Final
from zlib import crc32

from msgspec import Struct

from ostiary.guards.vocabulary import BIT, DEEDS, JOINED, kind, together

BITS: Final = 18
MASK: Final = (1 << BITS) - 1
"""What a hash has to be cut with to be the number of a feature."""
# Addresses, names and places to fill in are one word each, whatever is in them. Scripts without blanks between words
# are read by the words that are known, or letter by letter. Each repetition that can fail has a bound.
_TOKEN: Final = re.compile(
    r"(?P<b>[A-Za-z0-9+/]{60,}={0,2})|(?P<u>https?://[^\s<>\"'`)\]]+)|(?P<m>[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]+)"
    r"|(?P<s>\{\{?[\w .-]{1,40}\}|\$\{\w{1,40}\}|<[A-Z_ ]{3,40}>|\[[A-Z_ ]{3,40}\])"
    r"|(?P<p>(?<![\w/])(?:~|\.{1,2})?/[\w.~-]+(?:/[\w.~*-]+)*/?)"
    r"|(?P<n>[A-Za-z]+\d*(?:_[A-Za-z\d]+)+|[a-z]+[A-Z][A-Za-z]+)"
    r"|(?P<w>[^\W\d_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+(?:['\u2019]t\b)?|\d+"
    r"|[,\"`<>!?:#({\u201c\u201d\u00ab\u00bb\u300c\u300d]|[.;\u3002](?=\W|$)|\n"
    r"|(?=[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])(?:" + "|".join(map(re.escape, JOINED)) + r"|\w))"
)  # fmt: skip
_SAME: Final = str.maketrans(
    {"\n": ".", ";": ".", "\u3002": ".", "\u201c": '"', "\u201d": '"', "\u00ab": '"', "\u00bb": '"',
     "\u300c": '"', "\u300d": '"', "\u2019": "'"}
)  # fmt: skip
WORD: Final = 0.35
"""What words weigh, against the rows of their kinds: what is meant is seldom said in the same words."""
KIND: Final = 0.5
"""What a kind weighs, or two of them, in a window."""
_LONG: Final = 24
"""Characters; what has more is no word that anybody says."""
_FIRST, _SECOND, _SHIFT = 0x9E3779B1, 0x85EBCA77, 7
_WIDE: Final = 84
"""Words of the widest windows, which are about 420 characters; overlap is half of that."""
_LONGEST: Final = 40
"""Words of a sentence; what is longer is read in pieces, each two of which are read together as well."""
_SHORTEST, _FEWEST = 4, 6
"""Words without which what ends is no sentence, and without which it says too little to be judged alone."""
_ENDS: Final = frozenset(".!?")
_NEAR: Final = 100
_BEFORE_ORDERS: Final = frozenset((".", "!", "?", ":", '"', "`", ">", ",", "(", "then", "and", "or", "must", "should"))
_KINDS_BEFORE: Final = frozenset(("please", "not", "also", "now", "before", "after", "always", "hush"))
_ANY: Final = "w"
_QUOTES, _STRUCTURE = frozenset('"`'), frozenset("{,")
_CLOSE, _LONG_QUOTE = 12, 150
_FEW: Final = 2
_RARE: Final = 6
_MARKS: Final = frozenset('.:!?"`<>({#0,')


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


def read(text: str) -> Words:
    """Return a text as words, whose case and numbers do not count."""
    tokens, places = [], []
    for found in _TOKEN.finditer(text):
        token, group = found[0], found.lastgroup
        if group != "w":
            tokens.append(f"\x01{group}")
        else:
            tokens.append("0" if token[0].isdigit() else token.lower().translate(_SAME))
        places.append(found.span())
    return Words(tokens, places)


def known(word: str) -> Known:
    """Return what is known of a word; words that nobody says are one and the same."""
    bits, read = kind(word)
    said = read or _ANY
    return Known(_hash(word) if len(word) <= _LONG else _LONG, bits, said, _hash(f"\x02{said}"))


def _hash(word: str) -> int:
    return crc32(word.encode("utf-8", "replace"))


def pair(first: int, second: int) -> int:
    """Return the hash of two hashes, in their order."""
    return (first * _FIRST ^ second * _SECOND) >> _SHIFT


def rows(some: Sequence[Known]) -> Iterator[tuple[int, ...]]:
    """Yield of each word the features of what stands before it and itself.

    They are those of two words, of two to four in the row in which words without a kind are one and the same, and of
    two and three of those that have a kind, wherever they stand in the sentence.
    """
    before = one = two = three = first = second = 0
    for each in some:
        found = [pair(before, each.word) & MASK]
        before = each.word
        if each.read != _ANY or one != each.row:
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
        yield tuple(found)


def windows(words: Words) -> Iterator[Window]:
    """Yield what is judged as one: sentences, each two that follow one another, and wider windows that overlap."""
    count = len(words.tokens)
    borders = _borders(words.tokens)
    for at in range(len(borders) - 1):
        if borders[at + 1] - borders[at] >= _FEWEST or len(borders) == 2:  # noqa: PLR2004  # one sentence is all there is
            yield _window(words, borders[at], borders[at + 1])
        if at + 2 < len(borders):
            yield _window(words, borders[at], borders[at + 2])
    for first in range(0, count - _WIDE // 2, _WIDE // 2):
        yield _window(words, first, min(count, first + _WIDE))


def _window(words: Words, first: int, last: int) -> Window:
    return Window(first, last, words.places[first][0], words.places[last - 1][1])


def _borders(tokens: Sequence[str]) -> Sequence[int]:
    """Return where sentences begin, and where the last one ends; what never ends is cut, and short ones are joined."""
    found = [0]
    for at, token in enumerate(tokens, 1):
        size = at - found[-1]
        if (token in _ENDS and size >= _SHORTEST) or size >= _LONGEST:
            found.append(at)
    if found[-1] < len(tokens):
        found.append(len(tokens))
    return found


class Around(Struct, frozen=True):
    """What counts of a window beside its words."""

    kinds: Sequence[int]
    """The kinds of each word."""
    orders: Sequence[int]
    """The deeds among them that stand where orders begin."""
    attacks: Sequence[int]
    """How many words about attacks stand before each place."""
    quoted: Sequence[int]
    """How many of them stand in quotations."""
    readers: Sequence[int]
    """How many of them mean models."""
    samples: Sequence[int]
    """How many of them announce an example."""


def legible(some: Sequence[Known]) -> bool:
    """Say whether words are of a language: in what was decoded wrongly hardly one is known."""
    return sum(each.read != _ANY and each.read not in _MARKS for each in some) * _RARE >= len(some)


def around(words: Words, some: Sequence[Known]) -> Around:
    """Return what counts of the windows of a text."""
    kinds, orders, before = [], [], known(".")
    for each in some:
        kinds.append(each.bits)
        begins = before.read in _BEFORE_ORDERS or before.read in _KINDS_BEFORE
        orders.append(each.bits & DEEDS if begins and not each.read.endswith("~") else 0)
        before = each
    return Around(
        kinds, orders, _summed(each & BIT["attack"] for each in kinds), _summed(_inside(words.tokens)),
        _summed(each & (BIT["ai"] | BIT["agent"]) for each in kinds), _summed(each & BIT["sample"] for each in kinds),
    )  # fmt: skip


def traits(window: Window, near: Around) -> Mapping[str, float]:
    """Return what else counts of a window: its length, and whether it is quoted, by whom, and for what."""
    first, last = window.first, window.last
    size = last - first
    left, right = max(0, first - _NEAR), min(len(near.kinds), last + _NEAR)
    attacks = near.attacks[right] - near.attacks[left]
    every = near.attacks[-1] - (near.attacks[last] - near.attacks[first])
    quoted = (near.quoted[last] - near.quoted[first]) / size
    sampled = near.samples[first] - near.samples[max(0, first - _CLOSE)] > 0
    return {
        "length": size / _WIDE,
        "short": float(size < _LONGEST),
        "attacks": min(near.attacks[last] - near.attacks[first], 5) / 5,
        "attacks.near": min(attacks, 10) / 10,
        "attacks.some": float(attacks > 0),
        "attacks.many": float(attacks > _FEW),
        "attacks.elsewhere": float(every > 0),
        "attacks.all-over": float(every > _FEW),
        "quoted": quoted,
        "quoted.attacks": quoted * (attacks > 0),
        "quoted.lecture": quoted * (every > _FEW),
        "sample.before": float(sampled),
        "sample.attacks": float(sampled and attacks > 0),
        "readers.near": min(near.readers[right] - near.readers[left], 4) / 4,
    }


def mixed(window: Window, near: Around) -> tuple[int, int, bool]:
    """Return the kinds of words in a window, the deeds among them that are orders, and whether it is a short one."""
    first, last = window.first, window.last
    return reduce(or_, near.kinds[first:last], 0), reduce(or_, near.orders[first:last], 0), last - first <= 2 * _LONGEST


def named(kinds: int, orders: int, short: bool) -> Sequence[str]:
    """Return the names of kinds and orders, and in short windows of each two kinds."""
    names = together(kinds)
    pairs = [f"{one}+{other}" for at, one in enumerate(names) for other in names[at + 1 :]] if short else []
    return (*names, *(f"order:{name}" for name in together(orders)), *pairs)


def _inside(tokens: Sequence[str]) -> Iterator[bool]:
    """Yield of each word whether it stands in a quotation; strings of JSON are none, and none goes on for ever."""
    opened = -1
    structural = False
    for at, token in enumerate(tokens):
        if token in _QUOTES:
            if opened >= 0:
                opened = -1
                structural = False
            else:
                opened, structural = at, _structural(tokens, at)
        elif at - opened > _LONG_QUOTE:
            opened = -1
        yield opened >= 0 and not structural


def _structural(tokens: Sequence[str], at: int) -> bool:
    before = tokens[at - 1] if at else "."
    return before in _STRUCTURE or (before == ":" and at > 1 and tokens[at - 2] in _QUOTES)


def _summed(some: Iterable[int]) -> Sequence[int]:
    counts, so_far = [0], 0
    for each in some:
        so_far += bool(each)
        counts.append(so_far)
    return counts
