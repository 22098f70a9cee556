"""What is shipped for Prometheus and Grafana, tried with Debian's Prometheus: rules, alerts, and no panel without data."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.contract.posting import posted
from tests.e2e.doubles.collector import collector
from tests.e2e.prometheus import missing, prometheus, promtool, questions
from tests.e2e.rig import UNBOUNDED, Rig, rig, upstream

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(missing()), reason="sh scripts/system.sh installs Debian's prometheus"),
]

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
VERSION = "2026-07-28"


def test_the_rules_are_well_formed_and_linted() -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")


def test_every_alert_notices_what_it_is_for_and_nothing_else() -> None:
    promtool("test", "rules", "rules_test.yaml")


def test_how_to_scrape_is_well_formed(tmp_path: Path) -> None:
    for name in ("rules.yaml", "scrape.yaml"):
        (tmp_path / name).write_bytes((ROOT / "deploy" / "prometheus" / name).read_bytes())
    (tmp_path / "metrics.token").write_text("token")
    promtool("check", "config", str(tmp_path / "scrape.yaml"))


def test_the_dashboards_are_as_they_are_written() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "dashboards.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


CONFIG: dict[str, Any] = {
    "rules": [
        {"name": "everyone", "allow": ["files.*"], "subjects": ["*"]},
        {"name": "never", "deny": ["files.spare_000"]},
    ],
    "limits": [
        *UNBOUNDED["limits"],
        {"name": "few", "per": "caller", "on": ["files.spare_001"], "calls": "1/h"},
        {"name": "tried", "per": "caller", "on": ["files.spare_002"], "calls": "1/h", "shadow": True},
        {"name": "purse", "per": ["team", "tool"], "spend": "0.1 USD/month", "warn_at": "50%"},
    ],
    "guards": [
        {"name": "words", "use": "exact", "words": ["forbidden"], "then": "block", "on": ["files.echo"]},
        {"name": "trial", "use": "exact", "words": ["dubious"], "then": "block", "on": ["files.echo"], "shadow": True},
        {
            "name": "asked", "use": "webhook", "on": ["files.spare_005"], "url": "https://127.0.0.1:9/",
            "allow_private": ["127.0.0.0/8"], "then": "block", "unsafe_open": True, "key": "env:HOME",
        },
    ],
}  # fmt: skip


STRANGER = {"authorization": "Bearer nonsense"}


class Traffic:
    """Calls of every kind that the panels tell apart."""

    def __init__(self, running: Rig) -> None:
        self._rig, self._count = running, 0
        self._client = httpx2.Client(trust_env=False)

    def __call__(self) -> None:
        """Make a round of calls."""
        for word in ("x", "dubious", "forbidden"):
            self.call("echo", secret=word)
        self.call("echo", secret="x", way="drop")
        for number in range(8):
            self.call(f"spare_{number:03d}")
        self._client.post(f"{self._rig.gateway.url}/mcp", json={}, headers=STRANGER)

    def call(self, tool: str, **arguments: str) -> None:
        """Call a tool, whatever comes of it."""
        self._count += 1
        meta = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
        params: dict[str, Any] = {"name": f"files__{tool}", "arguments": arguments, "_meta": meta}
        body = {"jsonrpc": "2.0", "id": self._count, "method": "tools/call", "params": params}
        fields: dict[str, str] = {
            "authorization": f"Bearer {self._rig.tokens[0]}", "accept": "application/json, text/event-stream",
            "mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": params["name"],
        }  # fmt: skip
        self._client.post(f"{self._rig.gateway.url}/mcp", json=body, headers=fields)


@pytest.mark.slow
def test_every_panel_has_something_to_show_and_every_rule_is_evaluated(tmp_path: Path) -> None:
    with ExitStack() as stack:
        collecting, told = stack.enter_context(collector()), stack.enter_context(posted())
        files, crm = (stack.enter_context(upstream("tests.security.echo_upstream")) for _ in range(2))
        servers = {
            "files": files.settings(tools={"spare_004": {"price": "0.02 USD"}}),
            "crm": crm.settings(approve="never"),
        }
        (tmp_path / "elsewhere").mkdir()
        more: dict[str, Any] = {
            "telemetry": {"otlp": collecting.settings(every="1s"), "traces": {"sample": 1.0}},
            "ledger": {"checkpoints": {"file": str(tmp_path / "elsewhere" / "checkpoints")}},
            "exports": [{"name": "siem", "to": "file", "file": str(tmp_path / "elsewhere" / "ledger.jsonl")}],
            "notify": {"ops": {"kind": "webhook", "url": told.url, "allow_private": ["127.0.0.0/8"]}},
            "alerts": [{"name": "denials", "on": ["denied"], "to": ["ops"]}],
        }
        running = stack.enter_context(rig(tmp_path, servers, **CONFIG, **more))
        asking = stack.enter_context(prometheus(tmp_path, running.gateway))
        asked = {title: ask for file in DASHBOARDS for title, ask in questions(file).items()}
        empty = dict(asked)

        def shown() -> bool:
            for title in [title for title, ask in empty.items() if asking.values(ask)]:
                del empty[title]
            return not empty

        try:
            asking.until(shown, Traffic(running))
        except AssertionError:
            pytest.fail(f"panels without data: {empty}")
        assert len(asked) > 40
        exemplars = _exemplars(asking)
        # Spans are sent within a second, and this is no later.
        asking.until(lambda: exemplars <= {span.trace_id.hex() for span in collecting.spans()}, Traffic(running))
        rules = [rule for group in asking.asked("rules")["groups"] for rule in group["rules"]]
        assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}
        assert {rule["health"] for rule in rules} == {"ok"}
        (target,) = asking.asked("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")


def _exemplars(asking: Any) -> set[str]:
    found = asking.asked("query_exemplars", query="ostiary_call_seconds_bucket", start="0", end="9999999999")
    traces = {each["labels"]["trace_id"] for series in found for each in series["exemplars"]}
    assert traces, "calls that were traced are exemplars"
    return traces
