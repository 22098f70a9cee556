"""What sessions of the handshake era subscribe to: kept by the gateway, told on the session's stream."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ostiary.core.errors import SessionUnknown, Unreachable
from ostiary.core.model import Inbound
from ostiary.core.ports import Change
from ostiary.pipeline import feed as feeds
from ostiary.pipeline import subscriptions
from ostiary.pipeline.subscriptions import Subscriptions
from tests.pipeline.stage import whole
from tests.pipeline.streams import LISTED, UPDATED, WAIT, asked, get, session_of, stage, streaming, until, updated


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "TOGETHER", 0.001)


async def test_a_session_hears_of_its_resource_on_its_stream_until_it_unsubscribes() -> None:
    made = stage()
    session = await session_of(made)
    async with streaming(made, session) as here:
        assert (await asked(made, session, "resources/subscribe", "note://1"))["result"] == {}
        assert (await asked(made, session, "resources/subscribe", "note://1"))["result"] == {}
        assert len(made.watched) == 1
        made.say(updated("note://1"))
        assert (await here.until_heard(1))[0] == {"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": "note://1"}}
        assert (await asked(made, session, "resources/unsubscribe", "note://1"))["result"] == {}
        assert (await asked(made, session, "resources/unsubscribe", "note://1"))["result"] == {}
        assert made.watched == []
    assert made.sent == [], "the gateway keeps subscriptions itself"


async def test_subscribing_is_decided_and_recorded_like_reading() -> None:
    made = stage()
    session = await session_of(made)
    for uri in ("note://none", "file:///pub/secret"):
        assert (await asked(made, session, "resources/subscribe", uri))["error"]["code"] == -32002
    assert made.watched == []
    assert made.audit.begun == []
    await asked(made, session, "resources/subscribe", "file:///pub/a")
    assert [trail.target.label for trail in made.audit.begun if trail.target] == ["files:file:///pub/a"]


async def test_why_a_server_refuses_is_told_and_nothing_is_kept() -> None:
    made = stage()
    session = await session_of(made)
    made.unwatchable["note://1"] = {"code": -32601, "message": "cannot subscribe"}
    assert (await asked(made, session, "resources/subscribe", "note://1"))["error"]["message"] == "cannot subscribe"
    made.unwatchable["note://1"] = Unreachable("down")
    assert (await asked(made, session, "resources/subscribe", "note://1"))["error"]["code"] == Unreachable.jsonrpc
    assert len(made.world.sessions.subscriptions) == 0


async def test_what_changed_before_the_stream_was_open_is_told_on_it() -> None:
    made = stage()
    session = await session_of(made)
    await asked(made, session, "resources/subscribe", "note://1")
    made.say(updated("note://1"))
    async with streaming(made, session) as here:
        assert (await here.until_heard(1))[0]["params"] == {"uri": "note://1"}


async def test_the_end_of_a_session_releases_everything() -> None:
    made = stage()
    session = await session_of(made)
    async with streaming(made, session) as here:
        await asked(made, session, "resources/subscribe", "note://1")
        end = Inbound("DELETE", "/mcp", {"mcp-session-id": session}, frozenset(), "ana-token", "127.0.0.1", whole(b""))
        await made.serve(end)
        await asyncio.wait({here.task}, timeout=WAIT)
    assert (made.watched, made.followers, len(made.world.sessions.subscriptions)) == ([], [], 0)


async def test_a_session_that_comes_back_is_subscribed_anew_and_looks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage()
    made.world.sessions.subscriptions = Subscriptions(linger=0.0)
    session = await session_of(made)
    async with streaming(made, session):
        await asked(made, session, "resources/subscribe", "note://1")
    await until(lambda: made.watched == [])
    assert len(made.world.sessions.subscriptions) == 1
    monkeypatch.setattr(subscriptions, "_RETRIES", (0.0,) * 8)
    made.unwatchable["note://1"] = Unreachable("down")
    async with streaming(made, session) as here:
        await asyncio.sleep(0)
        del made.unwatchable["note://1"]
        assert (await here.until_heard(1))[0]["params"] == {"uri": "note://1"}
        assert len(made.watched) == 1


async def test_a_stream_that_is_replaced_keeps_what_was_subscribed() -> None:
    made = stage()
    session = await session_of(made)
    async with streaming(made, session) as first:
        await asked(made, session, "resources/subscribe", "note://1")
        async with streaming(made, session) as second:
            await asyncio.wait({first.task}, timeout=WAIT)
            made.say(updated("note://1"))
            await second.until_heard(1)
            assert (first.heard, len(made.watched)) == ([], 1)


async def test_a_session_hears_of_the_lists_that_were_announced_to_it() -> None:
    made = stage()
    session = await session_of(made)
    async with streaming(made, session) as here:
        for what in ("prompts", "tools", "resources"):
            made.say(Change("files", what))
        await here.until_heard(2)
        assert here.methods == ["notifications/resources/list_changed", LISTED]


async def test_a_session_subscribes_to_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "EACH", 2)
    made = stage()
    session = await session_of(made)
    for uri in ("note://1", "note://2"):
        await asked(made, session, "resources/subscribe", uri)
    refusal = await asked(made, session, "resources/subscribe", "file:///pub/a")
    assert "at most 2" in refusal["error"]["message"]
    assert len(made.watched) == 2


async def test_a_principal_s_absent_sessions_give_way_to_present_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "_PRINCIPAL", 2)
    made = stage()
    made.world.sessions.subscriptions = Subscriptions(linger=0.0)
    away, here = await session_of(made), await session_of(made)
    await asked(made, away, "resources/subscribe", "note://1")
    await until(lambda: made.watched == [])
    async with streaming(made, here):
        for uri in ("note://1", "note://2"):
            assert "result" in await asked(made, here, "resources/subscribe", uri)
        assert "error" in await asked(made, here, "resources/subscribe", "file:///pub/a")
    assert len(made.world.sessions.subscriptions) == 2


async def test_a_session_s_subscription_that_was_ended_meanwhile_is_not_kept() -> None:
    made = stage()
    session = await session_of(made)
    inner, watch = made.world.sessions.recall(session, await made.identify(get(session)), "/mcp").session, made.watch

    async def slow(order: Any, tell: Any) -> Any:
        watched = await watch(order, tell)
        made.world.sessions.end(inner or "")
        return watched

    made.watch = slow  # type: ignore[method-assign]
    made.world = msgspec.structs.replace(made.world, watch=slow)
    await asked(made, session, "resources/subscribe", "note://1")
    assert (made.watched, len(made.world.sessions.subscriptions)) == ([], 0)
    with pytest.raises(SessionUnknown):
        made.world.sessions.recall(session, await made.identify(get(session)), "/mcp")
