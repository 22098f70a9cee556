"""Ours: whatever is rewritten knows where it came from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostiary.guards.mapping import Draft, Layer, backwards

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from(["", "x", "xyz"])), max_size=6)


def rewritten(text: str, edits: list[tuple[int, int, str]]) -> tuple[str, Layer]:
    draft, done = Draft(text), 0
    for first, second, new in sorted(edits):
        start, end = sorted((min(first, len(text)), min(second, len(text))))
        if start >= done and end > start:
            draft.put(new, start, end)
            done = end
    return draft.done()


@given(st.text(max_size=30), SPANS)
def test_the_way_back_is_monotone_and_stays_inside(text: str, edits: list[tuple[int, int, str]]) -> None:
    new, layer = rewritten(text, edits)
    places = [layer.origin(at, at + 1) for at in range(len(new))]
    assert all(0 <= low <= high <= len(text) for low, high in places)
    assert [low for low, _ in places] == sorted(low for low, _ in places)
    assert [high for _, high in places] == sorted(high for _, high in places)


@given(st.text(max_size=30), SPANS)
def test_what_was_copied_comes_from_where_it_stood(text: str, edits: list[tuple[int, int, str]]) -> None:
    new, layer = rewritten(text, [(first, second, "") for first, second, _ in edits])
    assert "".join(text[slice(*layer.origin(at, at + 1))] for at in range(len(new))) == new


def test_an_empty_span_is_a_place() -> None:
    _, layer = rewritten("abcdef", [(1, 3, "")])
    assert layer.origin(1, 1) == (3, 3)


def test_what_is_gone_altogether_is_everything_that_was_there() -> None:
    _, layer = rewritten("abc", [(0, 3, "")])
    assert layer.origin(0, 0) == (0, 3)


def test_a_reversed_text_is_read_from_its_end() -> None:
    assert backwards("abcdef").origin(0, 2) == (4, 6)


def test_bytes_that_are_not_part_of_a_text_stay_as_they_were_written() -> None:
    draft = Draft("AAAABBBBCCCC")
    draft.decoded("xyz", 0, 8, (3, 4), first=3)
    new, layer = draft.done()
    assert new == "AAAAxyzCCCC"
    assert layer.origin(4, 5) == (4, 8)


def test_characters_of_several_bytes_keep_their_places() -> None:
    draft = Draft("%c3%a9%41%f0%9f%98%80")
    draft.decoded("éA\U0001f600", 0, 21, (1, 3))
    _, layer = draft.done()
    assert [layer.origin(at, at + 1) for at in range(3)] == [(0, 6), (6, 9), (9, 21)]
