"""A text is compared in every reading in which a part of another may stand in it."""

from __future__ import annotations

import base64
import html
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ostiary.guards.disguised import Reading, Unread, readings, turned
from ostiary.guards.winnowing import normal

WORDS = st.text(string.ascii_letters + string.digits + " ,.", min_size=24, max_size=120).filter(
    lambda text: len(normal(text)) > 20
)
ROTATED = str.maketrans(
    string.ascii_letters,
    string.ascii_lowercase[13:]
    + string.ascii_lowercase[:13]
    + string.ascii_uppercase[13:]
    + string.ascii_uppercase[:13],
)
DISGUISES: dict[str, Callable[[str], str]] = {
    "as written": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64, wrapped": lambda text: base64.encodebytes(text.encode()).decode(),
    "base64, in words": lambda text: f"see{base64.b64encode(text.encode()).decode()}there",
    "base64, backwards": lambda text: base64.b64encode(text.encode()).decode()[::-1],
    "base64, of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "base64, twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, spaced": lambda text: text.encode().hex(" "),
    "hexadecimal, of C": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "percent": quote,
    "percent, all of it": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "entities": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "entities, named": html.escape,
    "codes": lambda text: ", ".join(str(ord(each)) for each in text),
    "escapes": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "backwards": lambda text: text[::-1],
    "rotated": lambda text: text.translate(ROTATED),
    "rotated and backwards": lambda text: text.translate(ROTATED)[::-1],
    "spaced out": lambda text: " . ".join(text),
    "invisible": lambda text: "\u200b".join(text),
}


def streams(text: str) -> list[str]:
    return [
        stream
        for each in readings(text)
        if isinstance(each, Reading)
        for _, stream in turned(normal(each.text), guess=each.guess)
    ]


@pytest.mark.parametrize("name", DISGUISES)
@given(text=WORDS)
@example(text="0000000,.00A0I000I0000I0")
@settings(max_examples=40)
def test_a_disguise_is_read(name: str, text: str) -> None:
    assert any(normal(text) in stream for stream in streams(DISGUISES[name](text)))


@given(WORDS)
@settings(max_examples=20)
def test_words_inside_a_file_in_base64_are_read(text: str) -> None:
    noise = bytes(range(128, 256)) * 12
    written = base64.b64encode(noise + text.encode() + noise).decode()
    assert any(normal(text) in stream for stream in streams(written))
    nested = base64.b64encode((base64.b64encode(text.encode()).decode() + "\n" + "and words " * 120).encode()).decode()
    assert any(normal(text) in stream for stream in streams(nested))


def test_what_is_nested_deeper_than_is_read_is_told() -> None:
    text = "some words that are written down for others to read"
    for _ in range(6):
        text = base64.b64encode(text.encode()).decode()
    assert any(isinstance(each, Unread) for each in readings(text))


@given(st.text(max_size=200))
def test_any_text_has_readings(text: str) -> None:
    first = next(each for each in readings(text) if isinstance(each, Reading))
    assert first == Reading(text)
    assert len(list(readings(text))) < 400


@pytest.mark.parametrize(
    "text", ["A" * 11 + "Bc", "Aa" * 400 + "A", "A2" * 13, "0x41 0x42 0x43 0x44 0x45 0x46 0x4", "ab" * 40]
)
def test_ends_that_are_none_are_no_failure(text: str) -> None:
    assert streams(text)


def test_words_are_turned_and_guesses_are_not() -> None:
    assert [name for name, _ in turned("abc", guess=False)] == ["", "backwards", "rotated", "rotated/backwards"]
    assert [name for name, _ in turned("123", guess=False)] == ["", "backwards"]
    assert list(turned("abc", guess=True)) == [("", "abc")]
