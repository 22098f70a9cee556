"""What goes on at this moment follows from the ledger's records, and from those of the window only."""

from __future__ import annotations

from typing import Any

from ostiary.operate.glance import Glance

NOW = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


def stamp(second: int) -> str:
    return f"2026-01-01T00:00:{second:02d}.000Z"


def intent(reference: str, subject: str = "ana", tool: str = "crm.search") -> dict[str, Any]:
    return {"type": "intent", "reference": reference, "principal": {"subject": subject}, "tool": tool, "time": stamp(0)}


def outcome(reference: str, how: str = "answered", *, second: int = 0, ms: float = 1.0, **more: Any) -> dict[str, Any]:
    return {
        "type": "outcome",
        "reference": reference,
        "outcome": how,
        "ms": {"total": ms},
        "time": stamp(second),
        **more,
    }


def test_a_call_is_in_flight_until_its_outcome_comes() -> None:
    glance = Glance(60.0)
    glance.add(intent("a"))
    view = glance.view(NOW)
    assert (view.total.calls, view.total.in_flight, view.callers[0].in_flight, view.tools[0].name) == (
        0,
        1,
        1,
        "crm.search",
    )
    glance.add(outcome("a"))
    view = glance.view(NOW)
    assert (view.total.calls, view.total.in_flight, view.callers[0].name) == (1, 0, "ana")


def test_what_is_older_than_the_window_is_not_shown() -> None:
    glance = Glance(10.0)
    for reference, second in (("a", 1), ("b", 30)):
        glance.add(intent(reference))
        glance.add(outcome(reference, second=second))
    assert glance.view(NOW + 31).total.calls == 1
    assert glance.view(NOW + 50).total.calls == 0


def test_refusals_are_told_from_failures_of_servers() -> None:
    glance = Glance(60.0)
    for how in ("answered", "abandoned", "tool_error", "upstream_timeout", "not_found", "limited"):
        glance.add(outcome(how, how, principal={"subject": "bob"}, method="tools/list", detail="why"))
    (row,) = glance.view(NOW).callers
    assert (row.name, row.calls, row.failed, row.denied) == ("bob", 6, 2, 2)
    assert [each.split(" ", 1)[1] for each in glance.view(NOW).refused] == [
        "bob tools/list not_found why", "bob tools/list limited why",
    ]  # fmt: skip


def test_the_busiest_stand_first_and_times_are_quantiles() -> None:
    glance = Glance(10.0)
    for at in range(100):
        glance.add(intent(str(at), "busy" if at < 90 else f"calm-{at}"))
        glance.add(outcome(str(at), ms=float(at)))
    view = glance.view(NOW, rows=3)
    assert [row.name for row in view.callers] == ["busy", "calm-90", "calm-91"]
    assert (view.total.p50, view.total.p95, view.total.rate) == (50.0, 95.0, 10.0)


def test_what_was_in_flight_in_a_process_that_is_gone_is_gone() -> None:
    glance = Glance(60.0)
    glance.add(intent("a"))
    glance.add({"type": "event", "kind": "config_activated", "time": stamp(0)})
    assert glance.view(NOW).total.in_flight == 1
    glance.add({"type": "event", "kind": "start", "time": stamp(0)})
    assert glance.view(NOW).total.in_flight == 0


def test_a_record_without_a_time_is_of_no_window() -> None:
    glance = Glance(60.0)
    glance.add({"type": "outcome", "reference": "x", "outcome": "answered", "time": "yesterday"})
    assert glance.view(NOW).total.calls == 0
