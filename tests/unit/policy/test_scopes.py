"""Scopes that bring others."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.scopes import circle, closure, narrowest, widened

NAMES = st.sampled_from("abcdef")
CRM = closure({"crm.admin": ["crm.write", "mail"], "crm.write": ["crm.read"]})
# Without circles: a scope brings only what comes after it in the alphabet.
ORDERED = st.dictionaries(NAMES, st.frozensets(NAMES)).map(
    lambda direct: {scope: frozenset(each for each in brought if each > scope) for scope, brought in direct.items()}
)


def test_what_is_brought_brings_on() -> None:
    assert {"crm.admin": {"crm.write", "crm.read", "mail"}, "crm.write": {"crm.read"}} == CRM


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        (["crm.admin"], {"crm.admin", "crm.write", "crm.read", "mail"}),
        (["crm.write", "x"], {"crm.write", "crm.read", "x"}),
        (["crm.read"], {"crm.read"}),
        (["crm"], {"crm"}),
        (["CRM.ADMIN"], {"CRM.ADMIN"}),
        ([], set()),
    ],
)
def test_a_broader_scope_has_the_narrower_ones_and_never_the_other_way(granted: list[str], expected: set[str]) -> None:
    """2026-07-28, "Step-Up Authorization Flow"; checklist 46. Spelling brings nothing."""
    assert widened(granted, CRM) == expected
    assert widened(granted, {}) == set(granted)


def test_scopes_in_a_circle_are_named_in_the_order_in_which_they_bring_each_other() -> None:
    found = circle({"a": ["b"], "b": ["c", "d"], "c": ["a"]})
    assert set(pairwise(found)) == {("a", "b"), ("b", "c"), ("c", "a")}
    assert circle({"a": ["a"]}) == ("a", "a")
    assert circle({"a": ["b", "c"], "b": ["c"]}) == ()
    with pytest.raises(ValueError, match="cycle"):
        closure({"a": ["b"], "b": ["a"]})


def test_the_narrowest_are_those_that_bring_none_of_the_others() -> None:
    assert narrowest(["crm.admin", "crm.write", "other"], CRM) == {"crm.write", "other"}
    assert narrowest(["crm.admin"], CRM) == {"crm.admin"}
    assert narrowest([], CRM) == set()


@given(ORDERED, st.frozensets(NAMES))
def test_widening_takes_nothing_away_and_once_is_enough(
    direct: dict[str, frozenset[str]], granted: frozenset[str]
) -> None:
    brings = closure(direct)
    wide = widened(granted, brings)
    assert granted <= wide
    assert widened(wide, brings) == wide


@given(ORDERED, st.frozensets(NAMES), st.frozensets(NAMES))
def test_more_granted_is_never_less(
    direct: dict[str, frozenset[str]], granted: frozenset[str], more: frozenset[str]
) -> None:
    brings = closure(direct)
    assert widened(granted, brings) | widened(more, brings) == widened(granted | more, brings)


@given(ORDERED)
def test_the_closure_has_a_step_for_every_way(direct: dict[str, frozenset[str]]) -> None:
    brings = closure(direct)
    for scope, brought in direct.items():
        expected = brought.union(*(brings.get(each, frozenset()) for each in brought))
        assert brings.get(scope, frozenset()) == expected


@given(ORDERED, st.frozensets(NAMES))
def test_every_scope_is_a_narrowest_one_or_brings_one(direct: dict[str, frozenset[str]], named: frozenset[str]) -> None:
    brings = closure(direct)
    first = narrowest(named, brings)
    assert all(scope in first or brings[scope] & first for scope in named)


@given(st.dictionaries(NAMES, st.frozensets(NAMES)))
def test_either_there_is_a_closure_or_a_circle(direct: dict[str, frozenset[str]]) -> None:
    found = circle(direct)
    if not found:
        closure(direct)
        return
    assert found[0] == found[-1]
    assert all(then in direct[scope] for scope, then in pairwise(found))
