"""What the parameters of every method look like in every revision, and the words for what does not look so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ostiary.core.errors import BadParams, UnknownMethod
from ostiary.core.model import HANDSHAKES, MODERN, Era
from ostiary.protocol import handshake, modern, params
from ostiary.protocol.methods import METHODS
from tests.unit.protocol.letters import LEAST, envelope, in_session, inbound, legacy, recall, request, routing

Json = dict[str, Any]
Row = tuple[list[str], str, list[Any], list[Any]]
"""Methods, the way to a member of their parameters, what it must not be, and what it may be."""
REVISIONS = (*HANDSHAKES, MODERN)
_INFO, _CAPABILITIES = "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/clientCapabilities"

OBJECTS: list[Any] = [None, True, 1, "x", [], ["x"]]
TEXTS: list[Any] = [None, True, 1, 1.5, [], {}, {"x": 1}]
LISTINGS = [method for method in METHODS if method.endswith("/list")]
EVERYWHERE: list[Row] = [
    ([*METHODS], "_meta", OBJECTS, []),
    ([*METHODS], "_meta/progressToken", [None, True, 1.5, [], {}], ["p", "", 0, -1, 2**70]),
    (LISTINGS, "cursor", TEXTS, ["", "x"]),
    (["tools/call"], "name", [*TEXTS, ""], ["x", "é x"]),
    (["tools/call"], "arguments", OBJECTS, [{}, {"a": [1, None]}]),
    (["prompts/get"], "name", [*TEXTS, ""], ["x"]),
    (["prompts/get"], "arguments", [*OBJECTS, {"a": 1}, {"a": None}, {"a": "b", "c": []}], [{}, {"a": ""}]),
    (
        ["resources/read", "resources/subscribe", "resources/unsubscribe"], "uri",
        [*TEXTS, "", "x", "no scheme", "/etc/passwd", "1a:b", ":x", "file:", "file:///a\nb", "file:///a\x1b[2J", "a:\u202eb"],
        ["file:///a", "x:y", "file:///My Documents/ä", "urn:a:b", "ui://x"],
    ),
    (["completion/complete"], "ref", [*OBJECTS, {}], []),
    (["completion/complete"], "ref/type", [*TEXTS, "", "ref/tool", "prompt"], []),
    (["completion/complete"], "ref/name", [*TEXTS, ""], ["x"]),
    (["completion/complete"], "ref/title", TEXTS, ["x"]),
    (["completion/complete"], "argument", [*OBJECTS, {}], []),
    (["completion/complete"], "argument/name", TEXTS, ["", "x"]),
    (["completion/complete"], "argument/value", TEXTS, ["", "x"]),
]  # fmt: skip
SINCE_2025_06: list[Row] = [
    (["completion/complete"], "context", OBJECTS, [{}]),
    (["completion/complete"], "context/arguments", [*OBJECTS, {"a": 1}], [{}, {"a": "b"}]),
]
ONCE: list[Row] = [
    (["initialize"], "protocolVersion", TEXTS, ["2025-06-18", "1999-01-01"]),
    (["initialize"], "capabilities", OBJECTS, [{}, {"future": 1}]),
    *(
        (["initialize"], f"capabilities/{name}", OBJECTS, [{}])
        for name in ("elicitation", "sampling", "roots", "tasks")
    ),
    (["initialize"], "capabilities/extensions", [*OBJECTS, {"x": 1}], [{}, {"x": {}}]),
    (["initialize"], "clientInfo", OBJECTS, [{}, {"name": "x", "icons": 1}]),
    (["initialize"], "clientInfo/name", TEXTS, ["", "x"]),
    (["initialize"], "clientInfo/version", TEXTS, ["", "x"]),
    (["logging/setLevel"], "level", [*TEXTS, "", "loud", "INFO"], ["debug", "emergency"]),
]
TASKED: list[Row] = [
    (["tools/call"], "task", OBJECTS, [{}]),
    (["tools/call"], "task/ttl", [None, True, "1", 1.5, -1, {}], [0, 60_000]),
]
ROUND = ["tools/call", "prompts/get", "resources/read"]
STATELESS: list[Row] = [
    ([*METHODS], f"_meta/{_CAPABILITIES}/elicitation/url", OBJECTS, [{}]),
    ([*METHODS], f"_meta/{_CAPABILITIES}/sampling/tools", OBJECTS, [{}]),
    ([*METHODS], f"_meta/{_INFO}", OBJECTS, [{}]),
    ([*METHODS], f"_meta/{_INFO}/title", TEXTS, ["x"]),
    ([*METHODS], "_meta/io.modelcontextprotocol/logLevel", [*TEXTS, "loud"], ["info"]),
    (ROUND, "requestState", TEXTS, ["", "x"]),
    (ROUND, "inputResponses", [*OBJECTS, {"k": 1}, {"k": None}], [{}, {"k": {}}]),
    (["tasks/get", "tasks/update", "tasks/cancel"], "taskId", [*TEXTS, ""], ["x"]),
    (["tasks/update"], "inputResponses", [*OBJECTS, {"k": "x"}], [{"k": {}}]),
    (["subscriptions/listen"], "notifications", OBJECTS, [{}, {"future": 1}]),
    (["subscriptions/listen"], "notifications/toolsListChanged", [None, 1, "true", {}], [True, False]),
    (["subscriptions/listen"], "notifications/resourceSubscriptions", [None, "x", {}, [1], ["x", None]], [[], ["a:b"]]),
    (["subscriptions/listen"], "notifications/taskIds", [None, "x", {}, [1]], [[], ["x"]]),
]
TABLES: dict[str, list[Row]] = {
    "2024-11-05": [*EVERYWHERE, *ONCE],
    "2025-03-26": [*EVERYWHERE, *ONCE],
    "2025-06-18": [*EVERYWHERE, *SINCE_2025_06, *ONCE],
    "2025-11-25": [*EVERYWHERE, *SINCE_2025_06, *ONCE, *TASKED],
    MODERN: [*EVERYWHERE, *SINCE_2025_06, *STATELESS],
}
REQUIRED = {
    "tools/call": ["name"], "prompts/get": ["name"], "resources/read": ["uri"], "resources/subscribe": ["uri"],
    "resources/unsubscribe": ["uri"], "completion/complete": ["ref", "argument", "ref/type", "ref/name", "argument/name", "argument/value"],
    "logging/setLevel": ["level"], "initialize": ["protocolVersion"], "subscriptions/listen": ["notifications"],
    "tasks/get": ["taskId"], "tasks/cancel": ["taskId"], "tasks/update": ["taskId", "inputResponses"],
}  # fmt: skip


def least(method: str, version: str) -> Json:
    return {**LEAST[method], "_meta": envelope() if version == MODERN else {}}


def steps(way: str) -> list[str]:
    """Return the members on a way; the envelope's names hold a stroke themselves."""
    found: list[str] = []
    for part in way.split("/"):
        if found and found[-1] == "io.modelcontextprotocol":
            found[-1] += f"/{part}"
        else:
            found.append(part)
    return found


