"""Calls by the shortest way: those that chance has traced go another, before anything was written."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.adapters.telemetry.lines import lines
from ostiary.core.model import Kind, Target
from ostiary.pipeline.flight import Flight

TOOL = Target("files", Kind.TOOL, "read", "files.read", "files__read")


class Way:
    """A line and its exchange at once."""

    def __init__(self, held: bool = True) -> None:
        self.held, self.done = held, list[str]()

    def hold(self) -> Any:
        return self if self.held else None

    def send(self, arguments: bytes, deadline: float, told: Any) -> None:
        self.done.append(f"sent {arguments.decode()} {deadline}")

    def abandon(self) -> None:
        self.done.append("abandoned")


class Call(Flight):
    """A flight, as far as it is asked here."""

    def __init__(self, reference: str) -> None:
        self.trail, self.rests = type("Trail", (), {"reference": reference})(), list[Any]()

    def slow(self, rest: Any) -> None:
        self.rests.append(rest)


async def send(*_: Any) -> Any:
    return {}


def made(way: Way | None, telling: bool = True) -> Any:
    return lines(lambda _: way, lambda reference: reference == "chosen", send, lambda _: telling)(TOOL)


def test_a_call_that_is_not_traced_goes_the_shortest_way() -> None:
    way, call = Way(), Call("other")
    exchange = made(way).hold()
    exchange.send(b"{}", 1.0, call)
    exchange.abandon()
    assert (way.done, call.rests) == (["sent {} 1.0", "abandoned"], [])


def test_a_call_that_is_traced_goes_the_way_that_can_say_so() -> None:
    way, call = Way(), Call("chosen")
    made(way).hold().send(b"{}", 1.0, call)
    assert (way.done, call.rests) == (["abandoned"], [send])


def test_what_is_no_call_is_sent_as_it_is() -> None:
    way = Way()
    made(way).hold().send(b"{}", 1.0, object())
    assert way.done == ["sent {} 1.0"]


@pytest.mark.parametrize("way", [None, Way(held=False)])
def test_where_there_is_no_way_there_is_none(way: Way | None) -> None:
    found = made(way)
    assert found is None or found.hold() is None


def test_a_server_that_is_told_nothing_has_its_own_line() -> None:
    way = Way()
    assert made(way, telling=False) is way
