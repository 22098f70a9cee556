"""Train the injection model: the same files on every machine, from packages in the cache and from templates.

python scripts/train_injection.py --fetch  brings the packages (needs numpy, scipy and scikit-learn, as the docs say)
python scripts/train_injection.py          trains, writes the model, its digest and the table in the docs
"""

# Random numbers of a fixed seed make the same texts again.
# ruff: noqa: S311

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
from injection_examples import Example, Maker, definitions, requests, results
from injection_fitting import ROOT, SURFACES, Feature, Rows, Told, fitted, model_of, surfaced
from injection_published import dresses, latent, orders, prompts
from injection_sources import (
    definitions as real_definitions,
)
from injection_sources import (
    documents,
    fetch,
    lectures,
    sentences,
    services,
    translations,
)
from msgspec.structs import replace
from sklearn.linear_model import LogisticRegression

from ostiary.guards.classifier import Plan, Weights, loaded, marks, packed, steps_of, totals
from ostiary.guards.found import Found
from ostiary.guards.sign import CATALOGUE
from ostiary.guards.signs import signs
from ostiary.guards.views import BOUNDS, View, ViewBounds, views
from ostiary.guards.wording import Window, Words, around, legible, mixed, read, traits, windows

MODEL: Final = ROOT / "src/ostiary/guards/injection.model"
PINNED: Final = ROOT / "src/ostiary/guards/shipped.py"
PAGE: Final = ROOT / "docs/security/classifier.md"
SEED: Final = 20261123
HELD: Final = frozenset(
    {"procedure", "quality", "authority", "greeting", "behave", "require", "language-nl", "language-tr"}
)
"""Families of attacks of which nothing is trained on."""
BARE: Final = 0.5
"""How often a window is read once more without its words, only with their kinds."""
HARD: Final = -1.0
"""The sum from which on a harmless window is one to learn from again."""
MOST: Final = {0: 3, 1: 3}
"""Windows of a reading of a text, by label."""
QUOTA: Final = {"prompts": 2400, "services": 3000, "documents": 5000, "lectures": 2500, "made": 2100, "requests": 600}
TUNING: Final = 0.3
"""How much of that the tuning part has."""
WEIGHTS: Final = {"prompt": 0.3, "security": 0.6}
"""What a window of a kind weighs, others 1: prompts are no results, and lectures quote what is an attack elsewhere."""
_WIDE: Final = 380
"""Characters of an attack that a window shows if it shows as much as it can."""
ROUNDS, POSITIVE = 2, 0.6
"""How often is learnt, and what all attacks weigh against all that is harmless."""
ALARMS: Final = {
    "answer": {"ordinary": 0.005, "hard": 0.03, "security": 0.07, "hidden-benign": 0.03},
    "catalogue": {"honest": 0.004},
    "request": {"ordinary": 0.03, "prompt": 0.03},
}
"""Which share of harmless texts of a kind may be taken for attacks at 0.5, on the tuning part, to begin with."""
MOVED: Final = {"answer": -0.1, "catalogue": 3.2, "request": 0.5}
"""By how much the sums are moved after that, so that on texts of others alarms are as rare as wanted."""
PAINS: Final = {
    "view.base64": 1.5, "view.base32": 1.5, "view.hex": 1.5, "view.bits": 1.5, "view.smuggled": 1.5, "view.entity": 1.0,
    "view.concealed": 0.5,
}  # fmt: skip
"""What is added where somebody took pains to hide a text: harmless ones are hidden more seldom than in training."""


def examples(seed: int, part: str, scale: float) -> list[Example]:
    """Return all examples of a part, in an order that a seed decides."""
    rng = Random(seed)
    told, taught, served = list(documents(part)), list(lectures(part)), list(services(part))
    tools = real_definitions(part)
    asked = [each for at, each in enumerate(prompts()) if (at % 10 == 9) == (part == "tune")]
    maker = Maker(rng, sentences([*told, *served, *tools]))
    maker.without = HELD if part == "train" else frozenset()
    maker.translated = translations(part)
    maker.asked = [each.text for each in asked if not each.label and len(each.text) < 300]
    maker.carriers, maker.lectured = [each.text for each in told], [each.text for each in taught]
    maker.defined = [
        each.text for each in (*tools, *tools, *tools, *rng.sample(served, min(len(served), 2 * len(tools))))
    ]
    if part == "train":
        maker.goals, maker.dresses = [*orders(), *latent()], dresses()
    found = [
        *results(maker, int(QUOTA["made"] * scale)), *definitions(maker, int(QUOTA["made"] * scale)),
        *requests(maker, int(QUOTA["requests"] * scale)), *tools,
        *_some(rng, taught, int(QUOTA["lectures"] * scale)), *_some(rng, served, int(QUOTA["services"] * scale)),
        *_some(rng, told, int(QUOTA["documents"] * scale)), *_some(rng, asked, int(QUOTA["prompts"] * scale)),
    ]  # fmt: skip
    rng.shuffle(found)
    return found


