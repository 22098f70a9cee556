"""A bound on calls in flight: places are handed on in order, and never lost."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from ostiary.adapters.upstream.places import Places

LONG: Final = 30.0


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_a_place_that_is_left_goes_to_who_waits_longest_and_nobody_comes_in_between() -> None:
    places, served = Places(1), list[int]()

    async def wait(number: int) -> None:
        assert await places.waited(soon(LONG))
        served.append(number)

    assert places.entered()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(wait(1))
        tasks.create_task(wait(2))
        await asyncio.sleep(0)
        places.leave()
        assert not places.entered()
        await asyncio.sleep(0)
        places.leave()
    assert served == [1, 2]
    places.leave()
    assert (places.taken, places.entered()) == (0, True)


async def test_who_waits_in_vain_is_told_and_takes_no_place() -> None:
    places = Places(1)
    assert places.entered()
    assert not await places.waited(soon(0.01))
    places.leave()
    assert (places.taken, places.entered()) == (0, True)


async def test_a_place_given_to_who_is_cancelled_in_the_same_moment_goes_on_to_the_next() -> None:
    places = Places(1)
    assert places.entered()
    first = asyncio.ensure_future(places.waited(soon(LONG)))
    second = asyncio.ensure_future(places.waited(soon(LONG)))
    await asyncio.sleep(0)
    places.leave()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second
    places.leave()
    assert places.taken == 0


async def lined(places: Places, *callers: str) -> list[asyncio.Task[bool]]:
    """Let these callers wait, one after the other."""
    tasks = [asyncio.ensure_future(places.waited(soon(LONG), who)) for who in callers]
    await asyncio.sleep(0)
    return tasks


async def test_callers_take_turns_however_many_calls_one_of_them_sent_first() -> None:
    places, served = Places(1), list[str]()
    assert places.entered()
    tasks = await lined(places, "ann", "ann", "ann", "ben", "cem")
    for task, who in zip(tasks, ("ann 1", "ann 2", "ann 3", "ben", "cem"), strict=True):
        task.add_done_callback(lambda _, who=who: served.append(who))  # type: ignore[misc]
    for _ in tasks:
        places.leave()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert served == ["ann 1", "ben", "cem", "ann 2", "ann 3"]
    places.leave()
    assert (places.taken, places.waiting) == (0, 0)


async def test_where_no_more_may_wait_whoever_has_most_waiting_gives_way_and_nobody_else() -> None:
    places = Places(1, 3)
    assert places.entered()
    first, second, third = await lined(places, "ann", "ann", "ann")
    assert not await places.waited(soon(LONG), "ann")
    [ben] = await lined(places, "ben")
    assert not await third
    assert places.waiting == 3
    assert not await places.waited(soon(LONG), "ben")
    [cem] = await lined(places, "cem")
    assert not await second
    assert (places.waiting, cem.done()) == (3, False)
    for task in (first, ben, cem):
        places.leave()
        assert await task
    places.leave()
    assert (places.taken, places.waiting, places.free) == (0, 0, True)


async def test_with_no_room_to_wait_nobody_waits() -> None:
    places = Places(1, 0)
    assert places.entered()
    assert not await places.waited(soon(LONG), "ann")
    places.leave()
    assert places.free


async def test_whoever_gives_up_leaves_the_line_at_once() -> None:
    places = Places(1)
    assert places.entered()
    assert not await places.waited(soon(0.01), "ann")
    assert places.waiting == 0
    [ben] = await lined(places, "ben")
    ben.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ben
    assert places.waiting == 0
    places.leave()
    assert places.entered()
