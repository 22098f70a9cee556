"""`ostiary probe` against servers that a test holds in its hands: what differs, why, and what the command leaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.house import House, config, house, over_http
from tests.e2e.doubles.upstream import Upstream, tool, upstream
from tests.e2e.gateway import Gateway

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
NOTES = [{"uri": f"notes://{name}", "name": name} for name in ("one", "two")]


@asynccontextmanager
async def probed(folder: Path, double: Upstream, *rules: Json, **more: Any) -> AsyncIterator[tuple[Upstream, House]]:
    """Run a gateway in front of a double."""
    async with (
        upstream(double) as running,
        house(folder, config({"crm": over_http(running.url, **more)}, *rules)) as gateway,
    ):
        yield running, gateway


async def probe(gateway: House, *words: str) -> tuple[int, Json]:
    done = await gateway.attempt("probe", "crm", "--timeout", "20s", "--json", *words)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def differing(found: Json, era: str) -> dict[str, tuple[str, str]]:
    """Return what differs, with its reason, but for the name."""
    rows = [row for row in found["rows"][era] if row["difference"] and row["feature"] != "name"]
    return {row["feature"]: (row["difference"], row["why"]) for row in rows}


def double(eras: Iterable[str] = ("modern", "handshake")) -> Upstream:
    made = Upstream(eras)
    made.resources = [dict(each) for each in NOTES]
    return made


async def test_a_server_of_both_eras_is_the_same_through_the_gateway(tmp_path: Path) -> None:
    async with probed(tmp_path, double()) as (running, gateway):
        code, found = await probe(gateway)
        assert found["through"]["gateway"] == "running"
        assert found["direct"]["eras"].keys() == found["through"]["eras"].keys() == {"modern", "handshake"}
        assert differing(found, "handshake") == {}
        assert differing(found, "modern").keys() <= {"changes"}, "the double acknowledges less than it was asked for"
        read = [row["feature"] for row in found["rows"]["modern"] if row["feature"].startswith("read ")]
        assert read == ["read notes://one", "read notes://two"]
        assert (code, found["ok"]) == (0, True)
        assert running.noted == [], "no tool is called"


@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_a_server_of_one_era_is_bridged_and_that_is_the_reason(tmp_path: Path, era: str) -> None:
    other = "handshake" if era == "modern" else "modern"
    async with probed(tmp_path, double([era])) as (_, gateway):
        code, found = await probe(gateway)
        assert found["direct"]["eras"].keys() == {era}
        assert differing(found, other)["protocol"][0] == "bridged"
        assert differing(found, other)["elicitation"][0] == "bridged"
        assert "protocol" not in differing(found, era)
        assert code == 0, found["rows"]


async def test_what_is_hidden_held_back_or_malformed_is_named_with_its_reason(tmp_path: Path) -> None:
    made = double()
    made.tools.append({"name": "broken"})
    rule = {"name": "some", "allow": ["crm.note", "crm.hold", "crm:*"], "subjects": ["*"]}
    async with probed(tmp_path, made, rule) as (running, gateway):
        await running.until_listened()
        running.tools[1] = tool("hold", "Answer when the operator says so.", key="string")
        await running.announce("tools")
        await _until_changed(gateway, "hold")
        code, found = await probe(gateway)
        told = differing(found, "modern")
        assert told["tool steps"] == ("hidden", "no rule allows it to anybody")
        assert told["tool hold"] == ("held back", "it is changed: ostiary tools diff")
        assert told["tool broken"][0] == "dropped"
        assert told["tools"][0] == "3 not the same"
        assert (code, found["ok"]) == (0, True)


async def _until_changed(gateway: House, name: str) -> None:
    async with asyncio.timeout(30):
        while "changed" not in (await gateway.states())[name]:
            await asyncio.sleep(0.05)


async def test_a_list_that_the_gateway_did_not_hear_of_has_no_reason(tmp_path: Path) -> None:
    async with probed(tmp_path, double()) as (running, gateway):
        await running.until_listened()
        del running.tools[2]
        code, found = await probe(gateway)
        assert differing(found, "modern")["tool steps"] == ("added", "")
        assert (code, found["ok"]) == (1, False)


async def test_a_tool_is_called_only_when_asked_for_and_once_on_each_side(tmp_path: Path) -> None:
    async with probed(tmp_path, double()) as (running, gateway):
        code, found = await probe(gateway, "--call", "note", "--arguments", '{"key": "k"}')
        assert running.noted == ["k"] * 4, "in each of two eras, directly and through the gateway"
        calls = [row for row in found["rows"]["modern"] if row["feature"] == "call"]
        assert [(row["direct"], row["through"], row["difference"]) for row in calls] == [("answered", "answered", "")]
        assert code == 0


async def test_where_no_gateway_runs_one_is_begun_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    async with upstream(double()) as running:
        idle = House(tmp_path, config({"crm": over_http(running.url)}))
        idle.write()
        beside = Gateway(idle.url, idle.file, tmp_path / "log", None)  # type: ignore[arg-type]  # none runs
        done = await asyncio.to_thread(beside.attempt, "probe", "crm", "--json")
        found = json.loads(done.stdout)
        assert (done.returncode, found["ok"], found["through"]["gateway"]) == (0, True, "of this command")
        assert {path.name.partition("-")[0] for path in idle.data.iterdir()} <= {"ostiary.sqlite", "generation"}
        assert await idle.states() == {}, "nothing was approved by looking"
        listed = await asyncio.to_thread(beside.attempt, "token", "list", "--json")
        assert json.loads(listed.stdout) == []
