"""kill -9 of the gateway, and of a server behind it, at any moment (issue: must show, 5)."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.crash import crash
from tests.e2e.doubles.client import Person, people
from tests.e2e.doubles.house import House, config, house, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

COUNTING = Path(__file__).parent / "doubles" / "counting.py"


@dataclass(frozen=True)
class Counter:
    """A stdio server that counts, seen from its files."""

    gateway: House
    ana: Person
    seen: Path
    released: Path

    def processes(self, key: str) -> list[int]:
        """Return the processes that a call arrived at, one for each time it arrived."""
        words = (word.partition("@") for word in self.seen.read_text().split())
        return [int(process) for word, _, process in words if word == key]

    async def arrived(self, key: str) -> int:
        """Return, once a call has arrived, the process that it arrived at."""
        await until(lambda: self.processes(key), f"{key} never arrived")
        return self.processes(key)[0]

    def release(self, *keys: str) -> None:
        self.released.write_text("\n".join([*self.released.read_text().split(), *keys]))


@asynccontextmanager
async def counting(folder: Path, era: str) -> AsyncIterator[Counter]:
    seen, released = folder / "seen.txt", folder / "released.txt"
    seen.touch()
    released.touch()
    command = [sys.executable, str(COUNTING), str(seen), str(released), era]
    servers = {"counting": {"command": command, "shared": True}}
    async with house(folder, config(servers)) as gateway, people(gateway.url, await gateway.token("ana")) as (ana,):
        yield Counter(gateway, ana, seen, released)


async def test_after_kill_nine_under_load_the_ledger_knows_every_call_that_left(tmp_path: Path) -> None:
    """Issue: every call whose upstream saw it has an intent, and the ledger verifies after the restart."""
    rounds = await crash(tmp_path, 3, random.Random())
    assert [each.problems for each in rounds] == [(), (), ()]


@pytest.mark.requirement("MCP-35")
@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_a_call_whose_process_is_killed_ends_clearly_and_is_not_run_again(tmp_path: Path, era: str) -> None:
    """Issue: kill -9 of a stdio server in flight is a clear error, a restart, and no re-run."""
    async with counting(tmp_path, era) as counter:
        lost = asyncio.create_task(counter.ana.call("counting__count", key="lost"))
        pid = await counter.arrived("lost")
        os.kill(pid, signal.SIGKILL)
        said = await lost
        assert said.status == 200
        assert said.result["isError"] is True
        assert said.refusal["code"] == "upstream_lost"
        assert "may or may not have taken effect" in said.text
        counter.release("lost", "next")
        following = await counter.ana.call("counting__count", key="next")
        assert following.text.startswith("counted next in ")
        assert str(pid) not in following.text
        assert (len(counter.processes("lost")), len(counter.processes("next"))) == (1, 1)
        records = counter.gateway.records
        await until(
            lambda: (
                {"upstream_lost", "answered"} <= {each["outcome"] for each in records() if each["type"] == "outcome"}
            ),
            "a call left no record of its end",
        )


async def test_what_was_in_flight_when_the_gateway_was_killed_is_told_as_interrupted(tmp_path: Path) -> None:
    async with counting(tmp_path, "modern") as counter:
        lost = asyncio.create_task(counter.ana.call("counting__count", key="lost"))
        pid = await counter.arrived("lost")
        await counter.gateway.kill()
        await asyncio.wait({lost})
        assert lost.exception() is not None
        await counter.gateway.start()
        intent = next(each for each in counter.gateway.records() if each["type"] == "intent")
        found = await counter.gateway.command("audit", "search", "--reference", intent["reference"], "--json")
        assert '"interrupted"' in found
        assert (await counter.gateway.attempt("audit", "verify")).returncode == 0
        assert counter.processes("lost") == [pid]
        await until(lambda: not Path(f"/proc/{pid}").exists(), "the server outlived its gateway")
