"""A pin is of the whole definition: nothing in it can change unseen, and writing it differently changes nothing."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ostiary.core.model import Kind
from ostiary.integrity.pins import Mode, Offering, Sighting, State, Verdicts, differences, digest, judge, sighting

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=5)
TOOL: dict[str, Any] = {
    "name": "read", "title": "Read", "description": "Reads a file.",
    "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    "annotations": {"readOnlyHint": True}, "icons": [{"src": "data:x"}], "_meta": {"a": 1},
}  # fmt: skip


def turned(value: Any) -> Any:
    """The same value, written with its members in another order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(list(value))}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(OBJECTS)
def test_the_order_of_members_does_not_count(definition: dict[str, Any]) -> None:
    assert digest(Kind.TOOL, turned(definition)) == digest(Kind.TOOL, definition)


@given(OBJECTS)
def test_spacing_and_escapes_do_not_count(definition: dict[str, Any]) -> None:
    read = msgspec.json.decode(json.dumps(definition, indent=3).encode())
    assert digest(Kind.TOOL, read) == digest(Kind.TOOL, msgspec.json.decode(msgspec.json.encode(definition)))


@given(OBJECTS, OBJECTS)
def test_different_definitions_have_different_pins(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(Kind.TOOL, one) == digest(Kind.TOOL, other)) is same


@given(st.integers(0, 10_000), st.integers(0x20, 0x7E))
def test_every_byte_counts(place: int, byte: int) -> None:
    """CVE-2025-54136 was an approval bound to a name."""
    written = bytearray(msgspec.json.encode(TOOL, order="sorted"))
    place %= len(written)
    assume(written[place] != byte)
    written[place] = byte
    try:
        changed = msgspec.json.decode(bytes(written))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    assert digest(Kind.TOOL, changed) != digest(Kind.TOOL, TOOL) or changed == TOOL


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0, False),
        (1, 1.0),
        (0.0, -0.0),
        ("1", 1),
        (None, 0),
        ([], {}),
        ([1, 2], [2, 1]),
        ("é", "e\u0301"),
        (10**30, 1e30),
    ],
)
def test_values_that_python_takes_for_equal_do_not_share_a_pin(one: Any, other: Any) -> None:
    assert digest(Kind.TOOL, {"default": [one]}) != digest(Kind.TOOL, {"default": [other]})


def test_null_is_not_absence() -> None:
    assert digest(Kind.TOOL, {"title": None}) != digest(Kind.TOOL, {})


def test_a_pin_is_of_one_kind() -> None:
    assert digest(Kind.TOOL, TOOL) != digest(Kind.PROMPT, TOOL)


def test_a_pin_never_changes() -> None:
    """Stored approvals depend on it: whoever changes this value orphans them all."""
    written = 'tool\0{"a":"é","b":[1,2.5,null,true]}'
    assert digest(Kind.TOOL, {"b": [1, 2.5, None, True], "a": "é"}) == sha256(written.encode()).hexdigest()


@pytest.mark.parametrize(
    ("kind", "key"), [(Kind.TOOL, "name"), (Kind.PROMPT, "name"), (Kind.RESOURCE, "uri"), (Kind.TEMPLATE, "uriTemplate")]
)  # fmt: skip
def test_a_definition_goes_by_the_member_of_its_kind(kind: Kind, key: str) -> None:
    definition = {"name": "n", "uri": "u", "uriTemplate": "t"}
    found = sighting(kind, definition)
    assert (found.kind, found.name, found.digest, found.definition) == (
        kind,
        definition[key],
        digest(kind, definition),
        definition,
    )


def test_an_offering_is_a_value() -> None:
    offering = Offering("files", "", "modern", "2026-07-28", {}, {}, "", (sighting(Kind.TOOL, TOOL),), 0, 1.0)
    assert offering == msgspec.structs.replace(offering)


SEEN = Sighting(Kind.TOOL, "read", "d1", TOOL)
NOBODY, APPROVED, OTHER = Verdicts(), Verdicts(frozenset({"d1"})), Verdicts(frozenset({"d0"}))
REJECTED = Verdicts(frozenset({"d1"}), frozenset({"d1"}))


