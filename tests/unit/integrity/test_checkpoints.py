"""A file of checkpoints tells what was done to it: one story per way to tamper."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.integrity.chain import Line, Problem, chain_id
from ostiary.integrity.checkpoints import FIRST, Checkpoint, Trail, canonical, digest, genuine, message, signed
from ostiary.integrity.tampering import MEANING, moved, ordered
from tests.unit.integrity.test_chain import KEY, OTHER, TIME

CHAIN = chain_id(KEY.public_key())


def written(count: int = 6, key: object = KEY, chain: str = CHAIN, **changes: object) -> list[bytes]:
    made: list[bytes] = []
    for n in range(1, count + 1):
        fields = {
            "cause": "minute", "chain": chain, "head": f"{n:064x}", "instance": "ab", "n": n, "pid": 5,
            "prev": digest(made[-1]) if made else FIRST, "records": 10 * n, "segment": 1, "time": TIME, "version": 1,
        }  # fmt: skip
        made.append(line(key, **{**fields, **changes}))
    return made


def line(key: object = KEY, **fields: object) -> bytes:
    return canonical(signed(key.sign, Checkpoint(**fields))) + b"\n"  # type: ignore[attr-defined,arg-type]  # of a test


def judged(raws: list[bytes], *, elsewhere: bool = False) -> tuple[list[tuple[str, int]], int]:
    trail = Trail(KEY.public_key(), "file", elsewhere=elsewhere)
    for number, raw in enumerate(raws, 1):
        trail.feed(Line(0, number, raw))
    return [(each.kind, each.line) for each in trail.finish()], trail.count


def anew(raw: bytes, **changes: object) -> bytes:
    return line(**{**json.loads(raw), "signature": "", **changes})


def test_what_was_written_is_whole_and_canonical() -> None:
    assert judged(written()) == ([], 6)
    plain = json.loads(written()[2])
    assert json.dumps(plain, sort_keys=True, separators=(",", ":")).encode() + b"\n" == written()[2]


def test_a_signature_needs_nothing_of_ours() -> None:
    found = genuine(KEY.public_key(), written(1)[0])
    assert isinstance(found, Checkpoint)
    plain = json.loads(written(1)[0])
    del plain["signature"]
    said = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    assert message(found) == b"ostiary ledger checkpoint 1\n" + said


def test_a_checkpoint_is_an_anchor_for_the_records() -> None:
    found = genuine(KEY.public_key(), written(1)[0])
    assert isinstance(found, Checkpoint)
    anchor = found.anchor("a file", "rolled-back")
    assert (anchor.n, anchor.hash, anchor.missing) == (10, f"{1:064x}", "rolled-back")
    assert anchor.told == f"a file, of {TIME},"


def change(at: int, raw: bytes) -> Callable[[list[bytes]], object]:
    return lambda it: it.__setitem__(at, raw)


STORIES: dict[str, tuple[Callable[[list[bytes]], object], list[tuple[str, int]]]] = {
    "flipped": (lambda it: it.__setitem__(2, it[2].replace(b'"pid":5', b'"pid":6')), [("changed", 3)]),
    "spelled otherwise": (lambda it: it.__setitem__(2, it[2].replace(b":5", b": 5")), [("changed", 3)]),
    "not json": (change(2, b"{\n"), [("changed", 3)]),
    "not text": (change(2, b"\xff\n"), [("changed", 3)]),
    "no base64": (
        lambda it: it.__setitem__(2, it[2].replace(b'"signature":"', b'"signature":"!')), [("changed", 3)]
    ),
    "deleted": (lambda it: it.pop(2), [("missing", 3)]),
    "two deleted": (lambda it: it.__delitem__(slice(2, 4)), [("missing", 3)]),
    "the first deleted": (lambda it: it.pop(0), [("missing", 1)]),
    "inserted": (lambda it: it.insert(2, b"{}\n"), [("inserted", 3)]),
    "repeated": (lambda it: it.insert(3, it[2]), [("duplicated", 4)]),
    "reordered": (lambda it: it.__setitem__(slice(2, 4), [it[3], it[2]]), [("reordered", 4)]),
    "damaged at the end": (change(5, b"junk\n"), [("changed", 6)]),
    "damaged and more gone": (lambda it: it.__setitem__(slice(2, 4), [b"junk\n"]), [("changed", 3), ("missing", 4)]),
    "signed anew": (lambda it: it.__setitem__(2, anew(it[2], head="0" * 64)), [("changed", 4)]),
    "covers less": (lambda it: it.__setitem__(2, anew(it[2], records=5)), [("changed", 3), ("missing", 4)]),
    "another gateway's": (
        lambda it: it.__setitem__(slice(0, None), written(4, OTHER, chain_id(OTHER.public_key()))), [("foreign", 1)]
    ),
    "signed by another key for this chain": (
        lambda it: it.__setitem__(slice(0, None), written(1, OTHER)), [("changed", 1)]
    ),
    "of a later version": (lambda it: it.__setitem__(5, anew(it[5], version=2)), [("version", 6)]),
    "of a later version with more in it": (change(5, b'{"version":2,"more":1}\n'), [("version", 6)]),
    "with more in it": (change(5, b'{"version":1,"more":1}\n'), [("changed", 6)]),
    "torn": (lambda it: it.__setitem__(5, it[5][:-30]), []),
    "ended with another byte": (lambda it: it.__setitem__(5, it[5][:-1] + b"x"), [("changed", 6)]),
}  # fmt: skip


@pytest.mark.parametrize(("did", "told"), STORIES.values(), ids=STORIES.keys())
def test_what_was_done_is_named(did: Callable[[list[bytes]], object], told: list[tuple[str, int]]) -> None:
    raws = written()
    did(raws)
    assert judged(raws)[0] == told


def test_half_a_line_that_a_crash_left_at_a_second_place_is_no_fault() -> None:
    raws = written()
    raws.insert(2, raws[2][:40] + b"\n")
    assert judged(raws, elsewhere=True) == ([], 6)
    assert judged(raws)[0] == [("inserted", 3)]


def test_an_unfinished_line_is_told() -> None:
    trail = Trail(KEY.public_key(), "file")
    trail.feed(Line(0, 1, b'{"cause'))
    assert (trail.finish(), trail.last) == ([], None)
    assert trail.torn == Line(0, 1, b'{"cause')


def test_more_problems_than_anyone_reads_are_counted_and_not_kept() -> None:
    trail = Trail(KEY.public_key(), "file")
    for number in range(3000):
        trail.feed(Line(0, number, b"junk\n"))
    assert len(trail.finish()) == 1024
    assert trail.more == 3000 - 1024


def test_a_whole_file_of_another_gateway_is_one_thing() -> None:
    trail = Trail(KEY.public_key(), "file")
    for number, raw in enumerate(written(5, OTHER, chain_id(OTHER.public_key())), 1):
        trail.feed(Line(0, number, raw))
    assert len(trail.finish()) == 1
    assert trail.more == 4


LINE = written(1)[0]


@given(st.integers(0, len(LINE) - 2), st.integers(1, 255))
def test_no_byte_of_a_checkpoint_can_be_changed(at: int, difference: int) -> None:
    raw = LINE[:at] + bytes([LINE[at] ^ difference]) + LINE[at + 1 :]
    assert isinstance(genuine(KEY.public_key(), raw), Problem)


def test_no_bit_of_a_checkpoint_can_be_changed() -> None:
    for at in range(len(LINE)):
        for bit in range(8):
            raw = LINE[:at] + bytes([LINE[at] ^ (1 << bit)]) + LINE[at + 1 :]
            assert isinstance(genuine(KEY.public_key(), raw), Problem), at


def test_problems_of_segments_come_first_and_in_order() -> None:
    one, two, three = Problem("changed", 2, 1, 5, ""), Problem("changed", 1, 9, 4, ""), Problem("missing", 0, 1, 1, "")
    assert ordered([moved(three, "file"), one, two]) == [two, one, moved(three, "file")]
    assert str(moved(three, "file")) == "file:1: n=1 missing: "
    assert all(text and not text.endswith(".") for text in MEANING.values())


def test_a_place_that_was_not_there_from_the_start_begins_where_it_does() -> None:
    late = Trail(KEY.public_key(), "file", elsewhere=True, partial=True)
    for number, raw in enumerate(written()[3:], 1):
        late.feed(Line(0, number, raw))
    assert (late.finish(), late.count) == ([], 3)
    gap = Trail(KEY.public_key(), "file", elsewhere=True, partial=True)
    for number, raw in enumerate([written()[2], *written()[4:]], 1):
        gap.feed(Line(0, number, raw))
    assert [each.kind for each in gap.finish()] == ["missing"]
