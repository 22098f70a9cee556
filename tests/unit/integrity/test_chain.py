"""The chain tells what was done to it: one story per way to tamper."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ostiary.integrity.chain import (
    ORIGIN,
    Anchor,
    Line,
    Report,
    chain_id,
    genuine,
    seal_message,
    sealed,
    verify,
)
from ostiary.integrity.linking import linked

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
TIME = "2026-11-22T10:00:00.000Z"
Segments = list[list[bytes]]


class Writer:
    """A chain in memory, written the way the gateway writes it."""

    def __init__(self, key: Ed25519PrivateKey = KEY) -> None:
        self.key, self.chain = key, chain_id(key.public_key())
        self.n, self.head = 0, ORIGIN
        self.segments: Segments = []

    def put(self, body: bytes) -> None:
        line, self.head = linked(body, self.n + 1, self.head)
        self.n += 1
        self.segments[-1].append(line)

    def seal(self) -> None:
        self.put(sealed(self.key.sign, self.chain, self.n + 1, self.head, TIME))

    def open(self) -> None:
        self.segments.append([])
        opening = {"type": "open", "time": TIME, "format": 1, "chain": self.chain, "segment": len(self.segments)}
        self.put(json.dumps(opening).encode().replace(b'{"type": ', b'{"type":'))
        self.seal()

    def event(self, text: str) -> None:
        self.put(b'{"type":"event","time":"%b","kind":"%b"}' % (TIME.encode(), text.encode()))


def written(key: Ed25519PrivateKey = KEY, segments: int = 3, events: int = 5, flavour: str = "e") -> Segments:
    writer = Writer(key)
    for number in range(segments):
        writer.open()
        for at in range(events):
            writer.event(f"{flavour}{number}-{at}")
        writer.seal()
    return writer.segments


def lines(segments: Segments) -> Iterator[Line]:
    for number, segment in enumerate(segments, 1):
        for at, raw in enumerate(segment, 1):
            yield Line(number, at, raw)


def judged(segments: Segments, anchor: Anchor | None = None, *, partial: bool = False) -> Report:
    return verify(lines(segments), KEY.public_key(), anchor=anchor, partial=partial)


def found(report: Report) -> list[tuple[str, int, int, int | None]]:
    return [(problem.kind, problem.segment, problem.line, problem.n) for problem in report.problems]


def rewritten(line: bytes, old: bytes, new: bytes) -> bytes:
    """Change a record and compute its own hash anew, as someone who knows the format would."""
    head = line[:-76].replace(old, new)
    return head + b',"hash":"%b"}\n' % sha256(head).hexdigest().encode()


def test_a_chain_as_written_has_no_problems() -> None:
    report = judged(written())
    assert report.ok
    assert (report.segments, report.records, report.last, report.seals, report.sealed) == (3, 24, 24, 6, 24)
    assert report.torn is None


def test_a_line_can_be_checked_without_parsing_json() -> None:
    """Ours: the last 76 bytes of a line are the hash member, and the hash covers all before it."""
    line = written()[0][2]
    assert line[-67:-3].decode() == sha256(line[:-76]).hexdigest()
    assert json.loads(line)["hash"] == line[-67:-3].decode()


def flipped(s: Segments) -> None:
    s[1][3] = s[1][3].replace(b"e1-1", b"e1-X")


def flipped_number(s: Segments) -> None:
    s[1][3] = s[1][3].replace(b'"n":12', b'"n":92')


def flipped_hash(s: Segments) -> None:
    s[1][3] = s[1][3][:-10] + (b"0" if s[1][3][-10:-9] != b"0" else b"1") + s[1][3][-9:]


def flipped_link(s: Segments) -> None:
    prev = s[1][2][-67:-3]
    s[1][3] = s[1][3].replace(prev, prev[::-1])


def rehashed(s: Segments) -> None:
    s[1][3] = rewritten(s[1][3], b"e1-1", b"e1-X")


def broken_json(s: Segments) -> None:
    s[1][3] = b"garbage\n"


def deleted(s: Segments) -> None:
    del s[1][3]


def deleted_three(s: Segments) -> None:
    del s[1][3:6]


def deleted_over_a_border(s: Segments) -> None:
    del s[0][6:]
    del s[1][:3]


def inserted_garbage(s: Segments) -> None:
    s[1].insert(3, b'{"hello":"world"}\n')


def inserted_forgery(s: Segments) -> None:
    s[1].insert(3, linked(b'{"type":"event","kind":"forged"}', 12, s[1][2][-67:-3])[0])


def swapped_lines(s: Segments) -> None:
    s[1][3], s[1][4] = s[1][4], s[1][3]


def moved_far(s: Segments) -> None:
    s[2].insert(4, s[0].pop(3))


def doubled(s: Segments) -> None:
    s[1].insert(4, s[1][3])


def doubled_later(s: Segments) -> None:
    s[2].insert(4, s[1][3])


def doubled_block(s: Segments) -> None:
    s[1][5:5] = s[1][2:5]


def cut_middle(s: Segments) -> None:
    s[1][-1] = s[1][-1][:40]


def lost_end_of_old_segment(s: Segments) -> None:
    del s[1][5:]


def lost_segment(s: Segments) -> None:
    s[1].clear()


def lost_first_segment(s: Segments) -> None:
    s[0].clear()


def swapped_segments(s: Segments) -> None:
    s[0], s[1] = s[1], s[0]


def foreign_segment(s: Segments) -> None:
    s[1] = written(OTHER)[1]


def older_copy(s: Segments) -> None:
    s[1] = s[1][:4]


def replaced_by_a_forgery(s: Segments) -> None:
    """The whole segment written anew by someone without the key, hashes right."""
    n, prev = 9, s[0][-1][-67:-3]
    for at, line in enumerate(s[1]):
        body = b"{" + line[: -len(b',"hash":""}\n') - 64].split(b",", 2)[2] + b"}"
        s[1][at], prev = linked(body.replace(b"e1-1", b"e1-X"), n, prev)
        n += 1


def resealed_by_another_key(s: Segments) -> None:
    n, prev = 16, s[1][6][-67:-3]
    s[1][7] = linked(sealed(OTHER.sign, chain_id(KEY.public_key()), n, prev, TIME), n, prev)[0]


def unsealed_opening(s: Segments) -> None:
    s[1][1] = linked(b'{"type":"event","kind":"none"}', 10, s[1][0][-67:-3])[0]


MATRIX: list[tuple[Callable[[Segments], None], list[tuple[str, int, int, int | None]]]] = [
    (flipped, [("changed", 2, 4, 12)]),
    (flipped_number, [("changed", 2, 4, 92)]),
    (flipped_hash, [("changed", 2, 4, 12)]),
    (flipped_link, [("changed", 2, 4, 12)]),
    (rehashed, [("changed", 2, 4, 12)]),
    (broken_json, [("changed", 2, 4, None)]),
    (deleted, [("missing", 2, 4, 12)]),
    (deleted_three, [("missing", 2, 4, 12)]),
    (deleted_over_a_border, [("missing", 2, 1, 7)]),
    (inserted_garbage, [("inserted", 2, 4, None)]),
    (inserted_forgery, [("inserted", 2, 5, 12)]),
    (swapped_lines, [("reordered", 2, 5, 12)]),
    (moved_far, [("reordered", 3, 5, 4)]),
    (doubled, [("duplicated", 2, 5, 12)]),
    (doubled_later, [("duplicated", 3, 5, 12)]),
    (doubled_block, [("duplicated", 2, 6, 11)]),
    (cut_middle, [("truncated", 2, 8, None)]),
    (lost_end_of_old_segment, [("missing", 3, 1, 14)]),
    (lost_segment, [("missing", 3, 1, 9)]),
    (lost_first_segment, [("missing", 2, 1, 1)]),
    (swapped_segments, [("reordered", 1, 1, 9), ("reordered", 2, 1, 1)]),
    (foreign_segment, [("foreign", 2, 1, 9), ("missing", 3, 1, 9)]),
    (older_copy, [("missing", 3, 1, 13)]),
    (replaced_by_a_forgery, [("signature", 2, 8, 16), ("changed", 2, 8, 16)]),
    (resealed_by_another_key, [("signature", 2, 8, 16), ("changed", 2, 8, 16)]),
    (unsealed_opening, [("signature", 2, 2, 10), ("changed", 2, 2, 10)]),
]


@pytest.mark.parametrize(("tamper", "problems"), MATRIX, ids=[tamper.__name__ for tamper, _ in MATRIX])
def test_each_way_to_tamper_is_named_with_its_place(
    tamper: Callable[[Segments], None], problems: list[tuple[str, int, int, int | None]]
) -> None:
    segments = written()
    tamper(segments)
    report = judged(segments)
    assert not report.ok
    assert found(report) == problems, [str(problem) for problem in report.problems]


def test_an_unfinished_last_line_is_what_a_crash_leaves() -> None:
    segments = written()
    segments[2][-1] = segments[2][-1][:50]
    report = judged(segments)
    assert report.ok
    assert report.torn is not None
    assert (report.torn.segment, report.torn.number) == (3, 8)


def test_a_tail_that_was_cut_off_is_found_with_a_seal_noted_elsewhere() -> None:
    segments = written()
    anchor = genuine(KEY.public_key(), segments[2][-1])
    assert anchor is not None
    del segments[2][5:]
    assert found(judged(segments, anchor)) == [("truncated", 3, 5, 21)]


def test_losing_every_record_is_found_with_a_seal_noted_elsewhere() -> None:
    assert found(judged([], Anchor(24, "0" * 64))) == [("truncated", 1, 0, 0)]


def test_a_rewritten_tail_is_found_with_a_seal_noted_elsewhere() -> None:
    anchor = genuine(KEY.public_key(), written(segments=1)[0][-1])
    assert anchor is not None
    assert found(judged(written(segments=1, flavour="x"), anchor)) == [("changed", 1, 8, 8)]


def test_a_chain_may_begin_late_where_the_start_was_archived() -> None:
    segments = written()
    segments[0].clear()
    assert judged(segments, partial=True).ok


def test_a_note_of_a_seal_counts_only_if_it_is_genuine() -> None:
    line = written()[0][-1]
    assert genuine(KEY.public_key(), line) == Anchor(8, line[-67:-3].decode())
    assert genuine(OTHER.public_key(), line) is None
    assert genuine(KEY.public_key(), line.replace(b'"n":8', b'"n":9')) is None
    assert genuine(KEY.public_key(), b"") is None


def test_a_seal_of_another_place_does_not_fit() -> None:
    """A seal names chain, number and head, so it cannot be moved."""
    first = seal_message("a" * 16, 3, "0" * 64, TIME)
    assert first != seal_message("b" * 16, 3, "0" * 64, TIME)
    assert first != seal_message("a" * 16, 4, "0" * 64, TIME)


def test_problems_are_counted_when_there_are_too_many_to_list() -> None:
    segments = [[b"x\n"] * 3000]
    report = judged(segments)
    assert len(report.problems) + report.more == 3000
    assert len(report.problems) <= 1024


@given(st.data())
def test_no_single_byte_can_change_unseen(data: st.DataObject) -> None:
    segments = written(segments=2, events=3)
    segment = data.draw(st.integers(0, 1))
    line = data.draw(st.integers(0, len(segments[segment]) - 1))
    raw = bytearray(segments[segment][line])
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    segments[segment][line] = bytes(raw)
    report = judged(segments)
    assert not report.ok or report.torn is not None
    assert report.torn is None or (segment, line) == (1, len(segments[1]) - 1)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_break_the_verifier(raws: list[bytes]) -> None:
    verify((Line(1, at, raw) for at, raw in enumerate(raws, 1)), KEY.public_key())
