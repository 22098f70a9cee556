"""Whatever the era, one request becomes one call or one refusal that names the request."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.core.errors import GatewayError, Malformed, NotJson, SessionRequired
from ostiary.core.model import Call, Era
from ostiary.protocol import jsonrpc, modern, reading
from ostiary.protocol.methods import END, STREAM
from tests.unit.protocol.letters import in_session, inbound, legacy, recall, request, routing


def read(message: Any, sent: dict[str, str] | None = None, verb: str = "POST") -> Call:
    body = message if isinstance(message, bytes) else jsonrpc.encode(message)
    return reading.read(inbound(sent, verb=verb), body, 64, recall)


def test_both_eras_are_read_at_the_same_door() -> None:
    """Checklist line 1."""
    assert read(request("tools/list"), routing("tools/list")).client.era is Era.MODERN
    assert read(legacy("tools/list"), in_session()).client.era is Era.HANDSHAKE
    assert read(legacy("initialize", {"protocolVersion": "2024-11-05"})).client.version == "2024-11-05"


@pytest.mark.parametrize(("verb", "method"), [("GET", STREAM), ("DELETE", END)])
def test_verbs_without_a_body_do_not_read_one(verb: str, method: str) -> None:
    assert read(b"not json", in_session(), verb).method == method


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
