"""How a gateway tells others of its calls: put together from a configuration, and sent by the guarded way out."""

from __future__ import annotations

import ssl
import sys
import time
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from ostiary.adapters.telemetry.spans import SERVER, Span
from ostiary.config.telemetry import Telemetry
from ostiary.core.model import Caller
from ostiary.entry.telling import Telling
from ostiary.policy.outliers import Outliers
from tests.e2e.doubles.collector import Collector, collector

KEY = b"k" * 32
SPAN = Span(
    "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", "", "tools/call", SERVER, 1, 2, {}, failed=False
)


def telling(**section: Any) -> Telling:
    return Telling(Telemetry.model_validate(section), KEY)


def test_what_is_not_wanted_costs_nothing() -> None:
    """Neither the way of a call nor its end has anything in it that asks whether it is traced."""
    off, line = telling(), lambda _: None
    annex = off.annex()
    assert (annex.hears, annex.running, off.tracer, off.exporter) == (None, (), None, None)
    assert off.line(line, off.send(None)) is line  # type: ignore[arg-type]  # nothing is sent


def test_metrics_alone_trace_nothing() -> None:
    only = telling(otlp={"url": "https://collector.example.com"})
    assert only.annex().hears is None
    assert len(only.annex().running) == 1


def test_the_shortest_ways_stay_as_they_are_where_chance_traces_nothing() -> None:
    line = lambda _: None  # noqa: E731 - two of them would not be one
    trusting = telling(otlp={"url": "https://collector.example.com"}, traces={"trust": ["*"]})
    assert trusting.line(line, trusting.send(None)) is line  # type: ignore[arg-type]  # nothing is sent
    sampling = telling(otlp={"url": "https://collector.example.com"}, traces={"sample": 0.5})
    assert sampling.line(line, sampling.send(None)) is not line  # type: ignore[arg-type]  # nothing is sent


def test_whoever_lacks_the_extra_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.trace.v1", None)
    monkeypatch.delitem(sys.modules, "ostiary.adapters.telemetry.otlp", raising=False)
    with pytest.raises(ValueError, match=r"pip install 'ostiary\[otel\]'"):
        telling(otlp={"url": "https://collector.example.com"})


@pytest.mark.parametrize(("how", "named"), [("none", None), ("name", "user.id"), ("digest", "user.hash")])
def test_a_caller_is_told_as_somebody_wants_it(how: str, named: str | None) -> None:
    tracer = telling(otlp={"url": "https://c.example.com"}, traces={"principal": how}).tracer
    assert tracer is not None
    ana, bob = (tracer._who(Caller(name, "https://id", "c", "", 0.0)) for name in ("ana\n", "bob"))
    assert (None if ana is None else ana[0]) == named
    assert how == "none" or ana != bob
    assert how == "name" or "ana" not in repr(ana)
    assert how != "name" or ana == ("user.id", "ana\\n")


async def sent(found: Collector, url: str, **otlp: Any) -> Telling:
    """Tell a collector of one span, and wait until it is through or given up."""
    made = telling(otlp={"url": url.format(port=found.port), "metrics": False, **otlp}, traces={})
    assert made.exporter is not None
    made.exporter.put((SPAN,))
    await made.exporter.close(1.0)
    await made.annex().close()
    return made


NEAR = {"allow_private": ["127.0.0.0/8"]}


async def test_a_collector_is_known_by_the_authority_that_was_named(tmp_path: Path) -> None:
    authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    authority.issue_cert("localhost").configure_cert(server)
    with collector(server) as found:
        trusted = await sent(found, "https://localhost:{port}", ca=f"file:{tmp_path / 'ca.pem'}", **NEAR)
        assert trusted.exporter is not None
        assert (trusted.exporter.sent["traces"], len(found.spans())) == (1, 1)
        strange = await sent(found, "https://localhost:{port}", **NEAR)
        assert strange.exporter is not None
        assert (strange.exporter.dropped["traces", "closing"], len(found.came)) == (1, 1)


async def test_nobody_in_a_private_network_is_told_anything_unless_permitted() -> None:
    with collector() as found:
        refused = await sent(found, "http://127.0.0.1:{port}")
        assert refused.exporter is not None
        assert (refused.exporter.dropped["traces", "closing"], found.came) == (1, [])
        permitted = await sent(found, "http://127.0.0.1:{port}", **NEAR)
        assert permitted.exporter is not None
        assert permitted.exporter.sent["traces"] == 1


def test_a_credential_with_a_line_break_begins_no_header(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text("Bearer secret-word\r\nx-forged: 1")
    with pytest.raises(ValueError, match="line breaks") as caught:
        telling(otlp={"url": "https://c.example.com", "headers": {"authorization": f"file:{file}"}})
    assert "secret-word" not in str(caught.value)


def test_addresses_that_rest_are_counted_once_for_servers_that_share_them() -> None:
    shared = Outliers()
    place = (IPv4Address("192.0.2.1"), 80)
    shared.ordered([place, (IPv4Address("192.0.2.2"), 80)], time.monotonic())
    shared.refused(place, time.monotonic())
    setups = {"a": shared, "b": shared, "c": Outliers(), "d": None}
    servers = {name: SimpleNamespace(setup=SimpleNamespace(outliers=each)) for name, each in setups.items()}
    watched: dict[str, Any] = {}
    meter = SimpleNamespace(watch=lambda name, _text, read, *_labels: watched.update({name: read}))
    telling().measured(meter, lambda: servers, dict)  # type: ignore[arg-type]  # what is asked of them
    assert watched["ostiary_upstream_addresses_resting"]() == 1.0
