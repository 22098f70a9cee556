"""What tests plant, and all the ways in which it could be written down somewhere. Pure.

A secret of a random kind must not appear in any piece of 16 characters, in any spelling; one that people chose (a
password, say) must not appear as a whole, for parts of it are words. Findings name the secret and the place, never
the value.
"""

from __future__ import annotations

import base64
import html
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, quote_plus

PIECE: Final = 16
"""So many characters of a random secret, in any spelling, are a finding."""
LEAST: Final = 10
"""What is shorter is no secret: it would be found everywhere."""
MOST: Final = 16 * 1024
"""What is longer was made to be refused for its length."""
_GRAM: Final = 8
_VARIETY: Final = 6
_READABLE: Final = frozenset({"password", "client secret", "server credential", "configured secret"})
"""Kinds that people choose, in words."""
_JWS: Final = re.compile(rb"[\w-]*\.[\w-]*\.([\w-]*)")
_JWE: Final = re.compile(rb"[\w-]+\.[\w-]*\.[\w-]+\.([\w-]+)\.[\w-]+")
_OURS: Final = re.compile(rb"ost_([\w-]{43})_[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Secret:
    """What must not be found, and what a report calls it; `name` and `repr` tell nothing of the value."""

    kind: str
    name: str
    core: bytes = field(repr=False)
    """What is secret in it: of a signed token the signature, of a token of ours its random part."""

    @property
    def random(self) -> bool:
        """Say whether its pieces are secrets too."""
        return self.kind not in _READABLE


@dataclass(frozen=True, slots=True)
class Found:
    """A secret, how it was spelled, and where in the data it begins."""

    secret: Secret
    spelling: str
    offset: int
    length: int


def secret(kind: str, name: str, value: str | bytes) -> Secret | None:
    """Return what is to be searched for; None where a value is too short, too long or too simple to be a secret."""
    text = value.encode() if isinstance(value, str) else value
    core = _core(text)
    if len(core) < LEAST or len(text) > MOST or len(set(core)) < _VARIETY:
        return None
    return Secret(kind, name, core)


def _core(value: bytes) -> bytes:
    for shape in (_OURS, _JWS, _JWE):
        found = shape.fullmatch(value)
        if found is not None:
            # The head and the claims of a signed token are no secret: the head is the same in all of an issuer's.
            return found.group(1)
    return value


def spellings(core: bytes) -> dict[str, bytes]:
    """Return the ways in which a value can be written down; equal ones are told once."""
    hexadecimal = core.hex()
    found = {
        "as it is": core,
        "in lower case": core.lower(),
        "hexadecimal": hexadecimal.encode(),
        "HEXADECIMAL": hexadecimal.upper().encode(),
    }
    for shift in range(3):
        found[f"base64, shifted by {shift}"] = _within(base64.b64encode, core, shift)
        found[f"base64url, shifted by {shift}"] = _within(base64.urlsafe_b64encode, core, shift)
    found |= {name: text.encode() for name, text in _written(core).items()}
    once: dict[bytes, str] = {}
    for name, spelled in found.items():
        once.setdefault(spelled, name)
    return {name: spelled for spelled, name in once.items()}


def _within(encode: object, core: bytes, shift: int) -> bytes:
    """Return the characters that depend on nothing but the value, if so many bytes come before it."""
    assert callable(encode)
    text: bytes = encode(bytes(shift) + core).rstrip(b"=")
    end = len(text) - (1 if (len(core) + shift) % 3 else 0)
    return text[(0, 2, 3)[shift] : end]


def text_of(core: bytes) -> str:
    """Return the characters that a program would take the bytes for."""
    try:
        return core.decode()
    except UnicodeDecodeError:
        return core.decode("latin-1")


def _written(core: bytes) -> dict[str, str]:
    text, every = text_of(core), "".join(f"%{each:02x}" for each in core)
    once, plain = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
    return {
        "percent-encoded": quote(core, safe=""),
        "percent-encoded as a path": quote(core),
        "percent-encoded as a form": quote_plus(core),
        "percent-encoded wholly": every,
        "PERCENT-ENCODED wholly": every.upper(),
        "escaped for JSON": once,
        "escaped for JSON, but for letters": plain,
        "escaped for JSON twice": json.dumps(once)[1:-1],
        "escaped for JSON twice, but for letters": json.dumps(plain, ensure_ascii=False)[1:-1],
        "escaped for JSON wholly": "".join(f"\\u{ord(each):04x}" for each in text),
        "escaped for HTML": html.escape(text),
        "escaped for Python": repr(text)[1:-1],
        "escaped for Python as bytes": repr(core)[2:-1],
    }


class Sieve:
    """Finds secrets in data, in a time that hardly depends on how many they are.

    Pieces: all runs of 8 characters of all spellings are kept as numbers, and the data is read as numbers, 8 bytes at
    a time. Wherever a piece of 15 or more begins, one of these numbers lies wholly within it. Only what is shorter has
    to be looked for by itself.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._grams, self._words = set[int](), set[int]()
        self._pieces = list[tuple[Secret, str, bytes]]()
        self._wholes = list[tuple[Secret, str, bytes]]()
        self._short = list[tuple[Secret, str, bytes]]()
        for each in secrets:
            self.add(each)

    def add(self, found: Secret) -> None:
        """Search for this one, too."""
        for name, spelled in spellings(found.core).items():
            if len(spelled) < PIECE:
                self._short.append((found, name, spelled))
                continue
            (self._pieces if found.random else self._wholes).append((found, name, spelled))
            for start in range(_GRAM):
                (self._grams if found.random else self._words).update(_numbers(spelled[start:]))

    def found(self, data: bytes | bytearray) -> list[Found]:
        """Return every secret in the data, once for each spelling and place."""
        return [*self._whole(data), *self._in_pieces(data)]

    def _whole(self, data: bytes | bytearray) -> Iterator[Found]:
        grams = [gram.to_bytes(_GRAM, sys.byteorder) for gram in self._words.intersection(_numbers(data))]
        likely = [each for each in self._wholes if any(gram in each[2] for gram in grams)]
        for secret_, name, spelled in (*self._short, *likely):
            at = data.find(spelled)
            if at >= 0:
                yield Found(secret_, name, at, len(spelled))

    def _in_pieces(self, data: bytes | bytearray) -> Iterator[Found]:
        numbers = _numbers(data)
        if self._grams.isdisjoint(numbers):
            return
        told = set[tuple[int, int]]()
        for index, number in enumerate(numbers):
            if number not in self._grams:
                continue
            for which, (secret_, name, spelled) in enumerate(self._pieces):
                start, length = _common(data, index * _GRAM, spelled)
                if length >= PIECE and (which, start) not in told:
                    told.add((which, start))
                    yield Found(secret_, name, start, length)


def _numbers(data: bytes | bytearray) -> memoryview:
    return memoryview(data)[: len(data) // _GRAM * _GRAM].cast("Q")


def _common(data: bytes | bytearray, at: int, spelled: bytes) -> tuple[int, int]:
    """Return where the longest piece of a spelling that covers this run in the data begins, and its length."""
    best, gram = (at, 0), bytes(data[at : at + _GRAM])
    place = spelled.find(gram)
    while place >= 0:
        before = _alike(data[max(0, at - place) : at][::-1], spelled[:place][::-1])
        after = _alike(data[at : at + len(spelled) - place], spelled[place:])
        if before + after > best[1]:
            best = (at - before, before + after)
        place = spelled.find(gram, place + 1)
    return best


def _alike(one: bytes | bytearray, other: bytes) -> int:
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
