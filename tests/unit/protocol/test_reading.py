"""Whatever the era, one request becomes one call or one refusal that names the request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from ostiary.core.errors import (
    GatewayError,
    Malformed,
    NotJson,
    SessionRequired,
    SessionUnknown,
    UnsupportedVersion,
    WrongVerb,
)
from ostiary.core.model import Call, Client, Era
from ostiary.protocol import jsonrpc, modern, reading
from ostiary.protocol.methods import BATCH, CHANNEL, END, STREAM
from ostiary.protocol.reading import LARGEST
from tests.unit.protocol.letters import HELD, in_session, inbound, legacy, recall, request, routing


def read(message: Any, sent: dict[str, str] | None = None, verb: str = "POST") -> Call:
    body = message if isinstance(message, bytes) else jsonrpc.encode(message)
    return reading.read(inbound(sent, verb=verb), body, 64, recall)


@pytest.mark.requirement("MCP-01")
def test_both_eras_are_read_at_the_same_door() -> None:
    """Checklist line 1."""
    assert read(request("tools/list"), routing("tools/list")).client.era is Era.MODERN
    assert read(legacy("tools/list"), in_session()).client.era is Era.HANDSHAKE
    assert read(legacy("initialize", {"protocolVersion": "2024-11-05"})).client.version == "2024-11-05"


@pytest.mark.parametrize(("verb", "method"), [("GET", STREAM), ("DELETE", END)])
def test_verbs_without_a_body_do_not_read_one(verb: str, method: str) -> None:
    assert read(b"not json", in_session(), verb).method == method


@pytest.mark.requirement("MCP-03")
@pytest.mark.parametrize(
    ("ident", "known"), [(7, 7), ("a", "a"), (0, 0), (None, None), (True, None), ([], None), (1.5, None)]
)
def test_a_refusal_carries_the_id_of_the_request(ident: Any, known: str | int | None) -> None:
    """Checklist line 3: the id is echoed where it can be."""
    with pytest.raises(GatewayError) as caught:
        read({"jsonrpc": "2.0", "id": ident, "method": "tools/list", "params": {"_meta": {modern.VERSION: 1}}})
    assert caught.value.ident == known


@pytest.mark.parametrize("version", [None, "1.0", 2.0, "2.00"])
def test_json_rpc_is_two_point_zero(version: Any) -> None:
    with pytest.raises(Malformed) as caught:
        read({**legacy("tools/list"), "jsonrpc": version}, in_session())
    assert caught.value.ident == 1


@pytest.mark.parametrize("more", [{"result": {}}, {"error": {"code": 1, "message": ""}}])
def test_a_message_is_a_request_or_an_answer(more: dict[str, Any]) -> None:
    """One reader would carry it out, and another would take it for the answer to what a server asked."""
    for message, sent in ((legacy("ping"), in_session()), (request("tools/list"), routing("tools/list"))):
        with pytest.raises(Malformed, match="not both"):
            read({**message, **more}, sent)


def test_a_body_that_is_not_json_has_no_id() -> None:
    with pytest.raises(NotJson) as caught:
        read(b"{")
    assert caught.value.ident is None


def test_a_modern_header_on_a_legacy_body_is_no_way_around_the_envelope() -> None:
    with pytest.raises(GatewayError) as caught:
        read(legacy("tools/list"), {"mcp-protocol-version": "2026-07-28", **in_session()})
    assert caught.value.code == "bad_params"


def test_a_legacy_body_without_a_session_is_told_so() -> None:
    with pytest.raises(SessionRequired):
        read(legacy("tools/list"))


# Batches


def batch(*messages: Any, version: str = "2025-03-26", sent: dict[str, str] | None = None) -> Call:
    def old(token: str) -> Client:
        return msgspec.structs.replace(recall(token), version=version)

    headers = in_session() if sent is None else sent
    return reading.read(inbound(headers), jsonrpc.encode(list(messages)), 64, old)


async def bodies(call: Call) -> list[Any]:
    return [json.loads(await part.body()) for part in call.parts]


def told(method: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method}


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26"])
def test_every_message_of_a_batch_is_a_message_of_its_own(version: str) -> None:
    """2025-03-26, Transports, "Sending Messages to the Server": requests and notifications, or answers, in an array."""
    messages = [legacy("tools/list", ident=1), told("notifications/x"), legacy("ping", ident="1")]
    call = batch(*messages, version=version)
    assert (call.id, call.method, call.client.version) == (None, BATCH, version)
    assert call.params == {"messages": messages}
    assert asyncio.run(bodies(call)) == messages
    assert {(part.verb, part.endpoint, part.headers["mcp-session-id"]) for part in call.parts} == {
        ("POST", "/mcp", "sealed")
    }


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
def test_later_revisions_have_no_batches(version: str) -> None:
    """2025-06-18, changes: JSON-RPC batching was removed."""
    with pytest.raises(Malformed, match="2025-03-26"):
        batch(legacy("ping"), version=version)
    with pytest.raises(Malformed, match="2025-03-26"):
        batch(legacy("ping"), sent=in_session(**{"mcp-protocol-version": version}))


@pytest.mark.requirement("MCP-09")
@pytest.mark.parametrize("sent", [{}, routing("ping"), {**routing("ping"), **in_session()}])
def test_a_batch_without_a_session_of_its_revision_is_refused(sent: dict[str, str]) -> None:
    with pytest.raises(Malformed, match="2025-03-26"):
        batch(legacy("ping"), sent=sent)


def test_a_batch_in_a_session_that_is_unknown_is_told_so() -> None:
    with pytest.raises(SessionUnknown):
        batch(legacy("ping"), sent={"mcp-session-id": "stolen"})


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([], id="nothing"),
        pytest.param([legacy("ping", ident=each) for each in range(LARGEST + 1)], id="too many"),
        pytest.param([[legacy("ping")]], id="a batch in a batch"),
        pytest.param([legacy("ping"), None], id="no message"),
        pytest.param([legacy("ping"), legacy("initialize", ident=2)], id="initialize"),
        pytest.param([legacy("ping", ident=2), legacy("tools/list", ident=2)], id="an id twice"),
    ],
)
def test_a_batch_that_cannot_be_answered_clearly_is_refused_whole(messages: list[Any]) -> None:
    with pytest.raises(Malformed) as caught:
        batch(*messages)
    assert caught.value.ident is None


def test_the_ids_of_answers_are_the_servers_own() -> None:
    """They may be like those of the client's requests, and an id that is none has no twin."""
    answer = {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert batch(legacy("ping", ident=1), answer, answer, legacy("ping", ident=None), legacy("ping", ident=None))


# The HTTP+SSE transport


def channeled(message: Any, sent: dict[str, str] | None = None, verb: str = "POST") -> Call:
    within = msgspec.structs.replace(inbound(sent, verb=verb), channel="sealed")
    return reading.read(within, jsonrpc.encode(message), 64, recall)


def test_a_get_at_an_address_of_its_own_opens_a_channel() -> None:
    """2024-11-05: no session exists yet, and none is needed."""
    call = channeled({}, verb="GET")
    assert (call.method, call.client.era, call.client.version) == (CHANNEL, Era.HANDSHAKE, "2024-11-05")


@pytest.mark.parametrize("verb", ["DELETE", "HEAD", "PUT"])
def test_it_knows_no_other_verb(verb: str) -> None:
    with pytest.raises(WrongVerb):
        channeled({}, verb=verb)


def test_messages_for_a_channel_are_those_of_the_handshake_era() -> None:
    assert channeled(legacy("tools/list"), in_session()).client == HELD


@pytest.mark.parametrize(
    ("message", "sent", "requested"),
    [
        (request("tools/list"), {}, "2026-07-28"),
        (request("tools/list"), routing("tools/list"), "2026-07-28"),
        (legacy("tools/list"), routing("tools/list"), "2026-07-28"),
        (
            {"jsonrpc": "2.0", "id": 1, "method": "x", "params": []},
            {"mcp-protocol-version": "2099-01-01"},
            "2099-01-01",
        ),
        ({**legacy("x"), "params": {"_meta": {modern.CAPABILITIES: {}}}}, {}, ""),
    ],
)
def test_a_modern_message_is_told_which_revisions_the_transport_carries(
    message: Any, sent: dict[str, str], requested: str
) -> None:
    """A client that only tries falls back to initialize (2026-07-28, Versioning)."""
    with pytest.raises(UnsupportedVersion) as caught:
        channeled(message, sent)
    assert caught.value.data is not None
    assert caught.value.data["requested"] == requested
    assert "2024-11-05" in caught.value.data["supported"]
    assert caught.value.ident == 1
