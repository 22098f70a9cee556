"""Windows of texts as a sparse matrix, and logistic regression over it by minibatches; numbers only."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import sparse

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from ostiary.guards.classifier import Plan  # noqa: E402
from ostiary.guards.surroundings import named  # noqa: E402
from ostiary.guards.wording import BITS, KIND, MASK, PART, WORD, Known, Window, Words, known, rows  # noqa: E402

SURFACES: Final = ("answer", "catalogue", "request")
EPOCHS, BATCH, RATE, RIDGE, FIRST = 12, 1024, np.float32(1.0), np.float32(2e-6), 0.01
POSITIVE: Final = 0.6
"""What all attacks weigh against all that is harmless."""
Feature = tuple[list[int], list[float], int]
"""The columns of a word, their values, and how many of them are of rows of kinds."""
Told = tuple[Mapping[str, float], tuple[int, int, bool]]
"""The traits of a window, and the kinds that are mixed in it."""


class Rows:
    """A sparse matrix that grows by a window at a time."""

    def __init__(self) -> None:
        self.columns, self.values, self.ends = array("i"), array("f"), [0]
        self.labels: list[int] = []
        self.weights: list[float] = []
        self.names: dict[str, int] = {}
        self._known: dict[str, Known] = {}
        self._mixed: dict[tuple[str, tuple[int, int, bool]], array[int]] = {}

    def text(self, words: Words) -> tuple[list[Known], list[Feature]]:
        """Return what is known of the words of a text, and the features of each."""
        for token in words.tokens:
            if token not in self._known:
                self._known[token] = known(token)
        some = [self._known[token] for token in words.tokens]
        features = [
            (
                [*row, both, each.word & MASK, *each.parts],
                [*[1.0] * len(row), WORD, WORD, *[PART] * len(each.parts)],
                len(row),
            )
            for each, (both, *row) in zip(some, rows(some), strict=True)
        ]
        return some, features

    def add(self, features: Sequence[Feature], window: Window, told: Told, surface: str, *, bare: bool) -> None:
        """Add a window; a bare one without its words, only with their kinds."""
        here = 1 / sqrt(window.last - window.first)
        start = len(self.values)
        for columns, values, count in features[window.first : window.last]:
            self.columns.extend(columns[:count] if bare else columns)
            self.values.extend(values[:count] if bare else values)
        scaled = np.frombuffer(self.values, dtype=np.float32)[start:] * here
        self.values[start:] = array("f", scaled.tobytes())
        for name, value in told[0].items():
            self.columns.append(self._column(name))
            self.values.append(value)
        mixture = self._mixture(surface, told[1])
        self.columns.extend(mixture)
        self.values.extend([KIND] * len(mixture))
        self.ends.append(len(self.columns))

    def _mixture(self, surface: str, mix: tuple[int, int, bool]) -> array[int]:
        if (surface, mix) not in self._mixed:
            alone = named(*mix)
            own = [f"{surface}/{each}" for each in alone if "+" not in each]
            self._mixed[surface, mix] = array("i", map(self._column, [*alone, *own]))
        return self._mixed[surface, mix]

    def _column(self, name: str) -> int:
        return (1 << BITS) + self.names.setdefault(name, len(self.names))

    def matrix(self) -> Any:
        """Return all of it."""
        shape = len(self.ends) - 1, (1 << BITS) + len(self.names)
        made = sparse.csr_matrix(
            (np.array(self.values, np.float32), np.array(self.columns, np.int32), self.ends), shape
        )
        made.sum_duplicates()
        return made


def surfaced(told: Mapping[str, float], surface: str) -> Mapping[str, float]:
    """Return traits, and the same again for their surface alone."""
    return {**told, **{f"{surface}/{name}": value for name, value in told.items()}, f"{surface}/": 1.0}


def fitted(data: Any, labels: Any, own: Any, seed: int) -> Any:
    """Return weights and bias: logistic regression by minibatches whose steps shrink where they were large (Adagrad).

    What is returned is the mean over the second half of the steps.
    """
    own = np.where(labels == 1, own * own[labels == 0].sum() / own[labels == 1].sum() * POSITIVE, own)
    own = (own / own.mean()).astype(np.float32)
    rng = np.random.default_rng(seed)
    count, width = data.shape
    w, seen = np.zeros(width, np.float32), np.full(width, FIRST, np.float32)
    bias, seen_bias = 0.0, FIRST
    mean, mean_bias, steps = np.zeros(width), 0.0, 0
    for epoch in range(EPOCHS):
        order = rng.permutation(count)
        drawn, wanted, weights = data[order], labels[order], own[order]
        for at in range(0, count, BATCH):
            some = slice(at, at + BATCH)
            x = drawn[some]
            p = 1 / (1 + np.exp(-np.clip(x @ w + bias, -30, 30)))
            wrong = ((p - wanted[some]) * weights[some] / x.shape[0]).astype(np.float32)
            grad = x.T @ wrong + RIDGE * w
            seen += grad * grad
            w -= RATE * grad / np.sqrt(seen)
            more = float(wrong.sum())
            seen_bias += more * more
            bias -= RATE * more / sqrt(seen_bias)
            if epoch >= EPOCHS // 2:
                mean, mean_bias, steps = mean + w, mean_bias + bias, steps + 1
    return np.append(mean, mean_bias) / steps


def model_of(w: Any, names: Mapping[str, int]) -> tuple[dict[str, Plan], bytes]:
    """Return the plans of each surface, uncalibrated, and the one table of all."""
    table, scale = _quantised(w[: 1 << BITS])
    plans = {}
    for surface in SURFACES:
        told: dict[str, float] = {}
        for name, at in names.items():
            of, _, bare = name.rpartition("/")
            if of in ("", surface):
                told[bare] = told.get(bare, 0.0) + float(w[(1 << BITS) + at])
        bias = float(w[-1]) + told.pop("", 0.0)
        kept = {name: round(value, 4) for name, value in told.items() if abs(value) > 0.002}
        plans[surface] = Plan(round(bias, 5), scale, 1.0, 0.0, kept)
    return plans, table


def _quantised(weights: Any) -> tuple[bytes, float]:
    scale = float(np.percentile(np.abs(weights[weights != 0]), 99.95)) / 127
    return np.clip(np.round(weights / scale), -127, 127).astype(np.int8).tobytes(), float(f"{scale:.6g}")
