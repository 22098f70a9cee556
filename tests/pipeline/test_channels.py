"""The HTTP+SSE transport of 2024-11-05: who may speak on a channel, what is said on it, and how it ends."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from ostiary.core.model import Answer, Inbound, Json, Order
from ostiary.core.ports import Back
from ostiary.pipeline import channels, voice
from ostiary.pipeline.post import posted
from tests.pipeline.oldest import HELLO, Client, Stream, client, message, until
from tests.pipeline.stage import CALLERS, Stage, whole

ACCEPTED = Answer(None, 202)
READ: Json = {"name": "files__read", "arguments": {"path": "/a"}}


async def trap() -> bytes:
    raise AssertionError("the body was read")


async def never(_order: Order, _back: Back) -> Json:
    return await asyncio.Event().wait()  # type: ignore[return-value]


def status(answer: Answer) -> int:
    assert answer.payload is not None
    return answer.status


# What is said.


@pytest.mark.parametrize("endpoint", ["/mcp", "/servers/files/mcp"])
async def test_the_first_event_says_where_to_post_and_everything_else_is_a_message(endpoint: str) -> None:
    """2024-11-05, Transports, "HTTP with SSE"."""
    stage = Stage()
    async with client(stage, endpoint=endpoint, hello=None) as here:
        assert here.place == endpoint.replace("/mcp", "/sse")
        told = await here.ask("initialize", "first", **HELLO)
        assert (told["id"], told["result"]["protocolVersion"]) == ("first", "2024-11-05")
        assert await here.post(message("notifications/initialized", None)) == ACCEPTED
        name = "read" if "servers" in endpoint else "files__read"
        assert (await here.ask("tools/call", 2, name=name, arguments={"path": "/a"}))["result"] == {"content": []}
        assert [order.target.label for order in stage.sent] == ["files.read"]


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_any_revision_with_a_handshake_may_be_agreed_on(version: str) -> None:
    stage = Stage()
    async with client(stage, hello={**HELLO, "protocolVersion": version}) as here:
        assert (await here.ask("tools/call", **READ))["result"] == {"content": []}
        assert stage.sent[0].call.client.version == version


async def test_every_message_leaves_its_own_record_and_pays_for_itself() -> None:
    stage = Stage()
    async with client(stage) as here:
        stage.log.clear()
        await here.ask("tools/call", **READ)
        await until(lambda: "metered" in stage.log)
        assert stage.log == ["identify", "limit", "intent", "sent", "outcome", "metered"]
        assert [charge.bucket for charge in stage.paid[-1]] == ["rule:devs-read", "per-caller"]
    assert [trail.call.method for trail in stage.audit.ended if trail.call] == [
        "initialize", "notifications/initialized", "tools/call", "gateway/channel",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("tools/call", {"name": "files__drop", "arguments": {"path": "/a"}}, -32602),
        ("tools/call", {"name": "files__gone", "arguments": {"path": "/a"}}, -32602),
        ("tools/fly", {}, -32601),
        ("logging/setLevel", {"level": "loud"}, -32602),
    ],
)
async def test_a_refusal_is_an_error_on_the_stream(method: str, params: Json, code: int) -> None:
    async with client(Stage()) as here:
        told = await here.ask(method, "x", **params)
        assert (told["id"], told["error"]["code"]) == ("x", code)


async def test_a_message_before_the_handshake_is_told_that_it_comes_too_early() -> None:
    async with client(Stage(), hello=None) as here:
        assert (await here.ask("tools/list", 5))["error"]["code"] == -32600


async def test_a_client_that_tries_the_modern_era_first_falls_back() -> None:
    """The Python SDK's `auto`: any error but a modern-only -32022 makes it initialize."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    async with client(Stage(), hello=None) as here:
        error = (await here.ask("server/discover", 1, _meta=meta))["error"]
        assert (error["code"], error["data"]["supported"][0]) == (-32022, "2024-11-05")
        assert "result" in await here.ask("initialize", 2, **HELLO)


