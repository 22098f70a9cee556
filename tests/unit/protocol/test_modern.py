"""The ladder of 2026-07-28: cheapest check first, and the first rung that fails names the error."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.core.errors import BadParams, GatewayError, HeaderMismatch, Malformed, UnknownMethod, UnsupportedVersion
from ostiary.core.model import MODERN, Call, Era
from ostiary.protocol import headers, modern
from ostiary.protocol.methods import METHODS, OWN
from tests.unit.protocol.letters import LEAST, envelope, inbound, request, routing

READ = request("tools/call", {"name": "files__read", "arguments": {"path": "/x"}})
READ_HEADERS = routing("tools/call", "files__read")


def read(message: dict[str, Any], sent: dict[str, str], doubled: frozenset[str] = frozenset()) -> Call:
    return modern.read(message, inbound(sent, doubled=doubled))


def changed(message: dict[str, Any], **params: Any) -> dict[str, Any]:
    return {**message, "params": {**message["params"], **params}}


def with_meta(**meta: Any) -> dict[str, Any]:
    return changed(READ, _meta=envelope(**meta))


def without_meta(key: str) -> dict[str, Any]:
    return changed(READ, _meta={name: value for name, value in envelope().items() if name != key})


def test_a_good_request_becomes_a_call() -> None:
    call = read(READ, READ_HEADERS)
    assert (call.id, call.method, call.name, call.progress, call.level) == (1, "tools/call", "files__read", None, None)
    assert call.params == READ["params"]
    assert (call.client.era, call.client.version, call.client.capabilities, call.client.session) == (
        Era.MODERN, MODERN, {}, None,
    )  # fmt: skip


@pytest.mark.parametrize("method", [name for name, spec in METHODS.items() if Era.MODERN in spec.eras])
def test_every_modern_method_is_read(method: str) -> None:
    key = METHODS[method].key
    params, name = LEAST[method], None if key is None else "t:t"
    call = read(request(method, params), routing(method, name if key in {"name", "uri", "taskId"} else None))
    assert call.name == name


@pytest.mark.requirement("MCP-06", "MCP-43")
@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
@pytest.mark.parametrize("mirror", [None, "u", "T"])
def test_a_task_is_named_in_the_header_too(method: str, mirror: str | None) -> None:
    """SEP-2663, "Streamable HTTP: Routing Headers"."""
    with pytest.raises(HeaderMismatch):
        read(request(method, {"taskId": "t"}), routing(method, mirror))
    with pytest.raises(BadParams):
        read(request(method, {"taskId": "t", "TaskID": "u"}), routing(method, "t"))


@pytest.mark.requirement("MCP-03")
def test_what_a_client_says_of_itself_is_kept_and_reduced_to_an_offer() -> None:
    """Checklist line 3: client info is optional."""
    meta = {
        modern.CAPABILITIES: {"elicitation": {}},
        modern.INFO: {"name": "x"},
        modern.LEVEL: "info",
        "progressToken": 0,
    }
    call = read(with_meta(**meta), READ_HEADERS)
    assert (call.client.offer, call.client.info, call.level, call.progress) == ("form", {"name": "x"}, "info", 0)
    assert read(with_meta(**{modern.INFO: {}}), READ_HEADERS).client.info == {}


@pytest.mark.requirement("MCP-14")
@pytest.mark.parametrize("sent", [{}, {"mcp-session-id": "sealed", "last-event-id": "1", "x-other": "1"}])
def test_headers_of_the_other_era_are_ignored(sent: dict[str, str]) -> None:
    """Checklist line 14."""
    assert read(READ, {**READ_HEADERS, **sent}).client.session is None


@pytest.mark.requirement("MCP-03")
@pytest.mark.parametrize("key", [modern.VERSION, modern.CAPABILITIES])
def test_an_envelope_without_a_required_member_is_bad_params(key: str) -> None:
    """Checklist line 3."""
    with pytest.raises(BadParams):
        read(without_meta(key), READ_HEADERS)


@pytest.mark.parametrize(
    "message",
    [
        with_meta(**{modern.VERSION: 5}), with_meta(**{modern.VERSION: None}), with_meta(**{modern.CAPABILITIES: []}),
        with_meta(**{modern.CAPABILITIES: None}), changed(READ, _meta=None), changed(READ, _meta=[]), changed(READ, _meta="x"),
        with_meta(**{modern.LEVEL: "loud"}), with_meta(**{modern.LEVEL: 1}), with_meta(**{modern.LEVEL: []}),
        with_meta(**{modern.LEVEL: {}}), with_meta(**{modern.LEVEL: None}), with_meta(**{modern.INFO: "x"}), with_meta(progressToken=None), with_meta(progressToken=True), with_meta(progressToken=1.5), with_meta(progressToken=[]),
    ],
)  # fmt: skip
def test_a_member_of_the_wrong_kind_is_bad_params(message: dict[str, Any]) -> None:
    with pytest.raises(BadParams):
        read(message, READ_HEADERS)


@pytest.mark.requirement("MCP-09")
@pytest.mark.parametrize("ident", [None, True, False, 1.5, [], {}])
def test_an_id_that_is_none_is_malformed(ident: Any) -> None:
    """Checklist line 9."""
    with pytest.raises(Malformed):
        read({**READ, "id": ident}, READ_HEADERS)


@pytest.mark.requirement("MCP-09")
@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "id": 1, "result": {}}, {"jsonrpc": "2.0", "id": 1, "error": {}}, {**READ, "method": 5},
        {**READ, "method": None}, {**READ, "params": []}, {**READ, "params": None}, {**READ, "params": "x"}, {},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": []},
    ],
)  # fmt: skip
def test_what_is_neither_request_nor_notification_is_malformed(message: dict[str, Any]) -> None:
    """Checklist line 9: no posted answers in this era."""
    with pytest.raises(Malformed):
        read(message, READ_HEADERS)


def test_a_notification_needs_no_envelope() -> None:
    """2026-07-28: the header rules for notifications are undefined, so none are made up."""
    call = read({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, {})
    assert (call.id, call.method, call.params) == (None, "notifications/cancelled", {"requestId": 1})
    assert read({"jsonrpc": "2.0", "method": "notifications/x"}, {}).params == {}


@pytest.mark.parametrize("method", [*METHODS, *OWN])
def test_a_request_without_an_id_is_no_notification(method: str) -> None:
    """Nobody could be told how it ended; and our own names for posted answers are not for others to use."""
    with pytest.raises(Malformed):
        read({"jsonrpc": "2.0", "method": method, "params": {}}, {})


@pytest.mark.requirement("MCP-02", "MCP-05", "MCP-06")
@pytest.mark.parametrize(
    "sent",
    [
        {}, {**READ_HEADERS, "mcp-protocol-version": "2025-11-25"}, {**READ_HEADERS, "mcp-protocol-version": ""},
        {**READ_HEADERS, "mcp-protocol-version": MODERN + "\xa0"}, {**READ_HEADERS, "mcp-method": "tools/list"},
        {**READ_HEADERS, "mcp-method": "Tools/call"}, {**READ_HEADERS, "mcp-method": ""}, routing("tools/call"),
        routing("tools/call", "files__drop"), routing("tools/call", "Files__read"), routing("tools/call", ""),
        routing("tools/call", "=?base64?*?="), routing("tools/call", "files__read\x7f"),
        {key: value for key, value in READ_HEADERS.items() if key != "mcp-protocol-version"},
        {key: value for key, value in READ_HEADERS.items() if key != "mcp-method"},
    ],
)  # fmt: skip
def test_a_routing_header_that_is_missing_or_disagrees_is_a_mismatch(sent: dict[str, str]) -> None:
    """Checklist lines 2, 5 and 6."""
    with pytest.raises(HeaderMismatch):
        read(READ, sent)


@pytest.mark.requirement("MCP-05")
def test_blanks_around_routing_headers_are_tolerated() -> None:
    """Checklist line 5."""
    assert read(READ, {name: f" \t{value} \t" for name, value in READ_HEADERS.items()}).name == "files__read"


@pytest.mark.requirement("MCP-07", "MCP-08")
@pytest.mark.parametrize("name", ["mcp-name", "mcp-method", "mcp-protocol-version", "mcp-param-region"])
def test_a_doubled_routing_header_is_refused(name: str) -> None:
    """Checklist line 8: first-copy and last-copy readers would disagree."""
    with pytest.raises(HeaderMismatch, match="more than once"):
        read(READ, READ_HEADERS, frozenset({"accept", name}))


def test_other_headers_may_come_twice() -> None:
    assert read(READ, READ_HEADERS, frozenset({"accept"})).name == "files__read"


@pytest.mark.requirement("MCP-06")
@pytest.mark.parametrize("name", ["é", " read", "read ", "a\nb", "=?base64?cmVhZA==?="])
def test_a_name_in_base64_agrees_with_the_body_after_decoding(name: str) -> None:
    sent = routing("tools/call", headers.encoded(name))
    assert read(request("tools/call", {"name": name}), sent).name == name


@pytest.mark.parametrize("name", ["é", "read ", " read", "=?base64?cmVhZA==?=", "a\x00b"])
def test_a_header_that_only_looks_like_the_body_is_a_mismatch(name: str) -> None:
    """A router in front decodes or trims the header and sees another name than the one that would be called."""
    with pytest.raises(HeaderMismatch):
        read(request("tools/call", {"name": name}), routing("tools/call", name))


@pytest.mark.requirement("MCP-06")
def test_a_uri_is_mirrored_too() -> None:
    message = request("resources/read", {"uri": "file:///x"})
    assert read(message, routing("resources/read", "file:///x")).name == "file:///x"
    with pytest.raises(HeaderMismatch):
        read(message, routing("resources/read", "file:///y"))


@pytest.mark.requirement("MCP-04")
@pytest.mark.parametrize("version", ["2099-01-01", "2025-11-25", "DRAFT", ""])
def test_a_version_we_do_not_speak_is_answered_with_those_we_do(version: str) -> None:
    """Checklist line 4; a client that disagrees with itself is told that first."""
    with pytest.raises(UnsupportedVersion) as caught:
        read(with_meta(**{modern.VERSION: version}), {**READ_HEADERS, "mcp-protocol-version": version})
    assert caught.value.data == {"supported": [MODERN], "requested": version}
    with pytest.raises(HeaderMismatch):
        read(with_meta(**{modern.VERSION: version}), READ_HEADERS)


@pytest.mark.requirement("MCP-10")
@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tools/cal", *OWN])
def test_an_unknown_or_removed_method_is_not_found(method: str) -> None:
    """Checklist line 10."""
    with pytest.raises(UnknownMethod):
        read(request(method), routing(method))


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {}), ("tools/call", {"name": ""}), ("tools/call", {"name": 5}), ("tools/call", {"name": ["x"]}),
        ("resources/read", {"uri": None}), ("completion/complete", {}), ("completion/complete", {"ref": "x"}),
        ("completion/complete", {"ref": {}}), ("completion/complete", {"ref": {"type": "ref/prompt", "uri": "x"}}),
        ("completion/complete", {"ref": {"type": "ref/tool", "name": "x"}}), ("completion/complete", {"ref": {"type": [], "name": "x"}}),
        ("completion/complete", {"ref": {"type": {}, "uri": "x"}}), ("completion/complete", {"ref": {"type": "ref/resource", "uri": ""}}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "x", "Name": "y"}}),
    ],
)  # fmt: skip
def test_what_names_nothing_is_refused(method: str, params: dict[str, Any]) -> None:
    name = params.get("name", params.get("uri", ""))
    with pytest.raises((BadParams, HeaderMismatch)):
        read(request(method, params), routing(method, str(name)))


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ({"type": "ref/prompt", "name": "greet"}, "greet"),
        ({"type": "ref/resource", "uri": "file:///{x}"}, "file:///{x}"),
    ],
)
def test_a_completion_names_a_prompt_or_a_template(ref: dict[str, str], name: str) -> None:
    assert modern.named({"ref": ref}, "ref") == name


@pytest.mark.parametrize("key", ["Name", "NAME", "Arguments", "_META", "URI", "argumentſ", "requeſtstate", "Cursor"])
def test_a_parameter_that_differs_from_ours_by_case_alone_is_refused(key: str) -> None:
    """Go's encoding/json ignores case (and folds the long s to s): it would call another tool than the one that was allowed."""
    with pytest.raises(BadParams, match="some readers"):
        read(changed(READ, **{key: "files__drop"}), READ_HEADERS)


