"""The numbers: that they are right, and that no client can make them many."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from ostiary.adapters.telemetry.metrics import OTHER, SECONDS, UNREAD, Histogram, Meter
from ostiary.core.costs import Cost
from ostiary.core.model import Allow, Call, Client, Deny, Era, Inbound, Kind, Reason, Target
from ostiary.core.screening import Looked, Side
from ostiary.core.trail import Trail


async def nothing() -> bytes:
    return b""


MESSAGE = Inbound("POST", "/mcp", {}, frozenset(), None, "192.0.2.1", nothing)


def trail(
    label: str | None = "files.read",
    kind: Kind = Kind.TOOL,
    method: str = "tools/call",
    era: Era = Era.MODERN,
    **more: Any,
) -> Trail:
    made = Trail(MESSAGE, "r-0", 1, 100.0, 0.0)
    made.call = Call(1, method, "as-the-client-said", {}, Client(era, "", {}, "", {}))
    if label is not None:
        server = "" if kind is Kind.GATEWAY else label.partition(".")[0].partition(":")[0]
        made.target = Target(server, kind, label, label, label)
    made.outcome, made.ended = "answered", 100.010
    for name, value in more.items():
        setattr(made, name, value)
    return made


def meter(**more: Any) -> Meter:
    filled: dict[str, Any] = {
        "in_flight": lambda: 3,
        "suspended": lambda: 5,
        "ledger_stopped": lambda: False,
        "servers": lambda: {"files": True, "crm": False},
        "weakened": lambda: 2,
        "held": lambda: {"crm": 4},
        "guards": lambda: {"keys": False},
    }
    return Meter(**{**filled, **more})


Sample = tuple[str, tuple[tuple[str, str], ...]]


def seen(meter: Meter) -> dict[Sample, float]:
    families = text_string_to_metric_families(meter.exposition().decode())
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


def calls(meter: Meter) -> dict[tuple[str, str, str, str], float]:
    return {
        (found["server"], found["tool"], found["outcome"], found["era"]): value
        for (name, labels), value in seen(meter).items()
        if name == "ostiary_calls_total"
        for found in [dict(labels)]
    }


def test_calls_are_counted_by_server_tool_outcome_and_era() -> None:
    counting = meter()
    counting(trail())
    counting(trail())
    counting(trail(outcome="tool_error"))
    counting(trail(era=Era.HANDSHAKE))
    counting(trail("crm.refund"))
    assert calls(counting) == {
        ("files", "read", "answered", "modern"): 2,
        ("files", "read", "tool_error", "modern"): 1,
        ("files", "read", "answered", "handshake"): 1,
        ("crm", "refund", "answered", "modern"): 1,
    }


def test_names_that_a_client_made_up_never_become_labels() -> None:
    """Unbounded labels are memory that anybody may take, and words that anybody may write into a dashboard."""
    counting = meter()
    for number in range(50):
        counting(trail(None, outcome="not_found", method="tools/call"))
        counting(trail(None, outcome="unknown_method", method=f"made/up{number}"))
        counting(trail(f"files:file:///{number}", Kind.RESOURCE, "resources/read"))
        counting(trail(f"files:file:///{number}", Kind.TEMPLATE, "completion/complete"))
        counting(trail(None, outcome="unauthenticated", call=None))
    assert calls(counting) == {
        ("", "tools/call", "not_found", "modern"): 50,
        ("", OTHER, "unknown_method", "modern"): 50,
        ("files", "resources/read", "answered", "modern"): 50,
        ("files", "completion/complete", "answered", "modern"): 50,
        ("", UNREAD, "unauthenticated", UNREAD): 50,
    }


def test_what_the_gateway_answers_itself_is_counted_by_its_method() -> None:
    counting = meter()
    counting(trail("tools/list", Kind.GATEWAY, "tools/list"))
    assert calls(counting) == {("", "tools/list", "answered", "modern"): 1}


def test_beyond_the_bound_everything_is_other() -> None:
    counting = meter(most=10)
    for number in range(1_000):
        counting(trail(f"files.tool{number}"))
    found = calls(counting)
    assert len(found) == 11
    assert found["other", "other", "other", "other"] == 990
    assert sum(found.values()) == 1_000


@given(st.text(max_size=300))
def test_any_name_leaves_the_page_readable(name: str) -> None:
    counting = meter()
    counting(trail(f"files.{name}"))
    assert sum(calls(counting).values()) == 1


def test_a_lone_surrogate_leaves_the_page_readable() -> None:
    counting = meter()
    counting(trail("files.\ud800"))
    assert list(calls(counting)) == [("files", "?", "answered", "modern")]


def histogram(meter: Meter, name: str, **labels: str) -> tuple[Any, Any, dict[str, float]]:
    """Return count, sum and cumulated buckets."""
    found = seen(meter)
    key = tuple(sorted(labels.items()))
    buckets = {
        dict(at)["le"]: value
        for (sample, at), value in found.items()
        if sample == f"{name}_bucket" and labels.items() <= dict(at).items()
    }
    return found[f"{name}_count", key], found[f"{name}_sum", key], buckets


def test_time_is_parted_into_the_servers_and_ours() -> None:
    counting = meter()
    counting(trail(sent=100.001, answered=100.009, ended=100.010))
    assert histogram(counting, "ostiary_call_seconds", server="files")[:2] == (1, pytest.approx(0.010))
    assert histogram(counting, "ostiary_upstream_seconds", server="files")[:2] == (1, pytest.approx(0.008))
    assert histogram(counting, "ostiary_gateway_seconds", server="files")[:2] == (1, pytest.approx(0.002))


def test_a_call_that_never_left_has_no_time_at_a_server() -> None:
    counting = meter()
    counting(trail(outcome="forbidden"))
    assert histogram(counting, "ostiary_upstream_seconds", server="files")[0] == 0
    assert histogram(counting, "ostiary_gateway_seconds", server="files")[:2] == (1, pytest.approx(0.010))


def test_sizes_are_counted() -> None:
    counting = meter()
    counting(trail(request_bytes=215, answer_bytes=5_000))
    assert histogram(counting, "ostiary_request_bytes", server="files")[:2] == (1, 215)
    assert histogram(counting, "ostiary_answer_bytes", server="files")[2]["4096.0"] == 0
    assert histogram(counting, "ostiary_answer_bytes", server="files")[2]["16384.0"] == 1


@given(st.lists(st.floats(0, 1_000, allow_nan=False), max_size=50))
def test_buckets_are_cumulated_and_hold_what_is_at_most_their_bound(values: list[float]) -> None:
    counting = Histogram(SECONDS)
    for value in values:
        counting.add(value)
    bounds = [*SECONDS, float("inf")]
    assert [bucket[1] for bucket in counting.buckets()] == [sum(value <= bound for value in values) for bound in bounds]
    assert counting.total == pytest.approx(sum(values))


def test_steps_are_timed_where_the_trail_kept_marks() -> None:
    counting = meter()
    ends = [100.001, 100.002, 100.003, 100.004, 100.005, 100.006, 100.007, 100.008, 100.010, 100.020, 100.021]
    counting(trail(marks=ends, sent=100.011, answered=100.018, ended=100.021))
    for step, took in (("identify", 0.001), ("record", 0.002), ("forward", 0.001), ("check", 0.002), ("reply", 0.001)):
        assert histogram(counting, "ostiary_step_seconds", step=step)[:2] == (1, pytest.approx(took)), step


def test_a_call_that_ended_early_has_only_the_steps_that_it_finished() -> None:
    counting = meter()
    counting(trail(marks=[100.001, 100.002], outcome="malformed"))
    counted = {
        dict(labels)["step"] for (name, labels), value in seen(counting).items()
        if name == "ostiary_step_seconds_count" and value
    }  # fmt: skip
    assert counted == {"identify", "body"}


def test_a_call_that_stayed_in_the_house_is_forwarded_to_the_gateway_itself() -> None:
    counting = meter()
    ends = [100.001 + number / 1_000 for number in range(11)]
    counting(trail("tools/list", Kind.GATEWAY, "tools/list", marks=ends))
    assert histogram(counting, "ostiary_step_seconds", step="forward")[0] == 1
    assert histogram(counting, "ostiary_step_seconds", step="check")[0] == 0


def test_what_is_true_at_the_moment_is_asked_for_at_the_moment() -> None:
    stopped = [False]
    found = seen(looking := meter(ledger_stopped=lambda: stopped[0]))
    assert found["ostiary_calls_in_flight", ()] == 3
    assert found["ostiary_suspended_calls", ()] == 5
    assert found["ostiary_ledger_writable", ()] == 1
    assert found["ostiary_unsafe_keys", ()] == 2
    assert found["ostiary_upstream_up", (("server", "files"),)] == 1
    assert found["ostiary_upstream_up", (("server", "crm"),)] == 0
    assert found["ostiary_definitions_held", (("server", "crm"),)] == 4
    assert found["ostiary_guard_working", (("guard", "keys"),)] == 0
    assert any(name == "ostiary_build_info" for name, _ in found)
    stopped[0] = True
    assert seen(looking)["ostiary_ledger_writable", ()] == 0


def test_every_metric_of_ours_has_a_text_and_a_type() -> None:
    text = meter().exposition().decode()
    typed = set(re.findall(r"# TYPE (\S+)", text))
    assert typed == set(re.findall(r"# HELP (\S+) \S", text))
    assert {"ostiary_call_seconds", "ostiary_step_seconds", "ostiary_upstream_seconds"} <= typed


def test_what_spoke_against_calls_is_counted_by_its_name_in_the_configuration() -> None:
    counting = meter()
    looked = [Looked("keys", Side.REQUEST, "pass", 0.002), Looked("keys", Side.ANSWER, "redact", 0.004)]
    counting(trail(looked=looked))
    counting(trail(decision=Deny(Reason.DENY_RULE, "nobody-deletes"), outcome="not_found"))
    counting(trail(decision=Deny(Reason.NO_RULE), outcome="not_found"))
    counting(trail(decision=Allow("readers"), outcome="limited", detail="per-person"))
    counting(trail(None, outcome="limited", detail="failed attempts from 192.0.2.7", call=None))
    found = seen(counting)
    assert found["ostiary_guard_verdicts_total", labels(guard="keys", side="request", verdict="pass")] == 1
    assert found["ostiary_guard_verdicts_total", labels(guard="keys", side="answer", verdict="redact")] == 1
    assert found["ostiary_guard_seconds_sum", labels(guard="keys")] == pytest.approx(0.006)
    assert found["ostiary_denied_total", labels(rule="nobody-deletes", reason="deny_rule")] == 1
    assert found["ostiary_denied_total", labels(rule="", reason="no_rule")] == 1
    assert found["ostiary_limited_total", labels(limit="per-person")] == 1
    assert found["ostiary_limited_total", labels(limit="door")] == 1, "an address is no label"


def labels(**said: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(said.items()))


def test_rules_limits_and_guards_are_told_apart_up_to_a_bound() -> None:
    counting = meter()
    for number in range(3_000):
        counting(trail(decision=Allow("r"), outcome="limited", detail=f"limit-{number}"))
        counting(trail(looked=[Looked(f"g{number}", Side.REQUEST, "pass", 0.0)]))
    found = seen(counting)
    limited = [value for (name, _), value in found.items() if name == "ostiary_limited_total"]
    assert len(limited) <= 1_025
    assert sum(limited) == 3_000
    assert sum(name == "ostiary_guard_seconds_count" for name, _ in found) <= 1_025


def test_others_may_have_numbers_told() -> None:
    counting, budgets = meter(), {"crm-budget": 0.5}
    counting.watch("ostiary_budget_used_ratio", "How much of a budget is spent.", lambda: budgets, ("limit",))
    counting.watch("ostiary_alerts_total", "Alerts.", lambda: {("page", "x\n\x1b[1m"): 2}, ("to", "rule"))
    counting.watch("ostiary_queue", "Waiting.", lambda: 3)
    found = seen(counting)
    assert found["ostiary_budget_used_ratio", labels(limit="crm-budget")] == 0.5
    assert found["ostiary_alerts_total", labels(to="page", rule="x\\n\\u001b[1m")] == 2
    assert found["ostiary_queue", ()] == 3
    budgets["crm-budget"] = 0.75
    assert seen(counting)["ostiary_budget_used_ratio", labels(limit="crm-budget")] == 0.75
    for name in ("ostiary_queue", "queue"):
        with pytest.raises(ValueError, match="a name of its own"):
            counting.watch(name, "", lambda: 1)


def test_what_others_have_told_is_bounded_too() -> None:
    counting = meter()
    counting.watch("ostiary_many", "Many.", lambda: {str(each): 1.0 for each in range(5_000)}, ("one",))
    assert sum(name == "ostiary_many" for name, _ in seen(counting)) == 1_024


TRACED = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}


def exemplars(counting: Meter) -> dict[str, Any]:
    """Return by metric the exemplars that a scraper who reads OpenMetrics gets."""
    text, kind = counting.told("text/plain;q=0.1, application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    families: Any = openmetrics.text_string_to_metric_families(text.decode())  # type: ignore[no-untyped-call]  # untyped
    return {each.name: each.exemplar for family in families for each in family.samples if each.exemplar}


def test_a_traced_call_is_the_exemplar_of_its_size() -> None:
    counting, one = meter(), trail(sent=100.001, answered=100.009, time=5.0)
    counting(one)
    assert exemplars(counting) == {}
    counting.exemplify(one, *TRACED.values())
    found = exemplars(counting)
    assert {name: (each.labels, round(each.value, 6)) for name, each in found.items()} == {
        "ostiary_call_seconds_bucket": (TRACED, 0.010),
        "ostiary_upstream_seconds_bucket": (TRACED, 0.008),
        "ostiary_gateway_seconds_bucket": (TRACED, 0.002),
    }


def test_the_newest_exemplar_of_all_methods_is_shown() -> None:
    counting = meter()
    for when, label, method in ((7.0, "read", "tools/call"), (5.0, "prompt/greet", "prompts/get")):
        one = trail(f"files.{label}", method=method, time=when)
        counting(one)
        counting.exemplify(one, f"{int(when):032x}", TRACED["span_id"])
    assert exemplars(counting)["ostiary_call_seconds_bucket"].labels["trace_id"] == f"{7:032x}"


def test_what_calls_cost_is_added_up_without_losing_a_cent() -> None:
    counting = meter()
    for _ in range(1_000):
        counting(trail(cost=Cost(1, "USD")))
    counting(trail(cost=Cost(2_500_000, "EUR")))
    found = seen(counting)
    assert found["ostiary_cost_total", labels(server="files", tool="read", currency="USD")] == 0.001
    assert found["ostiary_cost_total", labels(server="files", tool="read", currency="EUR")] == 2.5
    for number in range(5_000):
        counting(trail(cost=Cost(1, f"C{number}")))
    assert sum(name == "ostiary_cost_total" for name, _ in seen(counting)) == 4_097


def test_who_reads_no_openmetrics_gets_the_text_format() -> None:
    counting = meter()
    text, kind = counting.told()
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert b"# EOF" not in text


NASTY = 'x\n# TYPE forged counter\nforged 1\r\x1b[2J\u202e"} 1'


def test_names_of_servers_making_cannot_forge_a_line() -> None:
    counting = meter()
    counting(trail(f"files.{NASTY}"))
    text = counting.exposition().decode()
    assert not re.search("^forged", text, re.MULTILINE)
    assert not set(text) & {"\r", "\x1b", "\u202e"}
