"""What is found in texts of an author of whom nothing was learnt, and what is learnt from that.

For each author a model is trained on templates, packages and all other authors. What it says of the one who was left
out is weighed once more, together with the kinds of words and the traits of each window: a model that is asked about
strangers shows how far words can be trusted against kinds. That second step is linear as well, and becomes part of the
model that is kept. It is measured in the same way: each author by what was learnt from the others, at thresholds that
were set on the others.
"""

# Random numbers of a fixed seed make the same texts again.
# ruff: noqa: S311

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np
from injection_examples import Example
from injection_fitting import Rows, fitted
from injection_windows import every, gathered, looked_at
from injection_written import Anew
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from ostiary.guards.classifier import BELOW, GATE, LISTED, SUM
from ostiary.guards.surroundings import TRAITS
from ostiary.guards.trees import Trees
from ostiary.guards.vocabulary import NAMES
from ostiary.guards.wording import BITS

OWN, ANEW = 5.0, 1.5
"""What windows of written texts weigh, and of texts that were put together of them; others 1."""
OFTEN: Final = 3
"""How often an attack is put elsewhere."""
TREES: Final = 120
_RIDGE: Final = 0.05
_NAMED: Final = ("order:", "sign", "view.")
LIMITS: Final = {
    "answer": {"ordinary": 0.01, "hard": 0.05},
    "catalogue": {"ordinary": 0.02, "hard": 0.15},
}
"""Which share of harmless texts of a kind may be taken for attacks.

Of documentation of security nothing is asked: one author wrote nearly all of it, so that a model that is asked about
this one learnt from none.
"""


@dataclass(frozen=True)
class Author:
    """The rows of the windows of an author's texts."""

    name: str
    texts: Sequence[Example]
    first: int
    of: Any
    """The text of each window."""
    labels: Any
    last: int
    """The row after those of texts that were put together anew."""

    @property
    def rows(self) -> slice:
        """Return the rows of the texts as they were written."""
        return slice(self.first, self.first + len(self.of))


@dataclass(frozen=True)
class Again:
    """How sums are weighed once more: by surface a factor and an offset, and a weight for each name."""

    factors: Mapping[str, float]
    offsets: Mapping[str, float]
    named: Mapping[str, float]


def author(name: str, texts: Sequence[Example], anew: Anew, made: Rows) -> Author:
    """Add all windows of an author's texts, and some of those that are made of them."""
    first, of = len(made.labels), []
    for at, text in enumerate(texts):
        for each in looked_at(text, made, every(text)):
            made.add(each.features, each.window, each.told, text.surface, bare=False)
            made.labels.append(each.label)
            of.append(at)
    labels = np.array(made.labels[first:])
    made.weights.extend(_weights(np.array(of), labels))
    gathered([*texts, *anew.made(OFTEN), *anew.alone()], Random(len(texts)), made, ANEW)
    return Author(name, texts, first, np.array(of), labels, len(made.labels))


def _weights(of: Any, labels: Any) -> list[float]:
    """Return what windows weigh: those of a text and a label together no more than three."""
    both = of * 3 + labels + 1
    counts = np.bincount(both)
    return [OWN * 3 / max(3, int(counts[each])) for each in both]


def left_out(data: Any, made: Rows, authors: Sequence[Author], seed: int, said: Callable[[str], None]) -> list[Any]:
    """Return of each author the sums of the windows by a model that learnt nothing of this author."""
    labels, weights = np.array(made.labels), np.array(made.weights)
    sums = []
    for each in authors:
        kept = labels >= 0
        kept[each.first : each.last] = False
        rows = np.flatnonzero(kept)
        w = fitted(data[rows], labels[rows], weights[rows], seed)
        sums.append(data[each.rows] @ w[:-1] + w[-1])
        said(f"without {each.name}")
    return sums


