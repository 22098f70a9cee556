"""Write the Grafana dashboards of `deploy/grafana` from the tables below; with --check, say whether they are current.

A panel is a line: what it shows, how, in which unit, and what Prometheus is asked. `tests/e2e/test_prometheus.py` asks
a real Prometheus each of these questions.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "deploy" / "grafana"
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WIDTH: Final = 24
HEIGHT: Final = {"stat": 4, "timeseries": 8, "table": 8, "row": 1}
REFUSED: Final = 'outcome!~"answered|input_required|tool_error|rpc_error"'
FAILED: Final = 'outcome=~"upstream_.*|overloaded|fault|ledger_stopped"'
"""What somebody has to look into: a refusal by a rule is no failure."""


class Panel(NamedTuple):
    """One panel: its queries with their legends."""

    title: str
    asks: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    told: str = ""
    bad: float | None = None
    """From here on a number is red."""


def row(title: str) -> Panel:
    """Return a heading."""
    return Panel(title, (), kind="row", width=WIDTH)


def stat(title: str, ask: str, unit: str = "short", bad: float | None = None, told: str = "") -> Panel:
    """Return one number."""
    return Panel(title, ((ask, ""),), unit, "stat", 4, told, bad)


def quantiles(name: str, by: str = "", where: str = "") -> tuple[tuple[str, str], ...]:
    """Return what asks for the median and the slow end of a histogram."""
    within = f"sum by (le{', ' + by if by else ''}) (rate({name}_bucket{{{where}}}[$__rate_interval]))"
    legend = f"{{{{{by}}}}} " if by else ""
    return tuple((f"histogram_quantile({share}, {within})", f"{legend}p{share * 100:g}") for share in (0.5, 0.95, 0.99))


def slow(name: str, by: str, where: str = "") -> tuple[tuple[str, str], ...]:
    """Return what asks for the slow end of a histogram, by a label."""
    within = f"sum by (le, {by}) (rate({name}_bucket{{{where}}}[$__rate_interval]))"
    return ((f"histogram_quantile(0.95, {within})", f"{{{{{by}}}}}"),)


def rate(name: str, by: str, where: str = "") -> tuple[tuple[str, str], ...]:
    """Return what asks how much a counter grows each second, by labels."""
    legend = " ".join(f"{{{{{each.strip()}}}}}" for each in by.split(","))
    return ((f"sum by ({by}) (rate({name}{{{where}}}[$__rate_interval]))", legend),)


HERE: Final = 'server=~"$server"'
CALLS: Final = f"ostiary_calls_total{{{HERE}}}"

OVERVIEW: Final = (
    row("Now"),
    stat("Calls per second", f"sum(rate({CALLS}[$__rate_interval]))", "reqps"),
    stat(
        "Failed",
        f"sum(rate(ostiary_calls_total{{{HERE}, {FAILED}}}[$__rate_interval])) / sum(rate({CALLS}[$__rate_interval])) "
        f"or vector(0)",
        "percentunit",
        0.05,
        "By servers or by the gateway itself: not what rules refuse.",
    ),
    stat("Under way", "sum(ostiary_calls_in_flight)"),
    stat("Servers that do not answer", "count(ostiary_upstream_up == 0) or vector(0)", bad=1),
    stat("Calls can be recorded", "min(ostiary_ledger_writable)", "bool_yes_no"),
    stat("Definitions that wait", "sum(ostiary_definitions_held) or vector(0)", bad=1),
    row("Traffic"),
    Panel("Calls by server", rate("ostiary_calls_total", "server", HERE), "reqps"),
    Panel("Calls by outcome", rate("ostiary_calls_total", "outcome", HERE), "reqps"),
    Panel("Calls by era of the protocol", rate("ostiary_calls_total", "era", HERE), "reqps"),
    Panel(
        "Tools that are called most",
        ((f"topk(15, sum by (server, tool) (rate({CALLS}[$__rate_interval])))", "{{server}} {{tool}}"),),
        "reqps",
        width=12,
    ),
    Panel(
        "Octets in and out",
        (
            (f"sum(rate(ostiary_request_bytes_sum{{{HERE}}}[$__rate_interval]))", "requests"),
            (f"sum(rate(ostiary_answer_bytes_sum{{{HERE}}}[$__rate_interval]))", "answers"),
        ),
        "Bps",
        width=12,
    ),
    row("Latency"),
    Panel("A call, from its head to its answer", quantiles("ostiary_call_seconds", where=HERE), "s"),
    Panel("Without the time that a server had it", quantiles("ostiary_gateway_seconds", where=HERE), "s"),
    Panel("One step of a call, 95 %", slow("ostiary_step_seconds", "step"), "s"),
    row("Cost"),
    Panel(
        "Spent within an hour",
        ((f"sum by (server, currency) (increase(ostiary_cost_total{{{HERE}}}[1h]))", "{{server}} {{currency}}"),),
        width=12,
        told="Of tools that have a price.",
    ),
    Panel(
        "Tools that cost most",
        (
            (
                f"topk(15, sum by (server, tool, currency) (increase(ostiary_cost_total{{{HERE}}}[1h])))",
                "{{server}} {{tool}} {{currency}}",
            ),
        ),
        width=12,
    ),
)

POLICY: Final = (
    row("What spoke against calls"),
    stat("Refused", f"sum(rate(ostiary_calls_total{{{REFUSED}}}[$__rate_interval])) or vector(0)", "reqps"),
    stat("Denied by rules", "sum(rate(ostiary_denied_total[$__rate_interval])) or vector(0)", "reqps"),
    stat("Refused by limits", "sum(rate(ostiary_limited_total[$__rate_interval])) or vector(0)", "reqps"),
    stat("Guards that do not work", "count(ostiary_guard_working == 0) or vector(0)", bad=1),
    stat("Weakening keys in force", "max(ostiary_unsafe_keys)", bad=1),
    stat("Definitions that wait", "sum(ostiary_definitions_held) or vector(0)", bad=1),
    row("Rules and limits"),
    Panel("Denied, by rule and reason", rate("ostiary_denied_total", "rule, reason"), "reqps"),
    Panel("Refused, by limit", rate("ostiary_limited_total", "limit"), "reqps"),
    Panel("Refused, by why", rate("ostiary_calls_total", "outcome", REFUSED), "reqps"),
    row("Budgets, and limits in rehearsal"),
    Panel(
        "The part of budgets that was spent",
        (("topk(20, max by (limit, whose) (ostiary_budget_used_ratio))", "{{limit}} {{whose}}"),),
        "percentunit",
        told="Of the open hour, day or month; where callers have one each, of whoever spent most.",
        bad=0.9,
    ),
    Panel(
        "Refused by budgets, and warned of them",
        (
            *((ask, f"{legend} refused") for ask, legend in rate("ostiary_budget_refused_total", "limit")),
            *((ask, f"{legend} warned") for ask, legend in rate("ostiary_budget_warnings_total", "limit")),
        ),
        "reqps",
    ),
    Panel("What limits in rehearsal would refuse", rate("ostiary_limit_shadowed_total", "limit"), "reqps"),
    row("Guards"),
    Panel("Verdicts", rate("ostiary_guard_verdicts_total", "guard, side, verdict"), "ops", width=12),
    Panel("How long a guard reads, 95 %", slow("ostiary_guard_seconds", "guard"), "s", width=12),
    Panel("Guards that find what they have to find", (("ostiary_guard_working", "{{guard}}"),), "bool_yes_no"),
    Panel(
        "What is not let through",
        rate("ostiary_guard_verdicts_total", "guard, verdict", 'verdict!~"pass|note|would-.*"'),
        "ops",
    ),
    Panel(
        "What would not be, in rehearsal",
        rate("ostiary_guard_verdicts_total", "guard, verdict", 'verdict=~"would-.*"'),
        "ops",
    ),
    Panel(
        "Providers that guards ask",
        (('ostiary_guard_provider_state{state="closed"}', "{{guard}}"),),
        "bool_yes_no",
        width=24,
        told="No: it failed too often, and is left alone for a while.",
    ),
)

HOUSE: Final = (
    row("Servers"),
    Panel("Servers that answer", ((f"ostiary_upstream_up{{{HERE}}}", "{{server}}"),), "bool_yes_no"),
    Panel("How long a server has a call, 95 %", slow("ostiary_upstream_seconds", "server", HERE), "s"),
    Panel("Calls that failed", rate("ostiary_calls_total", "server, outcome", f"{HERE}, {FAILED}"), "reqps"),
    Panel("Calls that a server has now", ((f"ostiary_upstream_calls{{{HERE}}}", "{{server}}"),)),
    Panel("Calls that wait for a server", ((f"ostiary_upstream_waiting{{{HERE}}}", "{{server}}"),)),
    Panel(
        "Servers that are left alone",
        ((f"ostiary_upstream_breaker{{{HERE}}}", "{{server}}"),),
        told="After failures in a row: 0.5 while one call goes out to see, 1 while none does.",
    ),
    Panel(
        "Calls that did not reach a server",
        rate("ostiary_upstream_shed_total", "server, why", HERE),
        "reqps",
        told="places: too many at a time. breaker: it is left alone.",
    ),
    Panel("Definitions that wait for approval", (("ostiary_definitions_held", "{{server}}"),)),
    row("The gateway itself"),
    Panel("Calls can be recorded", (("ostiary_ledger_writable", "{{instance}}"),), "bool_yes_no"),
    Panel("Checkpoints arrive", (("ostiary_checkpoints_arriving", "{{place}}"),), "bool_yes_no"),
    Panel("Calls that wait for a client's answer", (("ostiary_suspended_calls", "{{instance}}"),)),
    Panel("Turned away for want of room", rate("ostiary_shed_total", "why"), "ops"),
    Panel("Processor", (("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}"),), "percentunit"),
    Panel("Memory", (("process_resident_memory_bytes", "{{instance}}"),), "bytes"),
    Panel("Open files", (("process_open_fds", "{{instance}}"), ("process_max_fds", "{{instance}} at most")), "short"),
    row("Where the ledger and alerts go"),
    Panel(
        "Records that wait for an export",
        (("ostiary_export_behind", "{{export}}"),),
        told="They stay in the ledger until the receiver has them.",
    ),
    Panel("Exports arrive", (("ostiary_export_arriving", "{{export}}"),), "bool_yes_no"),
    Panel("What a place for checkpoints lacks", (("ostiary_checkpoints_behind_seconds", "{{place}}"),), "s"),
    Panel("Alerts that arrived", rate("ostiary_alerts_sent_total", "receiver"), "ops"),
    Panel("Alerts that were given up", rate("ostiary_alerts_dropped_total", "receiver"), "ops"),
    Panel("Alerts that wait", (("ostiary_alerts_waiting", "{{receiver}}"),)),
    row("What a collector is told"),
    Panel("Taken", rate("ostiary_telemetry_sent_total", "signal"), "ops"),
    Panel(
        "Dropped",
        (
            (
                "sum by (signal, reason) (rate(ostiary_telemetry_dropped_total[$__rate_interval])) or vector(0)",
                "{{signal}} {{reason}}",
            ),
        ),
        "ops",
    ),
    Panel("The oldest that waits", (("ostiary_telemetry_behind_seconds", "{{instance}}"),), "s"),
)

DASHBOARDS: Final = {
    "ostiary-overview": ("Ostiary: overview", OVERVIEW),
    "ostiary-policy": ("Ostiary: rules, limits and guards", POLICY),
    "ostiary-house": ("Ostiary: servers and the gateway itself", HOUSE),
}


def dashboard(uid: str) -> dict[str, Any]:
    """Return one dashboard as Grafana imports it."""
    title, panels = DASHBOARDS[uid]
    variables = [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "server", "type": "query", "datasource": SOURCE, "label": "Server", "includeAll": True,
            "allValue": ".*", "multi": True, "refresh": 2, "query": "label_values(ostiary_calls_total, server)",
            "current": {"text": "All", "value": "$__all"},
        },
    ]  # fmt: skip
    links = [{"type": "dashboards", "tags": ["ostiary"], "title": "Ostiary", "asDropdown": True, "keepTime": True}]
    return {
        "uid": uid, "title": title, "tags": ["ostiary"], "schemaVersion": 39, "version": 1, "editable": True,
        "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "links": links,
        "templating": {"list": variables}, "panels": list(_placed(panels)),
    }  # fmt: skip


def _placed(panels: tuple[Panel, ...]) -> Iterator[dict[str, Any]]:
    across = down = tall = 0
    for number, panel in enumerate(panels, 1):
        if across + panel.width > WIDTH:
            across, down, tall = 0, down + tall, 0
        place = {"x": across, "y": down, "w": panel.width, "h": HEIGHT[panel.kind]}
        across, tall = across + panel.width, max(tall, HEIGHT[panel.kind])
        yield _panel(panel, number, place)


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    made: dict[str, Any] = {"id": number, "title": panel.title, "type": panel.kind, "gridPos": place}
    if panel.kind == "row":
        return {**made, "collapsed": False, "panels": []}
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad is not None:
        steps.append({"color": "red", "value": panel.bad})
    defaults = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}, "min": 0}
    targets = [
        {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": ask, "legendFormat": legend, "exemplar": True}
        for at, (ask, legend) in enumerate(panel.asks)
    ]
    return made | {
        "datasource": SOURCE, "description": panel.told, "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }  # fmt: skip


def written(uid: str) -> str:
    """Return the content of a dashboard's file."""
    return json.dumps(dashboard(uid), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the dashboards, or check them."""
    stale = []
    for uid in DASHBOARDS:
        file = FOLDER / f"{uid}.json"
        if "--check" not in sys.argv:
            file.write_text(written(uid), "utf-8")
        elif not file.is_file() or file.read_text("utf-8") != written(uid):
            stale.append(file.name)
    if stale:
        print(f"{', '.join(stale)}: run `python scripts/dashboards.py`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
