"""What of private answers stands in what is to go outside: how much, whose, where, and never what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostiary.guards.disguised import Reading
from ostiary.guards.flowing import NOTHING, SHARES, Match, Recalled, hashed, listed, matches, named, place, told
from ostiary.guards.winnowing import chosen, grams, normal

SALT = b"salt"
SAID = "the contract was cancelled because of an illness that nobody is to hear of"


def recalled(text: str = "", *values: str, code: str = "", source: int = 1) -> Recalled:
    prints: list[dict[int, int]] = [{} for _ in range(SHARES)]
    for each in chosen(grams(normal(text), SALT)):
        prints[each % SHARES][each] = source
    anchors: dict[int, int] = {}
    for value in values:
        begins = hashed(value[:10], SALT)
        anchors[begins] = anchors.get(begins, 0) | (1 << len(value) if len(value) >= 10 else 0)
    known = {hashed(value, SALT): source for value in values}
    return Recalled(SALT, prints, known, {key: bits for key, bits in anchors.items() if bits}, code)


def found(text: str, known: Recalled, *, guess: bool = False) -> Match:
    every = NOTHING
    for _, match in matches(Reading(text, guess=guess), known):
        every |= match
    return every


def test_a_copy_is_found_and_another_text_is_not() -> None:
    known = recalled(SAID)
    assert found(f"Hello! {SAID.upper()}.", known).sources == {1}
    assert found(SAID[::-1], known).sources == {1}
    assert not found(SAID[::-1], known, guess=True)
    assert not found("what the weather will be like tomorrow in the mountains and at sea", known)


def test_what_was_known_before_is_not_found() -> None:
    assert not found(f"{SAID} k77123 4111222233334444", recalled(SAID, "k77123", "4111222233334444", source=0))


def test_values_are_found_as_words_and_long_ones_anywhere() -> None:
    known = recalled("", "k77123", "4111222233334444", "411122223333")
    assert len(found("customer K-77123", known).values) == 1
    assert not found("xxk77123xx", known)
    assert len(found("x4111 2222 3333 4444y", known).values) == 2
    assert found("4444333322221114", known).values
    assert not found("4111222299999999", known)


def test_the_planted_string_is_found() -> None:
    known = recalled(code="k7q29xpm3htbw6rd")
    assert found("see (ref K7Q2-9XPM-3HTB-W6RD)", known).code
    assert not found("see (ref K7Q2-9XPM-3HTB-W6RX)", known)


def test_what_was_found_is_told_without_any_of_it() -> None:
    match = Match(frozenset(range(20)), frozenset({1, 2}), frozenset({1}), code=True)
    assert told(match, ["crm.find"], ["body"], {"hex": None, "base64": None}) == (
        "the string that was planted in what this run read, some 100 letters and values first read from crm.find, "
        "in body, read as hex"
    )
    alone = Match(values=frozenset({1}), sources=frozenset({1}))
    assert told(alone, ["crm.find"], ["body"], {"": None, "hex": None}) == "a value first read from crm.find, in body"
    assert told(Match(code=True), [], ["body"], {}).endswith("this run read, in body")


def test_only_some_names_are_listed() -> None:
    assert listed("aab") == "a, b"
    assert listed("abcdef") == "a, b, c, d, and more"


def test_arguments_are_named_and_words_of_a_caller_s_own_are_not() -> None:
    assert place(("arguments", "body", 0, "text")) == "body"
    assert place(("arguments", "body", -1)) == "a member's name"
    assert place(("arguments", "Ana Weber, Hauptstrasse")) == "an argument"
    assert place(("arguments",)) == "arguments"
    assert place((0,)) == "an argument"
    assert place(("content", "text")) == "content"


def test_a_text_stands_under_the_nearest_name() -> None:
    assert named(("arguments", "to", 0)) == "to"
    assert named(("arguments", "to", -1)) == "to"
    assert named((0,)) == ""


@given(st.text(max_size=300))
def test_nothing_is_found_where_nothing_is_remembered(text: str) -> None:
    assert not found(text, recalled())
