"""Where what was masked belongs, for formats that take one text."""

from __future__ import annotations

from ostiary.adapters.providers.formats import Portion
from ostiary.adapters.providers.placing import BETWEEN, joined, parted, placed

ONE, TWO = Portion(("a",), "call me at 555"), Portion(("b",), "nothing here")


def test_what_was_joined_can_be_parted_again() -> None:
    assert parted((ONE, TWO), joined((ONE, TWO))) == [ONE.value, TWO.value]


def test_a_text_with_the_separator_cannot_push_its_words_into_another_text() -> None:
    """Ours: words of one member must not end up in the place of another."""
    split = Portion(("a",), f"x{BETWEEN}y")
    assert parted((split, TWO), joined((split, TWO))) is None


def test_a_text_that_lost_or_gained_a_separator_cannot_be_parted() -> None:
    assert parted((ONE, TWO), "all of it was replaced") is None
    assert parted((ONE,), f"x{BETWEEN}y") is None


def test_only_what_changed_is_placed() -> None:
    assert placed((ONE, TWO), ["call me at [PHONE]", TWO.value]) == {("a",): "call me at [PHONE]"}


def test_nothing_is_placed_where_nothing_changed_or_the_count_is_wrong() -> None:
    assert placed((ONE, TWO), [ONE.value, TWO.value]) is None
    assert placed((ONE, TWO), ["masked"]) is None
    assert placed((ONE, TWO), None) is None


def test_a_changed_part_of_a_long_text_has_no_place() -> None:
    part = Portion(("a",), "555 and", whole=False)
    assert placed((part, TWO), ["[PHONE] and", TWO.value]) is None
    assert placed((part, TWO), [part.value, "changed"]) == {("b",): "changed"}
