"""What the console shows of quarantines, and to whom."""

from __future__ import annotations

from ostiary.adapters.login.sessions import Person
from ostiary.entry.console import _shut
from ostiary.policy.quarantine import Quarantine

EVE = Quarantine("q1", "person", "eve", "a <lost> laptop", "ann", 0.0, expires=3600.0)
TOOL = Quarantine("q2", "tool", "crm.export", "an incident", "ann", 0.0)


def person(*roles: str) -> Person:
    return Person("ann", "https://id.example.com", frozenset(roles), frozenset(), {}, "s")


def test_an_administrator_sees_who_and_what_is_shut_out_and_why() -> None:
    assert _shut(person("admin"), (EVE, TOOL)) == [
        "<p>Quarantined: person eve, since 1970-01-01 00:00 UTC, until 1970-01-01 01:00 UTC: a &lt;lost&gt; laptop.</p>",
        "<p>Quarantined: tool crm.export, since 1970-01-01 00:00 UTC: an incident.</p>",
    ]
    assert _shut(person("admin"), ()) == ["<p>Nothing is quarantined.</p>"]


def test_nobody_else_does() -> None:
    for roles in ((), ("viewer",), ("user",), ("auditor",), ("approver",)):
        assert _shut(person(*roles), (EVE, TOOL)) == []
