"""Changing the configuration, revoking a token and ending the gateway while calls are in flight."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.doubles.client import Person, people
from tests.e2e.doubles.house import EVERYONE, House, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
COUNTING = Path(__file__).parent / "doubles" / "counting.py"
UNLIMITED: Json = {"name": "all", "per": "all", "calls": "1000000/s"}
NO_NOTES: Json = {"name": "no-notes", "deny": ["*.note"], "subjects": ["*"]}


@asynccontextmanager
async def stage(folder: Path, **more: Any) -> AsyncIterator[tuple[Upstream, House, Person]]:
    async with upstream(Upstream()) as double:
        settings = config({"crm": over_http(double.url)}, limits=[UNLIMITED], **more)
        async with house(folder, settings) as gateway, people(gateway.url, await gateway.token("ana")) as (ana,):
            yield double, gateway, ana


@asynccontextmanager
async def loaded(*people: Person) -> AsyncIterator[list[int]]:
    """Keep calling `crm__note`, one call after another for each person, and collect what goes wrong."""
    wrong: list[int] = []
    ends = asyncio.Event()

    async def calling(person: Person) -> None:
        while not ends.is_set():
            said = await person.call("crm__note", key="load")
            if said.status != 200 or said.result.get("isError"):
                wrong.append(said.status)

    async with asyncio.TaskGroup() as tasks:
        for person in people:
            tasks.create_task(calling(person))
        yield wrong
        ends.set()


async def activated(gateway: House, times: int) -> None:
    """Wait for so many activations over the gateway's life."""
    await gateway.until_logged("configuration replaced", times)


async def test_calls_in_flight_finish_while_configurations_come_and_go(tmp_path: Path) -> None:
    """Issue: hot reload on change and on SIGHUP without dropping a call in flight."""
    async with stage(tmp_path) as (double, gateway, ana):
        session = await ana.shake_hands()
        slow = [asyncio.create_task(each.call("crm__hold", key=f"slow-{n}")) for n, each in enumerate((ana, session))]
        await double.until_noted("slow-0")
        await double.until_noted("slow-1")
        async with loaded(*[ana] * 4, session) as wrong:
            for number in range(1, 6):
                gateway.write(limits=[{**UNLIMITED, "concurrent": 1000 + number}])
                if number % 2:
                    gateway.gateway.process.send_signal(signal.SIGHUP)
                await activated(gateway, number)
        assert wrong == []
        for number, each in enumerate(slow):
            double.release(f"slow-{number}")
            assert (await each).text == f"hold slow-{number}"
        assert double.noted.count("slow-0") == double.noted.count("slow-1") == 1


@pytest.mark.parametrize("change", ["removed", "changed"])
async def test_a_call_finishes_at_a_server_that_is_no_longer_configured_so(tmp_path: Path, change: str) -> None:
    """Ours: a call in flight finishes in the world it began in."""
    async with stage(tmp_path) as (double, gateway, ana):
        session = await ana.shake_hands()
        slow = [asyncio.create_task(each.call("crm__hold", key=f"slow-{n}")) for n, each in enumerate((ana, session))]
        await double.until_noted("slow-0")
        await double.until_noted("slow-1")
        changed = {"crm": over_http(double.url, headers={"X-Changed": "yes"})}
        gateway.write(servers={} if change == "removed" else changed)
        await activated(gateway, 1)
        if change == "removed":
            assert await ana.tools() == []
            assert (await ana.call("crm__note", key="new")).error["code"] == -32602
        else:
            assert (await ana.call("crm__note", key="new")).text == "note new"
        for number, each in enumerate(slow):
            double.release(f"slow-{number}")
            assert (await each).text == f"hold slow-{number}"


async def test_a_call_finishes_in_a_process_whose_configuration_changed(tmp_path: Path) -> None:
    seen, released = tmp_path / "seen.txt", tmp_path / "released.txt"
    seen.touch()
    released.touch()
    command = [sys.executable, str(COUNTING), str(seen), str(released), "modern"]
    async with (
        house(tmp_path, config({"counting": {"command": command}})) as gateway,
        people(gateway.url, await gateway.token("ana")) as (ana,),
    ):
        slow = asyncio.create_task(ana.call("counting__count", key="slow"))
        await until(lambda: "slow@" in seen.read_text(), "the call never arrived")
        gateway.write(servers={"counting": {"command": command, "env": {"CHANGED": "yes"}}})
        await activated(gateway, 1)
        released.write_text("slow new")
        first, second = await slow, await ana.call("counting__count", key="new")
        assert first.text.startswith("counted slow in ")
        assert second.text.startswith("counted new in ")
        assert first.text.rpartition(" ")[2] != second.text.rpartition(" ")[2]


