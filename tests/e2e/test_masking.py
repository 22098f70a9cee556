"""What callers and servers say shows up nowhere that is kept or told, and can forge no line of it."""

from __future__ import annotations

import base64
import json
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.doubles.collector import Collector, attributes, collector
from tests.e2e.planted import Sieve, secret
from tests.e2e.rig import Rig, rig, upstream

pytestmark = pytest.mark.e2e

VERSION = "2026-07-28"
KEY = f"sk-live-{secrets.token_hex(20)}"
PLANTED = {
    "a key": KEY,
    "a token": f"ghp_{secrets.token_hex(18)}",
    "an address": f"ana.{secrets.token_hex(6)}@example.com",
    "a card": "4111 1111 1111 1111",
    "a phone": "+44 20 7946 0958",
}
FORGED = (
    '\n{"level":"error","event":"forged"}\r\n', "\x1b[2J\x1b[31mred", "\u202edesrever", "\u2028line\u2029", "\x00\x07\x9b31m",
    '"} 1\nforged_metric 1\n', "\u200e\ufeff",
)  # fmt: skip
UNSEEN = {"Cc", "Cf", "Zl", "Zp"}


class Stage:
    """A gateway before an echo and a collector, and everything that they keep."""

    def __init__(self, running: Rig, collecting: Collector) -> None:
        self.rig, self.collector, self._count = running, collecting, 0
        self._client = httpx2.Client(trust_env=False)

    def post(self, method: str, params: dict[str, Any], *, info: str = "", **headers: str) -> httpx2.Response:
        """Send a request, whatever comes of it."""
        self._count += 1
        meta = {
            "io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {},
            **({"io.modelcontextprotocol/clientInfo": {"name": info, "version": info}} if info else {}),
            **params.pop("_meta", {}),
        }  # fmt: skip
        body = {"jsonrpc": "2.0", "id": self._count, "method": method, "params": {**params, "_meta": meta}}
        fields = {
            "authorization": f"Bearer {self.rig.tokens[0]}", "accept": "application/json, text/event-stream",
            "mcp-protocol-version": VERSION, "mcp-method": _plain(method), **headers,
        }  # fmt: skip
        named = params.get("name", params.get("uri", ""))
        if named:
            fields["mcp-name"] = _plain(named)
        return self._client.post(f"{self.rig.gateway.url}/mcp", json=body, headers=fields)

    def said(self, words: str) -> None:
        """Say words in every place that a client has for them."""
        echo = {"name": "files__echo", "arguments": {"secret": words}}
        self.post("tools/call", dict(echo))
        self.post("tools/call", {**echo, "arguments": {"secret": words, "way": "drop"}})
        self.post("tools/call", {**echo, "arguments": {"secret": words, "more": {"in": [words]}}})
        self.post("tools/call", {**echo, "arguments": {"secret": words, words[:60]: words}})
        self.post("tools/call", dict(echo), info=words)
        self.post(
            "tools/call", {**echo, "_meta": {"baggage": f"k={words}", "traceparent": words, "x.example/y": words}}
        )
        self.post("prompts/get", {"name": "files__greet", "arguments": {"who": words}})
        self.post("completion/complete", {"ref": {"type": "ref/prompt", "name": "files__greet"},
                                          "argument": {"name": "who", "value": words}})  # fmt: skip
        self.post("logging/setLevel", {"level": words})

    def kept(self) -> dict[str, bytes]:
        """Return everything that was written or told, by where."""
        gateway = self.rig.gateway
        data = gateway.config.parent / "data"
        found = {"log": gateway.log.read_bytes(), "traces": b"".join(self.collector.bodies("/v1/traces"))}
        found["pushed metrics"] = b"".join(self.collector.bodies("/v1/metrics"))
        for kind in ("", "application/openmetrics-text"):
            found[f"metrics {kind}"] = self.metrics(kind).encode()
        for path in data.rglob("*"):
            if path.is_file() and path.parent.name != "keys":
                found[str(path.relative_to(data))] = path.read_bytes()
        return found

    def metrics(self, accept: str = "") -> str:
        """Scrape."""
        token = (self.rig.gateway.config.parent / "metrics.token").read_text()
        fields = {"authorization": f"Bearer {token}", "accept": accept}
        return self._client.get(f"{self.rig.gateway.url}/metrics", headers=fields).text


def _plain(name: str) -> str:
    """Return a name as a header spells it."""
    if name.isascii() and name.isprintable():
        return name
    return f"=?base64?{base64.b64encode(name.encode()).decode()}?="


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    with collector() as collecting, upstream("tests.security.echo_upstream") as echo:
        section = {"otlp": collecting.settings(every="1s"), "traces": {"sample": 1.0, "principal": "digest"}}
        with rig(folder, {"files": echo.settings()}, telemetry=section) as running:
            stage = Stage(running, collecting)
            yield stage


def settled(stage: Stage) -> None:
    """Wait until all that was said until now was told."""
    known = len(stage.collector.bodies("/v1/metrics"))
    stage.collector.until(lambda: len(stage.collector.bodies("/v1/metrics")) > known + 1)
    stage.collector.until(lambda: "ostiary_telemetry_waiting 0.0" in stage.metrics())


def test_secrets_and_personal_data_are_in_nothing_that_is_kept_or_told(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        for value in PLANTED.values():
            stage.said(value)
        settled(stage)
        sieve = Sieve([each for name, value in PLANTED.items() if (each := secret("password", name, value))])
        found = {f"{hit.secret.name} in {where}" for where, data in stage.kept().items() for hit in sieve.found(data)}
        assert found == set()
        assert stage.collector.spans(), "there was something to search"


def test_nothing_that_is_said_forges_a_line_or_steers_a_terminal(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        for words in FORGED:
            stage.said(words)
            stage.post("tools/call", {"name": f"files__{words}", "arguments": {}})
            stage.post("resources/read", {"uri": f"note://{words}"})
            stage.post(f"made/{words}", {})
            stage.post("tools/call", {"name": "files__echo", "arguments": {"secret": "x", words[:60]: 1}}, info=words)
        settled(stage)
        kept = stage.kept()
        for line in kept["log"].decode().splitlines():
            assert json.loads(line)["event"] != "forged"
            assert printable(line), line
        segments = [data for where, data in kept.items() if where.startswith("ledger/") and where.endswith(".jsonl")]
        assert segments
        for line in b"".join(segments).decode().split("\n"):
            assert printable(line), line
        assert all(json.loads(line) for data in segments for line in data.splitlines())
        told = kept["metrics "].decode()
        assert not re.search("^forged", told, re.MULTILINE)
        for family in text_string_to_metric_families(told):
            assert all(printable(value) for each in family.samples for value in each.labels.values()), family.name
        for span in stage.collector.spans():
            words_ = [span.name, span.trace_state, *(str(each) for each in attributes(span).values())]
            assert all(printable(each) for each in words_), words_
        printed = stage.rig.gateway.command("audit", "search")
        assert all(printable(line) for line in printed.split("\n"))


def printable(text: str) -> bool:
    """Say whether a text has nothing in it that cannot be seen."""
    return not any(unicodedata.category(letter) in UNSEEN for letter in text)
