"""Which windows of examples are learnt from, with what counts of them, and whether they show an attack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

from injection_examples import Example
from injection_fitting import Feature, Rows, Told, surfaced

from ostiary.guards.classifier import guessed, marks, same, steps_of
from ostiary.guards.found import Found
from ostiary.guards.sign import CATALOGUE
from ostiary.guards.signs import signs
from ostiary.guards.surroundings import TRAITS, around, legible, mixed, traits, understood
from ostiary.guards.views import BOUNDS, View, ViewBounds, views
from ostiary.guards.wording import Window, Words, read, windows

BARE: Final = 0.5
"""How often a window is read once more without its words, only with their kinds."""
MOST: Final = 3
"""Windows of a reading of a text, by label."""
WEIGHTS: Final = {"prompt": 0.3}
"""What a window of a kind weighs, others 1: prompts are no results."""
_BY_HAND: Final = frozenset({"overt", "covert", "ordinary", "hard"})
"""Kinds of texts of which each is read as it is at run time."""
_WIDE: Final = 380
"""Characters of an attack that a window shows if it shows as much as it can."""
Picked = Sequence[tuple[Window, int]]
"""Windows with their labels."""


class Seen(NamedTuple):
    """A window with what counts of it, its label, its reading, and its place in what was written."""

    features: list[Feature]
    window: Window
    told: Told
    label: int
    view: str
    start: int
    end: int


def viewed(example: Example) -> list[tuple[View, Sequence[Found]]]:
    """Return the readings of a text with their signs; some definitions are read as thoroughly as all at run time."""
    chosen = example.hidden or example.kind in _BY_HAND or len(example.text) % 8 == 0
    every = views(example.text, ViewBounds(thorough=True) if example.surface == CATALOGUE and chosen else BOUNDS)
    found = signs(every, example.surface)
    return [(view, [sign for sign in found if sign.view == view.name]) for view in every]


def shows(example: Example, view: View, window: Window) -> int:
    """Return 1 for a window that shows enough of the attack, 0 for one that shows none, -1 where nobody can say."""
    if not example.label:
        return 0
    if example.hidden and not view.path:
        return -1
    start, end = view.original(window.start, window.end)
    first, last = example.span
    shared = min(end, last) - max(start, first)
    if shared <= 0:
        return 0
    # Not every sentence of a long attack says that it is one; what shows most of it has to.
    return 1 if shared >= 0.6 * min(last - first, _WIDE) else -1


def looked_at(example: Example, made: Rows, pick: Callable[[View, Words, Sequence[Found]], Picked]) -> Iterator[Seen]:
    """Yield the windows of every view of a text that are picked, but for those that a view did not change."""
    for view, found in viewed(example):
        words = read(view.text)
        picked = pick(view, words, found)
        if not picked:
            continue
        some, features = made.text(words)
        near = around(words, some)
        doubted = legible(some) if guessed(view.path) else ()
        steps = {f"view.{step}": 1.0 for step in steps_of(view.path)}
        for window, label in picked:
            start, end = view.original(window.start, window.end)
            if view.path and (
                same(view, window, example.text, start, end) or (doubted and not understood(window, doubted))
            ):
                continue
            has = dict(zip(TRAITS, map(float, traits(window, near)), strict=True))
            told = surfaced({**has, **steps, **marks(start, end, found)}, example.surface)
            yield Seen(features, window, (told, mixed(window, near)), label, view.name, start, end)


def every(example: Example) -> Callable[[View, Words, Sequence[Found]], Picked]:
    """Return what picks every window of an example."""

    def pick(view: View, words: Words, _: Sequence[Found]) -> Picked:
        return [(each, shows(example, view, each)) for each in windows(words)]

    return pick


def gathered(some: Sequence[Example], rng: Random, made: Rows, weight: float = 1.0) -> None:
    """Add windows of examples, drawn by chance."""
    for example in some:

        def pick(view: View, words: Words, _: Sequence[Found], example: Example = example) -> Picked:
            labelled = [(each, shows(example, view, each)) for each in windows(words)]
            good, rest = ([each for each in labelled if each[1] == label] for label in (1, 0))
            most = 1 if good else MOST
            return rng.sample(good, min(len(good), MOST)) + rng.sample(rest, min(len(rest), most))

        for each in looked_at(example, made, pick):
            for bare in (False,) if rng.random() > BARE else (False, True):
                made.add(each.features, each.window, each.told, example.surface, bare=bare)
                made.labels.append(each.label)
                made.weights.append(weight * WEIGHTS.get(example.kind, 1.0))
