"""An alert is told once while it lasts, once when it is over, and never more often than is bearable."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.behaviour.alarming import FIRING, MOST, OVER, Alarms, Alert, Notice
from ostiary.behaviour.alarming import Most as Bearable
from ostiary.behaviour.happenings import KINDS, Happening, kind_of

START = 1_000.0


def alarms(most: int = 30, **more: Any) -> Alarms:
    made: dict[str, Any] = {"name": "a", "kinds": frozenset({"denied", "server_down"}), "to": ("ops",)}
    return Alarms([Alert(**(made | more))], {"ops": Bearable(most, 3600.0), "boss": Bearable()})


def denied(at: float, count: int = 1, **more: Any) -> Happening:
    return Happening("denied", START + at, count=count, call=True, **more)


def down(at: float, name: str = "crm", *, over: bool = False) -> Happening:
    return Happening("server_down", START + at, name, thing=name, over=over)


def told(watched: Alarms, at: float) -> list[tuple[str, str]]:
    return [(each.state, each.group) for each in watched.due(START + at)]


def test_what_happens_is_told_at_once_then_no_more_and_then_that_it_is_over() -> None:
    watched = alarms()
    watched.hear(denied(0))
    assert told(watched, 0) == [(FIRING, "")]
    for second in range(1, 200):
        watched.hear(denied(second))
        assert told(watched, second) == []
    assert told(watched, 490) == []
    assert told(watched, 530) == [(OVER, "")]
    assert told(watched, 2_000) == []
    assert len(watched) == 0


def test_a_notice_says_what_happened_and_since_when() -> None:
    watched = alarms(above=2)
    watched.hear(denied(0, 3, words="no rule", reference="r-1"))
    (notice,) = watched.due(START + 1)
    assert (notice.kinds, notice.since, notice.at) == ((("denied", 3),), START + 1, START + 1)
    assert [each.reference for each in notice.latest] == ["r-1"]
    assert (notice.within, notice.to) == (300.0, "ops")


def test_it_takes_more_than_the_number_within_the_time() -> None:
    watched = alarms(above=3, within=60.0)
    for second in range(0, 300, 25):
        watched.hear(denied(second))
        assert told(watched, second) == []
    for second in range(300, 304):
        watched.hear(denied(second))
    assert told(watched, 304) == [(FIRING, "")]


def test_a_share_is_of_all_calls_in_the_time() -> None:
    watched = alarms(above=4, share=0.5)
    watched.hear(Happening("", START, count=20, call=True))
    watched.hear(denied(0, 10))
    assert told(watched, 0) == []
    watched.hear(denied(1, 11))
    assert told(watched, 1) == [(FIRING, "")]
    watched.hear(Happening("", START + 2, count=50, call=True))
    assert told(watched, 2) == [(OVER, "")]
    without = alarms(above=4)
    without.hear(Happening("", START, count=20, call=True))
    assert len(without) == 0


def test_what_lasts_is_over_when_the_last_of_it_is() -> None:
    watched = alarms()
    watched.hear(down(0, "crm"))
    watched.hear(down(0, "files"))
    (notice,) = watched.due(START)
    assert notice.things == ("crm", "files")
    watched.hear(down(1, "crm", over=True))
    assert told(watched, 10_000) == []
    watched.hear(down(10_001, "files", over=True))
    assert told(watched, 10_001) == [(OVER, "")]


def test_what_lasts_is_counted_where_a_number_is_asked_for() -> None:
    watched = alarms(above=1)
    watched.hear(down(0))
    assert told(watched, 0) == []
    watched.hear(down(1))
    assert told(watched, 1) == [(FIRING, "")]


def test_things_are_told_apart_where_that_is_asked_for() -> None:
    watched = alarms(per="server", above=1)
    for name in ("crm", "crm", "files"):
        watched.hear(denied(0, server=name))
    assert told(watched, 0) == [(FIRING, "crm")]


def test_what_comes_and_goes_is_not_told_each_time() -> None:
    watched = alarms(pause=600.0)
    found = []
    for second in range(0, 1_200, 2):
        watched.hear(down(second, over=bool(second % 4)))
        found += [(second, each.state) for each in watched.due(START + second)]
    assert found == [(0, FIRING), (2, OVER), (600, FIRING), (602, OVER)]


def test_what_did_not_get_told_is_counted_in_what_is() -> None:
    watched = alarms(pause=600.0)
    notices: list[Notice] = []
    for second in (0, 10, 600):
        watched.hear(down(second))
        notices += watched.due(START + second)
        watched.hear(down(second + 1, over=True))
        notices += watched.due(START + second + 1)
    assert [(each.state, each.missed) for each in notices] == [(FIRING, 0), (OVER, 0), (FIRING, 1), (OVER, 0)]


def test_a_receiver_is_told_no_more_than_it_bears_and_later_what_still_lasts() -> None:
    watched = alarms(most=3, per="server")
    for number in range(10):
        watched.hear(down(0, f"s{number}"))
    assert len(told(watched, 0)) == 3
    assert told(watched, 1) == []
    for number in range(8):
        watched.hear(down(2, f"s{number}", over=True))
    over = watched.due(START + 2)
    assert [each.state for each in over] == [OVER] * 3
    later = watched.due(START + 3_601)
    assert [(each.state, each.group, each.missed) for each in later] == [(FIRING, "s8", 5), (FIRING, "s9", 0)]


def test_each_receiver_has_its_own_measure() -> None:
    watched = alarms(most=1, per="server", to=("ops", "boss"))
    watched.hear(down(0, "a"))
    watched.hear(down(0, "b"))
    assert sorted(each.to for each in watched.due(START)) == ["boss", "boss", "ops"]


def test_the_end_is_not_told_where_nobody_wants_it() -> None:
    watched = alarms(ends=False)
    watched.hear(down(0))
    assert told(watched, 0) == [(FIRING, "")]
    watched.hear(down(1, over=True))
    assert told(watched, 1) == []


def test_only_what_fits_counts() -> None:
    watched = alarms(fits=lambda it: it.server == "crm")
    watched.hear(denied(0, server="files"))
    watched.hear(Happening("anomaly", START, "crm"))
    assert told(watched, 0) == []
    watched.hear(denied(0, server="crm"))
    assert told(watched, 0) == [(FIRING, "")]


def test_made_up_names_neither_fill_the_memory_nor_push_out_what_goes_on() -> None:
    watched = alarms(per="caller", above=5)
    watched.hear(denied(0, 6, caller="eve"))
    assert told(watched, 0) == [(FIRING, "eve")]
    for number in range(3 * MOST):
        watched.hear(denied(1, caller=f"c{number}"))
    assert len(watched) <= MOST + 1
    assert told(watched, 2) == []


def test_names_beyond_what_can_be_told_apart_are_told_together() -> None:
    watched = alarms(most=10 * MOST, per="caller")
    for number in range(MOST):
        watched.hear(denied(0, caller=f"c{number}"))
    assert len(told(watched, 0)) == MOST
    watched.hear(denied(1, caller="one more"))
    assert told(watched, 1) == [(FIRING, "")]


def test_what_lasts_is_bounded() -> None:
    watched = alarms()
    for number in range(500):
        watched.hear(down(0, f"s{number}"))
    (notice,) = watched.due(START)
    assert len(notice.things) == 100


def test_outcomes_have_kinds() -> None:
    assert kind_of("forbidden") == "denied"
    assert kind_of("answered") == ""
    assert len(set(KINDS)) == len(KINDS)


STEPS = st.lists(
    st.tuples(st.integers(1, 200), st.booleans(), st.booleans(), st.sampled_from(["crm", "files"])), max_size=80
)


@given(STEPS)
def test_beginnings_and_ends_take_turns_and_beginnings_keep_their_distance(
    steps: list[tuple[int, bool, bool, str]],
) -> None:
    """Ours: nobody is told of an end that they were not told the beginning of, nor twice of one beginning."""
    watched, at = alarms(pause=120.0, per="server", most=4), 0.0
    last: dict[str, tuple[str, float]] = {}
    begun: list[float] = []
    for step, lasting, over, name in steps:
        at += step
        watched.hear(down(at, name, over=over) if lasting else denied(at, server=name))
        for notice in watched.due(START + at):
            before, when = last.get(notice.group, (OVER, -1e9))
            assert notice.state != before
            if notice.state == FIRING:
                assert at - when >= 120.0
                begun.append(at)
            last[notice.group] = (notice.state, at if notice.state == FIRING else when)
    assert all(b - a >= 3600 for a, b in zip(begun, begun[4:], strict=False))
