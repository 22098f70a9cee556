"""No parameter of a form that its revision does not know reaches a server, or breaks anything here.

The wrong ones are those of the table of forms (`tests/unit/protocol/test_params.py`); here they go the whole way.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.core.model import HANDSHAKES, MODERN, Answer, Inbound
from ostiary.protocol import params
from ostiary.protocol.modern import CAPABILITIES, VERSION
from tests.pipeline.stage import Stage, whole
from tests.unit.protocol.letters import LEAST
from tests.unit.protocol.test_params import cases, changed, least, steps

NAMED = {"name": "files__read", "uri": "note://1"}
_SPECIAL = {VERSION, CAPABILITIES}


def reachable(method: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that name what is there, where they name anything well."""
    least = {key: NAMED[key] for key, value in LEAST[method].items() if key in NAMED and sent.get(key) == value}
    return {**sent, **least}


def session(stage: Stage, version: str) -> str:
    said = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    answer = stage.play(posted("initialize", said, {}))
    return str(answer.headers["mcp-session-id"])


def posted(method: str, sent: dict[str, Any], headers: dict[str, str]) -> Inbound:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": sent}).encode()
    return Inbound("POST", "/mcp", headers, frozenset(), "ana-token", "127.0.0.1", whole(body))


def played(stage: Stage, version: str, method: str, sent: dict[str, Any], token: str) -> Answer:
    if version != MODERN:
        headers = {} if method == "initialize" else {"mcp-session-id": token, "mcp-protocol-version": version}
        return stage.play(posted(method, sent, headers))
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method}
    for key in ("name", "uri", "taskId"):
        if isinstance(sent.get(key), str) and sent[key].isprintable() and sent[key].isascii():
            headers["mcp-name"] = sent[key]
    return stage.play(posted(method, sent, headers))


@pytest.mark.parametrize("version", [*HANDSHAKES, MODERN])
def test_what_has_another_form_is_refused_here_with_the_name_of_the_member(version: str) -> None:
    stage, seen = Stage(), 0
    token = session(stage, version) if version != MODERN else ""
    for revision, method, way, value, good in cases():
        path = steps(way)
        if good or revision != version or not _SPECIAL.isdisjoint(path[1:2]):
            continue
        if path[0] == "_meta" and version == MODERN and len(path) == 1:
            continue  # Without its envelope it is a message of the other era, which has a test of its own.
        sent = reachable(method, changed(least(method, version), path, value))
        answer = played(stage, version, method, sent, token)
        assert answer.payload is not None
        where = (method, way, value, answer.payload)
        error = answer.payload.get("error")
        assert error is not None, where
        if path[0] in {"name", "uri", "taskId"} and error["code"] == -32020:
            continue  # What a header cannot mirror disagrees with it, which is said first.
        assert error["code"] == -32602, where
        assert f"params.{path[0]}" in error["message"], where
        assert answer.status == (400 if version == MODERN else 200), where
        seen += 1
    assert seen > 100
    assert stage.sent == []
    assert {trail.outcome for trail in stage.audit.ended[1:]} <= {"bad_params", "header_mismatch"}


@pytest.mark.parametrize("version", [*HANDSHAKES, MODERN])
def test_a_method_that_a_revision_does_not_have_is_refused(version: str) -> None:
    stage = Stage()
    token = session(stage, version) if version != MODERN else ""
    every = {method for each in (*HANDSHAKES, MODERN) for method in params.named(each)}
    for method in sorted({*every, "tasks/list", "tasks/result", "sampling/createMessage", "x"} - params.named(version)):
        sent = {"_meta": least("ping", version)["_meta"]}
        answer = played(stage, version, method, sent, token)
        assert answer.payload is not None
        assert answer.payload["error"]["code"] == -32601, method
        assert answer.status == (404 if version == MODERN else 200)
    assert stage.sent == []
