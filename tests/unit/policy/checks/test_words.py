"""Words, names and addresses of mail are what they are by a list of what is allowed."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.checks.words import email, entry, identifier, line, matching, word

TRICKS = [
    "a b", "a;b", "a|b", "a&b", "$(id)", "`id`", "a$IFS", "a>b", "a<b", "a\nb", "a\rb", "a\tb", "a'b", 'a"b', "a\\b", "a*", "a?", "[a]", "{a,b}", "~", "!x", "#x", "a%b", "^a", "(a)", "a\0", "é", "；", "a\u00a0b", "ﷺ",
]  # fmt: skip


@pytest.mark.parametrize("text", ["a", "main.py", "/srv/a-b_c", "user@host:1,2", "+x", "2026-11-23", "a" * 4096])
def test_a_plain_word_is_one(text: str) -> None:
    assert word(text) is None


@pytest.mark.parametrize("text", ["", "-rf", "--x", "A=b", "a" * 4097, *TRICKS])
def test_anything_else_is_none(text: str) -> None:
    assert word(text)


@given(st.text(max_size=20))
def test_a_shell_reads_a_plain_word_as_it_is(text: str) -> None:
    if word(text) is None:
        assert shlex.quote(text) == text
        assert not text.startswith("-")


@pytest.mark.parametrize("text", ["ls", "ls -la /srv", "git log --since=2026-01-01 -n 5", "tar -", "x --"])
def test_a_line_of_plain_words_is_one(text: str) -> None:
    assert line(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ls",
        "ls ",
        "ls  -l",
        "-rf /",
        "A=b ls",
        "ls ---x",
        "a " * 300 + "b",
        *(f"ls {trick}" for trick in TRICKS if trick != "a b"),
    ],
)
def test_a_line_with_anything_else_is_none(text: str) -> None:
    assert line(text)


def test_an_entry_of_a_list_may_be_an_option_but_has_no_blank() -> None:
    assert entry("--depth=1") is None
    assert entry("a b")
    assert entry("a" * 5000)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a", True),
        ("_a1", True),
        ("1a", False),
        ("a-b", False),
        ("a.b", False),
        ("", False),
        ("é", False),
        ("a" * 129, False),
        ("a\n", False),
    ],
)
def test_an_identifier(text: str, good: bool) -> None:
    assert (identifier(text) is None) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a@example.com", True), ("a.b+c@mail.example.co.uk", True), ("a@example", False), ("@example.com", False), ("a@", False), ("a", False), ("a@b@example.com", False), ("A <a@example.com>", False),
        ("a@example.com,b@example.com", False), ("a@example.com\nBcc: b@example.com", False), (".a@example.com", False), ("a..b@example.com", False), ("-oQ@example.com", False), ('"a b"@example.com', False),
        ("a@[127.0.0.1]", False), ("a@-x.example", False), ("a@example.com.", False), ("a|b@example.com", False), ("é@example.com", False), ("a" * 65 + "@example.com", False), ("a@" + "b." * 150 + "com", False),
    ],
)  # fmt: skip
def test_an_address_of_mail(text: str, good: bool) -> None:
    assert (email(text) is None) is good


def test_a_pattern_is_about_the_whole_text() -> None:
    ticket = matching("[A-Z]{2}-[0-9]+")
    assert ticket("AB-12") is None
    assert "[A-Z]{2}-[0-9]+" in (ticket("xAB-12") or "")
    assert ticket("AB-12\n")


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", r"(a)\1", "(?<!a)b", "a" * 2000, "((a{500}){500}){500}"])
def test_a_pattern_of_another_engine_is_none(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"; "):
        matching(pattern)


def test_no_pattern_here_backtracks() -> None:
    """Their work is bounded by their form: no repetition is followed by what it may have eaten itself."""
    from ostiary.policy.checks import words  # noqa: PLC0415

    patterns = [each.pattern for each in vars(words).values() if isinstance(each, re.Pattern)]
    assert len(patterns) >= 5
    assert not any(re.search(r"[+*]\)[+*{]", each) for each in patterns)