async def test_a_server_asks_on_the_stream_while_its_call_was_accepted_long_ago() -> None:
    """Clients post one message after the other: had the call's POST to be answered first, no answer could be posted."""
    stage = Stage()

    async def asking(_order: Order, back: Back) -> Json:
        await back.notify("notifications/progress", {"progressToken": 1, "progress": 1})
        return await back.ask("roots/list", {})

    stage.carry = asking
    async with client(stage, hello={**HELLO, "capabilities": {"roots": {}}}) as here:
        assert (await here.ask("tools/call", 7, **READ))["method"] == "notifications/progress"
        asked = await here.heard()
        assert asked["method"] == "roots/list"
        assert await here.post({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": []}}) == ACCEPTED
        assert await here.heard() == {"jsonrpc": "2.0", "id": 7, "result": {"roots": []}}


async def test_a_cancelled_call_is_not_answered() -> None:
    stage = Stage()
    stage.carry = never
    async with client(stage) as here:
        assert await here.post(message("tools/call", 3, **READ)) == ACCEPTED
        await until(lambda: bool(stage.sent))
        assert await here.post(message("notifications/cancelled", None, requestId=3)) == ACCEPTED
        await asyncio.wait([here.posts[-2]])
        assert "result" in await here.ask("ping", 4)


async def test_a_fault_of_ours_is_told_to_whoever_waits() -> None:
    """Its POST was answered long ago, so nothing else would ever say that nothing comes."""
    stage = Stage()

    async def broken(_order: Order, _back: Back) -> Json:
        raise RuntimeError("boom")

    async with client(stage) as here:
        stage.carry = broken
        assert await here.post(message("tools/call", 3, **READ)) == ACCEPTED
        told = await here.heard()
        assert (told["id"], told["error"]["code"]) == (3, -32603)
        with pytest.raises(RuntimeError):
            await here.posts[-1]
        assert stage.audit.ended[-1].outcome == "fault"


async def test_a_batch_is_answered_on_the_stream() -> None:
    async with client(Stage()) as here:
        assert await here.post([message("ping", 1), message("notifications/x", None), message("ping", 2)]) == ACCEPTED
        assert {(await here.heard())["id"], (await here.heard())["id"]} == {1, 2}
        assert await here.post([]) == ACCEPTED
        assert (await here.heard())["error"]["code"] == -32600


async def test_quiet_streams_have_a_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "PULSE", 0.001)
    async with client(Stage()) as here:
        await until(lambda: here.stream.pulses > 1)
        assert "result" in await here.ask("ping")


# Who may speak.


async def test_knowing_a_channel_proves_nothing() -> None:
    """2025-11-25, "Session Hijacking": the id is never a credential, and no other principal's, even with a role alike."""
    stage = Stage()
    async with client(stage) as here:
        here.token = "eve-token"
        stolen = await here.send(here.inbound("POST", here.channel, trap))
        assert status(stolen) == 404
        assert stage.audit.ended[-1].outcome == "session_unknown"
        assert stage.audit.ended[-1].caller == CALLERS["eve-token"]
        here.token = ""
        assert status(await here.send(here.inbound("POST", here.channel, trap))) == 401
        here.token = "ana-token"
        assert "result" in await here.ask("ping")


async def test_a_channel_belongs_to_its_endpoint_and_the_forged_one_to_nobody() -> None:
    async with client(Stage()) as here:
        for channel in ("x", "channel.00", here.channel[:-2] + "ff", "session" + here.channel.removeprefix("channel")):
            assert status(await here.send(here.inbound("POST", channel, trap))) == 404
        here.endpoint = "/servers/files/mcp"
        assert status(await here.send(here.inbound("POST", here.channel, trap))) == 404


async def test_a_stranger_opens_no_channel() -> None:
    stage = Stage()
    reply = Stream()
    await posted(Inbound("GET", "/mcp", {}, frozenset(), None, "127.0.0.1", trap, channel=""), reply, stage.world)
    assert reply.answers[0].status == 401
    assert reply.events.empty()


async def test_a_post_that_names_no_channel_is_told_what_to_do_instead() -> None:
    """2025-03-26, backwards compatibility: clients POST initialize first, and GET when that is answered 4xx."""
    async with client(Stage()) as here:
        answer = await here.send(here.inbound("POST", "", trap))
        assert answer.status == 405
        assert (await here.send(here.inbound("DELETE"))).status == 405


async def test_sessions_of_other_places_mean_nothing_here() -> None:
    """A channel has its own session: else one channel could speak, and hear, as another's."""
    stage = Stage()
    async with client(stage, hello={**HELLO, "protocolVersion": "2025-03-26"}) as other, client(stage) as here:
        line = stage.world.sessions.channels.find(other.channel, CALLERS["ana-token"], "/mcp")
        said = here.inbound("POST", here.channel, whole(json.dumps(message("tools/call", 1, **READ)).encode()))
        await here.send(msgspec.structs.replace(said, headers={"mcp-session-id": line.session}))
        await here.heard()
        assert stage.sent[0].call.client.version == "2024-11-05"


async def test_the_first_session_of_a_channel_stays() -> None:
    stage = Stage()
    async with client(stage) as here:
        line = stage.world.sessions.channels.find(here.channel, CALLERS["ana-token"], "/mcp")
        session = line.session
        assert "result" in await here.ask("initialize", 9, **{**HELLO, "protocolVersion": "2025-11-25"})
        assert line.session == session


@pytest.mark.parametrize("body", [b"{", b'"x"', b'{"id":1,"id":2}', b'{"jsonrpc":"2.0","id":true,"method":"ping"}'])
async def test_what_cannot_be_answered_on_the_stream_is_refused_at_once(body: bytes) -> None:
    async with client(Stage()) as here:
        assert (await here.send(here.inbound("POST", here.channel, whole(body)))).status == 400
        assert here.stream.events.empty()


# How it ends.


async def test_the_end_of_the_stream_ends_the_session_and_cancels_what_is_in_flight() -> None:
    stage = Stage()
    stage.carry = never
    async with client(stage) as here:
        assert await here.post(message("tools/call", 3, **READ)) == ACCEPTED
        await until(lambda: bool(stage.sent))
        session = stage.sent[0].call.client.session or ""
        assert session not in stage.world.sessions._ended
    assert here.posts[-1].cancelled()
    assert {trail.outcome for trail in stage.audit.ended if trail.call and trail.call.id == 3} == {"abandoned"}
    assert session in stage.world.sessions._ended
    assert (len(stage.world.sessions.channels), stage.world.sessions._live) == (0, {})
    assert (await here.send(here.inbound("POST", here.channel, trap))).status == 404


async def test_a_channel_without_a_session_does_not_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "OPENING", 0.001)
    async with client(Stage(), hello=None) as here:
        await here.gone()
        assert here.stream.answers == [Answer(None, 200)]


