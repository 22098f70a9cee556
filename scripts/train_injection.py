"""Train the injection model: the same files on every machine, from packages in the cache and from templates.

python scripts/train_injection.py --fetch  brings the packages (needs numpy, scipy and scikit-learn, as the docs say)
python scripts/train_injection.py          trains, writes the model, its digest and the table in the docs
python scripts/train_injection.py --across  trains without one author after the other, and says what is found of each
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

import injection_written as written
import numpy as np
from injection_across import Again, Author, Stage, author, harmless, least, left_out, measured
from injection_examples import Example, Maker, definitions, requests, results
from injection_fitting import ROOT, SURFACES, Rows, fitted, model_of
from injection_measured import refusing
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
from injection_windows import MOST, Picked, gathered, looked_at, viewed
from injection_written import Anew
from msgspec.structs import replace
from sklearn.linear_model import LogisticRegression

from ostiary.guards.classifier import Plan, Weights, loaded, packed, totals
from ostiary.guards.found import Found
from ostiary.guards.trees import Trees
from ostiary.guards.views import View
from ostiary.guards.wording import Words, read

MODEL: Final = ROOT / "src/ostiary/guards/injection.model"
PINNED: Final = ROOT / "src/ostiary/guards/shipped.py"
PAGE: Final = ROOT / "docs/security/classifier.md"
SEED: Final = 20261123
HELD: Final = frozenset(
    {"procedure", "quality", "authority", "greeting", "behave", "require", "language-nl", "language-tr"}
)
"""Families of attacks of which nothing is trained on."""
LEAST: Final = 0.002
"""What a name weighs at least, to be kept."""
HARD: Final = -1.0
"""The sum from which on a harmless window is one to learn from again."""
QUOTA: Final = {"prompts": 2400, "services": 3000, "documents": 5000, "lectures": 2500, "made": 2100, "requests": 600}
TUNING: Final = 0.3
"""How much of that the tuning part has."""
REAL: Final = {"answer": ("ordinary", 0.015), "catalogue": ("honest", 0.02)}
"""Which share of what packages bring, in the tuning part, may be taken for attacks at 0.5."""
ASKED: Final = {"ordinary": 0.03, "prompt": 0.03}
"""The same of requests, of which none were written one by one; by how much their sums are moved after that."""
MOVED: Final = 0.5
WIDER: Final = 1.0
"""By how much more than is wanted authors may be taken for attackers at 0.5."""


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


def mined(some: Sequence[Example], model: Mapping[str, Weights], made: Rows) -> int:
    """Add the windows of harmless examples that a model takes for attacks, or nearly; return how many there are."""
    before = len(made.labels)
    for example in some:
        weights = model[example.surface]

        def pick(
            view: View, words: Words, found: Sequence[Found], example: Example = example, weights: Weights = weights
        ) -> Picked:
            sums = [each for each in totals(view, words, found, weights, example.text) if each.total > HARD]
            return [(each.window, 0) for each in sorted(sums, key=lambda one: -one.total)[:MOST]]

        for each in looked_at(example, made, pick):
            made.add(each.features, each.window, each.told, example.surface, bare=False)
            made.labels.append(0)
            made.weights.append(1.0)
    return len(made.labels) - before


def templates(train: Sequence[Example], said: Callable[[str], None]) -> Rows:
    """Return the windows of templates and packages, also those that a model of these alone takes for attacks."""
    made = Rows()
    gathered(train, Random(SEED), made)
    labels = np.array(made.labels)
    said(f"{len(labels)} windows, {labels.sum()} of attacks")
    w = fitted(made.matrix(), labels, np.array(made.weights), SEED)
    harmless = [each for each in _third(train, 0) if not each.label]
    said(f"{mined(harmless, weights_in(*model_of(w, made.names)), made)} windows to learn from again")
    return made


def by_authors(train: Sequence[Example], made: Rows) -> list[Author]:
    """Add the windows of texts that were written one by one; return their authors."""
    real = {"answer": ("ordinary", "pages"), "catalogue": ("honest", "made")}
    carriers = {
        surface: [
            each.text for each in train if (each.surface, each.kind) == (surface, kind) and each.source != made_up
        ]
        for surface, (kind, made_up) in real.items()
    }
    some: dict[str, list[Example]] = {}
    for each in written.read():
        some.setdefault(each.source, []).append(each)
    maker = Maker(Random(SEED), [])
    return [author(name, texts, Anew(texts, maker, carriers, SEED), made) for name, texts in sorted(some.items())]


def _third(some: Sequence[Example], seed: int) -> Sequence[Example]:
    return Random(seed).sample(some, int(len(some) * 0.3))


def weights_in(plans: Mapping[str, Plan], table: bytes, trees: Trees | None = None) -> Mapping[str, Weights]:
    """Return a model that is not kept yet."""
    data = packed(plans, table, trees)
    return loaded(data, hashlib.sha256(data).hexdigest())


def scored(example: Example, model: Mapping[str, Weights]) -> float:
    """Return the highest sum of any window of a text."""
    weights = model[example.surface]
    return max(
        [
            -20.0,
            *(
                each.total
                for view, found in viewed(example)
                for each in totals(view, read(view.text), found, weights, example.text)
            ),
        ]
    )


def again(plan: Plan, surface: str, more: Again) -> Plan:
    """Return a plan that says what it said, weighed once more."""
    factor = more.factors[surface]
    named = {name: factor * value for name, value in plan.traits.items()}
    for name, value in more.named.items():
        named[name] = named.get(name, 0.0) + value
    kept = {name: round(value, 4) for name, value in named.items() if abs(value) > LEAST}
    return replace(
        plan,
        bias=round(factor * plan.bias + more.offsets[surface], 5),
        scale=float(f"{factor * plan.scale:.6g}"),
        traits=kept,
        grown=True,
    )


def calibrated(tune: Sequence[Example], scores: Any) -> tuple[float, float]:
    """Return slope and offset of the probability for requests: fitted, then moved so that alarms are rare at 0.5."""
    mine = np.array([each.surface == "request" for each in tune])
    labels = np.array([each.label for each in tune])
    slope = float(LogisticRegression(C=10.0).fit(scores[mine, None], labels[mine]).coef_[0][0])
    most = max(
        float(np.quantile(scores[mine & np.array([each.kind == kind and not each.label for each in tune])], 1 - share))
        for kind, share in ASKED.items()
    )
    return round(slope, 5), round(MOVED - slope * most, 5)


def real(tune: Sequence[Example], scores: Any, surface: str) -> float:
    """Return the sum that no more than the allowed share of what packages bring is above."""
    kind, share = REAL[surface]
    some = [
        score
        for each, score in zip(tune, scores, strict=True)
        if (each.surface, each.kind) == (surface, kind) and each.source not in {"pages", "made"}
    ]
    return float(np.quantile(some, 1 - share))


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


def written_down(
    kept: bytes, train: Sequence[Example], authors: Sequence[Author], rows: Sequence[str], to: Path
) -> str:
    """Write the model, and if it is the one of the package its digest and what was trained on; return its digest."""
    digest = hashlib.sha256(kept).hexdigest()
    to.write_bytes(kept)
    if to != MODEL:
        return digest
    code = PINNED.read_text(encoding="utf-8")
    PINNED.write_text(re.sub(r'(?m)^DIGEST: Final = ".*"$', f'DIGEST: Final = "{digest}"', code), encoding="utf-8")
    theirs = [each for one in authors for each in one.texts]
    kinds = Counter(
        (each.surface, each.kind, "yes" if each.label else "no", by)
        for some, by in ((train, "templates, packages"), (theirs, "written"))
        for each in some
    )
    table = [f"| {' | '.join(key)} | {count} |" for key, count in sorted(kinds.items())]
    text = "\n".join((
        "<!-- training -->", "| surface | kind | attack | made | texts |", "|---|---|---|---|---|", *table, "",
        f"Model: {len(kept)} bytes, SHA-256 `{digest}`. Each author by what was learnt from the others, at 0.5:", "",
        "| surface | kind | attack | texts | flagged |", "|---|---|---|---|---|", *rows, "<!-- /training -->",
    ))  # fmt: skip
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(r"(?s)<!-- training -->.*<!-- /training -->", lambda _: text, page), encoding="utf-8")
    return digest


def main() -> int:
    """Train, and write what is to be written."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--fetch", action="store_true")
    asked.add_argument("--across", action="store_true")
    asked.add_argument("--to", type=Path, default=MODEL)
    options = asked.parse_args()
    sys.addaudithook(refusing)
    if options.fetch:
        fetch()
        return 0
    begun = time.monotonic()

    def said(words: str) -> None:
        print(f"{words} ({time.monotonic() - begun:.0f} s)", flush=True)

    train, tune = examples(SEED, "train", 1.0), examples(SEED + 1, "tune", TUNING)
    said(f"{len(train)} texts to train on, {len(tune)} to tune with")
    made = templates(train, said)
    authors = by_authors(train, made)
    said(f"{sum(len(each.texts) for each in authors)} texts of {len(authors)} authors")
    data = made.matrix()
    stage = Stage(data, made, authors, left_out(data, made, authors, SEED, said))
    strangers = stage.scored()
    rows = list(measured(authors, strangers, WIDER))
    print("\n".join(rows))
    if options.across:
        return 0
    rows_of = np.flatnonzero(np.array(made.labels) >= 0)
    w = fitted(data[rows_of], np.array(made.labels)[rows_of], np.array(made.weights)[rows_of], SEED)
    kept = finished(w, made, stage, tune, harmless(authors, strangers))
    digest = written_down(kept, train, authors, rows, options.to)
    said(f"SHA-256 {digest}")
    return 0


def finished(
    w: Any, made: Rows, stage: Stage, tune: Sequence[Example], strangers: Sequence[tuple[str, str, float]]
) -> bytes:
    """Return a model with its thresholds at 0.5, as it is kept."""
    plans, table = model_of(w, made.names)
    more, trees = stage.again()
    # Requests were not written one by one: what they say is weighed once.
    plans = {surface: again(plan, surface, more) if surface in REAL else plan for surface, plan in plans.items()}
    model = weights_in(plans, table, trees)
    scores = np.array([scored(each, model) for each in tune])
    for surface in SURFACES:
        if surface == "request":
            slope, offset = calibrated(tune, scores)
        else:
            slope, offset = 1.0, -round(max(least(strangers, surface, WIDER), real(tune, scores, surface)), 5)
        plans[surface] = replace(plans[surface], slope=slope, offset=offset)
        print(surface, slope, offset)
    print("\n".join(told_of(tune, scores, plans)))
    return packed(plans, table, trees)


if __name__ == "__main__":
    sys.exit(main())
