"""Text written so that a person does not read it: base64, hexadecimal, percent signs, entities, escapes. Pure."""

from __future__ import annotations

import html
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX: Final = re.compile(r"(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ ,:]?){16,}")
_HEX_NOISE: Final = re.compile(r"0x|\\x|[ ,:]")
_ESCAPES: Final = re.compile(r"\\u\{?([0-9A-Fa-f]{4,6})\}?|\\x([0-9A-Fa-f]{2})")
_ENTITIES: Final = re.compile(r"&#?[0-9A-Za-z]{2,10};")
_PERCENT: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})")
_SPACED: Final = re.compile(r"(?<!\w)(?:\w[ ._*-]){5,}\w(?!\w)")
_TEXTUAL: Final = 0.95
_FEWEST: Final = 3
_LETTERS: Final = 0.6


class Payload(Struct, frozen=True):
    """A part of a string that says something else once it is decoded."""

    written: str
    says: str
    opaque: bool
    """A person cannot read it as it is written."""


def payloads(text: str) -> Iterator[Payload]:
    """Yield what is encoded in a string and decodes to text, one level deep."""
    for pattern, decode in ((_BASE64, _base64), (_HEX, _hex)):
        # All of one kind together: many harmless ones must not hide another, nor cost more than their length.
        read = [(found.group(), decode(found.group())) for found in pattern.finditer(text)]
        says = [each for each in read if each[1]]
        if says:
            yield Payload(says[0][0], "\n".join(each[1] for each in says), opaque=True)
    for respelled in _respelled(text):
        yield Payload(text, respelled, opaque=False)


def _respelled(text: str) -> Iterator[str]:
    """Yield the whole text as it reads once its escapes are undone."""
    if _ENTITIES.search(text):
        yield html.unescape(text)
    if len(_PERCENT.findall(text)) > _FEWEST:
        yield unquote(text, errors="replace")
    if _ESCAPES.search(text):
        yield _ESCAPES.sub(lambda found: _character(found[1] or found[2]), text)
    if _SPACED.search(text):
        yield _SPACED.sub(lambda found: found.group()[::2], text)


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number <= 0x10FFFF else ""  # noqa: PLR2004 - the last code point there is


def _base64(written: str) -> str:
    plain = written.replace("-", "+").replace("_", "/").rstrip("=")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    return _text(b64decode(plain + "=" * (-len(plain) % 4)))


def _hex(written: str) -> str:
    digits = _HEX_NOISE.sub("", written)
    return _text(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _text(data: bytes) -> str:
    """Return bytes as text if they are words: almost all of it prints, and most of that is letters and spaces."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    printing = sum(each.isprintable() or each in "\n\t\r" for each in text)
    letters = sum(each.isalpha() or each == " " for each in text)
    worded = printing >= _TEXTUAL * len(text) and letters >= _LETTERS * len(text)
    return text if worded and " " in text.strip() else ""
