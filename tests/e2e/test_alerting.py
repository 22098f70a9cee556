"""Alerts of a running gateway: refused calls and anomalies arrive once, and so does that it is over."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.posting import Posted, posted
from tests.e2e.doubles.client import people
from tests.e2e.doubles.house import config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
READERS: Json = {"name": "readers", "allow": ["crm.find"], "subjects": ["*"]}


def alerting(found: Posted, **more: Any) -> Json:
    receiver = {"kind": "webhook", "url": found.url, "allow_private": ["127.0.0.0/8"], "callers": "name"}
    denials: Json = {"name": "denials", "on": ["denied"], "above": 5, "within": "4s", "per": "caller", "to": ["ops"]}
    odd: Json = {"name": "odd", "on": ["anomaly", "alert_failed"], "to": ["ops"]}
    return {"alerts": [denials | more, odd], "notify": {"ops": receiver}, "anomalies": {}}


def said(found: Posted) -> list[Json]:
    return [json.loads(each.body) for each in found.came]


async def test_a_caller_who_is_refused_again_and_again_is_told_once_and_once_that_it_is_over(tmp_path: Path) -> None:
    crm = Upstream()
    crm.tools = [tool("find", key="string"), tool("delete", key="string")]
    with posted() as found:
        async with (
            upstream(crm),
            house(tmp_path, config({"crm": over_http(crm.url)}, READERS, **alerting(found))) as gateway,
            people(gateway.url, await gateway.token("eve", "dev"), await gateway.token("ann", "dev")) as (eve, ann),
        ):
            for number in range(30):
                await eve.call(f"crm__secret_{number}", key="x")
                await ann.call("crm__find", key="x")
            await until(lambda: len(_of(found, "denials")) >= 2, "the end was not told")
            await until(lambda: _of(found, "odd"), "the anomaly was not told")
            told = [each for each in gateway.records() if each.get("kind", "").startswith("alert_")]
            tried = await gateway.attempt("alerts", "test", "denials")
            unknown = await gateway.attempt("alerts", "test", "denial")
    begun, ended = _of(found, "denials")
    assert (begun["state"], begun["group"], begun["per"]) == ("firing", "eve", "caller")
    assert (ended["state"], ended["group"], ended["id"]) == ("over", "eve", begun["id"])
    assert begun["kinds"]["denied"] > 5
    assert begun["command"].startswith("ostiary audit search --reference ")
    assert begun["gateway"] == gateway.url
    (odd, *_) = _of(found, "odd")
    assert (odd["kinds"], odd["latest"][0]["caller"]) == ({"anomaly": 1}, "eve")
    assert {(each["kind"], each["alert"]) for each in told} >= {("alert_told", "denials"), ("alert_over", "denials")}
    assert (tried.returncode, "took the test" in tried.stdout) == (0, True)
    assert (unknown.returncode, 'did you mean "denials"' in unknown.stderr) == (1, True)


async def test_a_receiver_that_is_away_holds_nobody_up_and_is_told_at_the_end(tmp_path: Path) -> None:
    crm = Upstream()
    crm.tools = [tool("find", key="string"), tool("delete", key="string")]
    with posted() as found:
        found.status = 503
        async with (
            upstream(crm),
            house(tmp_path, config({"crm": over_http(crm.url)}, READERS, **alerting(found, above=0))) as gateway,
            people(gateway.url, await gateway.token("eve", "dev")) as (eve,),
        ):
            await eve.call("crm__delete", key="x")
            await until(lambda: found.came, "nothing was tried")
            status, ready = await gateway.ready(await gateway.token("admin", "admin"))
            assert (await eve.call("crm__find", key="x")).text == "find x"
            found.status = 200
            assert await gateway.terminate() == 0
    assert status == 200
    assert "alerts do not arrive at ops" in json.dumps(ready)
    assert _of(found, "denials")[-1]["group"] == "eve"


def _of(found: Posted, alert: str) -> list[Json]:
    return [each for each in said(found) if each["alert"] == alert and each["state"] != "test"]
