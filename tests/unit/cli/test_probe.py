"""What the probe calls a difference, and which of them have a reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ostiary import __version__
from ostiary.core.model import Era, Json, Kind
from ostiary.entry.cli.comparing import TASKS, Row, Side, folded, rows

OBJECT: Json = {"type": "object"}
READ: Json = {"name": "read", "inputSchema": OBJECT}
INFO: Json = {"name": "ostiary", "version": __version__}
HERE = Side(
    Era.MODERN,
    version="2026-07-28",
    info={"name": "files", "version": "3"},
    capabilities={"tools": {"listChanged": True}},
    instructions="Read with care.",
    definitions={(Kind.TOOL, "read"): READ, (Kind.RESOURCE, "x:1"): {"uri": "x:1", "name": "one"}},
    reads={"x:1": {"contents": [{"uri": "x:1", "text": "1"}]}},
)
THERE = msgspec.structs.replace(HERE, info=INFO)


def hidden(kind: Kind, name: str) -> tuple[str, str]:
    return "hidden", f"rule r denies it: {name}"


def unknown(kind: Kind, name: str) -> tuple[str, str]:
    return "left out", ""


def compared(
    direct: Side, through: Side, missing: Any = hidden, annotated: frozenset[str] = frozenset()
) -> dict[str, Row]:
    return {row.feature: row for row in rows(direct, through, missing, annotated)}


def differing(direct: Side = HERE, through: Side = THERE, missing: Any = hidden, **more: Any) -> dict[str, Row]:
    """Return what differs, but for the name, which always does."""
    found = compared(direct, through, missing, **more)
    return {name: row for name, row in found.items() if row.difference and name != "name"}


def side(base: Side = THERE, **changes: Any) -> Side:
    return msgspec.structs.replace(base, **changes)


def tools(*definitions: Json) -> dict[tuple[Kind, str], Json]:
    return {(Kind.TOOL, each["name"]): each for each in definitions}


def test_two_sides_that_say_the_same_differ_in_nothing_but_their_name() -> None:
    assert differing() == {}
    assert compared(HERE, THERE)["name"].good


def test_an_era_that_the_server_does_not_speak_is_bridged() -> None:
    found = differing(HERE, side(era=Era.HANDSHAKE, version="2025-11-25"))
    assert found.keys() == {"protocol", "elicitation", "sampling", "roots"}
    assert {row.difference for row in found.values()} == {"bridged"}
    assert all(row.good for row in found.values())


def test_a_gateway_of_another_version_is_not_vouched_for() -> None:
    other = side(era=Era.HANDSHAKE, version="2025-11-25", info={"name": "ostiary", "version": "0.0.1"})
    assert compared(HERE, other)["sampling"].difference == "unknown"


def test_another_version_of_the_same_era_has_its_reason() -> None:
    old = side(HERE, era=Era.HANDSHAKE, version="2025-06-18")
    assert differing(old, side(old, version="2025-11-25", info=INFO))["protocol"].good


@pytest.mark.parametrize(
    ("here", "there", "place", "good"),
    [
        ({"tools": {}}, {"tools": {"listChanged": True}}, "/tools/listChanged", True),
        ({"tools": {}, "experimental": {"x": {}}}, {"tools": {}}, "/experimental", True),
        ({"tools": {}, "extensions": {"x.y/z": {}}}, {"tools": {}}, "/extensions", True),
        ({"tools": {}, "completions": {}}, {"tools": {}}, "/completions", False),
        ({"tools": {}}, {"tools": {}, "prompts": {}}, "/prompts", False),
        ({"resources": {"subscribe": True}}, {"resources": {}}, "/resources/subscribe", False),
    ],
)
def test_a_capability_that_differs_is_named_with_what_explains_it(
    here: Json, there: Json, place: str, good: bool
) -> None:
    found = differing(side(HERE, capabilities=here), side(capabilities=there))
    assert found[f"capability {place}"].good is good


def test_instructions_may_be_cut_and_not_changed() -> None:
    assert differing(through=side(instructions="Read with"))["instructions"].good
    assert not differing(through=side(instructions="Read all."))["instructions"].good
    assert not differing(through=side(instructions=""))["instructions"].good


def test_a_definition_that_is_not_listed_needs_a_reason() -> None:
    gone = side(definitions={(Kind.RESOURCE, "x:1"): HERE.definitions[Kind.RESOURCE, "x:1"]})
    found = differing(through=gone)
    assert (found["tool read"].difference, found["tool read"].why) == ("hidden", "rule r denies it: read")
    assert not differing(through=gone, missing=unknown)["tool read"].good


def test_a_definition_that_only_the_gateway_lists_has_no_reason() -> None:
    more = side(definitions={**THERE.definitions, **tools({"name": "ghost", "inputSchema": OBJECT})})
    assert not differing(through=more)["tool ghost"].good


def test_what_is_malformed_is_told_and_is_the_servers_own_fault() -> None:
    row = differing(side(HERE, dropped=((Kind.TOOL, "bad"),)))["tool bad"]
    assert (row.difference, row.good) == ("dropped", True)


ARRAY: Json = {"type": "array"}


@pytest.mark.parametrize(
    ("here", "there", "era", "good"),
    [
        pytest.param({"description": "a"}, {"description": "b"}, Era.MODERN, False, id="words"),
        pytest.param({"execution": {"taskSupport": "optional"}}, {}, Era.MODERN, True, id="execution"),
        pytest.param({"execution": {"taskSupport": "optional"}}, {}, Era.HANDSHAKE, False, id="execution, not for this era"),
        pytest.param({"outputSchema": ARRAY}, {}, Era.HANDSHAKE, True, id="an output schema of no object"),
        pytest.param({"outputSchema": OBJECT}, {}, Era.HANDSHAKE, False, id="an output schema of an object"),
        pytest.param({"outputSchema": ARRAY}, {}, Era.MODERN, False, id="an output schema, not for this era"),
        pytest.param({"x": None}, {"x": 1}, Era.MODERN, False, id="a member nobody knows"),
    ],
)  # fmt: skip
def test_a_definition_may_be_shaped_for_its_era_and_not_changed(here: Json, there: Json, era: Era, good: bool) -> None:
    direct = side(HERE, era=era, definitions=tools({**READ, **here}))
    through = side(era=era, definitions=tools({**READ, **there}))
    assert differing(direct, through)["tool read"].good is good


def test_annotations_may_be_the_configurations() -> None:
    through = side(definitions=tools({**READ, "annotations": {"destructiveHint": True}}))
    direct = side(HERE, definitions=tools(READ))
    assert not differing(direct, through)["tool read"].good
    assert differing(direct, through, annotated=frozenset({"read"}))["tool read"].good


def test_what_able_clients_are_offered_must_be_offered_through_the_gateway_too() -> None:
    able = side(HERE, able=frozenset({(Kind.TOOL, "ask")}))
    assert differing(able)["for able clients"].good
    assert not differing(able, missing=unknown)["for able clients"].good
    assert not differing(through=side(able=frozenset({(Kind.TOOL, "ask")})))["for able clients"].good


OTHER: Json = {"contents": [{"uri": "x:1", "text": "2"}]}


def test_a_resource_reads_the_same_unless_it_never_does() -> None:
    through = side(reads={"x:1": OTHER})
    assert not differing(through=through)["read x:1"].good
    assert differing(side(HERE, unsteady=frozenset({"x:1"})), through)["read x:1"].good
    refused = side(reads={"x:1": {"error": {"code": -32603}}})
    assert not differing(side(HERE, unsteady=frozenset({"x:1"})), refused)["read x:1"].good
    assert differing(side(HERE, reads=refused.reads), side(reads={"x:1": {"error": {"code": -32602}}})) == {}


def test_what_a_client_can_hear_of_must_not_become_less() -> None:
    lists = {"toolsListChanged": True}
    assert differing(side(HERE, honoured=lists), side(honoured={})).keys() == {"changes"}
    assert not differing(side(HERE, honoured=lists), side(honoured={}))["changes"].good
    more = differing(side(HERE, honoured={}), side(honoured=lists))
    assert more["changes"].good
    subscribing: Json = {"resources": {"subscribe": True}}
    old = side(HERE, era=Era.HANDSHAKE, version="2025-11-25", capabilities=subscribing)
    deaf = side(old, era=Era.MODERN, info=INFO, honoured={})
    assert not differing(old, deaf)["changes"].good


OLD_TASKS: Json = {"tools": {"listChanged": True}, "tasks": {"list": {}}}
NEW_TASKS: Json = {"tools": {"listChanged": True}, "extensions": {TASKS: {}}}


@pytest.mark.parametrize(
    ("here", "there", "era", "good"),
    [
        (OLD_TASKS, NEW_TASKS, Era.MODERN, True),
        (OLD_TASKS, HERE.capabilities, Era.HANDSHAKE, True),
        (NEW_TASKS, HERE.capabilities, Era.HANDSHAKE, True),
        (NEW_TASKS, HERE.capabilities, Era.MODERN, False),
        (NEW_TASKS, NEW_TASKS, Era.HANDSHAKE, False),
        (HERE.capabilities, NEW_TASKS, Era.MODERN, False),
    ],
)
def test_tasks_are_carried_where_both_sides_can(here: Json, there: Json, era: Era, good: bool) -> None:
    found = differing(side(HERE, capabilities=here), side(era=era, capabilities=there))
    assert found["tasks"].good is good
    assert not [name for name in found if name.startswith("capability")]


def call(answer: Json, *asked: str) -> Json:
    return {"asked": list(asked), "answer": answer}


def test_a_call_ends_the_same_and_asks_the_same() -> None:
    done: Json = {"content": [], "resultType": "complete", "_meta": {"x": 1}}
    same = side(HERE, called=call(done, "elicitation/create"))
    assert differing(same, side(called=call({"content": []}, "elicitation/create"))) == {}
    assert not differing(same, side(called=call({"content": []})))["call /asked"].good
    assert not differing(same, side(called=call({"code": -32601, "message": "x"})))["call /answer/code"].good


def test_a_call_may_lose_what_its_era_cannot_say() -> None:
    here = side(HERE, called=call({"structuredContent": [1]}))
    old = side(era=Era.HANDSHAKE, called=call({}))
    assert differing(here, old)["call /answer/structuredContent"].good
    assert not differing(here, side(called=call({})))["call /answer/structuredContent"].good


def test_many_that_differ_in_one_way_are_two_lines() -> None:
    many = side(HERE, definitions=tools(*({"name": f"t{number}", "inputSchema": OBJECT} for number in range(9))))
    alike = lambda kind, name: ("hidden", "no rule allows it")  # noqa: E731 - a stand-in
    features = [row.feature for row in folded(rows(many, side(definitions={}), alike, frozenset()))]
    assert features[features.index("tools") :][:4] == ["tools", "tool t0", "… and 8 more", "prompts"]
