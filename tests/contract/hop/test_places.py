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
