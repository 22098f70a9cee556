"""Change streams: who hears of what, in the words of their era, and for how long."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ostiary.core.errors import Overloaded, Unreachable
from ostiary.core.ports import Change
from ostiary.pipeline import feed as feeds
from ostiary.pipeline import listen as listening
from ostiary.protocol.modern import SUBSCRIPTION
from tests.pipeline.stage import Heard, post
from tests.pipeline.streams import (
    ACKNOWLEDGED,
    CONFIG,
    FILES,
    LISTED,
    UPDATED,
    WAIT,
    configure,
    modern,
    stage,
    updated,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "TOGETHER", 0.001)


# A modern client.


async def test_the_acknowledgement_comes_first_and_names_what_is_honoured() -> None:
    """Spec (2026-07-28, "subscriptions/listen")."""
    made = stage()
    wanted = ["note://1", "note://none", "file:///pub/a", "file:///pub/secret", "note://1"]
    async with modern(made, toolsListChanged=True, promptsListChanged=True, resourceSubscriptions=wanted) as here:
        first = here.heard[0]
        assert first["method"] == ACKNOWLEDGED
        assert first["params"] == {
            "notifications": {"toolsListChanged": True, "resourceSubscriptions": ["file:///pub/a", "note://1"]},
            "_meta": {SUBSCRIPTION: 1},
        }
        assert [uri for uri, _ in made.watched] == ["note://1", "file:///pub/a"]


async def test_nothing_is_told_that_was_not_asked_for_and_everything_carries_the_id() -> None:
    made = stage()
    async with modern(made, toolsListChanged=True, resourceSubscriptions=["note://1"]) as here:
        for change in (Change("files", "prompts"), Change("files", "resources"), Change("files", "tools")):
            made.say(change)
        made.say(updated("note://2"))
        made.say(updated("note://1"))
        heard = (await here.until_heard(3))[1:]
        assert [(each["method"], each["params"].get("uri")) for each in heard] == [
            (LISTED, None),
            (UPDATED, "note://1"),
        ]
        assert all(each["params"]["_meta"] == {SUBSCRIPTION: 1} for each in heard)


async def test_a_storm_becomes_one_notification() -> None:
    made = stage()
    async with modern(made, toolsListChanged=True, resourceSubscriptions=["note://1"]) as here:
        for _ in range(1000):
            made.say(Change("files", "tools"))
            made.say(updated("note://1"))
        await here.until_heard(3)
        made.say(Change("", "tools"))
        await here.until_heard(4)
        assert here.methods == [ACKNOWLEDGED, LISTED, UPDATED, LISTED]


@pytest.mark.parametrize("refusal", [{"code": -32601, "message": "no"}, Unreachable("down"), Overloaded("busy")])
async def test_what_its_server_does_not_watch_is_not_acknowledged(refusal: Any) -> None:
    made = stage()
    made.unwatchable["note://1"] = refusal
    async with modern(made, resourceSubscriptions=["note://1", "note://2"]) as here:
        assert here.heard[0]["params"]["notifications"] == {"resourceSubscriptions": ["note://2"]}


async def test_who_hangs_up_leaves_nothing_behind() -> None:
    made = stage()
    async with modern(made, toolsListChanged=True, resourceSubscriptions=["note://1"]):
        assert (len(made.watched), len(made.followers)) == (1, 1)
    assert (made.watched, made.followers) == ([], [])
    assert [trail.outcome for trail in made.audit.ended] == ["abandoned"]


async def test_several_listens_hear_each_for_itself() -> None:
    made = stage()
    async with (
        modern(made, resourceSubscriptions=["note://1"]) as one,
        modern(made, resourceSubscriptions=["note://2"]) as two,
    ):
        made.say(updated("note://2"))
        made.say(updated("note://1"))
        assert (await one.until_heard(2))[1]["params"]["uri"] == "note://1"
        assert (await two.until_heard(2))[1]["params"]["uri"] == "note://2"


async def test_when_the_gateway_stops_the_result_comes_and_then_the_end() -> None:
    made = stage()
    async with modern(made, toolsListChanged=True) as here:
        made.say(None)
        answer = await here.answer()
        assert answer.payload == {
            "jsonrpc": "2.0", "id": 1, "result": {"resultType": "complete", "_meta": {SUBSCRIPTION: 1}},
        }  # fmt: skip


async def test_a_quiet_stream_has_a_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "PULSE", 0.001)
    pulses = asyncio.Event()

    async def pulse(_self: Heard) -> None:
        pulses.set()

    monkeypatch.setattr(Heard, "pulse", pulse)
    async with modern(stage(), toolsListChanged=True):
        await asyncio.wait_for(pulses.wait(), WAIT)


@pytest.mark.parametrize(
    "wanted",
    [None, [], {"resourceSubscriptions": "x"}, {"resourceSubscriptions": [1]}, {"resourceSubscriptions": ["a"] * 257}],
)
async def test_a_filter_that_is_none_is_refused(wanted: Any) -> None:
    heard = await stage().serve(post("subscriptions/listen", notifications=wanted))
    assert heard.answers[0].payload is not None
    assert heard.answers[0].payload["error"]["code"] == -32602


# Who may hear.


async def test_a_change_of_a_part_is_named_as_far_as_the_caller_may_know_it() -> None:
    """Ours: what a rule hides is not told of through what it lies in."""
    made = stage()
    async with modern(made, resourceSubscriptions=["note://1", "file:///pub/a"]) as here:
        made.say(updated("note://1/unheard-of", "note://1"))
        made.say(updated("file:///pub/secret/plan", "file:///pub/a"))
        made.say(updated("file:///pub/a/b", "file:///pub/a"))
        heard = (await here.until_heard(3))[1:]
        assert [each["params"]["uri"] for each in heard] == ["note://1", "file:///pub/a/b"]


async def test_who_may_not_read_it_any_more_does_not_hear_of_it() -> None:
    made = stage()
    async with modern(made, resourceSubscriptions=["note://1", "note://2"]) as here:
        configure(made, CONFIG + '  - {name: no-more, deny: ["files:note://1"]}\n')
        made.say(updated("note://1"))
        made.say(updated("note://2"))
        assert [each["params"]["uri"] for each in (await here.until_heard(2))[1:]] == ["note://2"]


async def test_a_resource_that_is_another_server_s_by_now_is_not_told_of() -> None:
    made = stage()
    async with modern(made, resourceSubscriptions=["note://1"]) as here:
        for uri, tell in made.watched:
            tell(Change("crm", "resource", uri, uri))
        made.say(updated("note://1"))
        await here.until_heard(2)
        assert here.methods == [ACKNOWLEDGED, UPDATED]


async def test_the_stream_of_a_revoked_token_ends() -> None:
    made = stage()
    async with modern(made, toolsListChanged=True) as here:
        made.revoked.add("tok_ana")
        made.say(Change("files", "tools"))
        await here.answer()
        assert here.methods == [ACKNOWLEDGED]


async def test_a_stream_ends_with_its_endpoint() -> None:
    made = stage()
    async with modern(made, toolsListChanged=True) as here:
        made.snapshot = msgspec.structs.replace(made.snapshot, endpoints=frozenset())
        made.say(Change("", "tools"))
        await here.answer()
        assert here.methods == [ACKNOWLEDGED]


async def test_a_server_that_a_caller_knows_nothing_of_is_not_told_of() -> None:
    """Ours: names must not be probed, nor may one hear how busy what one may not use is."""
    made = stage()
    async with modern(made, "eve-token", toolsListChanged=True) as here:
        made.say(Change("files", "tools"))
        made.say(Change("crm", "tools"))
        await here.until_heard(2)
        made.say(Change("files", "tools"))
        made.say(None)
        await here.answer()
        assert here.methods == [ACKNOWLEDGED, LISTED]


async def test_who_loses_the_last_thing_of_a_server_hears_of_it() -> None:
    made = stage()
    async with modern(made, toolsListChanged=True) as here:
        configure(made, CONFIG, msgspec.structs.replace(FILES, tools=(), resources=(), templates=()))
        made.say(Change("files", "tools"))
        assert (await here.until_heard(2))[1]["method"] == LISTED
