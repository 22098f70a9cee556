"""Arguments cannot be made to look one way to a rule's condition and another way to the server."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ostiary.core.model import Inbound
from tests.pipeline.stage import Stage, call, whole

TEXT = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files], unknown_arguments: %s}}
views: {desk: {include: [files.*], set: {files.read: {path: /desk}}}}
rules:
  - {name: public, allow: [files.read], roles: [guest], when: 'args.path.startsWith("/pub/") && !args.path.contains("..")'}
  - {name: desk, allow: [files.read], roles: [guest], views: [desk], when: args.path == "/desk"}
"""


def raw(arguments: str) -> Inbound:
    """Return a call whose arguments are these very bytes."""
    message = call("files__read", "eve-token", path="PLACE")
    body = json.dumps(json.loads(_body(message)))
    return msgspec.structs.replace(message, body=whole(body.replace('{"path": "PLACE"}', arguments).encode()))


def _body(message: Inbound) -> bytes:
    step = message.body().__await__()
    try:
        next(step)
    except StopIteration as done:
        found: bytes = done.value
        return found
    raise AssertionError


@pytest.mark.parametrize("unknown", ["refuse", "drop", "allow"])
@pytest.mark.parametrize(
    "arguments",
    [
        '{"path": "/pub/a", "path": "/etc/passwd"}',
        '{"path": "/etc/passwd", "path": "/pub/a"}',
        '{"Path": "/pub/a", "path": "/etc/passwd"}',
        '{"p\\u0430th": "/pub/a", "path": "/etc/passwd"}',
        '{"path": ["/pub/a"]}',
        '{"path": {"startsWith": "/pub/"}}',
        '{"path": "/pub/../etc/passwd"}',
        '{"__proto__": {"path": "/pub/a"}}',
        '{"path\\u0000": "/pub/a"}',
        '{"args": {"path": "/pub/a"}}',
        '{"path": "\\ud800/pub/"}',
        '{"path": null}',
        '["/pub/a"]',
        "null",
    ],
)
def test_what_a_condition_did_not_see_reaches_no_server(arguments: str, unknown: str) -> None:
    stage = Stage(text=TEXT % unknown)
    stage.play(raw(arguments))
    assert stage.sent == []


@pytest.mark.parametrize("unknown", ["refuse", "drop", "allow"])
@pytest.mark.parametrize("arguments", [{"path": "/etc/passwd"}, {"path": "/desk"}, {"path": None}, {}])
def test_what_a_view_fixed_is_what_the_server_gets(arguments: dict[str, Any], unknown: str) -> None:
    stage = Stage(text=TEXT % unknown)
    message = msgspec.structs.replace(call("files__read", "eve-token", **arguments), endpoint="/views/desk/mcp")
    stage.play(message)
    assert [order.call.params["arguments"].get("path") for order in stage.sent] in ([], ["/desk"])
    assert stage.sent or arguments