def changed(value: Json, way: list[str], put: Any, *, gone: bool = False) -> Json:
    made = dict(value)
    if len(way) > 1:
        inside = made.get(way[0])
        made[way[0]] = changed(inside if isinstance(inside, dict) else {}, way[1:], put, gone=gone)
    elif gone:
        del made[way[0]]
    else:
        made[way[0]] = put
    return made


def cases() -> Iterator[tuple[str, str, str, Any, bool]]:
    for version, table in TABLES.items():
        for methods, way, wrong, right in table:
            for method in methods:
                if method in params.named(version):
                    yield from ((version, method, way, value, False) for value in wrong)
                    yield from ((version, method, way, value, True) for value in right)


def test_every_method_of_a_revision_has_its_row_and_no_other() -> None:
    for version in REVISIONS:
        era = Era.MODERN if version == MODERN else Era.HANDSHAKE
        assert params.named(version) == {name for name, spec in METHODS.items() if era in spec.eras}


@pytest.mark.parametrize("version", REVISIONS)
def test_the_least_that_a_method_takes_is_enough(version: str) -> None:
    for method in params.named(version):
        params.fit(least(method, version), method, version)
        params.fit({**least(method, version), "future": [None]}, method, version)


def test_a_member_of_another_form_is_named_with_what_was_expected() -> None:
    seen = 0
    for version, method, way, value, good in cases():
        sent = changed(least(method, version), steps(way), value)
        if good:
            params.fit(sent, method, version)
            continue
        with pytest.raises(BadParams) as caught:
            params.fit(sent, method, version)
        hint, seen = caught.value.hint, seen + 1
        assert hint.startswith(f"params.{'.'.join(steps(way))}"), (version, method, way, value, hint)
        assert " must be " in hint or " is missing" in hint
    assert seen > 2_000


