"""Values that must not arrive, what they stand in, how they are disguised, and a reader that undoes disguises by itself.

The reader shares nothing with the guards' own views: it decodes whatever decodes, again and again.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.budget import examples

KEY: Final = "AKIA" + "QYLPMN5HFIQR7XYA"
CARD: Final = "4539 1488 0343 6467"
MAIL: Final = "ana.weber@corp-mail.com"
SECRETS: Final = {
    f"deploy with {KEY} today": KEY,
    "db_password = 'k7Qz!mW2vRt9' # of the shop": "k7Qz!mW2vRt9",
    "Authorization: Bearer x7Kq9ZmP2vLw8RtY4nBc6": "x7Kq9ZmP2vLw8RtY4nBc6",
    "postgres://app:pW7kQ2xZ9mL4@db.corp.net:5432/shop": "pW7kQ2xZ9mL4",
    "le mot de passe du compte est Mar1sol_83x, merci": "Mar1sol_83x",
}
PEOPLE: Final = {
    f"paid by card {CARD}, thanks": CARD,
    f"write to {MAIL} soon": MAIL,
    "IBAN DE89 3704 0044 0532 0130 00 please": "DE89 3704 0044 0532 0130 00",
    "call +49 30 9018200 now": "+49 30 9018200",
}
EVERY: Final = {**SECRETS, **PEOPLE}
"""Words, and the value in them that guards look for."""
_SHORT: Final = 8

Disguise = Callable[[str, str], str]
"""Words and the value in them → the words in a disguise."""


def _zero_width(words: str, value: str) -> str:
    return words.replace(value, "\u200b".join(value))


def _marked(words: str, value: str) -> str:
    half = len(value) // 2
    return words.replace(value, f"{value[:half]}<b>{value[half:]}</b>")


def _fullwidth(words: str, value: str) -> str:
    wide = "".join(chr(ord(each) + 0xFEE0) if each.isascii() and each.isalnum() else each for each in value)
    return words.replace(value, wide)


DISGUISES: Final[dict[str, Disguise]] = {
    "none": lambda words, _: words,
    "zero width": _zero_width,
    "markup": _marked,
    "wide": _fullwidth,
    "base64": lambda words, _: base64.b64encode(words.encode()).decode(),
    "hex": lambda words, _: words.encode().hex(),
    "percent": lambda words, _: quote(words, safe=""),
    "every percent": lambda words, _: "".join(f"%{each:02x}" for each in words.encode()),
    "entities": lambda words, _: "".join(f"&#{ord(each)};" for each in words),
    "JSON escapes": lambda words, _: "".join(f"\\u{ord(each):04x}" for each in words),
    "a JSON string": lambda words, _: json.dumps({"said": words}),
    "a JSON string in one": lambda words, _: json.dumps({"said": json.dumps({"said": words})}),
}
_INNER: Final = ("none", "zero width", "markup", "wide")
_OUTER: Final = tuple(each for each in DISGUISES if each not in _INNER)
chosen: Final = st.tuples(st.sampled_from(_INNER), st.lists(st.sampled_from(_OUTER), max_size=2)).map(
    lambda drawn: (drawn[0], *drawn[1])
)
"""What is done to a value, and then up to two wrappings: less than the guards' bound on depth."""
chosen_once: Final = st.tuples(st.just("none"), st.sampled_from(("none", "base64", "hex", "percent", "a JSON string")))
"""A disguise that makes words at most twice as long, so that all of them lie where two blocks are read as one."""


def tried(few: int, many: int, *drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what makes two tests of a law: with a few examples for every commit, and with many for the slow lane."""

    def made(law: Callable[..., None]) -> Callable[..., None]:
        at_length = pytest.mark.slow(examples(many)(given(*drawn)(law)))
        law.__globals__[f"{law.__name__}_at_length"] = at_length
        return examples(few)(given(*drawn)(law))

    return made


def disguised(words: str, value: str, steps: tuple[str, ...]) -> str:
    """Return words in disguises, the first of them innermost."""
    for step in steps:
        words = DISGUISES[step](words, value)
    return words


def strings(said: Any) -> Iterator[str]:
    """Yield every string of a JSON value, members' names and numbers too."""
    if isinstance(said, dict):
        for key, value in said.items():
            yield key
            yield from strings(value)
    elif isinstance(said, list | tuple):
        for each in said:
            yield from strings(each)
    elif said is not None:
        yield str(said)


def leaked(said: Any, value: str) -> list[str]:
    """Return the readings of what was said in which a part of the value stands that could be used."""
    plain = _letters(value)
    parts = [plain[at : at + _SHORT] for at in range(len(plain) - _SHORT + 1)]
    found = []
    for text in strings(said):
        for reading in _readings(text, 6):
            letters = _letters(reading)
            if any(each in letters for each in parts):
                found.append(reading)
    return found


def _letters(text: str) -> str:
    wide = "".join(chr(ord(each) - 0xFEE0) if "\uff01" <= each <= "\uff5e" else each for each in text)
    return "".join(each for each in re.sub(r"<[^<>]*>", "", wide) if each.isalnum()).casefold()


def _readings(text: str, depth: int) -> Iterator[str]:
    """Yield a text, and what it says after each way of decoding it."""
    yield text
    if not depth:
        return
    for read in (unquote, html.unescape, _unescaped, _base64, _hex):
        new = read(text)
        if new != text:
            yield from _readings(new, depth - 1)


def _unescaped(text: str) -> str:
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\([\"\\/])", r"\1", text)


def _base64(text: str) -> str:
    return re.sub(r"[A-Za-z0-9+/]{12,}={0,2}", lambda found: _told(found[0], base64.b64decode), text)


def _hex(text: str) -> str:
    return re.sub(r"(?:[0-9a-f]{2}){8,}", lambda found: _told(found[0], bytes.fromhex), text)


def _told(written: str, read: Callable[[str], bytes]) -> str:
    try:
        new = read(written + "=" * (-len(written) % 4) if read is base64.b64decode else written).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return written
    return new if new.isprintable() else written