@pytest.mark.requirement("MCP-17")
def test_an_unknown_parameter_passes() -> None:
    """Checklist line 17."""
    assert read(changed(READ, future=1), READ_HEADERS).params["future"] == 1


@pytest.mark.requirement("MCP-02")
@pytest.mark.parametrize(
    ("message", "header", "expected"),
    [
        (READ, None, True), (READ, "2025-11-25", True), (READ, MODERN, True),
        (without_meta(modern.VERSION), None, True), (without_meta(modern.CAPABILITIES), None, True),
        ({"method": "initialize", "params": {}}, None, False), ({"method": "initialize", "params": {}}, "2025-06-18 ", False),
        ({"method": "initialize", "params": {}}, MODERN, True), ({"method": "ping"}, "1999-01-01", True), ({"method": "ping"}, "", True),
        ({"params": []}, None, False), ({"params": {"_meta": []}}, None, False), ({"params": {"_meta": {"progressToken": 1}}}, None, False),
    ],
)  # fmt: skip
def test_the_body_decides_the_era_before_the_header(
    message: dict[str, Any], header: str | None, expected: bool
) -> None:
    """Checklist line 2."""
    assert modern.is_modern(message, header) is expected


def test_a_client_of_the_ladder_sees_only_our_failures() -> None:
    for sent in ({}, READ_HEADERS):
        for message in ({}, READ, {**READ, "params": {"_meta": 1}}):
            try:
                read(message, sent)
            except GatewayError:
                continue
