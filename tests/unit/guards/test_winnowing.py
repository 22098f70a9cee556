"""Fingerprints find every common stretch that is long enough, and nothing that is too short."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.guards.commonplace import PHRASES, common
from ostiary.guards.winnowing import FOUND, GRAM, WINDOW, chosen, grams, normal, parts, pieces

SALT = b"salt"
LETTERS = st.text(string.ascii_lowercase + string.digits, min_size=FOUND, max_size=FOUND)
AROUND = st.text(string.ascii_letters + string.digits + " .,\n-äß", max_size=200)


def prints(text: str) -> set[int]:
    return {one for piece in pieces(normal(text)) for one in chosen(grams(piece, SALT))}


@given(AROUND, AROUND, AROUND, AROUND, LETTERS)
def test_a_common_stretch_is_found_whatever_stands_around_it(a: str, b: str, c: str, d: str, same: str) -> None:
    assert prints(a + same + b) & set(grams(normal(c + same + d), SALT))


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_independent_texts_have_nothing_in_common(seed: int) -> None:
    drawn = random.Random(seed)
    one, two = ("".join(drawn.choices(string.ascii_lowercase, k=3_000)) for _ in range(2))
    assert not prints(one) & set(grams(two, SALT))


@given(st.lists(st.integers(), max_size=80))
def test_of_every_window_the_least_is_kept(hashes: list[int]) -> None:
    windows = [hashes[at : at + WINDOW] for at in range(max(1, len(hashes) - WINDOW + 1))]
    assert chosen(hashes) == {min(each) for each in windows if each}


def test_a_long_stream_has_the_fingerprints_of_its_pieces() -> None:
    stream = "".join(random.Random(1).choices(string.ascii_lowercase, k=20_000))
    whole = chosen(grams(stream, SALT))
    assert {one for piece in pieces(stream) for one in chosen(grams(piece, SALT))} == whole
    assert len(whole) < 2.3 * len(stream) / (WINDOW + 1)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Ana  Weber,\nKöln", "a-n-a w.e.b.e.r k_o_l_n"),
        ("ﬁne Ｗｉｄｅ", "fine wide"),
        ("Straße", "STRASSE"),
        ("e\u0301" + "\u0301" * 5, "é"),
        ("顧客", "顧 客"),
    ],
)
def test_only_letters_and_digits_count(one: str, two: str) -> None:
    assert normal(one) == normal(two) != ""


def test_a_letter_that_is_a_word_counts_as_one() -> None:
    assert len(normal("顧客情報")) == 12


@given(st.text(max_size=100))
def test_what_counts_of_parts_is_what_counts_of_the_whole(text: str) -> None:
    long = text * 200
    assert "".join(parts(long)) == normal(long)


def test_other_keys_make_other_fingerprints() -> None:
    text = "x" * GRAM
    assert grams(text, b"a") != grams(text, b"b")
    assert grams("x" * (GRAM - 1), SALT) == []


def test_what_everybody_writes_has_known_fingerprints() -> None:
    assert set(grams(normal(PHRASES[0]), SALT)) <= common(SALT)
    assert set(grams("0" * 30, SALT)) <= common(SALT)
