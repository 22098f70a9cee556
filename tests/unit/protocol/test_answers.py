"""What a client sees: results whole and in its own era's shape, refusals in public words."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.core import errors
from ostiary.core.model import Client, Era, Kind, Target
from ostiary.protocol import answers
from ostiary.protocol.answers import REFUSAL, answered, definition, refused
from tests.unit.protocol.letters import HELD, MODERN_CLIENT, call

BOTH = [MODERN_CLIENT, HELD]
ODD: dict[str, Any] = {
    "content": [{"type": "hologram", "x": None}],
    "_meta": {"a": None},
    "future": {"$ref": "#"},
    "isError": False,
}


@pytest.mark.requirement("MCP-17")
@pytest.mark.parametrize("client", BOTH)
def test_what_a_result_holds_survives(client: Client) -> None:
    """Checklist line 17."""
    answer = answered(call(client=client), {"result": ODD})
    assert answer.payload is not None
    assert answer.payload["id"] == 7
    assert {key: answer.payload["result"][key] for key in ODD} == ODD


@pytest.mark.requirement("MCP-16")
def test_a_result_gets_what_the_modern_era_requires() -> None:
    """Checklist line 16."""
    assert answers.modern(call(), {"content": []}) == {"content": [], "resultType": "complete"}
    assert answers.modern(call("resources/read"), {"contents": []}) == {
        "contents": [], "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
    }  # fmt: skip
    assert answers.modern(call("resources/read"), {"resultType": "complete"})["ttlMs"] == 0


def test_what_a_server_calls_public_is_private_here_for_access_is_decided_for_each_caller() -> None:
    """2026-07-28, caching: a public result may be handed to anyone."""
    shaped = answers.modern(call("resources/read"), {"resultType": "complete", "ttlMs": 5, "cacheScope": "public"})
    assert shaped == {"resultType": "complete", "ttlMs": 5, "cacheScope": "private"}


@pytest.mark.requirement("MCP-16")
@pytest.mark.parametrize("method", ["tools/call", "resources/read"])
def test_what_a_modern_server_says_stays_as_it_is(method: str) -> None:
    """Checklist line 16: an input_required has no ttlMs."""
    asked = {"resultType": "input_required", "inputRequests": {}}
    assert answers.modern(call(method), asked) is asked
    kept = {"resultType": "complete", "ttlMs": 5, "cacheScope": "private"}
    assert answers.modern(call(method), kept) == kept


@pytest.mark.requirement("MCP-16")
def test_a_question_is_nothing_to_keep() -> None:
    """2026-07-28, caching: a server that says otherwise is not believed."""
    asked = {"resultType": "input_required", "requestState": "s", "ttlMs": 5, "cacheScope": "public"}
    assert answers.modern(call(), asked) == {"resultType": "input_required", "requestState": "s"}


@pytest.mark.parametrize(
    ("method", "data", "code"),
    [
        ("resources/read", {"uri": "note://1"}, -32002),
        ("resources/read", {}, -32602),
        ("resources/read", "note://1", -32602),
        ("tools/call", {"uri": "note://1"}, -32602),
    ],
)
def test_a_missing_resource_has_its_old_code_in_the_handshake_era(method: str, data: Any, code: int) -> None:
    """2026-07-28, SEP-2164, the other way round."""
    answer = answered(call(method, client=HELD), {"error": {"code": -32602, "message": "m", "data": data}})
    assert answer.payload is not None
    assert answer.payload["error"] == {"code": code, "message": "m", "data": data}


@pytest.mark.parametrize("result", [None, [], "x"])
def test_a_result_that_is_no_object_has_no_shape_to_change(result: Any) -> None:
    assert answers.modern(call(), result) == answers.handshake(result) == result


@pytest.mark.requirement("MCP-21")
def test_a_result_loses_what_the_handshake_era_does_not_know() -> None:
    """Checklist line 21."""
    result = {
        "resultType": "complete",
        "ttlMs": 1,
        "cacheScope": "public",
        "content": [],
        "structuredContent": [1],
        "x": None,
    }
    assert answers.handshake(result) == {"content": [], "x": None}
    assert answers.handshake({"resultType": "complete", "structuredContent": {"a": 1}}) == {
        "structuredContent": {"a": 1}
    }


def test_a_result_of_the_handshake_era_passes_as_it_is() -> None:
    result = {"ttlMs": "mine", "structuredContent": [1]}
    assert answers.handshake(result) is result


@pytest.mark.requirement("MCP-20")
@pytest.mark.parametrize(
    ("code", "shown", "status"),
    [
        (-32002, -32602, 400), (-32042, -31007, 200), (-32601, -32601, 404), (-32602, -32602, 400), (-32603, -32603, 200),
        (-32020, -32020, 400), (-32021, -32021, 400), (-32022, -32022, 400), (-32700, -32700, 400), (-32600, -32600, 400), (12345, 12345, 200),
    ],
)  # fmt: skip
def test_an_error_reaches_a_modern_client_with_a_code_and_a_status_of_its_era(
    code: int, shown: int, status: int
) -> None:
    """Checklist line 20."""
    answer = answered(call(), {"error": {"code": code, "message": "m", "data": {"x": None}}})
    assert answer.status == status
    assert answer.payload == {"jsonrpc": "2.0", "id": 7, "error": {"code": shown, "message": "m", "data": {"x": None}}}


def test_an_error_reaches_a_handshake_client_unchanged() -> None:
    error = {"code": -32002, "message": "m", "data": {"uri": "x"}}
    answer = answered(call(client=HELD), {"error": error})
    assert (answer.status, answer.payload) == (200, {"jsonrpc": "2.0", "id": 7, "error": error})


@pytest.mark.parametrize("client", BOTH)
@pytest.mark.parametrize("error", ["boom", None, [], {}, {"code": "x"}, {"code": [1]}, {"message": "m"}])
def test_an_error_that_is_none_becomes_one(client: Client, error: Any) -> None:
    answer = answered(call(client=client), {"error": error})
    assert answer.payload is not None
    assert answer.payload["error"]["code"] == -32603


# Definitions


def target(kind: Kind = Kind.TOOL, exposed: str = "files__read", **more: Any) -> Target:
    return Target(
        "files", kind, "read", "files.read", exposed, {"name": "read", "inputSchema": {"type": "object"}, **more}
    )


@pytest.mark.requirement("MCP-17")
def test_a_definition_is_shown_whole_under_its_exposed_name() -> None:
    shown = definition(target(title=None, future={"a": None}), Era.MODERN)
    assert shown == {"name": "files__read", "inputSchema": {"type": "object"}, "title": None, "future": {"a": None}}


@pytest.mark.parametrize("member", ["uri", "uriTemplate"])
@pytest.mark.parametrize("kind", [Kind.TOOL, Kind.PROMPT])
def test_a_tool_cannot_keep_its_own_name_by_looking_like_a_resource(kind: Kind, member: str) -> None:
    """It could be called what this endpoint calls another server's tool, with its own description."""
    assert definition(target(kind, **{member: "x:y"}), Era.MODERN)["name"] == "files__read"


