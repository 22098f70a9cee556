"""The table of methods agrees with the specification's two eras."""

from __future__ import annotations

from ostiary.core.model import Era, Kind
from ostiary.protocol.methods import LEVELS, METHODS, NOTIFIED, OWN

MODERN = {name for name, spec in METHODS.items() if Era.MODERN in spec.eras}
HANDSHAKE = {name for name, spec in METHODS.items() if Era.HANDSHAKE in spec.eras}


def test_the_modern_era_has_exactly_its_ten_requests_and_those_of_tasks() -> None:
    """2026-07-28: the ClientRequest union; and the tasks extension (SEP-2663)."""
    assert {
        "tasks/get", "tasks/update", "tasks/cancel",
        "server/discover", "tools/list", "tools/call", "resources/list", "resources/templates/list", "resources/read",
        "prompts/list", "prompts/get", "completion/complete", "subscriptions/listen",
    } == MODERN  # fmt: skip


def test_what_the_modern_era_removed_is_still_there_for_the_other() -> None:
    assert {
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
    } == HANDSHAKE - MODERN


def test_results_that_carry_caching_are_the_six_of_the_specification() -> None:
    """Discover, the four lists, and reading a resource."""
    cached = {name for name, spec in METHODS.items() if spec.cached}
    assert cached == {name for name in METHODS if name.endswith("/list")} | {"server/discover", "resources/read"}


def test_whatever_lists_says_where_and_is_answered_by_the_gateway() -> None:
    for spec in METHODS.values():
        assert (spec.lists is None) == (spec.field == "")
        assert (spec.key is None) == (spec.kind is Kind.GATEWAY)


def test_our_own_names_are_no_methods() -> None:
    assert not OWN & METHODS.keys()
    assert NOTIFIED not in METHODS


def test_levels_are_those_of_rfc_5424() -> None:
    assert len(LEVELS) == len(set(LEVELS)) == 8
