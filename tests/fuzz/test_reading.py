"""Requests, mutated: each becomes a call or one of our refusals, with a status below 500, and never anything else."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.errors import GatewayError
from ostiary.core.model import MODERN, Call, Era, Json
from ostiary.protocol import answers, headers, jsonrpc, modern, reading
from ostiary.protocol.methods import METHODS, OWN
from tests.unit.protocol.letters import SESSION, envelope, inbound, legacy, recall, request, routing

NAMES = ["files__read", "file:///x", "é", "", "=?base64?YQ==?=", " a "]
METHOD_NAMES = [*METHODS, *OWN, "notifications/cancelled", "notifications/initialized", "", "TOOLS/CALL", "x"]
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**40,
    "",
    "x",
    [],
    {},
    [{}],
    {"a": []},
    "\0",
    MODERN,
    "2025-11-25",
    "ref/prompt",
    {"type": "ref/prompt"},
    {"type": []},
]
KEYS = [
    "jsonrpc", "id", "method", "params", "_meta", "name", "Name", "uri", "arguments", "ref", "type", "progressToken", "result", "error", modern.VERSION,
    modern.CAPABILITIES, modern.INFO, modern.LEVEL, "protocolVersion", "capabilities", "clientInfo", "cursor", "elicitation", "sampling", "x",
]  # fmt: skip
HEADERS = ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "mcp-param-region", "accept", "x"]
VALUES = [
    MODERN,
    "2025-11-25",
    "2025-11-25 ",
    "1999-01-01",
    "",
    SESSION,
    "forged",
    "tools/call",
    "files__read",
    "=?base64?YQ==?=",
    "=?base64?*?=",
    "\xe9",
    "a\x00",
]


def start(rng: random.Random) -> tuple[dict[str, Any], dict[str, str]]:
    method, name = rng.choice(METHOD_NAMES), rng.choice(NAMES)
    params: dict[str, Any] = {
        "name": name,
        "uri": name,
        "arguments": {"path": "x"},
        "ref": {"type": "ref/prompt", "name": name},
    }
    if rng.random() < 0.5:
        return request(method, params, rng.choice([1, "a", None])), routing(method, headers.encoded(name))
    params["protocolVersion"] = "2025-11-25"
    return legacy(method, {**params, "_meta": {"progressToken": 1}}, rng.choice([1, "a"])), {"mcp-session-id": SESSION}


def mutate(rng: random.Random, value: Any, depth: int = 0) -> Any:
    if rng.random() < 0.08 or depth > 6:
        return rng.choice(ODD)
    if isinstance(value, dict):
        new = {key: mutate(rng, item, depth + 1) for key, item in value.items() if rng.random() > 0.05}
        if rng.random() < 0.15:
            new[rng.choice(KEYS)] = rng.choice(ODD)
        return new
    if isinstance(value, list):
        return [mutate(rng, item, depth + 1) for item in value]
    return value


def mutated_headers(rng: random.Random, sent: dict[str, str]) -> dict[str, str]:
    new = {key: value for key, value in sent.items() if rng.random() > 0.1}
    if rng.random() < 0.3:
        new[rng.choice(HEADERS)] = rng.choice(VALUES)
    return new


def broken(rng: random.Random, body: bytes) -> bytes:
    if rng.random() < 0.7 or not body:
        return body
    place = rng.randrange(len(body))
    piece = rng.choice([b"", b"{", b"\x00", b"\xff", b"\\", b'"', b"9" * 400, b"\\ud800", body[: place + 1]])
    return body[:place] + piece + body[place + rng.randrange(3) :]


def outcome(verb: str, sent: dict[str, str], doubled: frozenset[str], body: bytes) -> Call | None:
    """Read the request; check that a refusal can be told to any client."""
    message = inbound(sent, verb=verb, doubled=doubled)
    try:
        return reading.read(message, body, 64, recall)
    except GatewayError as error:
        told = refusable(error)
        jsonrpc.encode(told)
        return None


def refusable(error: GatewayError) -> Json:
    """What the client is told: one of its own errors, about its own request."""
    assert 400 <= error.status < 500, error
    assert error.ident is None or jsonrpc.is_id(error.ident)
    told = answers.refused(error, None, "r", "Bearer")
    assert told.payload is not None
    return told.payload


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_a_mutated_request_is_a_call_or_a_refusal(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(50):
        message, sent = start(rng)
        body = broken(rng, jsonrpc.encode(mutate(rng, message)))
        doubled = frozenset({rng.choice(HEADERS)}) if rng.random() < 0.05 else frozenset()
        verb = "POST" if rng.random() < 0.9 else rng.choice(["GET", "DELETE", "PUT", "HEAD"])
        call = outcome(verb, mutated_headers(rng, sent), doubled, body)
        if call is not None and verb == "POST":
            holds(call, sent)


def holds(call: Call, sent: dict[str, str]) -> None:
    """What every call promises to the steps behind it."""
    assert call.id is None or jsonrpc.is_id(call.id)
    assert isinstance(call.method, str)
    assert isinstance(call.params, dict)
    assert isinstance(call.client.offer, str)
    spec = METHODS.get(call.method)
    if call.id is None:
        assert spec is None
        return
    assert spec is not None
    assert call.client.era in spec.eras
    assert (call.name is None) is (spec.key is None)


@settings(max_examples=200)
@given(
    st.sampled_from(["tools/call", "prompts/get", "resources/read"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text(st.characters(max_codepoint=255), max_size=20),
)
def test_no_header_but_its_own_passes_for_a_name(method: str, name: str, header: str) -> None:
    """Whatever a router in front reads in `Mcp-Name` is what is called."""
    key = "uri" if method == "resources/read" else "name"
    call = outcome("POST", routing(method, header), frozenset(), jsonrpc.encode(request(method, {key: name})))
    if call is not None:
        assert call.name == name == headers.decoded(header)


@given(st.sampled_from([*METHODS]), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_an_envelope_makes_a_message_modern_whatever_else_it_says(method: str, more: dict[str, int]) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**more, "_meta": envelope()}}
    assert modern.is_modern(message, "2025-11-25")
    call = outcome("POST", {"mcp-session-id": SESSION}, frozenset(), jsonrpc.encode(message))
    assert call is None or call.client.era is Era.MODERN