@pytest.mark.parametrize("kind", [Kind.RESOURCE, Kind.TEMPLATE])
def test_the_name_of_a_resource_is_for_people_and_stays(kind: Kind) -> None:
    assert definition(target(kind, "file:///x", execution=1, outputSchema=1), Era.HANDSHAKE)["name"] == "read"


@pytest.mark.parametrize("era", list(Era))
def test_nobody_is_told_of_tasks_of_2025_11_25(era: Era) -> None:
    assert "execution" not in definition(target(execution={"taskSupport": "required"}), era)


@pytest.mark.requirement("MCP-21")
@pytest.mark.parametrize(
    ("schema", "kept"),
    [({"type": "object"}, True), ({"type": "array"}, False), ({}, False), (None, False), (True, False)],
)
def test_the_handshake_era_has_output_schemas_of_objects_only(schema: Any, kept: bool) -> None:
    """Checklist line 21."""
    it = target(outputSchema=schema)
    assert ("outputSchema" in definition(it, Era.HANDSHAKE)) is kept
    assert definition(it, Era.MODERN)["outputSchema"] == schema


def test_showing_a_definition_does_not_change_it() -> None:
    it = target(execution={})
    definition(it, Era.MODERN)
    assert it.definition["name"] == "read"
    assert "execution" in it.definition


# Refusals


@pytest.mark.parametrize("client", BOTH)
def test_a_model_can_read_why_its_tool_call_was_refused(client: Client) -> None:
    answer = refused(errors.Limited("detail", hint="later", retry_after=1.2345), call(client=client), "r-1", "Bearer")
    assert answer.status == 200
    assert answer.headers == {"retry-after": "2"}
    assert answer.payload is not None
    result = answer.payload["result"]
    assert result["isError"] is True
    assert result["content"] == [{"type": "text", "text": "Limit reached: later. (reference r-1)"}]
    assert result["_meta"][REFUSAL] == {"code": "limited", "reference": "r-1", "retry_after": 1.234}
    assert ("resultType" in result) is (client is MODERN_CLIENT)


def test_other_methods_get_an_error() -> None:
    answer = refused(errors.Limited(hint="later"), call("prompts/get"), "r-1", "")
    assert answer.payload == {
        "jsonrpc": "2.0", "id": 7,
        "error": {"code": -31005, "message": "Limit reached: later", "data": {REFUSAL: {"code": "limited", "reference": "r-1"}}},
    }  # fmt: skip
    assert (answer.status, answer.headers) == (429, {"retry-after": "1"})


def test_data_that_the_specification_defines_holds_nothing_of_ours() -> None:
    data = {"supported": ["2026-07-28"], "requested": "x"}
    answer = refused(errors.UnsupportedVersion(data=data), None, "r-1", "")
    assert answer.payload is not None
    assert answer.payload["error"]["data"] == data
    bare = refused(errors.NotFound(), call(), "r-1", "").payload
    assert bare is not None
    assert "data" not in bare["error"]


