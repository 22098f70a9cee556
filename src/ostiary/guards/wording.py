"""A text as its words and what a linear model may weigh of them: hashes of words, of their parts and neighbours. Pure.

Training and judging read a text through here, so that both mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zlib import crc32

from msgspec import Struct

from ostiary.guards.found import Found
from ostiary.guards.vocabulary import kinds, together

BITS: Final = 18
MASK: Final = (1 << BITS) - 1
"""What a hash has to be cut with to be the number of a feature."""
# Scripts without blanks between words are read letter by letter. Of punctuation, only what ends, quotes or commands.
_TOKEN: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+|\d+|"
    r"[\"`<>!?:\u201c\u201d\u00ab\u00bb\u300c\u300d]|[.;\u3002](?=\s|$)|\n"
)
_SAME: Final = str.maketrans(
    {
        "\n": ".", ";": ".", "\u3002": ".", "\u201c": '"', "\u201d": '"', "\u00ab": '"', "\u00bb": '"',
        "\u300c": '"', "\u300d": '"',
    }
)  # fmt: skip
_LONG: Final = 24
"""Characters; what has more is no word that anybody says."""
_PART: Final = 4
_FIRST: Final = 0x9E3779B1
_SECOND: Final = 0x85EBCA77
_SHIFT: Final = 7
_WIDE: Final = 84
"""Words of the widest windows, which are about 420 characters; overlap is half of that."""
_LONGEST: Final = 28
"""Words of a sentence; what is longer is read in pieces, each two of which are read together as well."""
_SHORTEST: Final = 4
_FEWEST: Final = 6
"""Words without which a sentence says too little to be judged alone."""
_ENDS: Final = frozenset(".!?")
_NEAR: Final = 100
_SECURITY: Final = frozenset(
    "attack attacks attacker attackers adversary adversarial injection injections jailbreak jailbreaks malicious "
    "phishing exploit exploits vulnerability vulnerabilities vulnerable owasp mitre atlas cve mitigation mitigate "
    "guardrail guardrails detect detects detected detection detector payload payloads threat threats sanitize "
    "poisoning poisoned exfiltrate exfiltration untrusted defense defence security angreifer angriff angriffe attaque "
    "attaquant ataque atacante уязвимость атака 攻击 攻撃".split()
)
_QUOTES: Final = frozenset('"`')
_YOU: Final = frozenset(("you", "your", "du", "sie", "ihr", "vous", "votre", "usted", "tu", "su"))
_MOST: Final = 2.0


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


def read(text: str) -> Words:
    """Return a text as words, whose case and numbers do not count."""
    tokens, places = [], []
    for found in _TOKEN.finditer(text):
        token = found[0]
        tokens.append("0" if token[0].isdigit() else token.lower().translate(_SAME))
        places.append(found.span())
    return Words(tokens, places)


def word_hash(word: str) -> int:
    """Return the hash of a word; words that nobody says are one and the same."""
    return crc32(word.encode("utf-8", "replace")) if len(word) <= _LONG else _LONG


def parts(word: str) -> tuple[int, ...]:
    """Return the features of a word's parts."""
    if len(word) < _PART or len(word) > _LONG:
        return ()
    whole = f"^{word}$"
    size = _PART if word.isascii() else _PART - 1
    grams = (whole[at : at + size] for at in range(len(whole) - size + 1))
    return tuple(crc32(gram.encode("utf-8", "replace"), 1) & MASK for gram in grams)


def pair(first: int, second: int) -> int:
    """Return the hash of two hashes, in their order."""
    return (first * _FIRST ^ second * _SECOND) >> _SHIFT


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


def spoken(words: Words) -> tuple[Sequence[int], ...]:
    """Return how many words of security, quotation marks and words for the reader stand before each place; and kinds.

    The last of them is the kinds of each word itself.
    """
    return _counts(words, _SECURITY), _counts(words, _QUOTES), _counts(words, _YOU), kinds(words.tokens)


def traits(window: Window, counts: tuple[Sequence[int], ...], found: Sequence[Found]) -> Mapping[str, float]:
    """Return what else counts of a window: its length, whom it speaks to and of what, and the signs that it bears."""
    security, quotes, you, sorts = counts
    first, last = window.first, window.last
    size = last - first
    near = security[min(len(security) - 1, last + _NEAR)] - security[max(0, first - _NEAR)]
    weighed = {
        "length": size / _WIDE,
        "short": float(size < _LONGEST),
        "security": min(security[last] - security[first], 5) / 5,
        "near": min(near, 10) / 10,
        "quotes": (quotes[last] - quotes[first]) / size,
        "you": min(you[last] - you[first], 4) / 4,
    }
    alone, pairs = together(sorts[first:last])
    weighed |= dict.fromkeys(alone if size > 2 * _LONGEST else (*alone, *pairs), 1.0)
    for each in found:
        if each.start < window.end and window.start < each.end:
            weighed[each.rule] = min(_MOST, weighed.get(each.rule, 0.0) + each.score)
            weighed["signs"] = max(each.score, weighed.get("signs", 0.0))
    return weighed


def _counts(words: Words, wanted: frozenset[str]) -> Sequence[int]:
    counts, so_far = [0], 0
    for each in words.tokens:
        so_far += each in wanted
        counts.append(so_far)
    return counts
