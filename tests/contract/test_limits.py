"""The port `Spend`: every charge of a call is paid, or none."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.adapters.store.limits import MemoryLimits
from ostiary.core.errors import Limited
from ostiary.core.model import Caller, Charge

ANA = Caller("ana", "ostiary", "tok", "token:tok", 9e9, teams=frozenset({"red", "blue"}))
BEN = Caller("ben", "ostiary", "tok", "token:tok", 9e9, teams=frozenset({"red"}))
OTHER_ANA = Caller("ana", "elsewhere", "tok", "token:tok", 9e9)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def calls(rate: float, burst: float, per: str = "caller") -> Charge:
    return Charge("calls", per, rate, burst, 0)


def test_the_call_beyond_the_burst_is_told_when_to_come_back() -> None:
    clock = Clock()
    spend = MemoryLimits(clock)

    async def story() -> None:
        for _ in range(3):
            await spend((calls(0.5, 3.0),), ANA)
        with pytest.raises(Limited) as refused:
            await spend((calls(0.5, 3.0),), ANA)
        assert refused.value.retry_after == 2.0
        assert "calls allows 3 calls per 6 s" in refused.value.hint
        clock.now = 2.0
        await spend((calls(0.5, 3.0),), ANA)

    asyncio.run(story())


def test_a_call_that_one_limit_refuses_costs_nothing_of_another() -> None:
    clock = Clock()
    spend = MemoryLimits(clock)
    wide, narrow = calls(1.0, 5.0), Charge("narrow", "caller", 0.001, 1.0, 1)

    async def story() -> None:
        await spend((wide, narrow), ANA)
        for _ in range(10):
            with pytest.raises(Limited):
                await spend((wide, narrow), ANA)
        for _ in range(4):
            await spend((wide,), ANA)
        with pytest.raises(Limited):
            await spend((wide,), ANA)

    asyncio.run(story())


def test_calls_in_flight_are_bounded_until_one_is_released() -> None:
    spend, charge = MemoryLimits(Clock()), Charge("busy", "caller", 0.0, 0.0, 2)

    async def story() -> None:
        first = await spend((charge,), ANA)
        await spend((charge,), ANA)
        with pytest.raises(Limited) as refused:
            await spend((charge,), ANA)
        assert "2 calls at the same time" in refused.value.hint
        await spend((charge,), BEN)
        first(None)
        await spend((charge,), ANA)

    asyncio.run(story())


def test_callers_of_the_same_name_from_different_issuers_share_nothing() -> None:
    spend = MemoryLimits(Clock())

    async def story() -> None:
        await spend((calls(0.001, 1.0),), ANA)
        await spend((calls(0.001, 1.0),), OTHER_ANA)
        with pytest.raises(Limited):
            await spend((calls(0.001, 1.0),), ANA)

    asyncio.run(story())


def test_a_team_shares_one_limit_and_everybody_shares_another() -> None:
    spend = MemoryLimits(Clock())

    async def story() -> None:
        await spend((calls(0.001, 1.0, "team"),), ANA)
        with pytest.raises(Limited):
            await spend((calls(0.001, 1.0, "team"),), BEN)
        everybody = Charge("all", "all", 0.001, 1.0, 0)
        await spend((everybody,), BEN)
        with pytest.raises(Limited):
            await spend((everybody,), OTHER_ANA)

    asyncio.run(story())


@given(st.lists(st.floats(0.0, 5.0), max_size=60), st.integers(1, 10), st.floats(0.1, 10.0))
def test_no_window_ever_lets_more_through_than_burst_and_rate_allow(
    pauses: list[float], burst: int, rate: float
) -> None:
    """Against the definition: in any stretch of t seconds at most burst + rate * t calls."""
    clock = Clock()
    spend = MemoryLimits(clock)
    passed: list[float] = []

    async def story() -> None:
        for pause in pauses:
            clock.now += pause
            try:
                await spend((calls(rate, float(burst)),), ANA)
            except Limited:
                continue
            passed.append(clock.now)

    asyncio.run(story())
    for start in range(len(passed)):
        for end in range(start, len(passed)):
            assert end - start + 1 <= burst + rate * (passed[end] - passed[start]) + 1e-6
