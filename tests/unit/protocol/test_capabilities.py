"""However a client writes what it can do, it is one of few sets; and a server asks for nothing beyond it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol.capabilities import (
    EVERYTHING,
    NOTHING,
    announced_extensions,
    capable_of_tasks,
    covers,
    declared,
    needed,
    offer,
)

TASKS, UI = "io.modelcontextprotocol/tasks", "io.modelcontextprotocol/ui"
APP = {"mimeTypes": ["text/html;profile=mcp-app"]}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda it: (
        st.lists(it, max_size=3)
        | st.dictionaries(st.sampled_from(["form", "url", "tools", "context", "x"]), it, max_size=4)
    ),
    max_leaves=6,
)
DECLARED = st.dictionaries(
    st.sampled_from(["elicitation", "sampling", "roots", "experimental", "tasks"]), JSON, max_size=5
) | st.builds(
    lambda extensions: {"extensions": extensions},
    st.dictionaries(st.sampled_from([TASKS, UI, "x/y"]), JSON | st.just(APP)),
)
PARTS = EVERYTHING.split(",")
ALL = {",".join(chosen) for size in range(len(PARTS) + 1) for chosen in combinations(PARTS, size)}


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, NOTHING), ({"experimental": {"a": {}}}, NOTHING), ({"elicitation": {}}, "form"), ({"elicitation": {"form": {}}}, "form"),
        ({"elicitation": {"url": {}}}, "url"), ({"elicitation": {"url": {}, "form": {}}}, "form,url"), ({"elicitation": {"x": {}}}, "form"),
        ({"elicitation": True}, NOTHING), ({"sampling": {}}, "sampling"), ({"sampling": {"tools": {}, "context": {}}}, "context,sampling,tools"),
        ({"sampling": None}, NOTHING), ({"roots": {"listChanged": True}}, "roots"), ({"roots": []}, NOTHING),
    ],
)  # fmt: skip
def test_capabilities_become_an_offer(capabilities: dict[str, Any], expected: str) -> None:
    assert offer(capabilities) == expected


@given(DECLARED, st.booleans())
def test_nobody_can_invent_an_offer(capabilities: dict[str, Any], modern: bool) -> None:
    """A catalogue is kept for each; a client must not choose how many."""
    assert offer(capabilities, modern=modern) in ALL


@given(DECLARED, st.booleans())
def test_what_is_declared_upstream_is_what_was_offered(capabilities: dict[str, Any], modern: bool) -> None:
    offered = offer(capabilities, modern=modern)
    assert offer(declared(offered, modern=modern), modern=modern) == offered


def test_everything_is_the_whole_of_it() -> None:
    assert offer(declared(EVERYTHING, modern=True), modern=True) == EVERYTHING
    assert declared(NOTHING, modern=True) == {}


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ({TASKS: {}}, "tasks"), ({TASKS: {"later": 1}, UI: APP}, "tasks,ui"), ({UI: APP}, "ui"), ({TASKS: True}, NOTHING), (None, NOTHING),
        ({UI: {}}, NOTHING), ({UI: {"mimeTypes": ["text/plain"]}}, NOTHING), ({UI: {"mimeTypes": APP["mimeTypes"][0]}}, NOTHING),
        ({UI: {"mimeTypes": ["text/plain", *APP["mimeTypes"]], "more": 1}}, "ui"), ({"x/y": {}}, NOTHING), ([], NOTHING), ({UI: []}, NOTHING),
    ],
)  # fmt: skip
def test_the_extensions_we_carry_are_part_of_the_offer(extensions: Any, expected: str) -> None:
    assert offer({"extensions": extensions}, modern=True) == expected


def test_tasks_are_nothing_for_a_peer_with_a_handshake() -> None:
    """Tasks of 2025-11-25 are another thing; whoever speaks to such a peer must not be promised these."""
    assert offer({"extensions": {TASKS: {}, UI: APP}}) == "ui"
    assert declared("tasks,ui") == {"extensions": {UI: APP}}
    assert declared("tasks,ui", modern=True) == {"extensions": {TASKS: {}, UI: APP}}
    assert declared("tasks") == {}


def test_tools_in_sampling_are_no_tasks() -> None:
    assert capable_of_tasks("form,tasks,tools")
    assert not capable_of_tasks("sampling,tools")
    assert not capable_of_tasks(NOTHING)


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ([], {}), ([{"tools": {}}], {}), ([{"extensions": {TASKS: {}}}, {}], {TASKS: {}}), ([{"extensions": {"x/y": {}}}], {}),
        ([{"extensions": {TASKS: True}}], {}), ([{"extensions": None}], {}),
        ([{"extensions": {UI: {"a": 1, "b": [1], "c": 2, "d": []}}}, {"extensions": {UI: {"a": 1, "b": [2, 1], "c": 3, "e": 4}}}],
         {UI: {"a": 1, "b": [1, 2], "d": [], "e": 4}}),
    ],
)  # fmt: skip
def test_an_endpoint_announces_what_a_server_behind_it_does(
    servers: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    assert announced_extensions(servers) == expected


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("elicitation/create", {}, {"elicitation": {"form": {}}}), ("elicitation/create", {"mode": "url"}, {"elicitation": {"url": {}}}),
        ("sampling/createMessage", {}, {"sampling": {}}), ("sampling/createMessage", {"toolChoice": {}}, {"sampling": {"tools": {}}}),
        ("roots/list", {}, {"roots": {}}), ("ping", {}, {}),
    ],
)  # fmt: skip
def test_what_a_question_needs_is_what_covers_it(method: str, params: dict[str, Any], expected: dict[str, Any]) -> None:
    assert needed(method, params) == expected
    assert not expected or covers(offer(expected), method, params)


@given(st.permutations(["form", "url"]), st.permutations(["elicitation", "sampling", "roots"]))
def test_the_order_of_writing_does_not_matter(modes: list[str], kinds: list[str]) -> None:
    whole: dict[str, Any] = {"elicitation": {mode: {} for mode in modes}, "sampling": {}, "roots": {}}
    assert offer({kind: whole[kind] for kind in kinds}) == "form,roots,sampling,url"


ELICIT, SAMPLE, ROOTS = "elicitation/create", "sampling/createMessage", "roots/list"


@pytest.mark.requirement("MCP-24")
@pytest.mark.parametrize(
    ("offered", "method", "params", "expected"),
    [
        ("", ELICIT, {}, False), ("form", ELICIT, {}, True), ("form", ELICIT, {"mode": "form"}, True), ("url", ELICIT, {}, False),
        ("form", ELICIT, {"mode": "url"}, False), ("url", ELICIT, {"mode": "url"}, True), ("sampling", ELICIT, {"mode": "sampling"}, False),
        ("roots", ELICIT, {"mode": "roots"}, False), ("", ELICIT, {"mode": ""}, False), ("form", ELICIT, {"mode": []}, False),
        ("form", ELICIT, {"mode": None}, False), ("sampling", SAMPLE, {}, True), ("", SAMPLE, {}, False), ("tools", SAMPLE, {"tools": []}, False),
        ("sampling", SAMPLE, {"tools": []}, False), ("sampling", SAMPLE, {"toolChoice": {}}, False),
        ("sampling,tools", SAMPLE, {"tools": [], "toolChoice": {}}, True), ("roots", ROOTS, {}, True), ("sampling", ROOTS, {}, False),
        (EVERYTHING, "ping", {}, False), (EVERYTHING, "tools/call", {}, False),
    ],
)  # fmt: skip
def test_a_server_asks_only_for_what_was_declared(
    offered: str, method: str, params: dict[str, Any], expected: bool
) -> None:
    """Checklist line 24; a mode is no way to name another capability."""
    assert covers(offered, method, params) is expected