def test_a_member_that_is_needed_is_named_when_it_is_missing() -> None:
    for version in REVISIONS:
        for method in params.named(version):
            ways = [*REQUIRED.get(method, []), *(["_meta"] if version == MODERN else [])]
            for way in ways:
                with pytest.raises(BadParams) as caught:
                    params.fit(changed(least(method, version), steps(way), None, gone=True), method, version)
                found = f"params.{'.'.join(steps(way))}"
                assert caught.value.hint in {f"{found} is missing", f"{found} must be one of ref/prompt, ref/resource"}


@pytest.mark.parametrize(
    ("value", "called"),
    [(None, "null: leave it out"), (True, "a boolean"), (1, "a number"), ("loud", "another text"), ("", "empty"),
     ([], "an array"), ({}, "an object")],
)  # fmt: skip
def test_what_came_is_told_by_its_kind_and_never_by_its_value(value: Any, called: str) -> None:
    with pytest.raises(BadParams) as caught:
        params.fit({"level": value}, "logging/setLevel", "2025-06-18")
    assert called in caught.value.hint
    assert "loud" not in caught.value.hint


def test_a_template_is_referred_to_by_its_uri() -> None:
    argument = {"name": "a", "value": ""}
    good = {"ref": {"type": "ref/resource", "uri": "file:///{x}"}, "argument": argument}
    params.fit(good, "completion/complete", "2024-11-05")
    for bad in ({"type": "ref/resource"}, {"type": "ref/resource", "name": "x"}, {"type": "ref/resource", "uri": ""}):
        with pytest.raises(BadParams, match=r"params\.ref\.uri"):
            params.fit({"ref": bad, "argument": argument}, "completion/complete", "2024-11-05")


# Where messages are read


@pytest.mark.parametrize("version", HANDSHAKES)
def test_a_session_s_messages_are_held_to_its_own_revision(version: str) -> None:
    sent = in_session(**{"mcp-protocol-version": version})
    tasked = legacy("tools/call", {"name": "x", "task": 5})
    if version == "2025-11-25":
        with pytest.raises(BadParams):
            handshake.read(tasked, inbound(sent), recall)
    else:
        handshake.read(tasked, inbound(sent), recall)
    with pytest.raises(BadParams) as caught:
        handshake.read(legacy("tools/list", {"cursor": 5}), inbound(sent), recall)
    assert caught.value.era is Era.HANDSHAKE


def test_an_unknown_method_and_wrong_parameters_are_no_failures_of_the_session() -> None:
    """A client that gets 404 for a message with a session begins another one (2025-11-25, "Session management")."""
    with pytest.raises(UnknownMethod) as caught:
        handshake.read(legacy("tasks/list"), inbound(in_session()), recall)
    assert caught.value.era is Era.HANDSHAKE


def test_a_modern_request_that_names_nothing_is_told_which_member_is_missing() -> None:
    with pytest.raises(BadParams, match=r"params\.name is missing"):
        modern.read(request("tools/call"), inbound(routing("tools/call")))


def test_an_initialize_with_two_spellings_of_a_member_is_refused() -> None:
    message = legacy("initialize", {"protocolVersion": "2025-06-18", "ProtocolVersion": "2024-11-05"})
    with pytest.raises(BadParams, match="some readers"):
        handshake.read(message, inbound({}), recall)
