"""What is drawn from a pattern is what the pattern describes."""

from __future__ import annotations

import random

import pytest
import re2

from ostiary.guards.sampling import sampled

TRIES = 60


def drawn(pattern: str, seed: int = 7) -> list[tuple[str, str]]:
    return [sampled(pattern, random.Random(seed + at).randrange) for at in range(TRIES)]


@pytest.mark.parametrize(
    "pattern",
    [
        "abc",
        "a|bc|def",
        "a?b+c*",
        "a{3}b{2,}c{1,2}d{0,1}?e+?",
        r"\d\d\w\s\S\D",
        r"[a-c][\d.\-]{4}[x-]",
        r"[^a-z]",
        r"(?i:Key)(?s:a.b)(?:x|y)(z)",
        r"(?i)key",
        r"(?P<named>ab)c",
        r"^\bword\b$",
        r"\x{e9}\x41\t\n\.",
        r"\p{L}+[\p{L}0-9]\pL",
        r"[\x{a0}-\x{10ffff}]",
        r"[]a]\W",
    ],
)
def test_it_is_matched(pattern: str) -> None:
    regex = re2.compile(f"(?s:^(?:{pattern})$)")
    assert all(regex.search(text) is not None for text, _ in drawn(pattern))


def test_all_alternatives_and_all_letters_have_their_turn() -> None:
    assert {text for text, _ in drawn("a|b|c")} == {"a", "b", "c"}
    assert {text for text, _ in drawn("[x-z]")} == {"x", "y", "z"}
    assert {len(text) for text, _ in drawn("a{1,3}")} == {1, 2, 3}


def test_the_last_group_is_what_counts() -> None:
    assert drawn("key=(ab)(cd)!")[0] == ("key=abcd!", "cd")
    assert drawn("nothing")[0] == ("nothing", "nothing")


def test_letters_for_hexadecimal_are_small_as_hints_want_them() -> None:
    assert all(text == text.lower() for text, _ in drawn("[0-9a-fA-F]{32}"))


def test_a_class_that_leaves_nothing_that_is_printed_is_the_end_of_a_line() -> None:
    assert drawn(r"[^ -~]")[0][0] == "\n"
