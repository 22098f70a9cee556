"""What a customer names: words of a dictionary, values of a list kept as digests, and secrets that we hold. Pure.

Nothing here can be turned back into what was listed, except a dictionary, which is words and no secret.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final
from zlib import crc32

from msgspec import Struct

from ostiary.guards.found import Found

KIND: Final = "exact"
SHORTEST, LONGEST, MOST = 4, 256, 1_000_000
"""Sizes of a normalised value of a list, and how many a list may have."""
SHORTEST_HELD: Final = 8
CANARY: Final = "ostiary-canary-7q4xk2vd"
"""A value that is in every set of hashed values, and in nothing else: what has to be found in it."""
_CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
# A token is a run of letters and digits; where a script writes no blanks, each character is one.
_TOKEN: Final = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_MOST_TOKENS, _EDGE, _BOTH = 24, 8, 2


class Words(Struct, frozen=True):
    """A dictionary: for each entry's first token the entries, as tokens and the marks that must stand around them."""

    name: str
    entries: Mapping[str, tuple[tuple[tuple[str, ...], str, str], ...]]


class Hashed(Struct, frozen=True):
    """A list of values as keyed digests of 64 bits, sorted; the sizes and sorts of characters that occur in it."""

    name: str
    salt: bytes
    digests: Sequence[int]
    shapes: frozenset[tuple[int, int]]
    longest: int
    sorts: frozenset[int]


class Held(Struct, frozen=True):
    """Secrets that may stand anywhere, also inside of words: by their first bytes' checksum, the sizes to try."""

    name: str
    salt: bytes
    digests: frozenset[int]
    heads: Mapping[int, tuple[int, ...]]


def words(name: str, entries: Iterable[str]) -> Words:
    """Return a dictionary that finds its entries in any case and with any marks between their tokens."""
    table: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
    for entry in entries:
        spans = [each.span() for each in _TOKEN.finditer(entry)]
        if not spans:
            raise ValueError(f"the dictionary {name} has an entry without a letter or digit, which nothing can match")
        tokens = tuple(entry[start:end].casefold() for start, end in spans)
        table.setdefault(tokens[0], []).append((tokens, entry[: spans[0][0]].strip(), entry[spans[-1][1] :].strip()))
    # Longest first: "Project Bluebird North" is told before "Project Bluebird".
    return Words(
        name, {first: tuple(sorted(each, key=lambda one: (-len(one[0]), one))) for first, each in table.items()}
    )


def search_words(dictionary: Words, text: str) -> tuple[Found, ...]:
    """Return where entries of a dictionary are in a text, the longest at each place."""
    spans = [each.span() for each in _TOKEN.finditer(text)]
    folded = [text[start:end].casefold() for start, end in spans]
    found = []
    for place, first in enumerate(folded):
        for tokens, before, behind in dictionary.entries.get(first, ()):
            if tuple(folded[place : place + len(tokens)]) != tokens:
                continue
            start, end = spans[place][0] - len(before), spans[place + len(tokens) - 1][1] + len(behind)
            if text.startswith(before, max(start, 0)) and text.startswith(behind, end - len(behind)):
                found.append(
                    Found(max(start, 0), end, KIND, f"{KIND}.{dictionary.name}", 1.0, words="an entry of a dictionary")
                )
                break
    return tuple(found)


def hashed(name: str, values: Iterable[str], salt: bytes) -> Hashed:
    """Return a list as digests; values are compared by their letters and digits alone, whatever their case."""
    digest = _digester(salt)
    digests, shapes = set(), set()
    for value in values:
        plain = _plain(value)
        if not SHORTEST <= len(plain) <= LONGEST:
            raise ValueError(
                f"the list {name} has a value with {len(plain)} letters and digits; {SHORTEST} to {LONGEST} can match"
            )
        digests.add(digest(plain.encode()))
        shapes.add((len(plain), _sort(plain)))
        if len(digests) > MOST:
            raise ValueError(f"the list {name} has more than {MOST:,} values; split it, or match by a pattern")
    longest = max((size for size, _ in shapes), default=0)
    return Hashed(
        name, salt, array("Q", sorted(digests)), frozenset(shapes), longest, frozenset(sort for _, sort in shapes)
    )


