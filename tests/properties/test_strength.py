"""The properties can fail, and what they are tried with is worth trying."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

import pytest

from tests.properties.changes import CHANGES
from tests.properties.laws import LAWS, broken_after
from tests.properties.mutants import MUTANTS

QUICK: Final = frozenset({
    "a deny is ignored", "a list asks no conditions", "rules are taken in their order",
    "what cannot be evaluated allows", "refused is sent", "hidden is told from missing", "plans outlive their world",
    "a run meets nothing", "what is forgotten leaves nothing", "one of the two is enough", "each trace is a run",
    "what nobody labelled is harmless", "only tools leave something",
})  # fmt: skip
"""Mutants that a few gateways are enough to notice."""
MOST: Final = 400
"""Gateways within which every mutant has to be noticed."""
COUNTED: Final = 80
CASES: Final = {
    "tool listed": 200, "tool hidden": 200, "prompt listed": 50, "prompt hidden": 50, "resource listed": 40,
    "resource hidden": 40, "template listed": 20, "template hidden": 20, "URI read": 40, "URI hidden": 40, "by allow": 300, "by none": 100, "by deny": 60,
    "by condition": 50, "by scope": 6, "by reach": 50, "by quarantined": 4, "shut out": 4, "ambiguous": 8,
    "some arguments only": 10, "listed through a view": 60, "listed under a new name": 20,
    "listed with a fixed argument": 15, "window open": 8, "window closed": 8, "exact": 500,
}  # fmt: skip
"""What 80 gateways have to show, at least; they usually show twice as much."""


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[] if each in QUICK else [pytest.mark.slow]) for each in MUTANTS]
)
def test_a_broken_gateway_is_noticed(name: str) -> None:
    mutant = MUTANTS[name]
    with pytest.MonkeyPatch.context() as patch:
        mutant.breaks(patch)
        assert broken_after(mutant.law, MOST), f"none of {MOST} gateways broke the law of {mutant.law}"


def test_every_law_has_a_mutant_that_breaks_it() -> None:
    assert {mutant.law for mutant in MUTANTS.values()} == LAWS.keys()


@pytest.mark.slow
def test_generated_gateways_show_every_case() -> None:
    seen = Counter[str]()
    for seed in range(COUNTED):
        seen.update(LAWS["listing"](Random(seed)))
    assert {case: seen[case] for case, least in CASES.items() if seen[case] < least} == {}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_generated_changes_matter(change: str) -> None:
    """A law about what may be lost says little where nothing ever is."""
    seen = Counter[str]()
    for seed in range(COUNTED // 2):
        seen.update({case: 1 for case, count in LAWS[change](Random(seed)).items() if count})
    assert seen["held"] >= COUNTED // 8
    assert seen["lost"] + seen["gained"] + seen["sent"] >= 3