async def test_a_bad_file_changes_nothing_and_tells_every_problem(tmp_path: Path) -> None:
    async with stage(tmp_path) as (double, gateway, ana):
        good = gateway.file.read_text()
        async with loaded(ana) as wrong:
            bad = {"crm": over_http(double.url, aprove="always"), "two": {"command": ["x"], "url": double.url}}
            gateway.write(servers=bad, rules=[{"name": "r", "allow": ["nowhere.x"], "subjects": ["*"]}])
            await gateway.until_logged("the new configuration is not used")
            gateway.gateway.process.send_signal(signal.SIGHUP)
            await gateway.until_logged("the new configuration is not used", 2)
        assert wrong == []
        told = next(line for line in gateway.log.splitlines() if "is not used" in line)
        assert all(word in told for word in ("aprove", "approve", "servers.two", "nowhere"))
        gateway.file.write_text("gateway: [")
        await gateway.until_logged("the new configuration is not used", 3)
        gateway.file.unlink()
        assert (await ana.call("crm__note", key="still")).text == "note still"
        gateway.file.write_text(good)
        gateway.write(servers={"crm": over_http(double.url)}, rules=[EVERYONE, NO_NOTES])
        await activated(gateway, 1)
        assert "crm__note" not in await ana.tools()
        refused = [each for each in gateway.records() if each.get("kind") == "config_refused"]
        assert any("aprove" in "".join(each["reasons"]) for each in refused)


async def test_rules_and_servers_change_while_the_gateway_runs(tmp_path: Path) -> None:
    async with stage(tmp_path) as (_, gateway, ana), upstream(Upstream()) as second:
        second.tools = [tool("other")]
        gateway.write(rules=[EVERYONE, NO_NOTES])
        await activated(gateway, 1)
        assert await ana.tools() == ["crm__hold", "crm__steps"]
        assert (await ana.call("crm__note", key="x")).error["code"] == -32602
        servers = {**gateway.config["servers"], "second": over_http(second.url)}
        gateway.write(servers=servers, rules=[EVERYONE])
        await activated(gateway, 2)
        # It is pinned first, and listed a moment later.
        async with asyncio.timeout(20):
            while set(await ana.tools()) != {"crm__hold", "crm__note", "crm__steps", "second__other"}:
                await asyncio.sleep(0.05)
        assert (await ana.call("second__other")).text == "other "
        gateway.write(servers={"second": servers["second"]})
        await activated(gateway, 3)
        assert await ana.tools() == ["second__other"]


async def test_a_server_that_hangs_is_replaced_at_once(tmp_path: Path) -> None:
    """Ours: the question that it does not answer must not be waited for, and the gateway stays ready."""
    async with stage(tmp_path) as (double, gateway, ana), upstream(Upstream()) as second:
        second.tools = second.tools[:1]
        await double.until_listened()
        asked = double.count("tools/list") + double.count("server/discover")
        double.mute = True
        await double.announce("tools")
        await until(lambda: double.count("tools/list") + double.count("server/discover") > asked, "nobody asked")
        gateway.write(servers={"crm": over_http(second.url)})
        await activated(gateway, 1)
        assert (await gateway.ready())[0] == 200
        async with asyncio.timeout(20):
            while await ana.tools() != ["crm__note"]:
                await asyncio.sleep(0.05)
        assert (await ana.call("crm__note", key="x")).text == "note x"
        assert second.noted == ["x"]


async def test_who_listens_hears_of_a_change_of_the_configuration(tmp_path: Path) -> None:
    """Ours: a rule that changes what is listed is a change of the list."""
    async with stage(tmp_path) as (_, gateway, ana):
        session = await ana.shake_hands()
        async with session.stream() as stream, ana.listening(toolsListChanged=True) as listened, asyncio.timeout(20):
            gateway.write(rules=[EVERYONE, NO_NOTES])
            assert (await anext(stream))["method"] == "notifications/tools/list_changed"
            assert (await anext(listened))["method"] == "notifications/tools/list_changed"
            assert "crm__note" not in await session.tools()


