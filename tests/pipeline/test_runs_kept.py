"""What is kept of runs is bounded, and what is forgotten for lack of room is forgotten in nobody's favour."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import MODERN, Call, Client, Era
from ostiary.core.rules import Run, Tracking
from ostiary.pipeline import runs
from ostiary.pipeline.runs import Runs
from tests.pipeline.stage import CALLERS, FILES
from tests.pipeline.test_swift import NAME, Runway

WINDOW = 100.0


def run(whose: str = "ana", ident: str = "1", window: float = WINDOW) -> Run:
    return Run(whose, ident, window, unmet=frozenset({"private", "untrusted"}))


def test_a_run_has_met_what_it_met_and_another_has_not() -> None:
    kept = Runs()
    kept.meet(run(), ("private",), 0.0)
    assert kept.met(run(), 1.0) == {"private"}
    assert kept.met(run(ident="2"), 1.0) == kept.met(run("bob"), 1.0) == frozenset()
    found = kept.known(run(), 1.0)
    assert found.met == {"private"}
    assert found.unmet == {"untrusted"}


def test_what_nobody_asks_for_is_not_shown() -> None:
    kept = Runs()
    kept.meet(run(), ("private", "guard:old"), 0.0)
    assert kept.known(run(), 1.0).met == {"private"}


def test_nothing_takes_no_room() -> None:
    kept = Runs()
    kept.meet(run(), (), 0.0)
    assert len(kept) == 0


def test_each_thing_counts_for_the_window_from_the_last_time() -> None:
    kept = Runs()
    kept.meet(run(), ("private", "untrusted"), 0.0)
    kept.meet(run(), ("private",), 50.0)
    kept.meet(run(window=1.0), ("private",), 60.0)
    assert kept.met(run(), 100.0) == {"private"}, "a shorter window later does not take back the longer one"
    assert kept.met(run(), 150.0) == frozenset()


def test_what_a_caller_s_forgotten_run_met_every_further_run_of_theirs_begins_with() -> None:
    kept = Runs(per_caller=2)
    kept.meet(run(ident="1"), ("private",), 0.0)
    for ident in ("2", "3"):
        kept.meet(run(ident=ident), ("untrusted",), 1.0)
    assert len(kept) == 2
    assert kept.met(run(ident="1"), 2.0) == kept.met(run(ident="new"), 2.0) == {"private"}
    assert kept.met(run(ident="2"), 2.0) == {"private", "untrusted"}
    assert kept.met(run("bob"), 2.0) == frozenset()
    assert kept.met(run(ident="new"), WINDOW) == frozenset(), "and for as long as it counts"


def test_a_run_that_goes_on_is_not_the_oldest() -> None:
    kept = Runs(per_caller=2)
    for ident in ("1", "2", "1", "3"):
        kept.meet(run(ident=ident), (f"used-{ident}",), 0.0)
    assert kept.met(run(ident="new"), 1.0) == {"used-2"}


def test_where_all_callers_together_have_too_many_the_oldest_caller_s_are_forgotten() -> None:
    kept = Runs(per_caller=2, most=3)
    for whose, ident in itertools.product(("ana", "bob"), ("1", "2")):
        kept.meet(run(whose, ident), (f"{whose}-{ident}",), 0.0)
    assert len(kept) == 3
    assert kept.met(run("ana", "new"), 1.0) == {"ana-1"}
    assert kept.met(run("bob", "new"), 1.0) == frozenset()


def test_where_there_are_too_many_callers_everybody_begins_with_what_the_forgotten_ones_met() -> None:
    kept = Runs(per_caller=1, most=1)
    for whose in ("ana", "bob", "cid"):
        kept.meet(run(whose), (f"{whose}-met",), 0.0)
    assert kept.met(run("dan"), 1.0) == {"ana-met"}
    assert kept.met(run("bob"), 1.0) == {"ana-met", "bob-met"}


def test_what_counts_no_more_makes_room_and_leaves_nothing() -> None:
    kept = Runs(per_caller=100)
    for ident in range(10):
        kept.meet(run(f"caller-{ident}", "1"), ("private",), 0.0)
    for _ in range(3):
        kept.meet(run("new"), ("private",), WINDOW + 1)
    assert len(kept) == 1
    assert kept.met(run("caller-1"), WINDOW + 1) == frozenset()


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"), st.sampled_from("123"), st.sampled_from("xyz"), st.sampled_from([0.0, 10.0, 60.0])
        ),
        max_size=60,
    )
)
def test_nothing_that_counts_is_ever_missing(steps: list[tuple[str, str, str, float]]) -> None:
    """However little room there is: what a run met within the window, it has met."""
    kept, now, truth = Runs(per_caller=2, most=3), 0.0, dict[tuple[str, str, str], float]()
    for whose, ident, taint, later in steps:
        now += later
        kept.meet(run(whose, ident), (taint,), now)
        truth[whose, ident, taint] = now + WINDOW
        assert len(kept) <= 3
        for (one, two, met), until in truth.items():
            assert until <= now or met in kept.met(run(one, two), now)


# Which run it is


def call(session: str | None = None, meta: object = None, name: object = "prog") -> Call:
    client = Client(Era.MODERN, MODERN, {}, "", {"name": name}, session)
    return Call(1, "tools/call", "x", {"_meta": meta} if meta is not None else {}, client)


def test_a_run_is_its_caller_s_and_names_nothing_that_a_client_could_present() -> None:
    ana, eve = CALLERS["ana-token"], CALLERS["eve-token"]
    auto = Tracking("auto", WINDOW, frozenset())
    one, two = (runs.run(call("secret-session"), each, auto) for each in (ana, eve))
    assert one.ident != two.ident
    assert one.whose != two.whose
    assert "secret" not in one.ident
    split = (
        msgspec.structs.replace(ana, subject="a", client="b c"),
        msgspec.structs.replace(ana, subject="a b", client="c"),
    )
    assert runs.run(call(), split[0], auto).ident != runs.run(call(), split[1], auto).ident


def test_a_session_comes_before_a_trace_and_a_trace_before_a_program() -> None:
    ana, auto = CALLERS["ana-token"], Tracking("auto", WINDOW, frozenset())
    meta = {"traceparent": f"00-{'a' * 32}-b7ad6b7169203331-01"}
    idents = [
        runs.run(each, ana, auto).ident
        for each in (call("s", meta), call("s"), call(None, meta), call(None, meta, "other"), call(), call(name=5))
    ]
    assert idents[0] == idents[1]
    assert idents[2] == idents[3]
    assert len(set(idents)) == 4
    strict = Tracking("caller", WINDOW, frozenset())
    assert len({runs.run(each, ana, strict).ident for each in (call("s"), call(None, meta), call())}) == 1


# The swift way


def planned(labels: str) -> bool:
    """Say whether a tool with these labels is called the swift way where a rule looks at runs."""
    text = f"""
gateway: {{url: "http://127.0.0.1:8080"}}
servers: {{files: {{command: [files], {labels}}}, crm: {{command: [crm]}}}}
rules:
  - {{name: all, allow: ["*"], roles: [dev]}}
  - {{name: trifecta, deny: ["*"], sends: outside, after: [private, untrusted]}}
"""
    runway = Runway()
    runway.snapshot = compiled(parse(text, "x"), {("files", ""): FILES}, 7, "digest").snapshot
    return runway.settle().plans[NAME] is not None


def test_what_a_run_meets_or_must_have_met_is_not_carried_the_swift_way() -> None:
    assert not planned("reads: private, sends: nothing, changes: false")
    assert not planned("reads: nothing, sends: outside, changes: false")
    assert planned("reads: nothing, sends: nothing, changes: false"), "what matters to no run is"
