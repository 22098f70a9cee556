"""Verifying stays bounded and honest where a ledger is damaged beyond one story."""

from __future__ import annotations

import pytest

from ostiary.integrity.chain import Anchor, Problem, Walk, verify
from tests.unit.integrity.test_chain import KEY, Writer, found, judged, lines, rewritten, written

WINDOW = 1024


def long(events: int) -> list[list[bytes]]:
    writer = Writer()
    writer.open()
    for number in range(events):
        writer.event(str(number))
    writer.seal()
    return writer.segments


def test_a_problem_says_where_it_is() -> None:
    assert str(Problem("changed", 3, 7, 12, "it differs")) == "00000003.jsonl:7: n=12 changed: it differs"
    assert str(Problem("truncated", 3, 7, None, "it ends")) == "00000003.jsonl:7: truncated: it ends"


def test_more_problems_than_anyone_reads_are_counted_and_not_kept() -> None:
    segments = written()
    segments[1][3:3] = [b"junk\n"] * (WINDOW + 50)
    report = judged(segments)
    assert not report.ok
    assert (len(report.problems), report.more) == (WINDOW, 50)


def test_more_gaps_than_are_remembered_are_still_reported() -> None:
    segments = long(2 * WINDOW + 20)
    segments[0][3:-1] = segments[0][3:-1:2]
    report = judged(segments)
    assert {kind for kind, *_ in found(report)} == {"missing"}
    assert len(report.problems) + report.more > WINDOW


def test_a_half_line_between_two_records_is_no_record_of_the_chain() -> None:
    segments = written()
    segments[1].insert(3, b'{"n":12,"prev"')
    assert [kind for kind, *_ in found(judged(segments))] == ["truncated"]


def test_an_open_record_with_other_contents_cannot_be_read() -> None:
    segments = written(segments=1)
    segments[0][0] = rewritten(segments[0][0], b'"segment": 1', b'"segment": "1"')
    assert ("changed", 1, 1, 1) in found(judged(segments))


def test_a_second_last_record_is_inserted() -> None:
    segments = written(segments=1)
    segments[0].append(rewritten(segments[0][-1], b"2026", b"2027"))
    kinds = [kind for kind, *_ in found(judged(segments))]
    assert "inserted" in kinds


@pytest.mark.parametrize("later", [0, 2])
def test_what_follows_two_records_with_one_number_is_not_blamed(later: int) -> None:
    segments = written(segments=1)
    segments[0].insert(4 + later, rewritten(segments[0][3], b"e0-1", b"e0-X"))
    assert [kind for kind, *_ in found(judged(segments))] == ["inserted"]


def test_a_segment_that_was_cut_in_two_lacks_an_opening() -> None:
    segments = written(segments=1)
    segments[0:1] = [segments[0][:4], segments[0][4:]]
    assert found(judged(segments)) == [("missing", 2, 1, 5)]


def test_a_record_that_fills_no_gap_leaves_the_gaps_alone() -> None:
    segments = long(12)
    moved = segments[0][4]
    segments[0] = [*segments[0][:3], *segments[0][6:9], moved, *segments[0][11:], segments[0][2]]
    kinds = [kind for kind, *_ in found(judged(segments))]
    assert sorted(set(kinds)) == ["duplicated", "missing", "reordered"]


def test_a_last_line_that_ends_with_another_byte_is_no_unfinished_one() -> None:
    segments = written(segments=1)
    segments[0][-1] = segments[0][-1][:-1] + b"x"
    assert found(judged(segments)) == [("changed", 1, 8, 8)]


def anchors(*numbers: int) -> list[Anchor]:
    hashes = [raw[-67:-3].decode() for segment in written() for raw in segment]
    return [Anchor(n, hashes[n - 1] if n <= len(hashes) else "0" * 64, f"checkpoint {n}") for n in numbers]


def test_what_is_known_of_some_records_is_compared_with_all_of_them() -> None:
    key = KEY.public_key()
    assert verify(lines(written()), key, anchors=anchors(3, 9, 9, 24)).ok
    wrong = [*anchors(3), Anchor(9, "0" * 64), *anchors(24)]
    assert found(verify(lines(written()), key, anchors=wrong)) == [("changed", 2, 1, 9)]
    beyond = verify(lines(written()), key, anchors=anchors(3, 25, 40))
    assert found(beyond) == [("truncated", 3, 8, 24)]
    assert "checkpoint 40 covers n=40" in str(beyond.problems[0])


def test_what_is_known_of_archived_records_is_passed_over() -> None:
    report = verify(list(lines(written()))[8:], KEY.public_key(), partial=True, anchors=anchors(3, 9))
    assert report.ok


def test_a_walk_says_how_far_it_came() -> None:
    walk = Walk(KEY.public_key())
    assert walk.last == 0
    for line in lines(written(segments=1)):
        walk.feed(line)
    assert walk.last == 8


def test_a_segment_of_a_later_format_is_not_judged_as_if_it_were_known() -> None:
    segments = written()
    segments[2][0] = rewritten(segments[2][0], b'"format": 1', b'"format": 2')
    assert ("version", 3, 1, 17) in found(judged(segments))
