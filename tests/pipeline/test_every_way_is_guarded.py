"""Issue 6: a required guard that did not run blocks the call, whichever way words take. Here are all the ways there are.

Everything that a client says holds a word that begins with `c-`, everything that a server says one with `s-`. Whatever of
them arrives at the other side must have been shown to the guards that stand there, and none of it may arrive where a
guard objects to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ostiary.core.screening import Block, Pass, Payload, Redact, Side, Verdict
from ostiary.protocol.methods import METHODS as EVERY
from ostiary.protocol.modern import VERSION
from tests.pipeline.ways import METHODS, WAYS, WORD, Ways, modern_said


def played(name: str, verdict: Callable[[Payload], Verdict]) -> Ways:
    async def story() -> Ways:
        ways = Ways(verdict)
        async with asyncio.timeout(10):
            await WAYS[name][0](ways)
        return ways

    return asyncio.run(story())


@pytest.mark.parametrize("name", WAYS)
def test_whatever_arrives_was_shown_to_the_guard(name: str) -> None:
    ways = played(name, lambda _: Pass())
    _, asked, said = WAYS[name]
    assert asked <= ways.arrived["request"], "the way is not the one that was meant"
    assert said <= ways.arrived["answer"], "the way is not the one that was meant"
    for side in ("request", "answer"):
        begins = side == "request"
        arrived = {each for each in ways.arrived[side] if each.startswith("c-") == begins}
        assert arrived <= ways.seen[side]


@pytest.mark.parametrize("name", [each for each in WAYS if each != "a resource that is watched"])
def test_the_ledger_says_that_the_guard_looked(name: str) -> None:
    ways = played(name, lambda _: Pass())
    assert ways.looked == {"request", "answer"}


@pytest.mark.parametrize("side", ["request", "answer"])
@pytest.mark.parametrize("name", WAYS)
def test_what_the_guard_stops_does_not_arrive(name: str, side: str) -> None:
    def stopping(payload: Payload) -> Verdict:
        told = {each for text in payload.texts for each in WORD.findall(text.value)}
        mine = {each for each in told if each.startswith("c-" if side == "request" else "s-")}
        return Block("no") if payload.side.value == side and mine else Pass()

    _, asked, said = WAYS[name]
    if not (asked if side == "request" else said) and not name.startswith(("modern", "handshake")):
        pytest.skip("nothing of this side takes this way")
    ways = played(name, stopping)
    assert ways.blocked
    begins = "c-" if side == "request" else "s-"
    assert not {each for each in ways.arrived[side] if each.startswith(begins)}


def test_what_a_guard_replaces_beside_the_arguments_arrives_replaced_and_traces_stay() -> None:
    def hiding(payload: Payload) -> Verdict:
        found = {text.path: "[cut]" for text in payload.texts if text.value.startswith("c-") and not text.rigid}
        return Redact("x", found) if found and payload.side is Side.REQUEST else Pass()

    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    meta = {"com.example/x": {"y": "c-meta"}, "traceparent": trace, "progressToken": 7}

    async def story() -> Ways:
        ways = Ways(hiding)
        await ways.say(modern_said("tools/call", {}, meta=meta, name="files__read", arguments={"path": "c-path"}))
        return ways

    ways = asyncio.run(story())
    [order] = ways.stage.sent
    said = order.call.params["_meta"]
    assert (said["com.example/x"], said["traceparent"]) == ({"y": "[cut]"}, trace)
    assert said[VERSION] == "2026-07-28"
    assert order.call.params["arguments"] == {"path": "[cut]"}


def test_every_method_that_reaches_a_server_is_among_the_ways() -> None:
    """A method that is added later needs a way here."""
    reaching = {name for name, spec in EVERY.items() if spec.key is not None}
    ways = {"tasks/get", "tasks/update", "tasks/cancel", "resources/subscribe", "resources/unsubscribe", *METHODS}
    assert reaching <= ways, reaching - ways
