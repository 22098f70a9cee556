"""What is counted of texts that are known: each rate by hand, and where there is nothing to divide by."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.guards.found import Found
from ostiary.guards.scoring import (
    Example,
    Label,
    Latency,
    Marked,
    Outcome,
    Spans,
    Step,
    grouped,
    latency,
    marked,
    meant,
    rates,
    spans,
    sweep,
    within,
)

SCORES = st.integers(0, 20).map(lambda each: each / 20)


def near(value: float) -> Any:
    return pytest.approx(value)


def said(label: int, score: float, kind: str = "k", *parts: Marked, seconds: float = 0.001) -> Outcome:
    return Outcome(label, score, seconds, 500, "answer", kind, "s", parts)


def find(start: int, end: int, score: float) -> Found:
    return Found(start, end, "secret", "secret.x", score)


OUTCOMES = [said(1, 0.9), said(1, 0.5), said(1, 0.0, "quiet"), said(0, 0.6), *[said(0, 0.0, "plain")] * 9]


def test_each_rate_is_what_it_is_by_hand() -> None:
    found = rates(OUTCOMES, 0.5)
    assert (found.attacks, found.hits, found.harmless, found.alarms) == (3, 2, 10, 1)
    assert found.recall == near(2 / 3)
    assert found.false_alarm_rate == near(0.1)
    assert found.precision == near(2 / 3)


def test_a_threshold_is_reached_by_what_is_as_sure_and_nothing_is_found_where_nothing_was() -> None:
    assert rates(OUTCOMES, 0.6).alarms == 1
    assert rates(OUTCOMES, 0.61).alarms == 0
    assert rates(OUTCOMES, 0.0).hits == 2


def test_what_cannot_be_divided_is_none() -> None:
    found = rates([], 0.5)
    assert (found.recall, found.recall_95, found.false_alarm_rate, found.false_alarm_rate_95) == (None,) * 4
    assert rates([said(1, 0.0)], 0.5).precision is None


def test_chance_is_told_of_by_the_interval_of_wilson() -> None:
    """Wilson 1927: 1 of 10 is between 1.79 % and 40.42 %; none of 10 is not surely none."""
    assert rates(OUTCOMES, 0.5).false_alarm_rate_95 == pytest.approx((0.0179, 0.4042), abs=1e-4)
    low, high = rates([said(0, 0.0)] * 10, 0.5).false_alarm_rate_95 or (1, 0)
    assert low == 0
    assert high == pytest.approx(0.2775, abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 1), SCORES), max_size=30), SCORES)
def test_intervals_hold_their_rates_and_rates_only_fall_with_the_threshold(
    rows: list[tuple[int, float]], at: float
) -> None:
    outcomes = [said(*row) for row in rows]
    found, lower = rates(outcomes, at), rates(outcomes, at / 2)
    assert (found.hits, found.alarms) <= (lower.hits, lower.alarms)
    for share, between in ((found.recall, found.recall_95), (found.false_alarm_rate, found.false_alarm_rate_95)):
        assert (share is None) == (between is None)
        if share is not None and between is not None:
            assert between[0] - 1e-6 <= share <= between[1] + 1e-6


def test_groups_are_counted_each_by_itself_in_order() -> None:
    found = grouped(OUTCOMES, "kind", 0.5)
    assert list(found) == ["k", "plain", "quiet"]
    assert (found["k"].hits, found["k"].alarms, found["plain"].harmless, found["quiet"].recall) == (2, 1, 9, 0.0)
    assert list(grouped(OUTCOMES, "source", 0.5)) == ["s"]


def test_ranks_are_of_what_was_measured() -> None:
    outcomes = [said(0, 0.0, seconds=number / 1000) for number in range(1, 101)]
    assert latency(outcomes) == Latency(50.0, 95.0, 100.0, 50.5, near(101.0))
    assert latency([]) == Latency(0.0, 0.0, 0.0, 0.0, 0.0)


def test_time_for_nothing_is_no_time_for_a_kilobyte() -> None:
    assert latency([Outcome(0, 0.0, 0.5, 0, "answer", "", "")]) == Latency(500.0, 500.0, 500.0, 500.0, 0.0)


def test_a_stretch_is_found_whole_where_nothing_of_it_is_left() -> None:
    label = Label(5, 15, "card")
    assert marked(label, [find(5, 15, 0.9)]) == Marked("card", 0.9, 0.9)
    assert marked(label, [find(0, 20, 0.4), find(7, 9, 0.9)]) == Marked("card", 0.9, 0.4)
    assert marked(label, [find(9, 15, 0.7), find(2, 9, 0.8)]) == Marked("card", 0.8, 0.7)
    assert marked(label, [find(6, 15, 0.9)]) == Marked("card", 0.9, 0.0)
    assert marked(label, [find(5, 9, 0.9), find(10, 15, 0.9)]) == Marked("card", 0.9, 0.0)
    assert marked(label, [find(0, 5, 0.9), find(15, 20, 0.9)]) == Marked("card", 0.0, 0.0)


def test_stretches_are_counted_by_their_type_and_all_together() -> None:
    one = said(1, 0.9, "k", Marked("card", 0.9, 0.4), Marked("iban", 0.9, 0.9))
    two = said(1, 0.9, "k", Marked("card", 0.0, 0.0))
    assert spans([one, two], 0.5) == {
        "": Spans(3, near(2 / 3), near(1 / 3)),
        "card": Spans(2, 0.5, 0.0),
        "iban": Spans(1, 1.0, 1.0),
    }
    assert spans([said(1, 0.9)], 0.5) == {}
    assert spans([said(1, 0.9, "k", Marked("", 0.9, 0.9))], 0.5) == {"": Spans(1, 1.0, 1.0)}


def test_thresholds_are_swept_from_end_to_end() -> None:
    steps = sweep(OUTCOMES, 2)
    assert [(each.at, each.recall, each.false_alarm_rate) for each in steps] == [
        (0.0, near(2 / 3), 0.1), (0.5, near(2 / 3), 0.1), (1.0, 0.0, 0.0),
    ]  # fmt: skip
    assert len(sweep(OUTCOMES)) == 21


def test_the_threshold_that_keeps_alarms_within_a_share_is_the_lowest() -> None:
    assert within(OUTCOMES, 0.1) == Step(0.5, near(2 / 3), 0.1, near(2 / 3))
    assert within(OUTCOMES, 0.05) == Step(0.9, near(1 / 3), 0.0, 1.0)
    assert within([said(0, 0.9), said(1, 0.9)], 0.5) is None, "the harmless one is as sure as the attack"
    assert within([said(1, 0.3)], 0.01) == Step(0.3, 1.0, None, 1.0)
    assert within([], 0.01) is None


@given(st.lists(st.tuples(st.integers(0, 1), SCORES), max_size=30), SCORES)
def test_no_lower_threshold_keeps_alarms_within_a_share(rows: list[tuple[int, float]], most: float) -> None:
    outcomes = [said(*row) for row in rows]
    lower = [
        at for at in {each.score for each in outcomes if each.score} if (rates(outcomes, at).false_alarm_rate or 0) <= most
    ]  # fmt: skip
    found = within(outcomes, most)
    assert (found.at if found else None) == min(lower, default=None)


def test_what_reads_a_text_follows_from_what_is_labelled_in_it() -> None:
    attack, plain = Example("t", 1), Example("t", 0)
    card = Example("t", 1, spans=(Label(0, 1, "card"),))
    aimed = Example("t", 1, spans=(Label(0, 1, "Injection"),))
    uses = meant([attack, card, plain])
    assert (uses(attack), uses(card), uses(aimed)) == (("injection",), ("secrets", "personal"), ("injection",))
    assert uses(plain) == ("secrets", "personal", "injection"), "a false alarm of any is one"
    assert meant([card, plain])(plain) == ("secrets", "personal")
    assert meant([aimed, plain])(plain) == ("injection",)
    assert meant([plain])(plain) == ("secrets", "personal", "injection")
