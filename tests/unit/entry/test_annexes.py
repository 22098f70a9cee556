"""What stands beside the way of a call hears of each call, and one part of it keeps no other from anything."""

from __future__ import annotations

import asyncio
from typing import cast

from ostiary.core.trail import Trail
from ostiary.entry.annexes import Annex, Annexes, Number

TRAIL = cast("Trail", object())


def test_without_listeners_the_meter_itself_is_told() -> None:
    def meter(_trail: Trail) -> None: ...

    assert Annexes(Annex("quiet")).hearing(meter) is meter


def test_the_meter_is_told_first_and_then_everyone_who_listens() -> None:
    heard: list[str] = []
    annexes = Annexes(
        Annex("one", hears=lambda _: heard.append("one")),
        Annex("none"),
        Annex("two", hears=lambda _: heard.append("two")),
    )
    annexes.hearing(lambda _: heard.append("meter"))(TRAIL)
    assert heard == ["meter", "one", "two"]


def test_what_does_not_end_well_keeps_no_other_from_ending() -> None:
    ended: list[str] = []

    async def broken() -> None:
        raise OSError("the disk is gone")

    async def well() -> None:
        ended.append("well")

    asyncio.run(Annexes(Annex("broken", close=broken), Annex("well", close=well), Annex("nothing")).close())
    assert ended == ["well"]


def test_chores_notes_and_what_runs_are_those_of_all() -> None:
    done: list[str] = []

    async def chore() -> None:
        done.append("chore")

    async def run() -> None:
        done.append("run")

    annexes = Annexes(Annex("one", chores=(chore,), notes=lambda: ["late"]), Annex("two", running=(run,)))

    async def all_of_it() -> None:
        for each in annexes.chores():
            await each()
        for running in annexes.running():
            await running

    asyncio.run(all_of_it())
    assert done == ["chore", "run"]
    assert annexes.notes() == ("late",)


def test_what_metrics_tell_of_them_is_that_of_all() -> None:
    numbers = tuple(Number(f"ostiary_{name}", name, lambda: 1.0) for name in ("one", "two"))
    assert (
        Annexes(Annex("one", numbers=numbers[:1]), Annex("none"), Annex("two", numbers=numbers[1:])).numbers()
        == numbers
    )
