"""Rules about runs at a running gateway: what was read is not forgotten where the gateway is killed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import people
from tests.e2e.doubles.house import EVERYONE, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
TRIFECTA: Json = {"name": "trifecta", "deny": ["*"], "sends": "outside", "after": ["private", "untrusted"]}
LABELS: Json = {
    "crm": {"reads": "private", "sends": "nothing", "changes": False},
    "web": {"reads": "untrusted", "sends": "nothing", "changes": False},
    "mail": {"reads": "nothing", "sends": "outside", "changes": False},
}


def serving(name: str) -> Upstream:
    double = Upstream()
    double.tools = [tool(name, key="string")]
    return double


@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_a_killed_gateway_has_not_forgotten_what_an_agent_read(tmp_path: Path, era: str) -> None:
    doubles = {"crm": serving("find"), "web": serving("fetch"), "mail": serving("send")}
    async with upstream(doubles["crm"]), upstream(doubles["web"]), upstream(doubles["mail"]):
        servers = {name: over_http(each.url, **LABELS[name]) for name, each in doubles.items()}
        async with house(tmp_path, config(servers, EVERYONE, TRIFECTA)) as gateway:
            tokens = [await gateway.token(name, "dev") for name in ("ann", "bob")]
            async with people(gateway.url, *tokens) as callers:
                ann, bob = [await each.shake_hands() for each in callers] if era == "handshake" else callers
                assert (await ann.call("mail__send", key="before")).text == "send before"
                await ann.call("crm__find", key="x")
                await ann.call("web__fetch", key="x")
                refused = await ann.call("mail__send", key="after")
                assert refused.refusal["code"] == "forbidden"
                assert "the rule trifecta denies it in this run" in refused.text
                assert (await bob.call("mail__send", key="bob's")).text == "send bob's"
            await gateway.kill()
            await gateway.start()
            async with people(gateway.url, *tokens) as callers:
                ann, bob = [await each.shake_hands() for each in callers] if era == "handshake" else callers
                assert (await ann.call("mail__send", key="again")).refusal["code"] == "forbidden"
                assert (await bob.call("mail__send", key="again")).text == "send again"
                why = await gateway.attempt("why", "ann", "mail.send", "--after", "private,untrusted", "--json")
                assert json.loads(why.stdout)["answers"][0]["rule"] == "trifecta"
            await until(lambda: len(_runs(gateway.records())) == 7, "a call is not in the ledger")
            runs = _runs(gateway.records())
    said = [each.params["arguments"]["key"] for each in doubles["mail"].asked if each.method == "tools/call"]
    assert said == ["before", "bob's", "again"]
    assert runs[-2]["had"] == ["outside", "private", "untrusted"]
    assert len({each["id"] for each in runs}) == 2


def _runs(records: list[Json]) -> list[Json]:
    return [each["run"] for each in records if "run" in each]
