"""Alerts that did not arrive wait over a restart, are told at least once, and not twice for one beginning."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from ostiary.adapters.notify.forms import Told, Verdict
from ostiary.adapters.notify.kept import Kept, KeptFile
from ostiary.adapters.notify.outbox import MOST, OLDEST, TRIES, Outbox
from ostiary.behaviour.alarming import FIRING, OVER, Notice, State
from ostiary.behaviour.happenings import Happening

NOW = 1_800_000_000.0
AWAY, GONE = Verdict(arrived=False, again=True, why="away"), Verdict(arrived=False, why="it answered 404")


def told(key: str = "k", state: State = FIRING, at: float = NOW) -> Told:
    notice = Notice("a", state, "crm", "ops", at, at, kinds=(("denied", 2),), latest=(Happening("denied", at, "crm"),))
    return Told(notice, key, "https://mcp.example.com")


class House:
    """One receiver, and the processes that tell it things, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.file, self.now, self.answer = KeptFile(folder / "alerts", "ops"), NOW, AWAY
        self.got: list[Told] = []
        self.failed: list[str] = []

    def begun(self) -> Outbox:
        """Return the outbox of a new process."""
        return Outbox(
            "ops", self.deliver, lambda _name, why: self.failed.append(why), lambda _: 0.0,
            time=lambda: self.now, file=self.file,
        )  # fmt: skip

    async def deliver(self, each: Told) -> Verdict:
        self.got.append(each)
        return self.answer

    def keys(self) -> list[tuple[str, str]]:
        return [(each.key, each.notice.state) for each in self.got]


async def run(box: Outbox, turns: int = 200) -> None:
    """Let it send for a while."""
    task = asyncio.create_task(box.run())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()


async def test_what_did_not_arrive_is_told_by_the_next_process_in_order(tmp_path: Path) -> None:
    house = House(tmp_path)
    first = house.begun()
    for each in (told("a"), told("b"), told("a", OVER)):
        first.put(each)
    await first.keep()
    assert house.file.path.stat().st_mode & 0o777 == 0o600
    house.answer = Verdict(arrived=True)
    second = house.begun()
    assert second.waiting == 3
    await run(second)
    assert house.keys() == [("a", FIRING), ("b", FIRING), ("a", OVER)]
    assert house.got[0] == told("a")
    await second.keep()
    assert house.begun().waiting == 0


async def test_what_lasts_over_a_restart_is_not_told_twice_within_its_pause(tmp_path: Path) -> None:
    house = House(tmp_path)
    first = house.begun()
    first.put(told("waits"))
    await first.keep()
    house.answer = Verdict(arrived=True)
    second = house.begun()
    second.put(told("waits"), 300.0)
    assert second.waiting == 1
    await run(second)
    await second.keep()
    third = house.begun()
    house.now += 200
    third.put(told("waits"), 300.0)
    assert third.waiting == 0
    third.put(told("waits", OVER), 300.0)
    third.put(told("waits"), 300.0)
    assert third.waiting == 2, "what the same process says is said"
    house.now += 200
    fourth = house.begun()
    fourth.put(told("waits"), 300.0)
    assert fourth.waiting == 1


async def test_a_receiver_that_is_away_for_hours_gets_it_and_others_hear_once_that_it_waits(tmp_path: Path) -> None:
    house = House(tmp_path)
    box = house.begun()
    box.put(told())
    task = asyncio.create_task(box.run())
    async with asyncio.timeout(10):
        while len(house.got) <= 5 * TRIES:
            await asyncio.sleep(0)
        assert (house.failed, box.waiting) == (["away"], 1)
        house.answer = Verdict(arrived=True)
        while box.waiting:
            await asyncio.sleep(0)
    task.cancel()
    assert (box.sent, box.dropped, house.failed) == (1, 0, ["away"])


async def test_what_is_a_day_old_is_no_news(tmp_path: Path) -> None:
    house = House(tmp_path)
    box = house.begun()
    box.put(told())
    house.now += OLDEST
    await run(box)
    assert (box.waiting, box.dropped, len(house.got)) == (0, 1, TRIES)


async def test_an_end_leaves_what_is_away_for_the_next_process_and_gives_up_what_never_arrives(tmp_path: Path) -> None:
    house = House(tmp_path)
    box = house.begun()
    box.put(told("a"))
    box.put(told("b"))
    await box.flush()
    assert (house.begun().waiting, len(house.got)) == (2, 1)
    house.answer = GONE
    await box.flush()
    assert (house.begun().waiting, box.dropped) == (0, 2)


async def test_what_is_kept_is_bounded_and_what_is_broken_keeps_no_gateway_from_starting(tmp_path: Path) -> None:
    house = House(tmp_path)
    box = house.begun()
    for number in range(MOST + 9):
        box.put(told(str(number)))
    await box.keep()
    assert len(msgspec.json.decode(house.file.path.read_bytes(), type=Kept).waiting) == MOST
    house.file.path.write_bytes(b"{")
    assert house.begun().waiting == 0


async def test_a_disk_that_refuses_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    house = House(tmp_path)
    box = house.begun()
    house.file.path.with_suffix(".new").mkdir()
    box.put(told())
    await box.keep()
    house.answer = Verdict(arrived=True)
    await run(box)
    house.file.path.with_suffix(".new").rmdir()
    await box.keep()
    assert (box.sent, house.begun().waiting) == (1, 0)