@pytest.mark.parametrize(
    ("verdicts", "mode", "first", "expected"),
    [
        (NOBODY, Mode.FIRST_USE, True, State.APPROVED), (NOBODY, Mode.FIRST_USE, False, State.NEW), (NOBODY, Mode.NEVER, True, State.NEW),
        (NOBODY, Mode.ALWAYS, False, State.APPROVED), (APPROVED, Mode.NEVER, False, State.APPROVED), (APPROVED, Mode.FIRST_USE, False, State.APPROVED),
        (OTHER, Mode.FIRST_USE, False, State.CHANGED), (OTHER, Mode.NEVER, True, State.CHANGED), (OTHER, Mode.ALWAYS, False, State.APPROVED),
        (REJECTED, Mode.ALWAYS, True, State.REJECTED), (REJECTED, Mode.FIRST_USE, True, State.REJECTED), (REJECTED, Mode.NEVER, False, State.REJECTED),
    ],
)  # fmt: skip
def test_where_a_definition_stands(verdicts: Verdicts, mode: Mode, first: bool, expected: State) -> None:
    assert judge(SEEN, verdicts, mode, first=first) is expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, []), ({"a": 1}, {"a": 2}, [("/a", 1, 2)]), ({"a": 1}, {}, [("/a", 1, None)]), ({}, {"a": 1}, [("/a", None, 1)]),
        ({"a": {"b": [1, {"c": "x"}]}}, {"a": {"b": [1, {"c": "y"}]}}, [("/a/b/1/c", "x", "y")]), ({"a": [1]}, {"a": [1, 2]}, [("/a", [1], [1, 2])]),
        ({"a/b": {"c~d": 1}}, {"a/b": {"c~d": 2}}, [("/a~1b/c~0d", 1, 2)]), ({"a": None}, {}, [("/a", None, None)]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, [("/a", 1, 2), ("/b", 1, 2)]), ({"a": {}}, {"a": []}, [("/a", {}, [])]),
    ],
)  # fmt: skip
def test_differences_name_their_places(old: Any, new: Any, expected: list[Any]) -> None:
    """RFC 6901."""
    assert differences(old, new) == expected


@given(OBJECTS, OBJECTS)
def test_a_pin_that_changed_always_has_a_difference_to_show(old: dict[str, Any], new: dict[str, Any]) -> None:
    """1, 1.0 and true are equal to Python; a change that nobody is shown gets approved."""
    assert bool(differences(old, new)) is (digest(Kind.TOOL, old) != digest(Kind.TOOL, new))


@pytest.mark.parametrize(("one", "other"), [([1], [True]), ([1], [1.0]), ({"x": 0}, {"x": False}), ([[0]], [[-0.0]])])
def test_a_difference_that_python_does_not_see_is_shown(one: Any, other: Any) -> None:
    assert differences({"default": one}, {"default": other})


LISTED = Sighting(Kind.RESOURCE, "note://1", "d1", {"uri": "note://1", "name": "one"})
SAID_NO = Verdicts(frozenset(), frozenset({"d0"}))


@pytest.mark.parametrize(
    ("verdicts", "mode", "expected"),
    [
        (NOBODY, Mode.FIRST_USE, State.APPROVED), (NOBODY, Mode.ALWAYS, State.APPROVED), (NOBODY, Mode.NEVER, State.NEW),
        (OTHER, Mode.FIRST_USE, State.CHANGED), (REJECTED, Mode.FIRST_USE, State.REJECTED), (SAID_NO, Mode.FIRST_USE, State.NEW),
    ],
)  # fmt: skip
def test_a_new_resource_that_an_approved_template_covers_counts_as_approved(
    verdicts: Verdicts, mode: Mode, expected: State
) -> None:
    """Ours: it could be read by the template before, so that its definition adds no power."""
    assert judge(LISTED, verdicts, mode, first=False, covered="note://1".__eq__) is expected


def test_what_no_template_covers_waits() -> None:
    assert judge(LISTED, NOBODY, Mode.FIRST_USE, first=False, covered="note://2".__eq__) is State.NEW
    assert judge(LISTED, NOBODY, Mode.FIRST_USE, first=False) is State.NEW


def test_no_template_approves_anything_but_resources() -> None:
    tool = Sighting(Kind.TOOL, "note://1", "d1", TOOL)
    assert judge(tool, NOBODY, Mode.FIRST_USE, first=False, covered=lambda _: True) is State.NEW


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("first", [True, False])
def test_what_is_suspicious_waits_for_a_person_whatever_the_mode(mode: Mode, first: bool) -> None:
    """Ours: a server that is poisoned is so when it is added; `always` was said before it spoke."""
    seen = Sighting(Kind.RESOURCE, "a:b", "new", {})
    told = {"first": first, "covered": lambda _: True, "suspect": lambda: True}
    assert judge(seen, Verdicts(), mode, **told) is State.NEW
    assert judge(seen, Verdicts(frozenset({"old"})), mode, **told) is State.CHANGED
    assert judge(seen, Verdicts(frozenset({"new"})), mode, **told) is State.APPROVED
