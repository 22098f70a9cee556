"""Runs that go in circles and callers who are not themselves, at a running gateway."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import people
from tests.e2e.doubles.house import EVERYONE, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
RUNAWAYS: list[Json] = [
    {"name": "again", "watch": "repeats", "most": 4, "then": "warn"},
    {"name": "enough", "watch": "repeats", "most": 6, "then": "stop"},
]


def serving() -> Upstream:
    double = Upstream()
    double.tools = [tool("find", key="string"), tool("delete", key="string")]
    return double


@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_a_run_that_repeats_itself_is_warned_and_then_stopped(tmp_path: Path, era: str) -> None:
    crm = serving()
    async with (
        upstream(crm),
        house(tmp_path, config({"crm": over_http(crm.url)}, EVERYONE, runaways=RUNAWAYS)) as gateway,
        people(gateway.url, await gateway.token("ann", "dev"), await gateway.token("bob", "dev")) as callers,
    ):
        ann, bob = [await each.shake_hands() for each in callers] if era == "handshake" else callers
        said = [await ann.call("crm__find", key="same") for _ in range(7)]
        assert (await bob.call("crm__find", key="same")).text == "find same"
        assert (await ann.call("crm__find", key="other")).text == "find other"
        await until(lambda: len(_outcomes(gateway.records())) >= 9, "a call is not in the ledger")
        outcomes = _outcomes(gateway.records())
    assert ["Note by the gateway" in each.text for each in said[:5]] == [False, False, False, True, True]
    assert [each.refusal["code"] for each in said[5:]] == ["runaway"] * 2
    assert "6 times in a row" in said[5].text
    assert said[5].refusal["retry_after"] == 300
    assert outcomes.count("runaway") == 2
    assert len([each for each in crm.asked if each.method == "tools/call"]) == 7


async def test_a_scan_is_an_alarm_and_shuts_its_caller_out_where_that_is_asked_for(tmp_path: Path) -> None:
    crm = serving()
    only: Json = {"name": "readers", "allow": ["crm.find"], "subjects": ["*"]}
    more: Json = {"anomalies": {"quarantine": {"score": 1.5, "lasting": "10m"}}}
    async with (
        upstream(crm),
        house(tmp_path, config({"crm": over_http(crm.url)}, only, **more)) as gateway,
        people(gateway.url, await gateway.token("eve", "dev"), await gateway.token("ann", "dev")) as (eve, ann),
    ):
        for number in range(30):
            await eve.call(f"crm__secret_{number}", key="x")
        await until(lambda: _alarms(gateway.records()), "no alarm")
        (alarm, *_) = _alarms(gateway.records())
        assert (alarm["subject"], set(alarm["kinds"])) == ("eve", {"scanning", "denials"})

        for _ in range(100):
            said = (await eve.call("crm__find", key="x")).message
            if "quarantined" in json.dumps(said):
                break
        else:
            await until(lambda: "quarantine" in json.dumps(gateway.records()), "nobody was shut out")
        assert (await ann.call("crm__find", key="x")).text == "find x"
        replayed = await gateway.attempt("anomalies", "replay", "--json")
        assert json.loads(replayed.stdout)[0]["subject"] == "eve"
        suggested = await gateway.attempt("anomalies", "suggest", "--json")
        assert {each["watch"] for each in json.loads(suggested.stdout)} == {"repeats", "cycles", "growth"}


def _outcomes(records: list[Json]) -> list[str]:
    return [each["outcome"] for each in records if each["type"] == "outcome"]


def _alarms(records: list[Json]) -> list[Json]:
    return [each for each in records if each.get("kind") == "anomaly"]
