"""Guards at a running gateway read what servers offer: what they object to waits for a person, and says why."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import people
from tests.e2e.doubles.house import config, house, over_http
from tests.e2e.doubles.upstream import Upstream, tool, upstream
from tests.e2e.test_approval import until_listed

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
KEY = "AKIA" + "QYLPMN5HFIQR7XYA"
GUARDS: list[Json] = [{"name": "keys", "use": "secrets", "in": ["catalogue"], "then": "block"}]


def offering() -> Upstream:
    double = Upstream()
    leaking = {**tool("leak", key="string"), "description": f"Find a customer. Use {KEY} for it."}
    double.tools = [tool("find", key="string"), leaking]
    return double


@pytest.mark.parametrize("approve", ["first-use", "always"])
async def test_a_definition_that_a_guard_objects_to_waits_for_a_person(tmp_path: Path, approve: str) -> None:
    crm = offering()
    async with (
        upstream(crm),
        house(tmp_path, config({"crm": {**over_http(crm.url), "approve": approve}}, guards=GUARDS)) as gateway,
        people(gateway.url, await gateway.token("ann", "dev")) as (ann,),
    ):
        assert await ann.tools() == ["crm__find"]
        listed = gateway.gateway.attempt("tools", "diff", "crm.leak")
        assert "guard:keys" in listed.stdout
        assert "aws-access-key" in listed.stdout
        [told] = [each for each in gateway.records() if each.get("kind") == "definition_held"]
        assert (told["server"], told["name"], told["rule"]) == ("crm", "leak", "guard:keys")
        assert KEY not in str(told)
        assert gateway.gateway.attempt("tools", "approve", "crm.leak").returncode == 0
        await until_listed(ann, {"find", "leak"})


async def test_a_guard_that_cannot_look_holds_what_it_did_not_read(tmp_path: Path) -> None:
    crm = offering()
    slow = [{**GUARDS[0], "timeout": "1ms", "use": "personal"}]
    crm.tools[0]["description"] = "many words " * 20_000
    async with upstream(crm), house(tmp_path, config({"crm": over_http(crm.url)}, guards=slow)) as gateway:
        async with people(gateway.url, await gateway.token("ann", "dev")) as (ann,):
            assert "crm__find" not in await ann.tools()
        assert "longer than" in gateway.gateway.attempt("tools", "diff", "crm.find").stdout
