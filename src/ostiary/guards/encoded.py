"""Text that was encoded, decoded where it stands: escapes, percent signs, entities, base64, hexadecimal, bits. Pure.

What decodes to no text stays as it is: digests, keys, pictures. Each kind is found by a pattern that looks at every
character a bounded number of times, and no decoding makes a text longer than it was.
"""

from __future__ import annotations

import binascii
import html
import re
import sys
from base64 import b32decode
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ostiary.guards.engine import compiled, readable, spans
from ostiary.guards.mapping import Draft, Layer
from ostiary.guards.pace import breathe

# Nine characters of well-formed UTF-8 (table 3-7 of the standard) that a person can read: chance writes them in one of
# some thousand places.
_PRINTED: Final = (
    "(?:[\t\n\r\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|(?:\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|[\xe1-\xec\xee\xef][\x80-\xbf])[\x80-\xbf]"
    "|(?:\xf0[\x90-\xbf]|\xf4[\x80-\x8f]|[\xf1-\xf3][\x80-\xbf])[\x80-\xbf]{2}){9,}"
)
_TEXT: Final = compiled(_PRINTED, raw=True)
# What is short is searched sooner than the engine is called: each first byte says which way it goes on.
_SHORT_TEXT: Final = re.compile(_PRINTED.encode("latin-1"))
_WIDE: Final = compiled("(?:[\t\n\r\x20-\x7e]\x00){6,}", raw=True)
# Lines are 64 or 76 characters long (RFC 7468, RFC 2045); of longer ones each says something of its own.
_WRAPPED: Final = re.compile(r"(?<=[A-Za-z0-9+/]{60})(?<![A-Za-z0-9+/]{129})(?:\r?\n|(?:\\r)?\\n)(?=[A-Za-z0-9+/])")
_WRAP: Final = compiled(r"[A-Za-z0-9+/]{60}(?:\r?\n|(?:\\r)?\\n)[A-Za-z0-9+/]")
_ENOUGH: Final = 0.9
_SHIFTS: Final = 4
_PLAIN: Final = 2
_SHORT: Final = 256
_UNPRINTED: Final = bytes(each for each in range(256) if not 32 <= each < 127)  # noqa: PLR2004 - ASCII
_ASCII: Final = r"(?:[2-7][0-9A-Fa-f]|0[9aAdD])"
_HIGH: Final = r"(?:[cdCD][0-9A-Fa-f][ ,:]?[89abAB][0-9A-Fa-f]|[eE][0-9A-Fa-f](?:[ ,:]?[89abAB][0-9A-Fa-f]){2})"

# Wide letters (U+FF01 and what follows) are three bytes each, the first two nearly always the same: in base64, of each
# place that they can begin at, four letters that say hardly more than that.
_WIDE_LETTERS: Final = r"(?:77[y2][A-Za-z0-9+/_-]){3}|(?:[+-][89][A-Za-z0-9+/_-]{2}){3}|(?:vv[A-Za-z0-9+/_-]{2}){3}"

# Printed characters of ASCII by their numbers.
_CODE: Final = r"(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])"

GATES: Final = {
    "escape": r"\\[nrtbf\"'/\\uUxX0-7]",
    "percent": r"%[0-9A-Fa-f]{2}",
    "entity": r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][0-9A-Za-z]{1,30});",
    "base64": r"(?:[a-z0-9+/_-]{1,9}[A-Z]+){4}|[A-Za-z0-9+/_-]{13}={1,2}|" + _WIDE_LETTERS,
    "hex": rf"(?:(?:{_ASCII}|{_HIGH})[ ,:]{{0,2}}(?:0x)?){{9}}",
    "base32": r"[A-Z2-7]{16}",
    "bits": r"(?:[01]{8}[ ,]?){6}",
    "codes": rf"(?:\b{_CODE}[ ,;]{{1,2}}){{9}}",
    "quoted": r"(?:=[0-9A-F]{2}){4}",
}
"""What is in every text that holds something of each kind."""

