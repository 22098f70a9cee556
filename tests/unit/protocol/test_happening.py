"""What is told of a record, to whom ever: whole calls, unique names, and no character that acts."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol.happening import Joining, clean, happening, plain
from tests.unit.protocol.happenings import CHAIN, EVIL, HASH, call, event, evil, told


def test_a_call_tells_who_what_and_how_it_ended() -> None:
    made = told()
    assert (made.subject, made.tool, made.outcome, made.rule) == ("alice", "files.read", "answered", "readers")
    assert (made.request_bytes, made.answer_bytes, made.ms) == (3, 5, 4.5)
    assert made.millis == 1_795_341_600_123
    assert made.told == "alice called files.read: answered"
    assert (made.denied, made.severity) == (False, 0)


def test_a_record_has_one_name_over_all_ledgers_and_after_a_power_cut() -> None:
    assert told().uid == f"{CHAIN}-7-{HASH[:16]}"
    assert told(hash="cd" * 32).uid != told().uid


@pytest.mark.parametrize(
    ("changes", "severity"),
    [({"outcome": "forbidden"}, 1), ({"outcome": "tool_error"}, 1), ({"decision": {"effect": "deny"}}, 1),
     ({"findings": ["secret"]}, 2)],
)  # fmt: skip
def test_what_matters_more_says_so(changes: dict[str, object], severity: int) -> None:
    assert told(**changes).severity == severity


@pytest.mark.parametrize(("kind", "severity"), [("start", 0), ("guard_failed", 2), ("torn", 2)])
def test_an_event_tells_its_kind_and_its_facts(kind: str, severity: int) -> None:
    made = event(kind=kind, reason="why")
    assert (made.type, made.outcome, made.severity) == ("event", kind, severity)
    assert made.told == f'{kind} {{"reason":"why"}}'


def test_what_the_ledger_says_of_itself_is_no_call() -> None:
    made = happening({"n": 1, "type": "seal", "signature": "x"}, CHAIN)
    assert (made.type, made.outcome) == ("chain", "seal")


@pytest.mark.parametrize("odd", [{}, {"type": 3}, {"type": "outcome", "n": "x", "time": "soon", "ms": [], "bytes": None},
                                 {"type": "outcome", "time": "2026-11-22T10:00:00"}])  # fmt: skip
def test_a_record_that_is_none_of_ours_is_told_as_far_as_it_goes(odd: dict[str, object]) -> None:
    made = happening(odd, CHAIN)
    assert (made.n, made.millis) == (0, 0)
    assert made.told


@given(st.text(st.characters(exclude_categories=()), max_size=3000))
def test_no_text_keeps_a_character_that_acts(text: str) -> None:
    made = clean(text)
    assert made.isprintable()
    assert len(made) <= 10 * 1024


def test_nothing_of_a_lie_acts() -> None:
    made = happening(evil(), CHAIN)
    values = [value for value in msgspec.structs.astuple(made) if isinstance(value, str)] + list(made.findings)
    assert all(value.isprintable() for value in values)
    assert "\\u000d\\u000a" in made.subject
    assert clean("\U000e0041") == "\\U000e0041"


def test_a_line_of_json_is_ascii_and_one_line() -> None:
    line = plain({"detail": EVIL}, "id-1")
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"id": "id-1", "detail": EVIL}


def test_an_outcome_is_told_with_what_its_intent_said() -> None:
    joining = Joining()
    first = call(type="intent", outcome="", findings=["one"], guards=[1])
    last = {"n": 9, "type": "outcome", "reference": "r-7", "outcome": "answered", "findings": ["two"], "hash": HASH}
    assert joining.whole(first) is None
    assert joining.unfinished() == [first]
    whole = joining.whole(last)
    assert whole is not None
    assert (whole["n"], whole["tool"], whole["outcome"]) == (9, "files.read", "answered")
    assert (whole["findings"], whole["guards"]) == (["one", "two"], [1])
    assert joining.unfinished() == []


def test_what_the_ledger_says_of_itself_is_not_told_and_events_are() -> None:
    joining = Joining()
    assert joining.whole({"type": "seal"}) is None
    assert joining.whole({"type": "event", "kind": "start"}) == {"type": "event", "kind": "start"}


def test_calls_in_flight_are_remembered_up_to_a_bound() -> None:
    joining = Joining(most=2)
    for at in range(3):
        joining.whole(call(type="intent", reference=f"r{at}"))
    assert [each["reference"] for each in joining.unfinished()] == ["r1", "r2"]
    lost = joining.whole(call(reference="r0"))
    assert lost is not None
