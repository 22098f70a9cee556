"""Calls of one turn of the event loop leave together, when their intents are written, and each ends for itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ostiary.core.errors import LedgerStopped, Unreachable
from ostiary.core.model import Json
from ostiary.core.trail import Trail
from ostiary.pipeline.flight import Flight, Told
from tests.pipeline.stage import call
from tests.pipeline.test_swift import NAME, Ground, Runway, Way, body_of


class Field(Runway):
    """A runway on which calls wait for the end of a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.due: list[Callable[[], None]] = []
        self.failure: Exception | None = None
        self.grounds: list[Ground] = []
        self.regular = self.settle(call(NAME, path="/first"))
        self.swift.gather(self.due.append, self.together)

    def together(self, trails: list[Trail]) -> None:
        if self.failure is not None:
            raise self.failure
        self.log.append(f"{len(trails)} intents")
        for trail in trails:
            trail.intended = True

    def come(self, path: str = "/a", arguments: Json | None = None) -> Flight:
        ground = Ground()
        self.grounds.append(ground)
        flight = self.swift.begin(self.regular, NAME, body_of(arguments or {"path": path}), ground)
        assert flight is not None
        return flight

    def end(self) -> None:
        due, self.due[:] = list(self.due), []
        for what in due:
            what()

    @property
    def outcomes(self) -> list[str]:
        return [trail.outcome for trail in self.audit.ended]

    @property
    def statuses(self) -> list[list[int]]:
        return [[answer.status for answer in ground.answers] for ground in self.grounds]


def test_the_calls_of_a_turn_leave_when_the_intents_of_all_are_written() -> None:
    on = Field()
    on.come("/a")
    on.come("/b")
    assert on.log == ["limit", "limit"]
    on.way.now = False
    on.end()
    assert on.log == ["limit", "limit", "2 intents", "sent", "sent"]
    assert on.way.sent == [b'{"path":"/a"}', b'{"path":"/b"}']
    on.way.tell()
    assert on.statuses == [[], []]
    on.end()
    assert on.statuses == [[], [200]]
    assert on.outcomes == ["answered"]


def test_what_may_not_leave_keeps_nobody_else_back() -> None:
    on = Field()
    on.come(arguments={"path": 7})
    on.come("/b")
    on.end()
    on.end()
    assert on.log[:2] == ["limit", "outcome"]
    assert on.way.sent == [b'{"path":"/b"}']
    assert on.way.abandoned == 1
    assert on.outcomes == ["bad_arguments", "answered"]


def test_no_call_leaves_whose_intent_could_not_be_written() -> None:
    on = Field()
    on.failure, on.audit.full = LedgerStopped("full"), True
    on.come()
    on.come()
    on.end()
    assert (on.way.sent, on.way.abandoned, on.released) == ([], 2, 2)
    assert on.outcomes == ["ledger_stopped"] * 2
    assert all(statuses and statuses[0] >= 400 for statuses in on.statuses)


def test_one_call_that_cannot_be_put_into_words_fails_alone() -> None:
    on = Field()
    on.failure = RuntimeError("odd")
    begin = on.audit.begin
    odd: list[str] = []

    def picky(trail: Trail) -> None:
        if trail.reference == odd[0]:
            raise RuntimeError("odd")
        begin(trail)

    on.audit.begin = picky  # type: ignore[method-assign]
    odd.append(on.come("/a").trail.reference)
    on.come("/b")
    on.end()
    on.end()
    assert on.way.sent == [b'{"path":"/b"}']
    assert on.outcomes == ["fault", "answered"]
    assert on.statuses == [[500], [200]]


def test_who_hangs_up_before_the_call_left_leaves_a_record_and_nothing_else() -> None:
    on = Field()
    gone = on.come("/a")
    on.come("/b")
    gone.abandon()
    on.end()
    on.end()
    assert on.way.sent == [b'{"path":"/b"}']
    assert on.way.abandoned == 1
    assert "1 intents" in on.log
    assert on.outcomes == ["abandoned", "answered"]
    assert on.statuses == [[], [200]]


def test_who_hangs_up_before_the_answer_landed_gets_none() -> None:
    on = Field()
    gone = on.come()
    on.end()
    gone.abandon()
    on.end()
    assert (on.outcomes, on.statuses, on.released) == (["abandoned"], [[]], 1)
    assert on.way.abandoned == 0


@pytest.mark.parametrize(
    ("error", "outcome"), [(Unreachable("gone"), "upstream_unreachable"), (RuntimeError("odd"), "fault")]
)
def test_a_call_that_cannot_be_sent_ends_for_itself(error: Exception, outcome: str) -> None:
    on = Field()

    class Dead(Way):
        def send(self, arguments: bytes, deadline: float, told: Told) -> None:
            raise error

    alive, dead = on.way, Dead(on)
    on.way = dead
    on.regular = on.settle(call(NAME, path="/first"))
    on.come("/a")
    on.way = alive
    on.regular = on.settle(call(NAME, path="/first"))
    on.come("/b")
    on.end()
    on.end()
    assert on.outcomes == [outcome, "answered"]
    assert (dead.abandoned, alive.abandoned) == (1, 0)