_ESCAPE: Final = re.compile(
    r"\\(?:(?P<units>u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*)|(?P<bytes>x[0-9A-Fa-f]{2}(?:\\x[0-9A-Fa-f]{2})*)"
    r"|(?P<point>u\{[0-9A-Fa-f]{1,6}\}|U[0-9A-Fa-f]{8}|[xX]\{[0-9A-Fa-f]{1,6}\})|(?P<octal>[0-3][0-7]{2})"
    r"|(?P<one>[nrtbf\"'/\\]))"
)
_ONE: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "", "f": "\f"}
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][0-9A-Za-z]{1,30});")
_BASE64: Final = compiled(
    rf"[A-Za-z0-9+/_-]*(?:(?:[a-z0-9+/_-]{{1,9}}[A-Z]+){{4}}|{_WIDE_LETTERS})[A-Za-z0-9+/_-]*={{0,2}}|[A-Za-z0-9+/_-]{{13,}}={{1,2}}"
)
_HEX: Final = compiled(rf"(?:(?:0x|\\x)?(?:{_ASCII}|{_HIGH})[ ,:]{{0,2}}){{9,}}")
_BASE32: Final = compiled(r"[A-Z2-7]{16,}={0,6}")
_BITS: Final = compiled(r"(?:[01]{8}[ ,]?){6,}")
_CODES: Final = compiled(rf"\b{_CODE}(?:[ ,;]{{1,2}}{_CODE}){{9,}}\b")
_QUOTED: Final = re.compile(r"=[0-9A-F]{2}(?:=[0-9A-F]{2}){3,}")


_PAIR: Final = re.compile(r"(?:0x|\\x)?([0-9A-Fa-f]{2})")
_URLSAFE: Final = str.maketrans("-_", "+/")


def decoded(text: str, kinds: frozenset[str]) -> tuple[str, tuple[Layer, ...], tuple[str, ...]]:
    """Return a text with what is encoded in it decoded, the ways back, and which kinds were."""
    layers: list[Layer] = []
    if "base64" in kinds and (joined := _unwrapped(text)).changed:
        text, layer = joined.done()
        layers.append(layer)
    draft, told, done = Draft(text), dict[str, None](), 0
    for start, end, kind in sorted(_runs(text, kinds)):
        breathe()
        if start >= done and _WRITERS[kind](draft, start, -end):
            told[kind] = None
            done = -end
    text, layer = draft.done()
    return text, (*layers, layer), tuple(told)


def _unwrapped(text: str) -> Draft:
    """Leave out the line ends inside long base64 (RFC 2045 wraps it at 76 characters)."""
    draft = Draft(text)
    if _WRAP.search(readable(text)) is None:
        return draft
    for found in _WRAPPED.finditer(text):
        draft.cut(*found.span())
    return draft


