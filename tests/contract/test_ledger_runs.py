"""What the ledger says of agent runs, and what a gateway that starts again remembers by it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from ostiary.adapters.store.ledger import Ledger
from ostiary.adapters.store.ledger_read import ledger_directory, segments
from ostiary.adapters.store.ledger_runs import met
from ostiary.core.model import Allow, Call, Caller, Client, Deny, Era, Inbound, Kind, Reason, Target
from ostiary.core.rules import Run, Tracking
from ostiary.core.screening import Looked, Side
from ostiary.core.trail import Trail
from ostiary.entry.remembering import remembered
from ostiary.pipeline import runs

NOW = 1_800_000_000.0
TRACKING = Tracking("caller", 3600.0, frozenset({"private", "untrusted", "guard:g"}))
ANA = Caller("ana", "ostiary", "tok", "token:tok", 9e9, tags=frozenset({"*"}))
CALL = Call(1, "tools/call", "files__read", {"arguments": {}}, Client(Era.MODERN, "v", {}, "", {}))
READ = Target("files", Kind.TOOL, "read", "files.read", "read", taints=frozenset({"private"}))


async def no_body() -> bytes:
    return b""


def trail(number: int, at: float, target: Target = READ, *met_: str, allowed: bool = True) -> Trail:
    message = Inbound("POST", "/mcp", {}, frozenset(), None, "127.0.0.1", no_body)
    run = runs.run(CALL, ANA, TRACKING)
    run = msgspec.structs.replace(run, met=frozenset(met_), unmet=run.unmet - set(met_))
    decision = Allow("r") if allowed else Deny(Reason.DENY_RULE, "trifecta")
    return Trail(message, f"ref-{number}", 1, 1.0, at, ANA, CALL, target, decision, run=run)


def written(data: Path, *trails: Trail, looks: tuple[Looked, ...] = ()) -> None:
    at = [NOW]
    ledger = Ledger(data, clock=lambda: at[0])
    for each in trails:
        if isinstance(each.decision, Allow):
            ledger.begin(each)
            each.outcome = "answered"
        else:
            each.outcome = "forbidden"
        each.looked = list(looks)
        ledger.end(each)
    ledger.close()


def records(data: Path) -> list[dict[str, object]]:
    text = "".join(path.read_text() for _, path in segments(ledger_directory(data)))
    return [json.loads(line) for line in text.splitlines()]


def known(data: Path, tracking: Tracking | None = TRACKING, caller: Caller = ANA, now: float = NOW) -> frozenset[str]:
    kept = remembered(data, tracking, lambda: 5.0, lambda: now)
    return kept.met(runs.run(CALL, caller, TRACKING), 5.0)


def test_a_record_says_which_run_it_was_and_what_the_run_had_met(tmp_path: Path) -> None:
    written(tmp_path, trail(1, NOW, READ, "untrusted"), trail(2, NOW, READ, "private", "untrusted", allowed=False))
    first, second = (each["run"] for each in records(tmp_path) if "run" in each)
    ident = runs.run(CALL, ANA, TRACKING).ident
    assert first == {"id": ident, "had": ["untrusted"], "lacked": ["guard:g", "private"], "adds": ["private"]}
    assert second == {"id": ident, "had": ["private", "untrusted"], "lacked": ["guard:g"]}, "it never left"


def test_a_call_that_no_rule_asks_about_has_no_run_in_its_record(tmp_path: Path) -> None:
    plain = trail(1, NOW)
    plain.run = None
    written(tmp_path, plain)
    assert not any("run" in each for each in records(tmp_path))
    assert list(met(tmp_path, 0.0)) == []


def test_a_gateway_that_starts_again_knows_what_runs_have_met(tmp_path: Path) -> None:
    written(
        tmp_path,
        trail(1, NOW - 60),
        trail(2, NOW - 4000, msgspec.structs.replace(READ, taints=frozenset({"untrusted"}))),
    )
    assert known(tmp_path) == {"private"}, "what is older than the window counts no more"
    assert known(tmp_path, now=NOW + 3539) == {"private"}
    assert known(tmp_path, now=NOW + 3541) == frozenset()
    assert known(tmp_path, caller=msgspec.structs.replace(ANA, client="other")) == frozenset()


def test_it_knows_what_guards_found_in_answers(tmp_path: Path) -> None:
    looks = (
        Looked("g", Side.ANSWER, "would-block", 0.1), Looked("request", Side.REQUEST, "block", 0.1),
        Looked("quiet", Side.ANSWER, "pass", 0.1), Looked("unasked", Side.ANSWER, "note", 0.1),
    )  # fmt: skip
    written(tmp_path, trail(1, NOW - 60), looks=looks)
    assert [each.taints for each in met(tmp_path, 0.0)] == [{"private"}, {"guard:g", "guard:unasked"}]
    assert known(tmp_path) == {"private", "guard:g"}


def test_a_call_that_never_left_adds_nothing(tmp_path: Path) -> None:
    written(tmp_path, trail(1, NOW, allowed=False), looks=(Looked("g", Side.ANSWER, "block", 0.1),))
    assert known(tmp_path) == frozenset()


@pytest.mark.parametrize("tracking", [None, TRACKING])
def test_nothing_is_known_where_nothing_was_written(tmp_path: Path, tracking: Tracking | None) -> None:
    assert known(tmp_path, tracking) == frozenset()
    written(tmp_path, trail(1, NOW))
    assert known(tmp_path, None) == frozenset(), "where no rule asks, nothing is read"


def test_what_is_no_record_is_passed_over_and_so_are_segments_of_long_ago(tmp_path: Path) -> None:
    written(tmp_path, trail(1, NOW))
    [(_, path)] = segments(ledger_directory(tmp_path))
    with path.open("ab") as file:
        file.write(b'{"type":"intent","run":{"id":5}}\n{"x":1,"run":{\n')
    assert known(tmp_path) == {"private"}
    later = path.with_name("00000002.jsonl")
    later.write_text('{"type":"open","time":"2027-01-15T09:00:00.000Z"}\n')
    assert known(tmp_path) == {"private"}
    later.write_text('{"type":"open","time":"2027-01-15T04:00:00.000Z"}\n')
    assert known(tmp_path) == frozenset(), "all of the first lies before"
    later.write_text("nonsense\n")
    assert known(tmp_path) == {"private"}


def test_what_was_one_run_stays_met_where_runs_are_told_apart_from_now_on(tmp_path: Path) -> None:
    """And the other way round: all that a caller does is one run, whatever it was before."""
    written(tmp_path, trail(1, NOW))
    auto = Tracking("auto", 3600.0, TRACKING.taints)
    kept = remembered(tmp_path, auto, lambda: 5.0, lambda: NOW)
    assert kept.met(runs.run(CALL, ANA, auto), 5.0) == {"private"}
    kept = runs.Runs()
    kept.meet(runs.run(CALL, ANA, auto), ("untrusted",), 5.0)
    assert kept.met(runs.run(CALL, ANA, TRACKING), 5.0) == {"untrusted"}
    assert isinstance(runs.run(CALL, ANA, auto), Run)