def test_detail_is_never_shown() -> None:
    for each in vars(errors).values():
        if isinstance(each, type) and hasattr(each, "code"):
            for one in (None, call(), call(client=HELD), call("prompts/get"), call("resources/read", HELD)):
                answer = refused(each("s3cret"), one, "r", "Bearer")
                assert "s3cret" not in str((answer.payload, answer.headers))


def test_what_was_understood_of_a_handshake_era_message_is_refused_with_a_status_that_ends_no_session() -> None:
    """2025-11-25, "Session management": a 404 to a message with a session means that there is none any more."""
    error = errors.UnknownMethod(hint="x")
    error.ident, error.era = 7, Era.HANDSHAKE
    answer = refused(error, None, "", "")
    assert (answer.status, answer.payload and answer.payload["error"]["code"]) == (200, -32601)
    assert refused(errors.UnknownMethod(), None, "", "").status == 404


def test_a_refusal_before_there_is_a_call_carries_the_id_that_was_read() -> None:
    error = errors.HeaderMismatch()
    error.ident = "a"
    answer = refused(error, None, "", "")
    assert answer.payload is not None
    assert (answer.payload["id"], answer.status) == ("a", 400)


@pytest.mark.parametrize(
    ("error", "method", "client", "status", "code"),
    [
        (errors.NotFound(), "resources/read", MODERN_CLIENT, 400, -32602), (errors.NotFound(), "resources/read", HELD, 200, -32002),
        (errors.NotFound(), "tools/call", HELD, 200, -32602), (errors.NotFound(), "tools/call", MODERN_CLIENT, 400, -32602),
        (errors.BadParams(), "resources/read", HELD, 200, -32602), (errors.Closing(), "tools/call", HELD, 503, -31042),
        (errors.InsufficientScope(), "tools/call", HELD, 403, -31003), (errors.Fault(), "tools/list", HELD, 200, -32603),
        (errors.Fault(), "tools/list", MODERN_CLIENT, 500, -32603),
    ],
)  # fmt: skip
def test_each_era_has_its_codes_and_statuses(
    error: errors.GatewayError, method: str, client: Client, status: int, code: int
) -> None:
    """A handshake client reads an error only in a 200; a missing resource was -32002 until 2025-11-25."""
    answer = refused(error, call(method, client), "r", "")
    assert answer.payload is not None
    assert (answer.status, answer.payload["error"]["code"]) == (status, code)


@pytest.mark.parametrize("client", BOTH)
def test_a_refused_notification_is_refused_by_status(client: Client) -> None:
    answer = refused(errors.Limited(), call(client=client, ident=None), "r", "")
    assert (answer.status, answer.payload["id"] if answer.payload else 1) == (429, None)


META = 'Bearer resource_metadata="https://x/y"'


@pytest.mark.parametrize(
    ("error", "challenge", "expected"),
    [
        (errors.Unauthenticated("no credential"), "Bearer", "Bearer"),
        (errors.Unauthenticated("unknown", hint="bad token"), "Bearer", 'Bearer error="invalid_token"'),
        (errors.Unauthenticated("unknown", hint="bad token"), META, META + ', error="invalid_token"'),
        (errors.Unauthenticated("no credential"), META, META),
        (errors.InsufficientScope(data={"scope": "a b:c"}), META, META + ', error="insufficient_scope", scope="a b:c"'),
        (errors.InsufficientScope(data={"scope": 'a", x="'}), "Bearer", 'Bearer error="insufficient_scope"'),
        (errors.InsufficientScope(data={"scope": "é\r\nx: y"}), "Bearer", 'Bearer error="insufficient_scope"'),
        (errors.InsufficientScope(), "Bearer", 'Bearer error="insufficient_scope"'),
        (errors.Unauthenticated(), "", None), (errors.Forbidden(), "Bearer", None), (errors.WrongOrigin(), "Bearer", None),
        (errors.NotFound(), "Bearer", None),
    ],
)  # fmt: skip
def test_only_a_better_credential_is_ever_asked_for(
    error: errors.GatewayError, challenge: str, expected: str | None
) -> None:
    """RFC 6750 section 3, checklist lines 45 and 46; no scope name can break out of its quotes."""
    assert refused(error, None, "", challenge).headers.get("www-authenticate") == expected


def test_a_nonce_to_use_comes_in_a_header_of_its_own() -> None:
    """RFC 9449 section 9."""
    error = errors.Unauthenticated("dpop_nonce", hint="bad token", data={"dpop_nonce": "n0"})
    headers = refused(error, None, "", META).headers
    assert headers["dpop-nonce"] == "n0"
    assert headers["www-authenticate"] == 'DPoP error="use_dpop_nonce", resource_metadata="https://x/y"'


@pytest.mark.parametrize(
    ("seconds", "header"), [(None, "1"), (0.0, "1"), (0.2, "1"), (1.4, "2"), (60.0, "60"), (float("inf"), "86400")]
)
def test_who_is_told_to_wait_is_told_long_enough(seconds: float | None, header: str) -> None:
    assert refused(errors.Overloaded(retry_after=seconds), None, "", "").headers["retry-after"] == header
