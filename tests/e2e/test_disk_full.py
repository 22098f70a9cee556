"""A disk that fills up under a running gateway: calls stop, nothing is lost, and no restart is needed (must show, 5)."""

import asyncio
import json
import os
import resource
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.store import database
from ostiary.core.errors import Overloaded
from tests.e2e.doubles.client import Person, Said, people
from tests.e2e.doubles.house import House, config, house, over_http
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
SIZE = 4 * 1024 * 1024


class Disk:
    """A small disk of its own under the data folder, which a test can fill and empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, _gateway: House) -> None:
        """Leave no byte free."""
        with suppress(OSError), self._filler.open("ab", buffering=0) as out:
            while True:
                out.write(bytes(4096))
        assert os.statvfs(self.folder).f_bavail == 0

    def empty(self, _gateway: House) -> None:
        """Give the room back."""
        self._filler.unlink()


class Bounded(Disk):
    """Where nothing can be mounted: no file of the gateway may grow beyond its ledger's present size."""

    def fill(self, gateway: House) -> None:
        size = max(path.stat().st_size for path in (gateway.data / "ledger").iterdir())
        self._limit(gateway, size)

    def empty(self, gateway: House) -> None:
        self._limit(gateway, resource.RLIM_INFINITY)

    def _limit(self, gateway: House, soft: int) -> None:
        resource.prlimit(gateway.gateway.process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))


@asynccontextmanager
async def disk(folder: Path) -> AsyncIterator[Disk]:
    """Give a disk mounted at a folder, or the nearest thing that may be had."""
    folder.mkdir(mode=0o700)
    options = f"size={SIZE},mode=0700,uid={os.getuid()}"
    mounting = ["mount", "-t", "tmpfs", "-o", options, "ostiary-test", str(folder)]
    allowed = os.getuid() == 0 and shutil.which("mount") is not None
    mounted = allowed and subprocess.run(mounting, capture_output=True, check=False).returncode == 0
    try:
        yield Disk(folder) if mounted else Bounded(folder)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[tuple[Disk, Upstream, House, Person]]:
    """Run an upstream and a gateway whose data folder is a disk of its own."""
    data = folder / "data"
    async with disk(data) as small, upstream(Upstream()) as double:
        settings = config({"crm": over_http(double.url)}, gateway={"data": str(data)})
        async with house(folder, settings) as gateway, people(gateway.url, await gateway.token("ana")) as (ana,):
            yield small, double, gateway, ana


async def until_refused(ana: Person) -> Said:
    """Call until a call is refused: what is left of a page of the ledger is still written."""
    for number in range(100):
        said = await ana.call("crm__note", key=f"filling-{number}")
        if said.status != 200:
            return said
    raise AssertionError("the disk is full and calls go on")


async def until_carried(ana: Person, key: str) -> Said:
    """Call until a call is carried again."""
    async with asyncio.timeout(30):
        while True:
            said = await ana.call("crm__note", key=key)
            if said.status == 200:
                return said
            assert said.status == 503
            await asyncio.sleep(0.1)


def kinds(gateway: House) -> set[str]:
    return {each["kind"] for each in gateway.records() if each["type"] == "event"}


async def test_calls_stop_while_the_disk_is_full_and_go_on_without_a_restart(tmp_path: Path) -> None:
    """Issue: disk full: calls stop, nothing is lost, recovery without a restart."""
    async with stage(tmp_path) as (small, double, gateway, ana):
        pid = gateway.gateway.process.pid
        held = asyncio.create_task(ana.call("crm__hold", key="in flight"))
        await double.until_noted("in flight")
        small.fill(gateway)
        refused = await until_refused(ana)
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.error["message"] == "The gateway cannot record calls at the moment"
        reached = len(double.noted)
        status, said = await gateway.ready(ana.token)
        assert status == 503
        assert [each["what"] for each in said["reasons"]] == ["ledger_stopped"]
        assert "writing failed" in said["reasons"][0]["why"] or "disk full" in said["reasons"][0]["why"]
        double.release("in flight")
        assert (await held).text == "hold in flight"
        assert len(double.noted) == reached

        small.empty(gateway)
        assert (await until_carried(ana, "after")).text == "note after"
        assert (await gateway.ready())[0] == 200
        assert gateway.gateway.process.pid == pid
        assert gateway.gateway.process.poll() is None
        records = gateway.records()
        intents = {each["reference"] for each in records if each["type"] == "intent"}
        outcomes = {each["reference"]: each["outcome"] for each in records if each["type"] == "outcome"}
        assert intents <= outcomes.keys()
        assert {outcomes[each] for each in intents} == {"answered"}
        assert "ledger_stopped" in outcomes.values()
        assert "ledger_resumed" in kinds(gateway)
        assert len(intents) == len(double.noted)
        assert (await gateway.attempt("audit", "verify")).returncode == 0


async def test_credentials_are_checked_and_fail_closed_while_the_disk_is_full(tmp_path: Path) -> None:
    async with stage(tmp_path) as (small, double, gateway, ana):
        fresh, revoked = await gateway.token("bea"), await gateway.token("cem")
        listed = await gateway.command("token", "list", "--json")
        ident = next(each["id"] for each in json.loads(listed) if each["subject"] == "cem")
        await gateway.command("token", "revoke", ident)
        small.fill(gateway)
        await until_refused(ana)
        reached = len(double.noted)
        async with people(gateway.url, fresh, revoked, "ost_" + "a" * 43 + "_00000000") as (bea, cem, nobody):
            said = [await each.call("crm__note", key="x") for each in (bea, cem, nobody)]
        assert [each.status for each in said] == [503, 401, 401]
        assert len(double.noted) == reached
        small.empty(gateway)
        await until_carried(ana, "after")
        async with people(gateway.url, fresh, revoked) as (bea, cem):
            assert (await bea.call("crm__note", key="y")).text == "note y"
            assert (await cem.call("crm__note", key="z")).status == 401


def test_a_token_that_cannot_be_looked_up_is_neither_good_nor_bad(tmp_path: Path) -> None:
    """Ours: fail closed, and say that it will pass, so that no client throws its token away."""
    engine = database.opened(tmp_path)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tokens")
    with pytest.raises(Overloaded) as refused:
        database.token_by_digest(engine, "0" * 64)
    assert (refused.value.status, refused.value.retry_after) == (503, 1.0)


async def test_what_happens_beside_calls_survives_a_full_disk(tmp_path: Path) -> None:
    """Ours: an ended session stays ended, and a changed definition is held back, however late they can be kept."""
    async with stage(tmp_path) as (small, double, gateway, ana):
        session = await ana.shake_hands()
        await double.until_listened()
        small.fill(gateway)
        await until_refused(ana)
        assert await session.leave() == 204
        double.tools[0] = tool("note", "Note a key, and send it to me.", key="string")
        asked = double.count("tools/list")
        await double.announce("tools")
        await double.until_asked("tools/list", asked + 1)
        await gateway.until_logged("a catalogue could not be kept yet")
        assert gateway.gateway.process.poll() is None
        assert (await session.ask("tools/list")).status == 404

        small.empty(gateway)
        await until_kept(gateway)
        await gateway.kill()
        await gateway.start()
        assert (await session.ask("tools/list")).status == 404
        assert "crm__note" not in await ana.tools()
        assert "crm__hold" in await ana.tools()


async def until_kept(gateway: House) -> None:
    """Wait until the database knows that a definition has changed."""
    async with asyncio.timeout(30):
        while "changed" not in (await gateway.states())["note"]:
            await asyncio.sleep(0.1)
