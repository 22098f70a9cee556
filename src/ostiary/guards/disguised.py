"""A text in every reading in which a part of another may stand in it, for exact comparison. Pure.

What is compared exactly may be decoded without asking whether it makes sense: noise is like nothing. So everything that
can be base64, base32, hexadecimal or numbers of characters is read as that, from every place at which it may begin,
beside the readings in which a text makes sense (`views.py`).
"""

from __future__ import annotations

import binascii
import re
from base64 import b32decode
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from ostiary.guards.pace import breathe
from ostiary.guards.views import ViewBounds, views

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_TURNS: Final = re.compile("[a-z0-9+/_-][A-Z]")
_DENSE: Final = 24
"""Base64 goes from small letters to capitals nearly every fourth time, prose once in a sentence."""
_OTHERS: Final = re.compile(r"[^A-Za-z0-9+/_-]+")
_URLSAFE: Final = str.maketrans("-_", "+/")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}(?:[^0-9A-Za-z]{0,3}(?:0?x)?)){6,}")
_PAIRS: Final = re.compile(r"0?x|[^0-9A-Fa-f]+")
_BASE32: Final = re.compile(r"[A-Z2-7]{10,}|[a-z2-7]{24,}")
_CODES: Final = re.compile(r"(?:[0-9]{2,3}[^0-9A-Za-z]{1,3}){6,}[0-9]{2,3}")
_PERCENT: Final = re.compile("%[0-9A-Fa-f]{2}")
_CODE: Final = re.compile("[0-9]{2,3}")
_ROTATED: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_QUARTET, _OCTET = 4, 8
_LESS, _MOST, _LONG = 0.8, 0.95, 1_024
_BOUNDS: Final = ViewBounds(depth=3, count=12, size=1 << 16)


class Reading(Struct, frozen=True):
    """One reading of a text."""

    text: str
    name: str = ""
    """How it was read; empty: as written."""
    guess: bool = False
    """It was read so without asking whether it makes sense."""


class Unread(Struct, frozen=True):
    """That there are more readings than are looked at."""

    bound: str


def readings(text: str) -> Iterator[Reading | Unread]:
    """Yield a text as it was written, and every other reading of it."""
    if not _blob(text):
        yield from _opened(text, ())
        return
    yield Reading(text)
    for each in _of_base64(text):
        if each.isascii():
            # No more than one of all ways to begin makes text of it.
            yield from _opened(each, ("base64",))
        else:
            yield Reading(each, "base64", guess=True)


def _blob(text: str) -> bool:
    """Say whether a text is a file in base64 and nothing else: most of them hold no text at all."""
    compact = _OTHERS.sub("", text)
    return len(compact) > _MOST * len(text) and len(text) > _LONG and _turning(compact)


def _opened(text: str, path: tuple[str, ...]) -> Iterator[Reading | Unread]:
    found = views(text, _BOUNDS)
    if found[0].more:
        yield Unread(found[0].more)
    for view in found:
        breathe()
        # Where hardly any of it was encoded in a way that makes sense, to guess again would find the same again.
        same = bool(view.path) and len(view.text) > _LESS * len(text)
        yield Reading(view.text, "/".join((*path, *view.path)), same)
        for name, decoded in () if same else _DECODERS.items():
            for each in dict.fromkeys(decoded(view.text)):
                yield Reading(each, "/".join((*path, *view.path, name)), guess=True)
    if _PERCENT.search(text):
        # A single one makes no text worth a view, and breaks what is compared.
        yield Reading(unquote(text), "/".join((*path, "percent")), guess=True)


def turned(stream: str, *, guess: bool) -> Iterator[tuple[str, str]]:
    """Yield what counts of a text as it is and, where it is no guess, backwards, rotated by thirteen, and both."""
    yield "", stream
    if guess:
        return
    yield "backwards", stream[::-1]
    rotated = stream.translate(_ROTATED)
    if rotated != stream:
        yield "rotated", rotated
        yield "rotated/backwards", rotated[::-1]


def _of_base64(text: str) -> Iterator[str]:
    compact = _OTHERS.sub("", text)
    if len(compact) >= _OCTET and _turning(compact):
        yield from _shifted(compact)
        return
    for found in _BASE64.finditer(text):
        if _turning(found[0]):
            yield from _shifted(found[0])


def _turning(written: str) -> bool:
    return len(_TURNS.findall(written)) * _DENSE >= len(written)


def _shifted(written: str) -> Iterator[str]:
    """Yield what base64 says, wherever its first letter is; also backwards."""
    for each in (written.translate(_URLSAFE), written[::-1].translate(_URLSAFE)):
        for shift in range(_QUARTET):
            breathe()
            whole = each[shift:]
            rest = len(whole) % _QUARTET
            whole = whole[:-1] if rest == 1 else whole + "=" * (-rest % _QUARTET)
            yield _text(binascii.a2b_base64(whole))


def _of_hex(text: str) -> Iterator[str]:
    for found in _HEX.finditer(text):
        digits = _PAIRS.sub("", found[0])
        for each in (digits, digits[1:], digits[::-1]):
            breathe()
            yield _text(bytes.fromhex(each[: len(each) // 2 * 2]))


def _of_base32(text: str) -> Iterator[str]:
    for found in _BASE32.finditer(text):
        for shift in range(_OCTET):
            breathe()
            whole = found[0][shift:].upper()
            # Whole bytes end after 2, 4, 5, 7 or 8 letters (RFC 4648, section 6).
            whole = whole[: len(whole) - (len(whole) % _OCTET in {1, 3, 6})]
            yield _text(b32decode(whole + "=" * (-len(whole) % _OCTET)))


def _of_codes(text: str) -> Iterator[str]:
    for found in _CODES.finditer(text):
        yield "".join(chr(int(each)) for each in _CODE.findall(found[0]))


def _text(data: bytes) -> str:
    """Return bytes as text; what is none is left out. The second bytes of UTF-16 do not count later on."""
    return data.decode("utf-8", "ignore")


_DECODERS: Final[dict[str, Callable[[str], Iterator[str]]]] = {
    "base64": _of_base64,
    "hex": _of_hex,
    "base32": _of_base32,
    "codes": _of_codes,
}