def _some(rng: Random, every: Iterator[Example] | list[Example], most: int) -> list[Example]:
    listed = list(every)
    return rng.sample(listed, min(most, len(listed)))


def viewed(example: Example) -> list[tuple[View, Sequence[Found]]]:
    """Return the readings of a text with their signs; some definitions are read as thoroughly as all at run time."""
    thorough = example.surface == CATALOGUE and (example.hidden or len(example.text) % 8 == 0)
    every = views(example.text, ViewBounds(thorough=True) if thorough else BOUNDS)
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


def looked_at(
    example: Example, made: Rows, pick: Callable[[View, Words, Sequence[Found]], Sequence[tuple[Window, int]]]
) -> Iterator[tuple[list[Feature], Window, Told, int]]:
    """Yield the windows of every view of a text that are picked, with what counts of them, and their labels."""
    for view, found in viewed(example):
        words = read(view.text)
        picked = pick(view, words, found)
        some, features = made.text(words) if picked else ([], [])
        if view.path and not legible(some):
            continue
        near = around(words, some) if picked else None
        steps = {f"view.{step}": 1.0 for step in steps_of(view.path)}
        for window, label in picked if near else ():
            told = surfaced(
                {**traits(window, near), **steps, **marks(*view.original(window.start, window.end), found)},
                example.surface,
            )
            yield features, window, (told, mixed(window, near)), label


def gathered(some: Sequence[Example], rng: Random, made: Rows) -> None:
    """Add windows of examples, drawn by chance."""
    for example in some:

        def pick(
            view: View, words: Words, _: Sequence[Found], example: Example = example
        ) -> Sequence[tuple[Window, int]]:
            labelled = [(each, shows(example, view, each)) for each in windows(words)]
            good, rest = ([each for each in labelled if each[1] == label] for label in (1, 0))
            most = MOST[0] if not good else 1
            return rng.sample(good, min(len(good), MOST[1])) + rng.sample(rest, min(len(rest), most))

        for features, window, told, label in looked_at(example, made, pick):
            for bare in (False,) if rng.random() > BARE else (False, True):
                made.add(features, window, told, example.surface, bare=bare)
                made.labels.append(label)
                made.weights.append(WEIGHTS.get(example.kind, 1.0))


def mined(some: Sequence[Example], model: Mapping[str, Weights], made: Rows) -> int:
    """Add the windows of harmless examples that a model takes for attacks, or nearly; return how many there are."""
    before = len(made.labels)
    for example in some:
        weights = model[example.surface]

        def pick(
            view: View, words: Words, found: Sequence[Found], weights: Weights = weights
        ) -> Sequence[tuple[Window, int]]:
            sums = [each for each in totals(view, words, found, weights) if each.total > HARD]
            return [(each.window, 0) for each in sorted(sums, key=lambda one: -one.total)[: MOST[1]]]

        for features, window, told, _ in looked_at(example, made, pick):
            made.add(features, window, told, example.surface, bare=False)
            made.labels.append(0)
            made.weights.append(WEIGHTS.get(example.kind, 1.0))
    return len(made.labels) - before


def trained(train: Sequence[Example], said: Callable[[str], None]) -> tuple[Any, Rows]:
    """Return weights that were learnt in rounds, each also from what the one before took for attacks."""
    made, w = Rows(), None
    gathered(train, Random(SEED), made)
    for round_ in range(ROUNDS):
        labels, own = np.array(made.labels), np.array(made.weights)
        own = np.where(labels == 1, own * (labels == 0).sum() / (labels == 1).sum() * POSITIVE, own)
        said(f"round {round_}: {len(labels)} windows, {labels.sum()} of attacks")
        w = fitted(made.matrix(), labels, own, w, SEED)
        if round_ < ROUNDS - 1:
            harmless = [each for each in _third(train, round_) if not each.label]
            said(f"{mined(harmless, weights_in(*model_of(w, made.names)), made)} windows to learn from again")
    return w, made


