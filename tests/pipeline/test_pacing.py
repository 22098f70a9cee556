"""Runs that go in circles are warned, slowed down and stopped, by either way of a call, and each call counts once."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ostiary.behaviour.loops import Watch
from ostiary.core.errors import Runaway
from ostiary.core.model import Answer, Call, Caller, Client, Era, Inbound, Kind, Target
from ostiary.core.trail import Trail
from ostiary.pipeline.pacing import WARNING, Group, Pacing, Then, kept, warned
from ostiary.protocol.jsonrpc import encode

TOOL = Target("crm", Kind.TOOL, "search", "crm.search", "crm__search")
ANA = Caller("ana", "ostiary", "tok_1", "token:tok_1", 9e9)


async def nothing() -> bytes:
    return b""


def called(session: str = "", **arguments: Any) -> Call:
    client = Client(Era.HANDSHAKE if session else Era.MODERN, "2026-07-28", {}, "", {"name": "ide"}, session or None)
    return Call(1, "tools/call", "crm__search", {"name": "crm__search", "arguments": arguments}, client)


def trail() -> Trail:
    return Trail(Inbound("POST", "/mcp", {}, frozenset(), "c", "127.0.0.1", nothing), "r", 1, 0.0, 0.0)


def shortly(pacing: Pacing, call: Call, arguments: bytes) -> bool:
    return pacing.quiet(pacing.way(call, ANA, TOOL), call, (ANA, TOOL), arguments, 1.0)


def watching(then: Then = "stop", most: int = 3, per: Any = "run", server: str = "crm") -> Pacing:
    pacing = Pacing()
    watches = (Watch("again", "repeats", most, 60.0),)
    pacing.configure((Group(per, lambda label: label.startswith(server), watches, (then,)),))
    return pacing


def test_without_lines_nothing_is_watched() -> None:
    pacing = Pacing()
    assert not pacing.on
    assert all(pacing.found(called(), ANA, TOOL, 1.0) is None for _ in range(99))


def test_the_same_call_is_told_from_the_limit_on() -> None:
    pacing = watching()
    found = [pacing.found(called(q=1), ANA, TOOL, float(at)) for at in range(4)]
    assert [each and each[1].times for each in found] == [None, None, 3, 4]


def test_runs_are_apart_and_all_of_a_caller_is_together() -> None:
    for per, expected in (("run", 0), ("caller", 2)):
        pacing = watching(per=per)
        found = [pacing.found(called(session), ANA, TOOL, 1.0) for session in ("a", "b", "a", "b")]
        assert sum(each is not None for each in found) == expected


def test_only_tools_that_a_line_is_for_are_counted() -> None:
    pacing = watching(server="files")
    assert not any(pacing.found(called(), ANA, TOOL, 1.0) for _ in range(9))
    prompt = msgspec.structs.replace(TOOL, kind=Kind.PROMPT)
    pacing = watching()
    assert not any(pacing.found(called(), ANA, prompt, 1.0) for _ in range(9))


def test_a_call_that_the_short_way_leaves_is_counted_once() -> None:
    pacing, arguments = watching(), {"q": 1}
    quiet = [shortly(pacing, called(**arguments), encode(arguments)) for _ in range(3)]
    assert quiet == [True, True, False]
    found = pacing.found(called(**arguments), ANA, TOOL, 1.0)
    assert found is not None
    assert found[1].times == 3
    again = pacing.found(called(**arguments), ANA, TOOL, 1.0)
    assert again is not None
    assert again[1].times == 4


def test_what_was_left_and_never_came_is_forgotten() -> None:
    pacing = watching(most=2)
    for number in range(2_000):
        assert shortly(pacing, called(session=str(number)), b"{}")
        assert not shortly(pacing, called(session=str(number)), b"{}")
    assert len(pacing._found) == 1_024


def test_the_harshest_line_counts() -> None:
    pacing = Pacing()
    watches = (Watch("a", "repeats", 2, 60.0),)
    everything = lambda _label: True  # noqa: E731 - a pattern
    pacing.configure((Group("run", everything, watches, ("warn",)), Group("caller", everything, watches, ("stop",))))
    assert pacing.found(called(), ANA, TOOL, 1.0) is None
    found = pacing.found(called(), ANA, TOOL, 1.0)
    assert found is not None
    assert found[0] == "stop"


def test_other_lines_begin_with_an_empty_memory() -> None:
    pacing = watching(most=2)
    assert pacing.found(called(), ANA, TOOL, 1.0) is None
    pacing.configure(watching(most=2)._groups)
    assert pacing.found(called(), ANA, TOOL, 1.0) is None


def judged(then: Then, most: int = 2) -> tuple[Trail, BaseException | None]:
    pacing, it = watching(then, most), trail()
    pacing.found(called(), ANA, TOOL, 1.0)
    found = pacing.found(called(), ANA, TOOL, 1.0)
    try:
        asyncio.run(kept(found, it, 0.01))
    except Runaway as error:
        return it, error
    return it, None


def test_a_stopped_run_hears_why_and_when_it_is_over() -> None:
    it, error = judged("stop")
    assert isinstance(error, Runaway)
    assert error.retry_after == 60.0
    assert "2 times in a row" in error.hint
    assert it.findings == ["runaway again: the same call with the same arguments was made 2 times in a row (stop)"]


@pytest.mark.parametrize("then", ["warn", "slow"])
def test_a_warned_run_goes_on(then: Then) -> None:
    it, error = judged(then)
    assert error is None
    assert "2 times in a row" in it.warning
    asyncio.run(kept(None, it, 1.0))


def test_a_warning_stands_where_a_model_and_where_a_program_looks() -> None:
    it = trail()
    it.warning = "Note by the gateway: stop."
    answer = Answer({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "_meta": {"a": 1}, "isError": False}})
    told = warned(answer, it)
    assert told.payload is not None
    assert told.payload["result"]["content"] == [{"type": "text", "text": it.warning}]
    assert told.payload["result"]["_meta"] == {"a": 1, WARNING: it.warning}
    assert warned(answer, trail()) is answer
    for other in ({"error": {"code": 1}}, {"result": {"task": {}}}, {"result": 3}):
        assert warned(Answer(other), it) == Answer(other)
    assert warned(Answer(None), it) == Answer(None)
