"""Trees answer what was put into their nodes, and none that leads in a circle or nowhere is walked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ostiary.guards.trees import Trees, answered, places, whole

TREES = Trees(
    ("sum", "send"), (0, 3), (0, -1, -1, 1, -1, -1), (1.5, -1.0, 2.0, 0.25, 0.0, 4.0), (1, 0, 0, 4, 0, 0),
    (2, 0, 0, 5, 0, 0), 0.5,
)  # fmt: skip


@pytest.mark.parametrize(
    ("values", "total"), [((1.0, 0.0), -0.5), ((1.5, 0.5), 3.5), ((1.6, 0.25), 2.5), ((9.0, 9.0), 6.5)]
)
def test_each_tree_answers_by_what_is_above_its_bounds(values: tuple[float, float], total: float) -> None:
    assert answered(TREES, values) == total


def test_values_have_places() -> None:
    assert places(TREES) == {"sum": 0, "send": 1}


def test_trees_are_whole_if_every_walk_ends() -> None:
    assert whole(TREES)
    assert whole(Trees((), (), (), (), (), (), 0.0))


@pytest.mark.parametrize(
    "broken",
    [
        replace(TREES, roots=(0, 6)),
        replace(TREES, roots=(-1,)),
        replace(TREES, bounds=(1.5,)),
        replace(TREES, asks=(2, -1, -1, 1, -1, -1)),
        replace(TREES, low=(0, 0, 0, 4, 0, 0)),
        replace(TREES, high=(9, 0, 0, 5, 0, 0)),
    ],
)
def test_others_are_not_walked(broken: Trees) -> None:
    assert not whole(broken)
