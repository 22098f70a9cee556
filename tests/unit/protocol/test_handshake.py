"""The handshake era: sessions that only we can make, and messages that belong to one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ostiary.core.errors import BadParams, Malformed, SessionRequired, SessionUnknown, UnknownMethod, WrongVerb
from ostiary.core.model import HANDSHAKES, MODERN, Call, Caller, Era
from ostiary.protocol import handshake
from ostiary.protocol.methods import ANSWER, END, METHODS, OWN, STREAM
from tests.unit.protocol.letters import HELD, in_session, inbound, legacy, recall

HELD_BY = Caller("ann", "ostiary", "tok_1", "token:tok_1", 9e9)
SESSION = handshake.Session("s-1", "ann", "ostiary", "/mcp", "2025-06-18", 1000.0, {"elicitation": {}}, {"name": "x"})


def read(message: dict[str, Any], sent: dict[str, str] | None = None, doubled: frozenset[str] = frozenset()) -> Call:
    return handshake.read(message, inbound(in_session() if sent is None else sent, doubled=doubled), recall)


def opening(**params: Any) -> dict[str, Any]:
    return legacy("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}, **params})


# Opening


@pytest.mark.requirement("MCP-01")
@pytest.mark.parametrize("version", HANDSHAKES)
def test_initialize_is_answered_in_the_version_it_asks_for(version: str) -> None:
    """Checklist line 1."""
    call = read(opening(protocolVersion=version), {})
    assert (call.method, call.client.era, call.client.version, call.client.session) == (
        "initialize", Era.HANDSHAKE, version, None,
    )  # fmt: skip


@pytest.mark.parametrize("version", [MODERN, "1999-01-01", "", "latest"])
def test_an_unknown_version_is_answered_with_our_newest(version: str) -> None:
    """2025-11-25, lifecycle: the client disconnects if it cannot."""
    assert read(opening(protocolVersion=version), {}).client.version == "2025-11-25"


def test_nothing_is_negotiated_from_what_is_not_text() -> None:
    assert handshake.negotiated(5) == handshake.negotiated(None) == handshake.LATEST


@pytest.mark.parametrize(
    "params", [{"protocolVersion": 5}, {"protocolVersion": None}, {"capabilities": []}, {"capabilities": None}, {"clientInfo": "x"}]
)  # fmt: skip
def test_an_initialize_of_the_wrong_shape_is_bad_params(params: dict[str, Any]) -> None:
    with pytest.raises(BadParams):
        read(opening(**params), {})


@pytest.mark.parametrize("message", [{**opening(), "id": None}, {**opening(), "id": True}, {**opening(), "params": []}])
def test_an_initialize_is_a_request(message: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(message, {})


def test_an_initialize_may_leave_out_what_it_has_nothing_to_say_about() -> None:
    call = read(legacy("initialize", {"protocolVersion": "2024-11-05"}), {})
    assert (call.client.capabilities, call.client.info, call.client.offer) == ({}, {}, "")


def test_a_session_fits_into_a_header_whatever_the_client_says_of_itself() -> None:
    """Clients put whole pictures into `icons`; Node refuses heads of 16 KiB."""
    info = {"name": "x" * 5000, "title": "X", "icons": [{"src": "data:" + "a" * 100_000}]}
    capabilities = {"elicitation": {"url": {}}, "experimental": {"x": "y" * 50_000}}
    client = read(opening(clientInfo=info, capabilities=capabilities), {}).client
    assert client.info == {"name": "x" * 128, "title": "X"}
    assert client.capabilities == {"elicitation": {"url": {}}}
    assert client.offer == "url"


def test_capabilities_of_ordinary_size_are_kept_as_declared() -> None:
    capabilities = {"roots": {"listChanged": True}, "experimental": {"x": {}}}
    assert read(opening(capabilities=capabilities), {}).client.capabilities == capabilities


# Sessions


def test_a_session_survives_packing() -> None:
    assert handshake.unpack(handshake.pack(SESSION)) == SESSION


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'["s"]', b"\xff", b'["\xff"]', b"[1,2,3,4,5,6,7,8]", handshake.pack(SESSION)[:-1]]
)
def test_what_is_no_session_is_unknown(content: bytes) -> None:
    with pytest.raises(SessionUnknown):
        handshake.unpack(content)


def test_a_session_gives_back_its_client() -> None:
    client = handshake.held(SESSION, HELD_BY, "/mcp", 1000.0, 3600.0)
    assert (client.era, client.version, client.session, client.offer, client.info) == (
        Era.HANDSHAKE, "2025-06-18", "s-1", "form", {"name": "x"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("caller", "endpoint"),
    [
        (msgspec.structs.replace(HELD_BY, subject="bob"), "/mcp"),
        (msgspec.structs.replace(HELD_BY, issuer="https://id.example"), "/mcp"),
        (HELD_BY, "/servers/files/mcp"),
        (msgspec.structs.replace(HELD_BY, subject=""), "/mcp"),
    ],
)
def test_a_session_is_of_no_use_to_another_principal_or_elsewhere(caller: Caller, endpoint: str) -> None:
    """2025-11-25, session hijacking; checklist line 48."""
    with pytest.raises(SessionUnknown):
        handshake.held(SESSION, caller, endpoint, 1000.0, 3600.0)


@pytest.mark.parametrize(
    ("now", "good"), [(939.0, False), (940.0, True), (4600.0, True), (4600.1, False), (1e12, False)]
)
def test_a_session_has_an_end_and_does_not_begin_in_the_future(now: float, good: bool) -> None:
    try:
        handshake.held(SESSION, HELD_BY, "/mcp", now, 3600.0)
    except SessionUnknown:
        assert not good
    else:
        assert good


@pytest.mark.parametrize("sent", [{}, {"mcp-session-id": ""}, {"mcp-session-id": " "}])
def test_without_a_session_there_is_no_call(sent: dict[str, str]) -> None:
    with pytest.raises(SessionRequired):
        read(legacy("tools/list"), sent)


def test_an_unknown_session_is_unknown() -> None:
    with pytest.raises(SessionUnknown):
        read(legacy("tools/list"), {"mcp-session-id": "forged"})


def test_blanks_after_a_session_are_not_part_of_it() -> None:
    assert read(legacy("tools/list"), {"mcp-session-id": "sealed \t"}).client is HELD


@pytest.mark.parametrize("name", ["mcp-session-id", "mcp-protocol-version"])
def test_a_doubled_session_header_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        read(legacy("tools/list"), doubled=frozenset({name}))


@pytest.mark.parametrize("version", HANDSHAKES)
def test_a_version_header_may_be_any_we_speak_and_counts(version: str) -> None:
    """It says what the program that sends it understands, which may be older than the session it was handed."""
    client = read(legacy("tools/list"), in_session(**{"mcp-protocol-version": f"{version} "})).client
    assert (client.version, client.session) == (version, HELD.session)


def test_a_version_we_do_not_speak_is_refused() -> None:
    """2025-06-18: an invalid version is answered 400."""
    with pytest.raises(Malformed):
        read(legacy("tools/list"), in_session(**{"mcp-protocol-version": "1999-01-01"}))


# Messages


def test_a_request_becomes_a_call() -> None:
    call = read(legacy("tools/call", {"name": "read", "_meta": {"progressToken": "p"}}, "a"))
    assert (call.id, call.method, call.name, call.progress, call.client) == ("a", "tools/call", "read", "p", HELD)
    assert read(legacy("ping", {"_meta": {}})).progress is None
    assert read({"jsonrpc": "2.0", "id": 1, "method": "ping"}).params == {}


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (legacy("server/discover"), UnknownMethod), (legacy("subscriptions/listen"), UnknownMethod), (legacy("x"), UnknownMethod),
        (legacy(ANSWER), UnknownMethod), (legacy("ping", ident=None), Malformed), (legacy("ping", ident=True), Malformed),
        ({**legacy("ping"), "method": 5}, Malformed), ({**legacy("ping"), "method": None}, Malformed),
        ({**legacy("ping"), "params": []}, Malformed), ({**legacy("ping"), "params": None}, Malformed), ({}, Malformed),
        (legacy("tools/call"), BadParams), (legacy("tools/call", {"name": 1}), BadParams),
        (legacy("ping", {"_meta": {"progressToken": True}}), BadParams), (legacy("completion/complete", {"ref": {"type": []}}), BadParams),
        (legacy("tools/call", {"name": "read", "Name": "drop"}), BadParams),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_message_is_said(message: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        read(message)


def test_a_notification_has_no_id() -> None:
    call = read({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    assert (call.id, call.method, call.params) == (None, "notifications/cancelled", {"requestId": 1})


@pytest.mark.parametrize("method", [*METHODS, *OWN])
def test_a_request_without_an_id_is_no_notification(method: str) -> None:
    """Above all our own names for a posted answer, a stream and an end: only their own shapes make them."""
    with pytest.raises(Malformed):
        read({"jsonrpc": "2.0", "method": method, "params": {}})


@pytest.mark.parametrize("part", [{"result": {}}, {"error": {"code": 1, "message": "x"}}])
def test_a_posted_answer_is_carried_whole(part: dict[str, Any]) -> None:
    message = {"jsonrpc": "2.0", "id": "ostiary-1", **part}
    call = read(message)
    assert (call.id, call.method, call.params, call.client) == (None, ANSWER, message, HELD)


@pytest.mark.parametrize(
    "message",
    [
        {"result": {}},
        {"id": None, "result": {}},
        {"id": True, "error": {}},
        {"id": 1, "result": {}, "error": {}},
        {"id": 1, "result": 5},
        {"id": 1, "result": None},
        {"id": 1, "error": "no"},
        {"id": 1, "error": {}},
        {"id": 1, "error": {"code": "1"}},
        {"id": 1, "error": {"code": True}},
    ],
)
def test_a_posted_answer_answers_one_request_one_way(message: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read({"jsonrpc": "2.0", **message})


# Without a body


@pytest.mark.parametrize(("verb", "method"), [("GET", STREAM), ("DELETE", END)])
def test_a_verb_without_a_body_stands_for_a_call(verb: str, method: str) -> None:
    call = handshake.bare(inbound(in_session(), verb=verb), recall)
    assert (call.id, call.method, call.client) == (None, method, HELD)


@pytest.mark.requirement("MCP-11")
@pytest.mark.parametrize("verb", ["GET", "DELETE"])
@pytest.mark.parametrize("version", [MODERN, "2099-01-01", ""])
def test_the_modern_era_knows_post_only(verb: str, version: str) -> None:
    """Checklist line 11."""
    with pytest.raises(WrongVerb):
        handshake.bare(inbound(in_session(**{"mcp-protocol-version": version}), verb=verb), recall)


@pytest.mark.requirement("MCP-11")
def test_a_get_without_a_session_is_405_and_a_delete_lacks_something() -> None:
    with pytest.raises(WrongVerb):
        handshake.bare(inbound(verb="GET"), recall)
    with pytest.raises(SessionRequired):
        handshake.bare(inbound(verb="DELETE"), recall)


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "OPTIONS", "HEAD", "get"])
def test_any_other_verb_ends_no_session(verb: str) -> None:
    with pytest.raises(WrongVerb):
        handshake.bare(inbound(in_session(), verb=verb), recall)
