"""Two people on one upstream credential: neither can use what the other was given, whatever they make of it.

The server sees the gateway's credential for both, so only the gateway can tell them apart.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.adapters.store.keys import Sealer
from ostiary.core.model import Answer, Inbound, Json, Order
from ostiary.core.ports import Back
from ostiary.pipeline.sessions import Sessions
from ostiary.protocol import cursors
from ostiary.protocol.modern import CAPABILITIES, VERSION
from tests.pipeline.stage import CALLERS, Ended, Stage, handshake, known, whole

ANA, BOB = "ana-token", "bob-token"
CALLERS[BOB] = known("bob", "dev")
FORM: Json = {"elicitation": {}}
DONE: Json = {"result": {"content": [], "resultType": "complete"}}
SEALER = Sealer(b"k" * 32)


def stage() -> Stage:
    """Return a gateway of fakes whose seals are real."""
    made = Stage()
    sessions = Sessions(SEALER, Ended(), lambda: 0.0, iter(map(str, range(10_000))).__next__, 3600.0)
    made.world = msgspec.structs.replace(made.world, seal=SEALER, sessions=sessions)
    return made


def modern(token: str, method: str = "tools/call", endpoint: str = "/mcp", **params: Any) -> Inbound:
    params = {"name": "files__read", "arguments": {"path": "/a"}, **params} if method == "tools/call" else params
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": {VERSION: "2026-07-28"}}}
    body["params"]["_meta"][CAPABILITIES] = FORM  # type: ignore[index]  # made one line above
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    if "name" in params:
        headers["mcp-name"] = params["name"]
    return Inbound("POST", endpoint, headers, frozenset(), token, "127.0.0.1", whole(json.dumps(body).encode()))


async def said(made: Stage, message: Inbound) -> Answer:
    return (await made.serve(message)).answers[0]


def payload(answer: Answer) -> Json:
    assert answer.payload is not None
    return answer.payload


def mangled(token: str) -> st.SearchStrategy[str]:
    """Return what somebody could make of a token that is not theirs: itself, cut, doubled, or with letters changed."""

    def changed(at: int, letter: str) -> str:
        return token[: at % len(token)] + letter + token[at % len(token) + 1 :]

    letters = st.sampled_from("ABab01-_=")
    return st.one_of(
        st.just(token),
        st.builds(changed, st.integers(0, 10_000), letters),
        st.integers(0, len(token)).map(lambda end: token[:end]),
        st.builds(lambda tail: token + tail, st.text("AB-_=", min_size=1, max_size=4)),
    )


@pytest.mark.requirement("MCP-25")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_suspended_call_is_never_gone_on_with_by_another(data: st.DataObject) -> None:
    """And the owner can still go on with it afterwards: trying costs them nothing."""
    made, heard = stage(), list[Json]()

    async def carry(_order: Order, back: Back) -> Json:
        heard.append(await back.ask("elicitation/create", {"message": "?"}))
        return DONE

    made.carry = carry

    async def story() -> None:
        first = payload(await said(made, modern(ANA)))["result"]
        answers = {key: {"action": "accept"} for key in first["inputRequests"]}
        theirs = data.draw(mangled(first["requestState"]))
        endpoint = data.draw(st.sampled_from(["/mcp", "/servers/files/mcp"]))
        name = "files__read" if endpoint == "/mcp" else "read"
        stolen = modern(BOB, endpoint=endpoint, name=name, requestState=theirs, inputResponses=answers)
        assert payload(await said(made, stolen))["error"]["code"] == -32602
        assert heard == []
        own = modern(ANA, requestState=first["requestState"], inputResponses=answers)
        assert "content" in payload(await said(made, own))["result"]
        assert len(heard) == 1

    asyncio.run(asyncio.wait_for(story(), 20))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_servers_own_state_is_never_brought_back_by_another(data: st.DataObject) -> None:
    made = stage()
    made.answer = {"result": {"resultType": "input_required", "requestState": "what the server keeps for ana"}}

    async def story() -> None:
        first = payload(await said(made, modern(ANA)))["result"]
        before = len(made.sent)
        state = data.draw(mangled(first["requestState"]) | st.just("what the server keeps for ana"))
        assert payload(await said(made, modern(BOB, requestState=state)))["error"]["code"] == -32602
        assert len(made.sent) == before
        await said(made, modern(ANA, requestState=first["requestState"]))
        assert made.sent[-1].call.params["requestState"] == "what the server keeps for ana"

    asyncio.run(story())


def test_a_long_state_comes_back_whole() -> None:
    made, long = stage(), "é" * 30_000
    made.answer = {"result": {"resultType": "input_required", "requestState": long}}

    async def story() -> None:
        first = payload(await said(made, modern(ANA)))["result"]
        await said(made, modern(ANA, requestState=first["requestState"]))
        assert made.sent[-1].call.params["requestState"] == long

    asyncio.run(story())


@pytest.mark.requirement("MCP-38")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_cursor_is_never_followed_by_another(data: st.DataObject) -> None:
    here = cursors.Cursor("tools/list", "ana", "ostiary", "/mcp", "form", "files__read", 0.0)
    token = SEALER.close("cursor", cursors.pack(here))
    stolen = data.draw(mangled(token))

    async def story() -> None:
        made = stage()
        assert payload(await said(made, modern(BOB, "tools/list", cursor=stolen)))["error"]["code"] == -32602
        assert "result" in payload(await said(made, modern(ANA, "tools/list", cursor=token)))

    asyncio.run(story())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_session_is_never_used_by_another(data: st.DataObject) -> None:
    """2025-11-25, Session hijacking: for everyone else it does not exist."""
    made = stage()
    info = {"name": "old", "version": "1"}
    opening = handshake("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=info)

    def by(token: str, message: Inbound) -> Inbound:
        return msgspec.structs.replace(message, credential=token)

    async def story() -> None:
        session = (await said(made, opening)).headers["mcp-session-id"]
        stolen = data.draw(mangled(session))
        method = data.draw(st.sampled_from(["ping", "tools/list", "logging/setLevel"]))
        answer = await said(made, by(BOB, handshake(method, stolen or "x")))
        assert answer.status == 404
        ended = Inbound("DELETE", "/mcp", {"mcp-session-id": stolen or "x"}, frozenset(), BOB, "", whole(b""))
        assert (await said(made, ended)).status == 404
        assert "result" in payload(await said(made, handshake("ping", session)))

    asyncio.run(story())