async def test_a_channel_ends_with_the_credential_that_opened_it(monkeypatch: pytest.MonkeyPatch) -> None:
    short = msgspec.structs.replace(CALLERS["ana-token"], expires=0.001)
    monkeypatch.setitem(CALLERS, "ana-token", short)
    async with client(Stage(), hello=None) as here:
        await here.gone()
        assert here.stream.answers == [Answer(None, 200)]


# Bounds.


async def test_a_caller_has_a_bounded_number_of_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "EACH", 1)
    stage = Stage()
    async with client(stage):
        refused = Stream()
        await posted(Client(stage, "ana-token", "/mcp").inbound("GET"), refused, stage.world)
        assert refused.answers[0].status == 503
        async with client(stage, "eve-token"):
            assert len(stage.world.sessions.channels) == 2
    async with client(stage):
        assert len(stage.world.sessions.channels) == 1


async def test_a_channel_carries_a_bounded_number_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "BUSY", 1)
    stage = Stage()
    async with client(stage) as here:
        stage.carry = never
        assert await here.post(message("tools/call", 3, **READ)) == ACCEPTED
        await until(lambda: bool(stage.sent))
        assert (await here.send(here.inbound("POST", here.channel, trap))).status == 503
        assert not here.posts[-2].done()


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MESSAGES", 3)
    stage = Stage()
    async with client(stage) as here:
        here.stream.stuck = asyncio.Event()
        for ident in range(4):
            assert await here.post(message("ping", ident)) == ACCEPTED
        assert not here.listening.done()
        assert await here.post(message("ping", 5)) == ACCEPTED
        await here.gone()
        assert here.listening.cancelled()
        assert (await here.send(here.inbound("POST", here.channel, trap))).status == 404


async def test_of_all_channels_the_one_that_reads_least_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "BUDGET", 300)
    stage = Stage()
    async with client(stage) as slow, client(stage) as here:
        slow.stream.stuck = here.stream.stuck = asyncio.Event()
        for ident in range(8):
            assert await slow.post(message("ping", ident)) == ACCEPTED
        assert await here.post(message("ping", "y" * 40)) == ACCEPTED
        await slow.gone()
        here.stream.stuck.set()
        assert (await here.heard())["result"] == {}
        assert not here.listening.done()


async def test_a_single_answer_may_be_larger_than_what_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_OCTETS", 10)
    async with client(Stage()) as here:
        assert "result" in await here.ask("tools/list")


def test_nobody_speaks_for_a_channel_that_is_closed() -> None:
    async def story() -> None:
        stage = Stage()
        async with client(stage) as here:
            line = stage.world.sessions.channels.find(here.channel, CALLERS["ana-token"], "/mcp")
        assert line.say({"jsonrpc": "2.0", "method": "notifications/x"}) == 0
        assert line.size == 0

    asyncio.run(story())
