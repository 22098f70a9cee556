"""However a client writes what it can do, it is one of few sets; and a server asks for nothing beyond it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol.capabilities import EVERYTHING, NOTHING, covers, declared, offer

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


@given(DECLARED)
def test_nobody_can_invent_an_offer(capabilities: dict[str, Any]) -> None:
    """A catalogue is kept for each; a client must not choose how many."""
    assert offer(capabilities) in ALL


@given(DECLARED)
def test_what_is_declared_upstream_is_what_was_offered(capabilities: dict[str, Any]) -> None:
    offered = offer(capabilities)
    assert offer(declared(offered)) == offered


def test_everything_is_the_whole_of_it() -> None:
    assert offer(declared(EVERYTHING)) == EVERYTHING
    assert declared(NOTHING) == {}


@given(st.permutations(["form", "url"]), st.permutations(["elicitation", "sampling", "roots"]))
def test_the_order_of_writing_does_not_matter(modes: list[str], kinds: list[str]) -> None:
    whole: dict[str, Any] = {"elicitation": {mode: {} for mode in modes}, "sampling": {}, "roots": {}}
    assert offer({kind: whole[kind] for kind in kinds}) == "form,roots,sampling,url"


ELICIT, SAMPLE, ROOTS = "elicitation/create", "sampling/createMessage", "roots/list"


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