class Stage:
    """The windows of each author, to be weighed once more."""

    def __init__(self, data: Any, made: Rows, authors: Sequence[Author], sums: Sequence[Any]) -> None:
        self.authors = authors
        self.named = [
            name
            for name in made.names
            if name in TRAITS or name in NAMES or (name.startswith(_NAMED) and "+" not in name)
        ]
        columns = [(1 << BITS) + made.names[name] for name in self.named]
        self.parts = []
        for each, own in zip(authors, sums, strict=True):
            listed = np.array([text.surface == "catalogue" for text in each.texts])[each.of]
            dense = data[each.rows][:, columns].toarray()
            self.parts.append((np.c_[own, own * listed, listed, dense], each.labels, each.of))

    def fitted(self, without: int = -1) -> tuple[LogisticRegression, HistGradientBoostingClassifier]:
        """Return what was learnt from all authors but one: new weights, and trees over what they say."""
        some = [part for at, part in enumerate(self.parts) if at != without]
        data, labels = np.concatenate([x for x, _, _ in some]), np.concatenate([y for _, y, _ in some])
        data, labels = data[labels >= 0], labels[labels >= 0]
        line = LogisticRegression(C=_RIDGE, max_iter=5000, tol=1e-7).fit(data, labels)
        trees = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=6, learning_rate=0.06, l2_regularization=5.0, min_samples_leaf=30,
            early_stopping=False, random_state=1,
        )  # fmt: skip
        return line, trees.fit(_told(line, data), labels)

    def scored(self) -> list[Any]:
        """Return of each author the sums of the texts, weighed by what was learnt from the others."""
        found = []
        for at, (data, _, of) in enumerate(self.parts):
            line, trees = self.fitted(at)
            told = _told(line, data)
            sums = np.where(told[:, 0] > GATE, (told[:, 0] + trees.decision_function(told)) / 2, told[:, 0] - BELOW)
            total = np.full(len(self.authors[at].texts), -20.0)
            np.maximum.at(total, of, sums)
            found.append(total)
        return found

    def again(self) -> tuple[Again, Trees]:
        """Return what was learnt from all authors."""
        line, trees = self.fitted()
        factor, more, listed, *named = map(float, line.coef_[0])
        bias = float(line.intercept_[0])
        weights = Again(
            {"answer": factor, "catalogue": factor + more},
            {"answer": bias, "catalogue": bias + listed},
            dict(zip(self.named, named, strict=True)),
        )
        return weights, grown(trees, [SUM, LISTED, *self.named])


def _told(line: LogisticRegression, data: Any) -> Any:
    return np.c_[line.decision_function(data), data[:, 2:]]


def grown(model: HistGradientBoostingClassifier, names: Sequence[str]) -> Trees:
    """Return trees as they are kept."""
    roots: list[int] = []
    nodes: list[tuple[int, float, int, int]] = []
    for (each,) in model._predictors:  # noqa: SLF001  # there is no other way to them
        first = len(nodes)
        roots.append(first)
        for node in each.nodes:
            if node["is_leaf"]:
                nodes.append((-1, round(float(node["value"]), 5), 0, 0))
            else:
                after = first + int(node["left"]), first + int(node["right"])
                nodes.append((int(node["feature_idx"]), round(float(node["num_threshold"]), 5), *after))
    asks, bounds, low, high = map(list, zip(*nodes, strict=True))
    bias = round(float(model._baseline_prediction.ravel()[0]), 5)  # noqa: SLF001  # as above
    return Trees(names, roots, asks, bounds, low, high, bias)


def least(scores: Sequence[tuple[str, str, float]], surface: str, wider: float = 1.0) -> float:
    """Return the sum that no more than the allowed share of harmless texts of a surface is above."""
    found = -20.0
    for kind, share in LIMITS[surface].items():
        some = sorted((each for of, is_, each in scores if (of, is_) == (surface, kind)), reverse=True)
        if some:
            found = max(found, some[min(int(share * wider * len(some)), len(some) - 1)])
    return found


def harmless(authors: Sequence[Author], scores: Sequence[Any], without: str = "") -> list[tuple[str, str, float]]:
    """Return surface, kind and sum of the harmless texts of all authors but one."""
    return [
        (text.surface, text.kind, float(score))
        for each, some in zip(authors, scores, strict=True)
        for text, score in zip(each.texts, some, strict=True)
        if not text.label and each.name != without
    ]


def measured(authors: Sequence[Author], scores: Sequence[Any], wider: float) -> Iterator[str]:
    """Yield rows of a table: what is told of each kind of texts, each author at thresholds of the others."""
    counts: dict[tuple[str, str, str], list[bool]] = {}
    for each, some in zip(authors, scores, strict=True):
        others = harmless(authors, scores, each.name)
        at = {surface: least(others, surface, wider) for surface in LIMITS}
        for text, score in zip(each.texts, some, strict=True):
            key = text.surface, text.kind, "yes" if text.label else "no"
            counts.setdefault(key, []).append(bool(score > at[text.surface]))
    for key, told in sorted(counts.items()):
        yield f"| {' | '.join(key)} | {len(told)} | {sum(told) / len(told):.1%} |"