def _runs(text: str, kinds: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    """Yield where something may be encoded; an end is negative, so that of two at one place the longer comes first."""
    for kind in sorted(kinds):
        if kind in _QUICK:
            for found in _QUICK[kind].finditer(text):
                yield found.start(), -found.end(), kind
        else:
            for start, end in spans(_STEADY[kind], text):
                yield start, -end, kind


def _escape(draft: Draft, start: int, end: int) -> bool:
    written = draft.text[start:end]
    if end - start == _PLAIN:
        draft.put(_ONE.get(written[1], written[1]), start, end)
        return True
    match written[1]:
        case "u" if written[2] != "{":
            digits = bytes.fromhex(written.replace("\\u", ""))
            draft.decoded(digits.decode("utf-16-be", "surrogatepass"), start, end, (1, 6), unit=1)
        case "x" if written[2] != "{":
            _bytes(draft, bytes.fromhex(written.replace("\\x", "")), start, end, 4)
        case "u" | "U" | "x" | "X":
            number = int(written[2:].strip("{}"), 16)
            draft.put(chr(number) if number <= sys.maxunicode else "", start, end)
        case _:
            draft.put(chr(int(written[1:], 8)), start, end)
    return True


def _percent(draft: Draft, start: int, end: int) -> bool:
    _bytes(draft, bytes.fromhex(draft.text[start:end].replace("%", "")), start, end, 3)
    return True


def _bytes(draft: Draft, data: bytes, start: int, end: int, each: int) -> None:
    """Write bytes that took `each` characters each: as UTF-8, or else every byte for itself."""
    try:
        draft.decoded(data.decode("utf-8"), start, end, (1, each))
    except UnicodeDecodeError:
        draft.evenly(data.decode("latin-1"), start, end, (1, each))


def _entity(draft: Draft, start: int, end: int) -> bool:
    written = draft.text[start:end]
    meant = html.unescape(written)
    if meant == written:
        return False
    draft.put(meant, start, end)
    return True


def _base64(draft: Draft, start: int, end: int) -> bool:
    """Write what base64 says, whatever letters stand before it without a gap."""
    written = draft.text[start:end].rstrip("=").translate(_URLSAFE)
    best, most, data = 0, 0, b""
    for shift in range(min(_SHIFTS, len(written) - 1)):
        read = _read(written[shift:])
        if b"\0" in read and (wide := _WIDE.match(read)):
            draft.decoded(wide.group().decode("utf-16-le"), start + shift, end, (3, 4), unit=2)
            return True
        text = _readable(read)
        if text > most:
            best, most, data = shift, text, read
        if most >= _ENOUGH * len(read):
            break
    return _texts(draft, data, start + best, end)


def _readable(data: bytes) -> int:
    """Return how many of some bytes are text; none where that is too little to look for."""
    if len(data) < _SHORT and not data.isascii():
        # Names in code look like base64 too, and decode to noise: a third of it prints.
        printing = len(data.translate(None, _UNPRINTED))
        if printing < len(data) // 2 and not _valid(data):
            return 0
    return sum(end - start for start, end in _printed(data))


def _printed(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield which parts of some bytes are text."""
    for found in (_SHORT_TEXT if len(data) < _SHORT else _TEXT).finditer(data):
        yield found.span()


def _valid(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        # The end of a text may have been cut, or not belong to it.
        return error.start >= len(data) // 2
    return True


def _texts(draft: Draft, data: bytes, start: int, end: int) -> bool:
    """Write the parts of some bytes that are text."""
    found = list(_printed(data))
    for first, last in found:
        until = end if last == len(data) else min(end, start - -last // 3 * 4)
        draft.decoded(data[first:last].decode("utf-8"), start, until, (3, 4), first=first)
    return bool(found)


def _read(written: str) -> bytes:
    whole = written[: len(written) - (len(written) % 4 == 1)]
    return binascii.a2b_base64(whole + "=" * (-len(whole) % 4))


def _base32(draft: Draft, start: int, end: int) -> bool:
    written = draft.text[start:end].rstrip("=")
    # Whole bytes end after 2, 4, 5, 7 or 8 letters (RFC 4648, section 6).
    whole = written[: len(written) - (len(written) % 8 in {1, 3, 6})]
    new = _worded(b32decode(whole + "=" * (-len(whole) % 8)))
    if new:
        draft.decoded(new, start, start + len(whole), (5, 8))
    return bool(new)


def _hex(draft: Draft, start: int, end: int) -> bool:
    return _steps(draft, start, end, 16)


def _bits(draft: Draft, start: int, end: int) -> bool:
    return _steps(draft, start, end, 2)


def _codes(draft: Draft, start: int, end: int) -> bool:
    """Write what numbers spell, where nearly all of it is letters: tables are full of numbers."""
    found = list(_NUMBER.finditer(draft.text, start, end))
    new = "".join(chr(int(each[0])) for each in found)
    if len(_LETTERS.findall(new)) < _SPELLING * len(new):
        return False
    for letter, each, after in zip(new, found, [*(each.start() for each in found[1:]), end], strict=True):
        draft.put(letter, each.start(), after)
    return True


def _quoted(draft: Draft, start: int, end: int) -> bool:
    """Write what RFC 2045 (section 6.7) has a mail quote, where more is quoted than a letter with an accent."""
    _bytes(draft, bytes.fromhex(draft.text[start:end].replace("=", "")), start, end, 3)
    return True


def _steps(draft: Draft, start: int, end: int, base: int) -> bool:
    """Write bytes that are written in digits, in even steps or not."""
    found = list((_PAIR if base > 2 else _EIGHT).finditer(draft.text, start, end))  # noqa: PLR2004 - not in bits
    new = _worded(bytes(int(each[1], base) for each in found))
    if not new:
        return False
    step = found[1].start() - found[0].start()
    if all(each.start() == start + at * step for at, each in enumerate(found)):
        draft.decoded(new, start, found[-1].end(), (1, step))
    else:
        draft.put(new, start, found[-1].end())
    return True


def _worded(data: bytes) -> str:
    """Return bytes as text where all of it can be read: chance writes that nowhere, whatever it says."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    # Whether it is words is not asked: an account's number has none, nor has what was encoded once more.
    return text if text.translate(_SPACES).isprintable() else ""


_SPACES: Final = dict.fromkeys(map(ord, "\t\n\r"), " ")
_EIGHT: Final = re.compile("([01]{8})")
_NUMBER: Final = re.compile(r"\d+")
_LETTERS: Final = re.compile(r"[A-Za-z ]")
_SPELLING: Final = 0.8
_QUICK: Final = {"escape": _ESCAPE, "percent": _PERCENT, "entity": _ENTITY, "quoted": _QUOTED}
_STEADY: Final = {"base64": _BASE64, "hex": _HEX, "base32": _BASE32, "bits": _BITS, "codes": _CODES}
_WRITERS: Final[Mapping[str, Callable[[Draft, int, int], bool]]] = {
    "escape": _escape, "percent": _percent, "entity": _entity, "base64": _base64, "hex": _hex, "base32": _base32,
    "bits": _bits, "codes": _codes, "quoted": _quoted,
}  # fmt: skip
