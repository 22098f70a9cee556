"""A running gateway before servers that a test holds in its hands: logs, eras that change, names that meet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import Person, people
from tests.e2e.doubles.house import House, config, house, over_http, until
from tests.e2e.doubles.upstream import Asked, Exchange, Session, Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
LEVELS = ("debug", "info", "warning", "error")
LOG_LEVEL = "io.modelcontextprotocol/logLevel"


class Talkative(Upstream):
    """Logs at every level on the stream of every call, whatever was asked of it."""

    def _capabilities(self) -> Json:
        return {**super()._capabilities(), "logging": {}}

    async def _call(self, ident: Any, asked: Asked, session: Session | None, exchange: Exchange) -> None:
        await exchange.open()
        key = str(asked.params.get("arguments", {}).get("key", ""))
        for level in LEVELS:
            params = {"level": level, "data": f"{key} at {level}"}
            await exchange.put({"jsonrpc": "2.0", "method": "notifications/message", "params": params})
        await super()._call(ident, asked, session, exchange)


@asynccontextmanager
async def stage(folder: Path, double: Upstream) -> AsyncIterator[tuple[House, Person, Person]]:
    async with (
        upstream(double) as running,
        house(folder, config({"crm": over_http(running.url)})) as gateway,
        people(gateway.url, await gateway.token("ana"), await gateway.token("bea")) as (ana, bea),
    ):
        yield gateway, ana, bea


def logged(before: Iterable[Json]) -> list[str]:
    return [each["params"]["data"] for each in before if each["method"] == "notifications/message"]


@pytest.mark.requirement("MCP-29")
@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_a_modern_client_hears_logs_of_its_own_call_from_the_level_it_asked_for(tmp_path: Path, era: str) -> None:
    async with stage(tmp_path, Talkative([era])) as (_, ana, bea):
        silent = asyncio.create_task(bea.call("crm__hold", key="silent"))
        for level, heard in (("warning", ("warning", "error")), ("error", ("error",)), ("debug", LEVELS)):
            said = await ana.call("crm__note", {LOG_LEVEL: level}, key="mine")
            assert logged(said.before) == [f"mine at {each}" for each in heard]
        assert logged((await ana.call("crm__note", key="mine")).before) == []
        silent.cancel()
        await asyncio.wait({silent})


@pytest.mark.requirement("MCP-33")
async def test_an_era_is_asked_for_once_and_found_out_anew_when_it_changes(tmp_path: Path) -> None:
    double = Upstream(["handshake"])
    async with stage(tmp_path, double) as (_, ana, _bea):
        session = await ana.shake_hands()
        for person in (ana, session, ana):
            assert (await person.call("crm__note", key="old")).text == "note old"
        assert double.asked[0].method == "server/discover"
        assert double.count("server/discover") == 1
        unasked = [each.method for each in double.asked if each.era == "modern"]
        assert unasked == ["server/discover"], "nothing else is risked on a server that may not understand it"


@pytest.mark.requirement("MCP-33")
async def test_a_server_that_went_back_an_era_is_spoken_to_in_that_one(tmp_path: Path) -> None:
    double = Upstream(["modern"])
    async with stage(tmp_path, double) as (_, ana, _bea):
        assert (await ana.call("crm__note", key="new")).text == "note new"
        double.eras = {"handshake"}
        assert (await ana.call("crm__note", key="old")).text == "note old"
        assert double.noted == ["new", "old"]
        assert {each.era for each in double.asked if each.params.get("arguments") == {"key": "old"}} >= {"handshake"}


@pytest.mark.requirement("MCP-18", "MCP-19")
async def test_what_is_wrong_with_one_tool_is_logged_and_the_others_are_served(tmp_path: Path) -> None:
    double = Upstream()
    mirror = {"type": "object", "properties": {"a": {"type": "number", "x-mcp-header": "A"}}}
    double.tools[1:1] = [{"name": "broken"}, {"name": 5}, {"name": "mirror", "inputSchema": mirror}]
    async with stage(tmp_path, double) as (gateway, ana, _):
        for person in (ana, await ana.shake_hands()):
            assert sorted(await person.tools()) == ["crm__hold", "crm__note", "crm__steps"]
        assert (await ana.call("crm__note", key="k")).text == "note k"
        assert (await ana.call("crm__mirror", a=1)).error["code"] == -32602
        assert gateway.log.count("a definition was dropped") >= 3
        await until(lambda: "x-mcp-header" in gateway.log, "the log says what was wrong")


@pytest.mark.requirement("MCP-36")
async def test_tools_of_one_name_are_both_reachable_under_names_that_never_move(tmp_path: Path) -> None:
    one, other = Upstream(), Upstream()
    other.tools = [tool("note", "Another note.", key="string"), tool("alpha")]
    async with upstream(one), upstream(other):
        servers = {"one": over_http(one.url), "other": over_http(other.url)}
        async with (
            house(tmp_path, config(servers)) as gateway,
            people(gateway.url, await gateway.token("ana")) as (ana,),
        ):
            before = await ana.tools()
            assert {"one__note", "other__note"} <= set(before)
            for _ in range(3):
                assert await ana.tools() == before
            assert (await ana.call("one__note", key="1")).text == "note 1"
            assert (await ana.call("other__note", key="2")).text == "note 2"
            assert (one.noted, other.noted) == (["1"], ["2"])
            other.tools.reverse()
            assert await gateway.terminate() == 0
            await gateway.start()
            assert await ana.tools() == before
