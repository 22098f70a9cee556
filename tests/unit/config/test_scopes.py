"""`gateway.scopes`: what brings what, and what clients are told of."""

from __future__ import annotations

import json

import pytest

from ostiary.config.parse import parse
from ostiary.config.problems import Invalid
from ostiary.config.schema import Config
from ostiary.config.scopes import brings, told

HEAD = "gateway:\n  url: https://mcp.example.com\n"


def config(scopes: dict[str, list[str]], *rules: dict[str, object]) -> Config:
    return parse(f"{HEAD}  scopes: {json.dumps(scopes)}\nrules: {json.dumps(rules)}\n", "f")


def rule(name: str, effect: str, *scopes: str) -> dict[str, object]:
    return {"name": name, effect: ["*"], "subjects": ["*"], **({"scopes": scopes} if scopes else {})}


def problems(scopes: str) -> list[tuple[int, int, str, str]]:
    with pytest.raises(Invalid) as caught:
        parse(f"{HEAD}  scopes:\n{scopes}", "f")
    return [(each.line, each.column, each.path, each.message) for each in caught.value.problems]


def test_without_the_key_nothing_brings_anything() -> None:
    assert brings(parse(HEAD, "f")) == {}
    assert told(parse(HEAD, "f")) == ()


def test_what_each_scope_brings_in_the_end_is_known() -> None:
    found = brings(config({"crm.admin": ["crm.write"], "crm.write": ["crm.read"]}))
    assert found == {"crm.admin": {"crm.write", "crm.read"}, "crm.write": {"crm.read"}}


def test_a_circle_is_told_at_the_place_that_closes_it() -> None:
    assert problems("    b: [c]\n    c: [d, a]\n    a: [b, x]\n    s: [s]\n") == [
        (6, 9, "gateway.scopes.a[0]", "closes a circle: b brings c brings a brings b"),
        (7, 9, "gateway.scopes.s[0]", "brings itself"),
    ]


def test_so_many_circles_are_told_and_no_more() -> None:
    """Ours: bounded, whatever somebody writes."""
    assert len(problems("".join(f"    s{each}: [s{each}]\n" for each in range(40)))) == 16


def test_what_is_no_scope_is_told() -> None:
    """RFC 6749 section 3.3: a challenge could not name it."""
    found = problems('    "a b": [c]\n    d: ["e\\"f", 7]\n    g: []\n    h: "i"\n')
    assert {path for _, _, path, message in found if message == "is not a scope"} == {
        "gateway.scopes.'a b'",
        "gateway.scopes.d[0]",
    }
    assert {path for _, _, path, _ in found} >= {"gateway.scopes.d[1]", "gateway.scopes.g", "gateway.scopes.h"}


def test_clients_are_told_of_the_scopes_that_rules_name_and_not_of_broader_ones() -> None:
    """2026-07-28, "Scope Selection Strategy" and "Scope Minimization": what is told is asked for at once."""
    rules = (
        rule("read", "allow", "crm.read", "mail"),
        rule("write", "allow", "crm.write", "offline_access"),
        rule("rest", "allow"),
        rule("no", "deny"),
    )
    assert told(config({}, *rules)) == ("crm.read", "crm.write", "mail")
    assert told(config({"crm.admin": ["crm.write"], "crm.write": ["crm.read"]}, *rules)) == ("crm.read", "mail")