async def test_a_revoked_token_is_refused_on_the_next_call_while_others_go_on(tmp_path: Path) -> None:
    async with stage(tmp_path) as (_, gateway, ana), people(gateway.url, await gateway.token("bea")) as (bea,):
        listed = json.loads(await gateway.command("token", "list", "--json"))
        ident = next(each["id"] for each in listed if each["subject"] == "bea")
        async with loaded(ana) as wrong:
            assert (await bea.call("crm__note", key="before")).text == "note before"
            await gateway.command("token", "revoke", ident)
            assert (await bea.call("crm__note", key="after")).status == 401
        assert wrong == []


async def test_another_secret_behind_the_same_reference_is_used_after_a_reload(tmp_path: Path) -> None:
    """Ours: a rotated credential is taken without a restart, although the file did not change."""
    secret = tmp_path / "token.txt"
    secret.write_text("first")
    secret.chmod(0o600)
    async with upstream(Upstream()) as double:
        credential = {"kind": "bearer", "token": f"file:{secret}"}
        settings = config({"crm": over_http(double.url, credential=credential)})
        async with house(tmp_path, settings) as gateway, people(gateway.url, await gateway.token("ana")) as (ana,):
            await ana.call("crm__note", key="one")
            assert double.credential == "Bearer first"
            secret.write_text("second")
            gateway.gateway.process.send_signal(signal.SIGHUP)
            await gateway.until_logged("configuration read again")
            await ana.call("crm__note", key="two")
            assert double.credential == "Bearer second"


async def test_being_asked_to_end_it_finishes_what_is_in_flight_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Issue: SIGTERM drains, exits 0, and the processes it started are gone."""
    seen, released = tmp_path / "seen.txt", tmp_path / "released.txt"
    seen.touch()
    released.touch()
    command = [sys.executable, str(COUNTING), str(seen), str(released), "handshake"]
    async with upstream(Upstream()) as double:
        servers = {"crm": over_http(double.url), "counting": {"command": command}}
        async with house(tmp_path, config(servers)) as gateway:
            async with people(gateway.url, await gateway.token("ana")) as (ana,):
                session = await ana.shake_hands()
                calls = [
                    asyncio.create_task(ana.call("crm__hold", key="http")),
                    asyncio.create_task(session.call("counting__count", key="pipe")),
                ]
                await double.until_noted("http")
                await until(lambda: "pipe@" in seen.read_text(), "the call never arrived")
                children = psutil.Process(gateway.gateway.process.pid).children(recursive=True)
                assert children
                async with session.stream() as stream:
                    ended = asyncio.create_task(gateway.terminate())
                    # The stream ends at once, and not when the calls are over.
                    assert [each async for each in stream] == []
                double.release("http")
                released.write_text("pipe")
                assert (await calls[0]).text == "hold http"
                assert (await calls[1]).text.startswith("counted pipe in ")
                assert await ended == 0
            assert [each for each in children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []
            outcomes = [each["outcome"] for each in gateway.records() if each["type"] == "outcome" and "ms" in each]
            assert outcomes.count("answered") >= 2
            assert gateway.records()[-2]["kind"] == "stop"
            assert "cut off" not in gateway.log


async def test_it_ends_soon_although_a_server_never_says_what_it_offers(tmp_path: Path) -> None:
    """Ours: a server that hangs must not keep the gateway from ending."""
    async with upstream(Upstream()) as double:
        double.mute = True
        async with house_without_waiting(tmp_path, config({"crm": over_http(double.url)})) as gateway:
            await double.until_asked("server/discover")
            async with asyncio.timeout(15):
                assert await gateway.terminate() == 0


@asynccontextmanager
async def house_without_waiting(folder: Path, settings: Json) -> AsyncIterator[House]:
    made = House(folder, settings)
    made.write()
    made.launch()
    try:
        await made.until_logged('"listening"')
        yield made
    finally:
        await asyncio.to_thread(made.stop)
