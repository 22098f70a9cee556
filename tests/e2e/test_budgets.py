"""Budgets at a running gateway: many callers at once, a kill -9 in between, and what the commands say of it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import people
from tests.e2e.doubles.house import EVERYONE, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
BUDGET: Json = {"name": "crm-budget", "per": "all", "on": ["crm.*"], "spend": "0.1 USD/month", "warn_at": "80%"}
CALLERS: Json = {"name": "callers", "per": "caller", "concurrent": 2, "queue": "10s"}


def spent(records: list[Json]) -> int:
    return sum(record["cost"]["micros"] for record in records if "cost" in record)


async def test_a_budget_holds_under_load_and_over_a_kill(tmp_path: Path) -> None:
    double = Upstream()
    double.tools = [tool("export", key="string")]
    async with upstream(double):
        server = {**over_http(double.url), "tools": {"export": {"price": "0.003 USD"}}}
        settings = {**config({"crm": server}, EVERYONE), "limits": [BUDGET, CALLERS]}
        async with house(tmp_path, settings) as gateway:
            tokens = [await gateway.token(f"caller-{number}", "dev") for number in range(4)]
            async with people(gateway.url, *tokens) as callers:
                said = await asyncio.gather(*(each.call("crm__export", key="a") for each in callers for _ in range(5)))
                assert [each.status for each in said] == [200] * 20
            await until(lambda: spent(gateway.records()) == 60_000, "a cost is not in the ledger")
            await gateway.kill()
            await gateway.start()
            async with people(gateway.url, *tokens) as callers:
                said = await asyncio.gather(*(each.call("crm__export", key="b") for each in callers for _ in range(10)))
                refused = [each for each in said if each.result.get("isError")]
                assert len(said) - len(refused) == 13, "0.04 USD were left"
                assert {each.refusal["code"] for each in refused} == {"limited"}
                assert "crm-budget allows 0.1 USD a month" in refused[0].text
            await until(lambda: spent(gateway.records()) == 99_000, "a cost is not in the ledger")
            assert [each["kind"] for each in gateway.records() if each.get("kind") == "budget_warning"]
            told = json.loads((await gateway.attempt("cost", "--by", "server", "--json")).stdout)
            assert told["all"]["cost"] == [{"micros": 99_000, "currency": "USD"}]
    assert sum(each.method == "tools/call" for each in double.asked) == 33
