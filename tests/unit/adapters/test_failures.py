"""How often who may fail to say who they are."""

from __future__ import annotations

from ostiary.adapters.identity.failures import Allowance, Failures
from tests.contract.identity.provider import Clock

EACH = Allowance(3.0, 0.5)
TOTAL = Allowance(5.0, 1.0)


def counted(*peers: str) -> tuple[Failures, Clock]:
    clock = Clock()
    failures = Failures(clock, EACH, TOTAL)
    for peer in peers:
        failures.add(peer)
    return failures, clock


def test_a_peer_may_fail_some_times_and_then_waits() -> None:
    failures, _ = counted("a", "a")
    assert failures.wait("a") == 0.0
    failures.add("a")
    assert failures.wait("a") == 2.0


def test_time_gives_an_attempt_back() -> None:
    failures, clock = counted("a", "a", "a")
    clock.now += 2.0
    assert failures.wait("a") == 0.0


def test_a_flood_of_failures_locks_nobody_out_for_longer_than_a_burst() -> None:
    failures, clock = counted(*["a"] * 4)
    assert failures.wait("a") == 2.0
    clock.now += 60.0
    assert failures.wait("a") == 0.0


def test_one_peer_does_not_pay_for_another() -> None:
    failures, _ = counted("a", "a", "a")
    assert failures.wait("b") == 0.0


def test_in_a_storm_only_those_are_heard_who_have_not_failed() -> None:
    """Many addresses, one attempt each: those who come with a good credential for the first time still get in."""
    failures, clock = counted("a", "b", "c", "d", "e")
    assert failures.wait("a") == 2.0
    assert failures.wait("good") == 0.0
    clock.now += 2.0
    assert failures.wait("a") == 0.0


def test_no_more_peers_are_remembered_than_there_is_room_for() -> None:
    failures, _ = counted(*(f"p{number}" for number in range(10_050)))
    assert len(failures._peers) == 10_000
    assert "p0" not in failures._peers