def size_of(listed: Hashed) -> int:
    """Return the bytes of memory that a list's digests take."""
    return 8 * len(listed.digests)


def search_hashed(listed: Hashed, text: str) -> tuple[Found, ...]:
    """Return where values of a list are in a text, whatever marks stand between their letters and digits."""
    digest, found = _digester(listed.salt), []
    spans = [each.span() for each in _TOKEN.finditer(text)]
    place = 0
    while place < len(spans):
        last = next(
            (
                last
                for last, plain in _windows(text, spans, place, listed)
                if _in(listed.digests, digest(plain.encode()))
            ),
            None,
        )
        if last is not None:
            found.append(
                Found(spans[place][0], spans[last][1], KIND, f"{KIND}.{listed.name}", 1.0, words="a value of a list")
            )
        place = place + 1 if last is None else last + 1
    return tuple(found)


def _windows(text: str, spans: Sequence[tuple[int, int]], first: int, listed: Hashed) -> Iterator[tuple[int, str]]:
    """Yield what begins at a token and has a size and sort that the list has, the longest first."""
    plain, fitting = "", []
    for last in range(first, min(len(spans), first + _MOST_TOKENS)):
        plain += text[slice(*spans[last])].casefold()
        sort = _sort(plain)
        # Digits stay digits only until the first letter, and the other way round: nothing longer can be of the sort.
        if len(plain) > listed.longest or (sort == _BOTH and _BOTH not in listed.sorts):
            break
        if (len(plain), sort) in listed.shapes:
            fitting.append((last, plain))
    return reversed(fitting)


def held(name: str, secrets: Iterable[str], salt: bytes) -> Held:
    """Return secrets as digests that find them anywhere, also glued to other text or broken by marks and lines."""
    digest, seed = _digester(salt), crc32(salt)
    digests: set[int] = set()
    heads: dict[int, set[int]] = {}
    for secret in secrets:
        plain = "".join(filter(str.isalnum, secret)).encode()
        if len(plain) < SHORTEST_HELD:
            raise ValueError(
                f"{name} has a secret with fewer than {SHORTEST_HELD} letters and digits; it would be found everywhere"
            )
        digests.add(digest(plain))
        heads.setdefault(crc32(plain[:_EDGE], seed), set()).add(len(plain))
    return Held(
        name, salt, frozenset(digests), {head: tuple(sorted(sizes, reverse=True)) for head, sizes in heads.items()}
    )


def search_held(known: Held, text: str) -> tuple[Found, ...]:
    """Return where secrets that we hold are in a text."""
    digest, seed, heads = _digester(known.salt), crc32(known.salt), known.heads
    places = [place for place, each in enumerate(text) if each.isalnum()]
    plain = "".join([text[place] for place in places]).encode()
    if len(plain) != len(places):
        places = [place for place in places for _ in text[place].encode()]
    found, reach = [], 0
    # A checksum for each place is cheap, and right but for one place in a million; only then a digest is computed.
    for start in [
        place for place in range(len(plain) - _EDGE + 1) if crc32(plain[place : place + _EDGE], seed) in heads
    ]:
        for size in heads[crc32(plain[start : start + _EDGE], seed)] if start >= reach else ():
            if start + size <= len(plain) and digest(plain[start : start + size]) in known.digests:
                reach = start + size
                told = f"{KIND}.{known.name}"
                found.append(
                    Found(
                        places[start], places[reach - 1] + 1, KIND, told, 1.0, words="a secret that the gateway holds"
                    )
                )
                break
    return tuple(found)


def _plain(value: str) -> str:
    return "".join(each.group().casefold() for each in _TOKEN.finditer(value))


def _sort(plain: str) -> int:
    """Return 0 for digits alone, 1 for letters alone, 2 for both: most of a text is not of a list's sort."""
    return 0 if plain.isdigit() else 1 if plain.isalpha() else _BOTH


def _in(digests: Sequence[int], digest: int) -> bool:
    place = bisect_left(digests, digest)
    return place < len(digests) and digests[place] == digest


def _digester(salt: bytes) -> Callable[[bytes], int]:
    keyed = blake2b(key=salt[:64], digest_size=8)

    def digest(plain: bytes) -> int:
        state = keyed.copy()
        state.update(plain)
        return int.from_bytes(state.digest(), "big")

    return digest
