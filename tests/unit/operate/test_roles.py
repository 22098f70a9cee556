"""The three roles of `examples/roles.yaml`: who looks, who works, who may do everything, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.config.compile import compiled
from ostiary.config.expect import described
from ostiary.config.parse import parse
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Caller, Catalogue, Kind, Snapshot
from ostiary.core.rules import Ask
from ostiary.integrity.pins import Offering, Verdicts, sighting
from ostiary.operate.revise import Revisions
from ostiary.policy.decide import decide
from ostiary.policy.visible import visible

FILE = Path(__file__).resolve().parents[3] / "examples" / "roles.yaml"
ROLES = ("viewer", "user", "admin", "someone-else")
HINTS = {
    "readOnlyHint": st.sampled_from([True, False, "yes", None]),
    "destructiveHint": st.sampled_from([True, False, 1]),
}
ANNOTATIONS = st.fixed_dictionaries({}, optional=HINTS)


@pytest.fixture(name="it", scope="module")
def written() -> Config:
    return parse(FILE.read_text("utf-8"), "examples/roles.yaml")


def tool(name: str, **annotations: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, "annotations": annotations}


def offered(it: Config, *tools: dict[str, Any], **more: Any) -> Snapshot:
    return compiled(it, {("crm", ""): Catalogue("crm", "", tools, **more)}, 1, "d").snapshot


def usable(snapshot: Snapshot, role: str, kind: Kind = Kind.TOOL) -> set[str]:
    """Return what somebody with this role may call, having held that this is what is listed."""
    caller: Caller = described("x", (role,), ())
    surface = snapshot.surfaces["/mcp", ""]
    found = {
        target.name
        for (each, _), target in surface.targets.items()
        if each is kind and target.server and isinstance(decide(caller, target, Ask()), Allow)
    }
    assert found == {target.name for target in visible(caller, kind, surface, Ask())}
    return found


def test_each_role_has_what_the_one_before_it_has_and_more(it: Config) -> None:
    tools = (
        tool("list", readOnlyHint=True), tool("add", destructiveHint=False), tool("drop", destructiveHint=True),
        tool("silent"), tool("contradicts", readOnlyHint=True, destructiveHint=True),
    )  # fmt: skip
    said = {role: usable(offered(it, *tools), role) for role in ROLES}
    assert said == {
        "viewer": {"list", "contradicts"}, "user": {"list", "contradicts", "add"},
        "admin": {"list", "contradicts", "add", "drop", "silent"}, "someone-else": set(),
    }  # fmt: skip


@given(st.lists(ANNOTATIONS, max_size=5))
def test_a_viewer_calls_only_what_says_that_it_changes_nothing(it: Config, every: list[dict[str, Any]]) -> None:
    snapshot = offered(it, *(tool(f"t{at}", **each) for at, each in enumerate(every)))
    reading = {f"t{at}" for at, each in enumerate(every) if each.get("readOnlyHint") is True}
    mild = {f"t{at}" for at, each in enumerate(every) if each.get("destructiveHint") is False}
    assert usable(snapshot, "viewer") == reading
    assert usable(snapshot, "user") == reading | mild
    assert usable(snapshot, "someone-else") == set()


@pytest.mark.parametrize("claims", [{}, {"readOnlyHint": True}, {"readOnlyHint": False, "destructiveHint": True}])
def test_what_the_operator_says_of_a_tool_wins_over_what_the_server_claims(it: Config, claims: dict[str, bool]) -> None:
    snapshot = offered(it, tool("search_contacts", **claims), tool("merge_contacts", **claims))
    assert usable(snapshot, "viewer") == usable(snapshot, "user") == {"search_contacts"}
    assert usable(snapshot, "admin") == {"search_contacts", "merge_contacts"}


def test_prompts_and_resources_are_read_by_all_three(it: Config) -> None:
    snapshot = offered(it, prompts=({"name": "greet"},), resources=({"uri": "note://a", "name": "a"},))
    for kind in (Kind.PROMPT, Kind.RESOURCE):
        assert all(usable(snapshot, role, kind) for role in ROLES[:3])
        assert not usable(snapshot, "someone-else", kind)


def test_what_appears_later_is_for_nobody_before_it_is_approved(it: Config) -> None:
    """Also for an admin, and also where it says that it only reads."""
    first, second = (sighting(Kind.TOOL, tool(name, readOnlyHint=True)) for name in ("list", "list_secrets"))
    revisions = Revisions(it, "d")
    revisions.judged({("crm", "tool", "list"): Verdicts(frozenset({first.digest}))}, frozenset({"crm"}))
    for seen in ((first,), (first, second)):
        revisions.sighted(Offering("crm", "", "modern", "2026-07-28", {}, {"tools": {}}, "", seen, 0, 1.0))
        assert {role: usable(revisions(), role) for role in ROLES[:3]} == {role: {"list"} for role in ROLES[:3]}


def test_the_file_brings_its_own_expectations(it: Config) -> None:
    assert {role for each in it.expect for role in each.who.roles} == set(ROLES)
