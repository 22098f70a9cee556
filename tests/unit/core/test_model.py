"""The nouns are values: equal by content, unchangeable, and powerless by default."""

from __future__ import annotations

import pytest

from ostiary.core import model, ports
from ostiary.core.errors import Forbidden, Limited
from ostiary.core.model import Caller, Catalogue, Client, Era, Inbound, Kind, Rule, Snapshot, Surface, Target
from ostiary.core.trail import Trail

CALLER = Caller("ann", "ostiary", "tok_1", "token:tok_1", 1.0)


def trail() -> Trail:
    async def body() -> bytes:
        return b""

    return Trail(Inbound("POST", "/mcp", {}, frozenset(), None, "", body), "r-1", 1, 0.0, 0.0)


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        CALLER.roles = frozenset({"admin"})  # type: ignore[misc]


def test_a_caller_has_no_tag_until_somebody_proves_one() -> None:
    assert CALLER.tags == CALLER.roles == CALLER.teams == CALLER.scopes == frozenset()


def test_a_target_allows_nobody_until_a_rule_does() -> None:
    assert Target("files", Kind.TOOL, "read", "files.read", "read").allows == ()


def test_defaults_are_not_shared_between_values() -> None:
    first, second = trail(), trail()
    first.findings.append("secret")
    assert second.findings == []


def test_a_trail_that_nobody_ends_says_abandoned() -> None:
    assert trail().outcome == "abandoned"


@pytest.mark.parametrize(
    ("error", "outcome", "detail"),
    [
        (Forbidden("deny_rule: x", hint="no"), "forbidden", "deny_rule: x"),
        (Limited(hint="default allows 5 calls"), "limited", "default allows 5 calls"),
    ],
)
def test_a_trail_remembers_why(error: Forbidden | Limited, outcome: str, detail: str) -> None:
    it = trail()
    it.refuse(error)
    assert (it.outcome, it.detail) == (outcome, detail)


def test_versions_are_sorted_and_the_modern_one_is_not_among_the_handshakes() -> None:
    assert list(model.HANDSHAKES) == sorted(model.HANDSHAKES)
    assert model.MODERN not in model.HANDSHAKES
    assert model.HANDSHAKES[-1] < model.MODERN


def test_what_is_said_of_nothing_is_nothing() -> None:
    assert Catalogue("files", "").tools == ()
    assert Surface("/mcp", (), {}).templates == ()
    assert Snapshot(1, "", frozenset(), {}).hosts == frozenset()
    assert Rule("r", ()).charges == ()
    assert Client(Era.MODERN, model.MODERN, {}, "", {}).session is None


def test_a_change_is_of_a_list_unless_it_names_a_resource() -> None:
    change = ports.Change("files", "tools")
    assert (change.uri, change.watched) == ("", "")
