"""Tables in texts, and offsets of characters."""

from __future__ import annotations

from ostiary.guards.columns import Columns
from ostiary.guards.matching import Candidate, characters, told


def test_cells_have_their_heads_and_places() -> None:
    raw = b'id, "pass word" ,x\n1, "hun" ,2\n3,ter,4\nno table here\n'
    assert [(each.head, raw[each.start : each.end]) for each in Columns(raw).cells()] == [
        ("id", b"1"), ("pass word", b"hun"), ("x", b"2"), ("id", b"3"), ("pass word", b"ter"), ("x", b"4"),
    ]  # fmt: skip


def test_a_table_without_rows_has_no_cells() -> None:
    assert list(Columns(b"a,b").cells()) == []
    assert Columns(b"a,b\n1,2").head(4) == "a"
    assert Columns(b"a,b\n1,2").head(0) == ""


def test_lines_of_code_and_endless_lines_are_no_tables() -> None:
    assert Columns(b"f(a, b)\nf(c, d)\n").head(10) == ""
    assert Columns(b"a," * 3000 + b"\n" + b"b," * 3000).head(6500) == ""
    assert Columns(b"a,b\n" + b"x" * 3000 + b",1\n").head(2500) == ""


def test_places_in_bytes_become_places_among_characters() -> None:
    raw = "aéb☃c".encode()
    assert characters(raw, (0, 1, 3, 4, 7)) == {0: 0, 1: 1, 3: 2, 4: 3, 7: 4}


def test_of_equal_spans_the_surest_is_told_and_none_inside_another() -> None:
    passed = [
        Candidate(2, 5, "weak", 0.5),
        Candidate(2, 5, "sure", 0.9),
        Candidate(3, 4, "inner", 1.0),
        Candidate(0, 1, "before", 1.0),
    ]
    (found,) = told(b"k: abc", passed, "secret", "k")
    assert (found.rule, found.start, found.end, found.words) == ("secret.sure", 1, 4, "sure")
