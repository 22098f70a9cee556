"""A set is found again from its file, and a file that is none, or not whole, is refused."""

from __future__ import annotations

import sys

import pytest

from ostiary.guards.detecting import KINDS, listed
from ostiary.guards.exact import CANARY, search_hashed
from ostiary.guards.sets import HEAD, Unfit, packed, unpacked

SALT = b"s" * 32
VALUES = ("DE-4711-0815", "4567 8901 22", "Ärmel & Söhne")


def test_a_set_is_found_again_and_holds_no_value() -> None:
    data = packed(VALUES, SALT)
    again = unpacked(data)
    for value in (*VALUES, "de47110815", CANARY):
        assert [each.rule for each in search_hashed(again, f"for {value}.")] == ["exact.value"]
    assert not search_hashed(again, "for DE-4711-0816.")
    assert b"4711" not in data


def test_numbers_are_written_most_significant_byte_first(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = packed(VALUES, SALT)
    body = whole[whole.index(b"\n", len(HEAD)) + 1 :]
    numbers = [int.from_bytes(body[at : at + 8], "big") for at in range(0, len(body), 8)]
    assert numbers == sorted(numbers)
    monkeypatch.setattr(sys, "byteorder", "big" if sys.byteorder == "little" else "little")
    assert packed(VALUES, SALT) != whole, "where numbers lie the other way round in memory, they are turned"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not a set"),
        (b"a,b\n1,2\n", "is not a set"),
        (packed(VALUES, SALT)[:-1], "is not whole"),
        (packed(VALUES, SALT)[:-1] + b"\0", "is not whole"),
        (HEAD + b"{}\n", "head"),
        (HEAD + b"no newline", "head"),
        (HEAD + b'{"salt":"zz","shapes":[[4,0]],"values":0,"sha256":""}\n', "head"),
        (HEAD + b'{"salt":"00","shapes":[],"values":0,"sha256":""}\n', "is empty"),
    ],
)
def test_what_is_no_set_is_refused_with_what_to_do(data: bytes, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        unpacked(data)


def test_a_value_that_nothing_could_find_is_refused() -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        packed(["a-1"], SALT)


def test_words_and_values_are_found_in_every_reading() -> None:
    detect = listed(["Project Halberd"], unpacked(packed(VALUES, SALT)))
    found = detect("on project-halberd: REU0NzExMDgxNQ==", "", "answer")
    assert [(each.rule, each.view) for each in found] == [("exact.word", ""), ("exact.value", "base64")]
    assert {each.rule for each in found} == set(KINDS["exact"])
    assert listed(["Project Halberd"], None)("DE-4711-0815", "", "answer") == ()
