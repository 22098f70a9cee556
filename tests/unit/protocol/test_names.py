"""Names that every model and client accepts, that never move, and that no server can take from another."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ostiary.protocol.names import LONGEST, exposed, label

SERVERS = st.from_regex(r"\A[a-z][a-z0-9-]{0,31}\Z")
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)


@pytest.mark.requirement("MCP-37")
@given(SERVERS, NAMES)
def test_a_name_is_always_fit(server: str, name: str) -> None:
    """Checklist line 37."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", exposed(server, name))


@given(SERVERS, st.from_regex(r"\A[A-Za-z0-9_-]{1,30}\Z"))
def test_a_name_that_fits_is_kept(server: str, name: str) -> None:
    assert exposed(server, name) == f"{server}__{name}"


@pytest.mark.requirement("MCP-36", "MCP-37")
@given(SERVERS, SERVERS, NAMES, NAMES)
def test_no_server_can_take_a_name_of_another(one: str, other: str, mine: str, theirs: str) -> None:
    """A server's name has no underscore, so the first `__` ends it, however long or strange the rest is."""
    assume(one != other)
    assert exposed(one, mine) != exposed(other, theirs)


@pytest.mark.parametrize(
    ("one", "other"), [("read.file", "read_file"), ("read file", "read.file"), ("x" * 100, "x" * 101), ("é", "è"), ("", "_")]
)  # fmt: skip
def test_names_that_look_alike_after_mending_stay_apart(one: str, other: str) -> None:
    assert exposed("files", one) != exposed("files", other)


@pytest.mark.requirement("MCP-36")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("read", "files__read"),
        ("read.file", "files__read_file_c214cb95"),
        ("x" * 57, "files__" + "x" * 57),
        ("x" * 58, None),
    ],
)
def test_names_never_change(name: str, expected: str | None) -> None:
    """Clients remember approvals by name; this table is a promise."""
    found = exposed("files", name)
    assert found == (expected or found)
    assert len(found) <= LONGEST


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("tool", "files.x/y"), ("prompt", "files.prompt/x/y"), ("resource", "files:x/y"), ("template", "files:x/y")],
)
def test_rules_call_things_by_server_kind_and_name(kind: str, expected: str) -> None:
    assert label("files", kind, "x/y") == expected
