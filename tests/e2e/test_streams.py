"""What changes at a server reaches whoever asked, whichever eras the two sides speak, and nobody else."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import Person, people
from tests.e2e.doubles.house import House, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
ERAS = ("modern", "handshake")
UPDATED = "notifications/resources/updated"
LISTED = "notifications/tools/list_changed"
ONE, TWO = "notes://one", "notes://two"
CHANGING = Path(__file__).parent / "doubles" / "changing.py"


@asynccontextmanager
async def stage(folder: Path, *eras: str, **more: Any) -> AsyncIterator[tuple[Upstream, House, Person, Person]]:
    double = Upstream(eras)
    double.resources = [{"uri": uri, "name": uri} for uri in (ONE, TWO)]
    async with (
        upstream(double) as running,
        house(folder, config({"crm": over_http(running.url, **more)})) as gateway,
        people(gateway.url, await gateway.token("ana"), await gateway.token("bea")) as (ana, bea),
    ):
        await running.until_listened()
        yield running, gateway, ana, bea


@asynccontextmanager
async def hearing(person: Person, era: str, *uris: str) -> AsyncIterator[AsyncIterator[Json]]:
    """Give what a person hears who asked about these resources, in an era."""
    if era == "modern":
        async with person.listening(resourceSubscriptions=list(uris), toolsListChanged=True) as heard:
            yield heard
        return
    session = await person.shake_hands()
    async with session.stream() as heard:
        for uri in uris:
            assert (await session.ask("resources/subscribe", uri=uri)).result == {}
        yield heard
    await session.leave()


async def following(heard: AsyncIterator[Json]) -> tuple[str, Any]:
    async with asyncio.timeout(30):
        message = await anext(heard)
    return message["method"], message["params"].get("uri")


@pytest.mark.parametrize("server", ERAS)
@pytest.mark.parametrize("client", ERAS)
async def test_a_resource_is_heard_of_until_nobody_wants_to_any_more(tmp_path: Path, client: str, server: str) -> None:
    async with stage(tmp_path, server) as (double, _, ana, bea):
        async with hearing(ana, client, ONE, TWO) as mine, hearing(bea, client, TWO) as hers:
            await double.until_watched(TWO, 2)
            for uri in (TWO, ONE, f"{ONE}/part"):
                await double.updated(uri)
            assert {await following(mine), await following(mine)} == {(UPDATED, ONE), (UPDATED, TWO)}
            assert await following(hers) == (UPDATED, TWO)
        await double.until_watched(ONE, 0)
        await double.until_watched(TWO, 0)


@pytest.mark.parametrize("server", [("modern",), ("handshake",), ERAS])
async def test_both_eras_of_a_principal_share_one_subscription(tmp_path: Path, server: tuple[str, ...]) -> None:
    async with stage(tmp_path, *server) as (double, _, ana, bea):
        async with hearing(ana, "modern", ONE) as modern:
            async with hearing(ana, "handshake", ONE) as session, hearing(ana, "modern", ONE) as third:
                assert double.watchers(ONE) == 1
                async with hearing(bea, "modern", ONE):
                    assert double.watchers(ONE) == 2
                await double.until_watched(ONE, 1)
                await double.updated(ONE)
                assert [await following(each) for each in (modern, session, third)] == [(UPDATED, ONE)] * 3
            assert double.watchers(ONE) == 1
        await double.until_watched(ONE, 0)


@pytest.mark.parametrize("server", ERAS)
@pytest.mark.parametrize("client", ERAS)
async def test_after_a_drop_it_is_asked_again_and_the_client_looks_once(
    tmp_path: Path, client: str, server: str
) -> None:
    async with stage(tmp_path, server) as (double, _, ana, _bea), hearing(ana, client, ONE) as mine:
        double.hang_up()
        heard: set[tuple[str, Any]] = set()
        while not heard >= {(UPDATED, ONE), (LISTED, None)}:
            heard.add(await following(mine))
        await double.until_watched(ONE, 1)
        await double.updated(ONE)
        while await following(mine) != (UPDATED, ONE):
            pass


async def test_a_session_that_its_server_forgot_is_subscribed_anew(tmp_path: Path) -> None:
    async with stage(tmp_path, "handshake") as (double, _, ana, _bea), hearing(ana, "handshake", ONE) as mine:
        double.sessions.clear()
        double.hang_up()
        while await following(mine) != (UPDATED, ONE):
            pass
        await double.until_watched(ONE, 1)
        await double.updated(ONE)
        while await following(mine) != (UPDATED, ONE):
            pass


@pytest.mark.parametrize("client", ERAS)
async def test_a_revoked_token_hears_nothing_more(tmp_path: Path, client: str) -> None:
    async with (
        stage(tmp_path, "modern") as (double, gateway, ana, bea),
        hearing(ana, client, ONE) as mine,
        hearing(bea, client, ONE) as hers,
    ):
        tokens = json.loads(await gateway.command("token", "list", "--json"))
        await gateway.command("token", "revoke", next(each["id"] for each in tokens if each["subject"] == "ana"))
        await double.updated(ONE)
        assert await following(hers) == (UPDATED, ONE)
        async with asyncio.timeout(30):
            assert [each async for each in mine if "method" in each] == []


# Processes


@asynccontextmanager
async def processes(folder: Path, era: str, **more: Any) -> AsyncIterator[tuple[Path, House, Person, Person]]:
    seen = folder / "seen.jsonl"
    seen.touch()
    servers = {"crm": {"command": [sys.executable, str(CHANGING), str(seen), era], **more}}
    async with (
        house(folder, config(servers)) as gateway,
        people(gateway.url, await gateway.token("ana"), await gateway.token("bea")) as (ana, bea),
    ):
        yield seen, gateway, ana, bea


def wanted(seen: Path) -> dict[int, list[str]]:
    """Return what each process is subscribed to."""
    notes = [json.loads(line) for line in seen.read_text().splitlines()]
    return {each["pid"]: each["wanted"] for each in notes}


@pytest.mark.parametrize("server", ERAS)
@pytest.mark.parametrize("client", ERAS)
async def test_a_process_tells_its_own_principal(tmp_path: Path, client: str, server: str) -> None:
    async with processes(tmp_path, server) as (seen, _, ana, bea):
        async with hearing(ana, client, "note://1") as mine, hearing(bea, client, "note://1") as hers:
            assert sum(each == ["note://1"] for each in wanted(seen).values()) == 2
            pid = int((await ana.call("crm__change", uri="note://1")).text)
            assert wanted(seen)[pid] == ["note://1"], "it is the process that calls go to"
            assert await following(mine) == (UPDATED, "note://1")
            await bea.call("crm__change", uri="note://1")
            assert await following(hers) == (UPDATED, "note://1")
        await until(lambda: not any(wanted(seen).values()), "somebody is subscribed still")


@pytest.mark.parametrize("server", ERAS)
async def test_a_process_that_was_killed_is_started_again_for_who_listens(tmp_path: Path, server: str) -> None:
    async with processes(tmp_path, server) as (seen, _, ana, _bea), hearing(ana, "modern", "note://1") as mine:
        pid = int((await ana.call("crm__change")).text)
        os.kill(pid, signal.SIGKILL)
        while await following(mine) != (UPDATED, "note://1"):
            pass
        again = int((await ana.call("crm__change", uri="note://1")).text)
        assert again != pid
        assert wanted(seen)[again] == ["note://1"]
        while await following(mine) != (UPDATED, "note://1"):
            pass


@pytest.mark.parametrize("server", ERAS)
async def test_a_shared_process_tells_everyone_over_one_subscription(tmp_path: Path, server: str) -> None:
    async with (
        processes(tmp_path, server, shared=True) as (seen, _, ana, bea),
        hearing(ana, "modern", "note://1") as mine,
        hearing(bea, "modern", "note://1") as hers,
    ):
        assert [json.loads(line)["wanted"] for line in seen.read_text().splitlines()].count(["note://1"]) == 1
        await ana.call("crm__change", uri="note://1")
        assert [await following(each) for each in (mine, hers)] == [(UPDATED, "note://1")] * 2


@pytest.mark.parametrize("server", ERAS)
async def test_a_shared_process_says_that_its_tools_changed(tmp_path: Path, server: str) -> None:
    async with (
        processes(tmp_path, server, shared=True, approve="always") as (_, _gateway, ana, _bea),
        ana.listening(toolsListChanged=True) as heard,
    ):
        await ana.call("crm__change", add="fresh")
        assert await following(heard) == (LISTED, None)
        assert "crm__fresh" in await ana.tools()