def _third(some: Sequence[Example], seed: int) -> Sequence[Example]:
    return Random(seed).sample(some, int(len(some) * 0.3))


def weights_in(plans: Mapping[str, Plan], table: bytes) -> Mapping[str, Weights]:
    """Return a model that is not kept yet."""
    data = packed(plans, table)
    return loaded(data, hashlib.sha256(data).hexdigest())


def scored(example: Example, model: Mapping[str, Weights]) -> float:
    """Return the highest sum of any window of a text."""
    weights = model[example.surface]
    return max(
        [
            -20.0,
            *(each.total for view, found in viewed(example) for each in totals(view, read(view.text), found, weights)),
        ]
    )


def calibrated(tune: Sequence[Example], scores: Any, surface: str) -> tuple[float, float]:
    """Return slope and offset of the probability: fitted, then moved so that alarms are as rare as wanted at 0.5."""
    mine = np.array([each.surface == surface for each in tune])
    labels = np.array([each.label for each in tune])
    slope = float(LogisticRegression(C=10.0).fit(scores[mine, None], labels[mine]).coef_[0][0])
    least = max(
        float(np.quantile(scores[mine & np.array([each.kind == kind and not each.label for each in tune])], 1 - share))
        for kind, share in ALARMS[surface].items()
    )
    return round(slope, 5), round(-slope * least, 5)


def told_of(tune: Sequence[Example], scores: Any, plans: Mapping[str, Plan]) -> list[str]:
    """Return rows of a table: what is flagged of the tuning part."""
    counts: dict[tuple[str, str, str], list[int]] = {}
    for each, score in zip(tune, scores, strict=True):
        plan = plans[each.surface]
        key = each.surface, each.kind, "yes" if each.label else "no"
        counts.setdefault(key, []).append(plan.slope * score + plan.offset > 0)
    return [
        f"| {' | '.join(key)} | {len(some)} | {sum(some) / len(some):.1%} |" for key, some in sorted(counts.items())
    ]


def written(kept: bytes, train: Sequence[Example], rows: Sequence[str], to: Path) -> str:
    """Write the model, and if it is the one of the package its digest and what was trained on; return its digest."""
    digest = hashlib.sha256(kept).hexdigest()
    to.write_bytes(kept)
    if to != MODEL:
        return digest
    code = PINNED.read_text(encoding="utf-8")
    PINNED.write_text(re.sub(r'(?m)^DIGEST: Final = ".*"$', f'DIGEST: Final = "{digest}"', code), encoding="utf-8")
    kinds = Counter((each.surface, each.kind, "yes" if each.label else "no") for each in train)
    table = [f"| {' | '.join(key)} | {count} |" for key, count in sorted(kinds.items())]
    text = "\n".join((
        "<!-- training -->", "| surface | kind | attack | texts |", "|---|---|---|---|", *table, "",
        f"Model: {len(kept)} bytes, SHA-256 `{digest}`. On the tuning part, made by the same templates, at 0.5:", "",
        "| surface | kind | attack | texts | flagged |", "|---|---|---|---|---|", *rows, "<!-- /training -->",
    ))  # fmt: skip
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(r"(?s)<!-- training -->.*<!-- /training -->", lambda _: text, page), encoding="utf-8")
    return digest


def main() -> int:
    """Train, and write what is to be written."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--fetch", action="store_true")
    asked.add_argument("--to", type=Path, default=MODEL)
    options = asked.parse_args()
    if options.fetch:
        fetch()
        return 0
    begun = time.monotonic()

    def said(words: str) -> None:
        print(f"{words} ({time.monotonic() - begun:.0f} s)", flush=True)

    train, tune = examples(SEED, "train", 1.0), examples(SEED + 1, "tune", TUNING)
    said(f"{len(train)} texts to train on, {len(tune)} to tune with")
    w, made = trained(train, said)
    plans, table = model_of(w, made.names)
    model = weights_in(plans, table)
    scores = np.array([scored(each, model) for each in tune])
    for surface in SURFACES:
        slope, offset = calibrated(tune, scores, surface)
        told = {name: round(plans[surface].traits.get(name, 0.0) + more, 4) for name, more in PAINS.items()}
        plans[surface] = replace(
            plans[surface],
            slope=slope,
            offset=round(offset + MOVED[surface], 5),
            traits={**plans[surface].traits, **told},
        )
    rows = told_of(tune, scores, plans)
    print("\n".join(rows))
    said(f"SHA-256 {written(packed(plans, table), train, rows, options.to)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
