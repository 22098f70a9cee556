"""A server that hangs is left alone: callers hear so at once, whoever runs the gateway sees it, and others are carried."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.e2e.rig import Rig
from tests.security import raw, speech
from tests.security.neighbours import street

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

REFUSAL = "io.ostiary/refusal"


async def called(running: Rig, server: str, token: str) -> dict[str, Any]:
    """Call a server, and return the result."""
    params = speech.call("echo", {"secret": "x"})
    body = speech.modern(f"/servers/{server}/mcp", running.host, token, "tools/call", params)
    result: dict[str, Any] = (await raw.once(running.port, body)).messages()[-1]["result"]
    return result


async def page(running: Rig, path: str, token: str = "") -> str:
    """Return what a page of the gateway says."""
    fields = speech.common(token)
    return (await raw.once(running.port, speech.request(path, running.host, fields, b"", "GET"))).body.decode()


async def story(running: Rig) -> None:
    """Fail a server five times, and look what becomes of the sixth call."""
    ann, ben = running.tokens
    failed = await asyncio.gather(*(called(running, "hangs", token) for token in (ann, ben, ann, ben, ann)))
    assert {each["_meta"][REFUSAL]["code"] for each in failed} == {"upstream_timeout"}
    refusal = (await called(running, "hangs", ben))["_meta"][REFUSAL]
    assert refusal["code"] == "upstream_unreachable"
    assert 0 < refusal["retry_after"] <= 60
    assert 'ostiary_upstream_breaker{server="hangs"} 1' in await page(running, "/metrics")
    assert 'ostiary_upstream_breaker{server="good"} 0' in await page(running, "/metrics")
    assert 'ostiary_upstream_shed_total{server="hangs",why="breaker"} 1' in await page(running, "/metrics")
    assert "ostiary_upstream_addresses_resting 0" in await page(running, "/metrics")
    assert 'ostiary_shed_total{why="bodies"} 0' in await page(running, "/metrics")
    assert "left alone after failures in a row" in await page(running, "/health/ready", ann)
    assert (await called(running, "good", ann))["content"] == [{"type": "text", "text": "x"}]
    assert 'ostiary_upstream_calls{server="hangs"} 0' in await page(running, "/metrics")


def test_calls_of_a_server_that_hangs_fail_at_once_after_a_few_and_others_are_carried(tmp_path: Path) -> None:
    with street(tmp_path, breaker={"failures": 5, "open": "60s"}) as running:
        uvloop.run(story(running))
        assert running.ledger_verifies()[0]
