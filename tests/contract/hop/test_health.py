"""A server that fails is left alone: its calls fail at once, one goes out to see, and others are not shut out by one."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from ostiary.adapters.upstream.health import Health, placed
from ostiary.adapters.upstream.places import Places
from ostiary.core.errors import BadParams, Garbled, GatewayError, Lost, Overloaded, TimedOut, Unreachable
from ostiary.core.model import Call, Caller, Client, Era, Kind, Order, Target

ANN, BEN = (Caller(name, "ostiary", "t", "token", 9e9) for name in ("ann", "ben"))
CALL = Call(1, "tools/call", "files__read", {}, Client(Era.MODERN, "2026-07-28", {}, "", {}))
TARGET = Target("files", Kind.TOOL, "read", "files.read", "files__read")


def order(caller: Caller, deadline: float = math.inf) -> Order:
    return Order(CALL, TARGET, caller, deadline, "ref")


def health(failures: int = 2, rest: float = 10.0, *, reached: bool = True, together: float = 0.0) -> Health:
    return Health("files", failures, rest, reached=reached, together=together)


def shaken(it: Health, *errors: BaseException, caller: Caller = ANN) -> None:
    for error in errors:
        it.ended(error, caller)


async def test_calls_of_a_server_that_cannot_be_reached_fail_at_once_and_say_when_to_come_back() -> None:
    it = health()
    shaken(it, Unreachable("refused"), Unreachable("refused"))
    with pytest.raises(Unreachable) as raised:
        it.admit(BEN)
    assert 9 < (raised.value.retry_after or 0) <= 10
    assert "call again in 10 s" in raised.value.message
    assert it.turned == 1
    assert "left alone" in it.told
    it.well()
    it.admit(BEN)
    assert (it.shut, it.told) == (False, "")


async def test_one_caller_who_makes_calls_hang_shuts_out_nobody_else() -> None:
    it = health()
    shaken(it, TimedOut(), Lost())
    assert it.told.endswith("one caller's calls only)")
    it.admit(BEN)
    with pytest.raises(Unreachable):
        it.admit(ANN)


async def test_calls_that_are_lost_together_are_one_failure_and_those_that_time_out_are_not() -> None:
    it = health(together=60.0)
    shaken(it, *[Lost(), Unreachable()] * 5)
    assert not it.shut
    shaken(it, TimedOut())
    assert it.shut


@pytest.mark.parametrize("error", [Garbled(), BadParams(), asyncio.CancelledError()])
async def test_what_costs_no_time_or_says_nothing_of_the_server_counts_for_nothing(error: BaseException) -> None:
    it = health(1)
    shaken(it, *[error] * 5)
    assert not it.shut


async def test_a_process_that_does_not_start_is_left_to_its_supervisor() -> None:
    it = health(1, reached=False)
    shaken(it, *[Unreachable()] * 5)
    assert not it.shut
    assert it.told == Unreachable.public


async def test_who_waits_for_a_place_hears_at_once_when_the_server_is_shut_meanwhile_and_takes_none() -> None:
    it, places = health(1), Places(1)
    assert places.entered()
    waiting: list[Any] = [asyncio.ensure_future(placed(it, places, order(BEN), "files")) for _ in range(3)]
    await asyncio.sleep(0)
    shaken(it, Unreachable())
    places.leave()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended] == [Unreachable] * 3
    assert places.taken == 0


async def test_a_call_that_was_to_see_and_found_no_place_leaves_that_to_the_next() -> None:
    it, places = health(1, 0.0), Places(1)
    shaken(it, Unreachable())
    assert places.entered()
    for _ in range(2):
        with pytest.raises(Overloaded):
            await placed(it, places, order(ANN, asyncio.get_running_loop().time()), "files")
    assert places.shed == 2
    places.leave()
    await placed(it, places, order(ANN), "files")
    assert (places.taken, it.shut) == (1, True)
    shaken(it, Lost())
    with pytest.raises(GatewayError):
        await placed(health(1), places, order(ANN, asyncio.get_running_loop().time()), "files")
