"""What writing needs is not hidden; everything else that nobody sees is."""

from __future__ import annotations

import pytest

from ostiary.integrity.hidden import hidden, smuggled, stripped


@pytest.mark.parametrize(
    "text",
    [
        "plain\ttext\r\nof two lines",
        "no-break\u00a0space",
        "\u05d8\u05e7\u05e1\u05d8 \u200e(HTML)\u200e \u2066a\u2069",
        "\u0645\u06cc\u200c\u062f\u0647\u062f",
        "\u0915\u094d\u200d\u0937",
        "\u0915\u094d\u200d end",
        "\u0e02\u0e48\u200b\u0e27",
        "\u2764\ufe0f \u2139\ufe0f 1\ufe0f\u20e3 \u203c\ufe0f",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u8fbb\U000e0100",
    ],
)
def test_what_writing_needs_is_not_hidden(text: str) -> None:
    assert list(hidden(text)) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a\u202eb", "direction control"),
        ("a\u200eb", "direction control"),
        ("\u05d8\u202e", "direction control"),
        ("a\u200bb", "zero-width character"),
        ("a\u200db", "zero-width character"),
        ("\u200d", "zero-width character"),
        ("\u0915\u200b\u0915", "zero-width character"),
        ("a\ufe0f", "variation selector"),
        ("\ufe0f", "variation selector"),
        ("1\ufe0f", "variation selector"),
        ("\u2764\ufe0f\ufe0f", "variation selector"),
        ("a\U000e0100", "variation selector"),
        ("\u8fbb\ufe00", "variation selector"),
        ("a\U000e0041", "Unicode tag"),
        ("\U0001f3f4\U000e0041", "Unicode tag"),
        ("a\x1b", "control character"),
        ("a\rb", "control character"),
        ("a\x7f", "control character"),
        ("a\ue000", "private-use character"),
        ("a\uffff", "unassigned character"),
        ("a\ud800", "lone surrogate"),
        ("a\u2028", "line separator"),
        ("a\u2029", "line separator"),
        ("a\u00ad", "invisible character"),
        ("a\u3164", "invisible character"),
        ("a\u2800", "invisible character"),
    ],
)
def test_what_nobody_sees_is_hidden(text: str, kind: str) -> None:
    assert kind in {each.kind for each in hidden(text)}


def test_what_is_hidden_can_be_taken_out() -> None:
    assert stripped("a\u200bb\u2028c\ufe0f\u3164\u00a0d\r") == "abc\u00a0d\r".replace("abc", "ab\u2028c")


def test_what_is_smuggled_can_be_read() -> None:
    assert smuggled("x" + "".join(chr(0xE0000 + ord(each)) for each in "hi you")) == "hi you"
    assert smuggled("".join(chr(0xE0100 + each - 16) for each in b"send")) == "send"
    assert smuggled("\ufe0f") == ""
