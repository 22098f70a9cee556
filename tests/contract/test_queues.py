"""Calls that wait for one in flight to end: in fair turns, for a bounded time, in a bounded line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ostiary.adapters.store.limits import MemoryLimits
from ostiary.adapters.store.limits_lines import Lines
from ostiary.core.errors import Limited
from ostiary.core.model import Caller, Charge, Inbound
from ostiary.core.ports import Settle

LONG = 30.0
"""Seconds: longer than any test takes."""


def person(name: str) -> Caller:
    return Caller(name, "ostiary", f"tok_{name}", "token", 9e12)


def queued(concurrent: int = 1, per: str = "all", name: str = "narrow", wait: float = LONG) -> Charge:
    return Charge(name, per, 0.0, 0.0, concurrent, queue=wait)


async def body() -> bytes:
    return b""


INBOUND = Inbound("POST", "/mcp", {}, frozenset(), None, "10.0.0.1", body)


class Room:
    """Limits, and the order in which calls got through."""

    def __init__(self) -> None:
        self.now = 0.0
        self.limits = MemoryLimits(lambda: self.now, lambda: self.now)
        self.order: list[str] = []
        self.open: list[Settle] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def call(self, name: str, *charges: Charge) -> None:
        settle = await self.limits(charges, person(name), INBOUND)
        self.order.append(name)
        self.open.append(settle)

    def come(self, name: str, *charges: Charge) -> asyncio.Task[None]:
        self.tasks.append(task := asyncio.ensure_future(self.call(name, *charges)))
        return task

    async def settled(self, until: Callable[[], bool]) -> None:
        """Wait until something is so, for a bounded number of turns."""
        for _ in range(10_000):
            if until():
                return
            await asyncio.sleep(0)
        raise AssertionError("it never came to be")

    async def waits(self, count: int) -> None:
        await self.settled(lambda: len(self.limits._lines) == count)

    async def end(self) -> None:
        """End the call that got through last, and let the next one through."""
        before = len(self.order)
        self.open.pop()(None)
        await self.settled(lambda: len(self.order) > before)


def test_one_caller_cannot_starve_the_others() -> None:
    async def story() -> None:
        room, narrow = Room(), queued()
        await room.call("greedy", narrow)
        for number in range(50):
            room.come("greedy", narrow)
            await room.waits(number + 1)
        for at, name in enumerate(("ana", "ben")):
            room.come(name, narrow)
            await room.waits(51 + at)
        for _ in range(6):
            await room.end()
        assert room.order == ["greedy", "greedy", "ana", "ben", "greedy", "greedy", "greedy"]
        for task in room.tasks:
            task.cancel()
        await asyncio.gather(*room.tasks, return_exceptions=True)

    asyncio.run(story())


def test_nobody_overtakes_who_waits() -> None:
    """A call that comes in the very turn in which one ends is not before those that came earlier."""

    async def story() -> None:
        room, narrow = Room(), queued(2)
        for name in ("one", "two"):
            await room.call(name, narrow)
        room.come("three", narrow)
        await room.waits(1)
        room.open.pop()(None)
        late = room.come("late", narrow)
        await room.settled(lambda: len(room.order) == 3)
        assert room.order[-1] == "three"
        assert not late.done()
        await room.end()
        assert room.order[-1] == "late"
        assert room.limits._busy == {("narrow",): 2}

    asyncio.run(story())


def test_who_has_waited_long_enough_is_refused_and_leaves_nothing_behind() -> None:
    async def story() -> None:
        room = Room()
        await room.call("one", queued(wait=0.01))
        with pytest.raises(Limited) as refused:
            await room.call("two", queued(wait=0.01))
        assert (refused.value.detail, refused.value.retry_after) == ("narrow", 1.0)
        assert len(room.limits._lines) == 0
        room.open.pop()(None)
        assert room.limits._busy == {}

    asyncio.run(story())


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("moment", ["while it waits", "when it is let through", "when it has just begun"])
def test_a_call_that_is_cancelled_takes_no_place_with_it(moment: str) -> None:
    async def story() -> None:
        room, narrow = Room(), queued()
        await room.call("one", narrow)
        gone, next_ = room.come("gone", narrow), room.come("next", narrow)
        await room.waits(2)
        if moment == "while it waits":
            await cancelled(gone)
        room.open.pop()(None)
        if moment == "when it is let through":
            await cancelled(gone)
        if moment == "when it has just begun":
            await gone
            room.open.pop()(None)
        await next_
        assert room.order[-1] == "next"
        room.open.pop()(None)
        assert (room.limits._busy, len(room.limits._lines)) == ({}, 0)

    asyncio.run(story())


def test_what_another_limit_refuses_does_not_wait_first() -> None:
    async def story() -> None:
        room, narrow, rate = Room(), queued(), Charge("rate", "all", 0.001, 1.0, 0)
        await room.call("one", narrow, rate)
        with pytest.raises(Limited, match="rate"):
            await room.call("two", narrow, rate)
        assert len(room.limits._lines) == 0

    asyncio.run(story())


def test_who_waited_pays_everything_or_nothing_when_the_turn_comes() -> None:
    async def story() -> None:
        room, narrow, rate = Room(), queued(), Charge("rate", "all", 0.001, 2.0, 0)
        await room.call("one", narrow)
        two, three, four = (room.come(name, narrow, rate) for name in ("two", "three", "four"))
        await room.waits(3)
        await room.end()
        await room.end()
        room.open.pop()(None)
        with pytest.raises(Limited, match="rate"):
            await four
        assert (two.done(), three.done(), room.limits._busy) == (True, True, {})

    asyncio.run(story())


def test_a_call_may_have_to_wait_for_two_things_one_after_the_other() -> None:
    async def story() -> None:
        room, one, two = Room(), queued(name="one"), queued(name="two")
        await room.call("a", one)
        await room.call("b", two)
        both = room.come("c", one, two)
        await room.waits(1)
        room.open.pop(0)(None)
        await room.waits(1)
        assert not both.done()
        assert room.limits._busy == {("two",): 1}, "it holds nothing while it waits"
        room.open.pop()(None)
        await both
        assert room.limits._busy == {("one",): 1, ("two",): 1}

    asyncio.run(story())


def test_in_a_full_line_whoever_has_the_most_calls_makes_room() -> None:
    async def story() -> None:
        room, narrow = Room(), queued()
        room.limits._lines = Lines(longest=4)
        await room.call("one", narrow)
        greedy = [room.come("greedy", narrow) for _ in range(4)]
        await room.waits(4)
        with pytest.raises(Limited):
            await room.call("greedy", narrow)
        ana = room.come("ana", narrow)
        with pytest.raises(Limited):
            await greedy[-1]
        assert len(room.limits._lines) == 4
        await room.end()
        await room.end()
        await ana
        for task in room.tasks:
            task.cancel()
        await asyncio.gather(*room.tasks, return_exceptions=True)

    asyncio.run(story())


def test_the_swift_way_never_waits() -> None:
    async def story() -> None:
        room, narrow = Room(), queued()
        pay = room.limits.owing((narrow,), person("ana"), INBOUND)
        settle = pay()
        assert settle is not None
        assert pay() is None, "and nothing is paid"
        assert room.limits._busy == {("narrow",): 1}
        room.come("ben", narrow)
        await room.waits(1)
        settle(None)
        assert pay() is None, "somebody else waits, whose turn it is"
        await room.settled(lambda: room.order == ["ben"])
        room.open.pop()(None)
        assert pay() is not None

    asyncio.run(story())


def test_a_rehearsed_limit_makes_nobody_wait() -> None:
    async def story() -> None:
        room = Room()
        narrow = Charge("narrow", "all", 0.0, 0.0, 1, queue=LONG, shadow=True)
        for name in ("one", "two"):
            await room.call(name, narrow)
        assert room.order == ["one", "two"]

    asyncio.run(story())
