"""How much a text reads like an injection, by a small linear model over its words, their kinds and its signs. Pure.

The model is data, and its digest is compared before any of it is used, so that nobody changes what counts as an attack
without changing the program or its configuration. Each step takes time in proportion to the text: a text is cut into
words once, each word's part of the sum is known after the first time, and windows differ by two look-ups.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ostiary.guards.found import Found
from ostiary.guards.signs import EVERY_SIGN, SMUGGLED, UNREAD
from ostiary.guards.views import View
from ostiary.guards.vocabulary import together
from ostiary.guards.wording import (
    BITS,
    KIND,
    MASK,
    WORD,
    Known,
    Window,
    Words,
    around,
    known,
    legible,
    mixed,
    named,
    read,
    rows,
    traits,
    windows,
)  # fmt: skip

RULE: Final = "injection.model"
FLOOR: Final = 0.3
"""Windows that score less are not told."""
_KIND: Final = "injection"
_MAGIC: Final = b"ostiary-linear-2\n"
_MOST: Final = 20_000
"""Words of which is kept what is known; when there are more, all are forgotten, so that no text fills the memory."""
_EVIDENCE: Final = 4
DOUBT: Final = 0.1
"""Signs in words that score less may be mentions."""
LESS: Final = 0.55
"""What is left of those."""
TOLD: Final = 20
"""Words without which nothing is told that could mention a sign."""
_SURE: Final = frozenset(sign.id for sign in EVERY_SIGN if not sign.quotable) | {SMUGGLED.id, UNREAD.id}
_GUESSES: Final = frozenset({"rotated", "backwards", "latin", "spaced", "numbered"})
"""Readings that are made of what nobody disguised as well; that there is one says nothing."""


class Altered(ValueError):
    """The model is not the one that was asked for."""


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """What a model says of one surface."""

    bias: float
    scale: float
    """What a weight in the table is multiplied by."""
    slope: float
    offset: float
    """From a sum to a probability: 1 / (1 + exp(-(slope * sum + offset)))."""
    traits: Mapping[str, float]


class Heading(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands before the table of a model, which all surfaces share."""

    bits: int
    surfaces: Mapping[str, Plan]


class Weights:
    """The weights of one surface, and what was summed up already."""

    def __init__(self, plan: Plan, table: array[int]) -> None:
        self.plan, self.table = plan, table
        self._known: dict[str, tuple[Known, float]] = {}
        self._mixed: dict[tuple[int, int, bool], float] = {}

    def probability(self, total: float) -> float:
        """Return how likely an injection is, given a sum."""
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, self.plan.slope * total + self.plan.offset))))

    def weighed(self, words: Words) -> tuple[Sequence[Known], Sequence[float]]:
        """Return what is known of each word, and its weight: its own, its parts', and of the rows that end with it."""
        table, known = self.table, self._known
        found = [known.get(word) or self._learned(word) for word in words.tokens]
        every = [each for each, _ in found]
        sums = []
        for (_, own), (both, *row) in zip(found, rows(every), strict=True):
            total = own + WORD * table[both]
            for at in row:
                total += table[at]
            sums.append(total)
        return every, sums

    def mixture(self, mix: tuple[int, int, bool]) -> float:
        """Return the weight of the kinds that stand together."""
        if (total := self._mixed.get(mix)) is None:
            if len(self._mixed) >= _MOST:
                self._mixed.clear()
            total = self._mixed[mix] = KIND * sum(self.plan.traits.get(name, 0.0) for name in named(*mix))
        return total

    def _learned(self, word: str) -> tuple[Known, float]:
        each = known(word)
        total = WORD * self.table[each.word & MASK]
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[word] = each, total
        return each, total


class Sum(Struct, frozen=True):
    """What a window weighs."""

    window: Window
    start: int
    end: int
    """Offsets in the text as it was written."""
    total: float


Model = Mapping[str, Weights]
"""The weights of each surface."""


def loaded(data: bytes, digest: str) -> Model:
    """Return a model from what it is kept as; refuse one that has another SHA-256, or is none."""
    if (found := hashlib.sha256(data).hexdigest()) != digest.lower():
        message = (
            f"the injection model has the SHA-256 {found}, and {digest} is asked for: a model decides what counts as "
            "an attack, so another one is not used. Install the package again, or correct the digest beside its path."
        )
        raise Altered(message)
    head, _, body = data.removeprefix(_MAGIC).partition(b"\n")
    try:
        heading = msgspec.json.decode(head, type=Heading)
    except msgspec.DecodeError as error:
        message = f"the injection model with the SHA-256 {found} is in no format that this version reads ({error})"
        raise Altered(message) from error
    if heading.bits != BITS or len(body) != 1 << BITS or not data.startswith(_MAGIC):
        message = f"the injection model with the SHA-256 {found} has a table of another size than this version reads"
        raise Altered(message)
    table = array("b", body)
    return {surface: Weights(plan, table) for surface, plan in heading.surfaces.items()}


def packed(plans: Mapping[str, Plan], table: bytes) -> bytes:
    """Return a model as it is kept."""
    return b"".join((_MAGIC, msgspec.json.encode({"bits": BITS, "surfaces": plans}), b"\n", table))


def judged(every: Sequence[View], signs: Sequence[Found], surface: str, model: Model) -> tuple[Found, ...]:
    """Return what reads like an injection in a text, given its views and the signs in them, in the order of places.

    Signs count where they stand; one that may be a mention and stands in words of no attack is told as less sure.
    """
    weights = model[surface]
    told: dict[tuple[str, int, int], Found] = {}
    for view in every:
        here = [sign for sign in signs if sign.view == view.name]
        for each in _of_view(view, here, weights):
            key = each.rule, each.start, each.end
            if key not in told or told[key].score < each.score:
                told[key] = each
    return tuple(sorted(told.values(), key=lambda each: (each.start, each.end, each.rule)))


def totals(view: View, words: Words, signs: Sequence[Found], weights: Weights) -> Iterator[Sum]:
    """Yield the sum of each window of a view, with the signs in it."""
    plan = weights.plan
    some, sums = weights.weighed(words)
    if view.path and not legible(some):
        return
    so_far = list(accumulate(sums, initial=0.0))
    near = around(words, some)
    steps = sum(plan.traits.get(f"view.{step}", 0.0) for step in steps_of(view.path))
    for window in windows(words):
        start, end = view.original(window.start, window.end)
        said = (so_far[window.last] - so_far[window.first]) * plan.scale / math.sqrt(window.last - window.first)
        told = {**traits(window, near), **marks(start, end, signs)} if signs else traits(window, near)
        more = sum(plan.traits.get(name, 0.0) * value for name, value in told.items())
        yield Sum(window, start, end, plan.bias + said + more + steps + weights.mixture(mixed(window, near)))


def marks(start: int, end: int, signs: Sequence[Found]) -> Mapping[str, float]:
    """Return the signs that stand in [start, end) as what counts of it, each as sure as it is."""
    told: dict[str, float] = {}
    for each in signs:
        if each.start < end and start < each.end:
            for name in ("sign", f"sign.{each.rule}"):
                told[name] = max(each.score, told.get(name, 0.0))
    return told


def steps_of(path: Sequence[str]) -> frozenset[str]:
    """Return the single steps of a view's path that say something."""
    return frozenset(step for each in path for step in each.split("+")) - _GUESSES


def _of_view(view: View, signs: Sequence[Found], weights: Weights) -> Iterator[Found]:
    words = read(view.text)
    every = list(totals(view, words, signs, weights))
    told = len(words.tokens) >= TOLD
    for sign in signs:
        yield _tempered(sign, every, weights) if told else sign
    for group in _grouped([each for each in every if weights.probability(each.total) >= FLOOR]):
        best = max(group, key=lambda each: (each.total, each.window.first - each.window.last))
        score = round(weights.probability(best.total), 3)
        yield Found(best.start, best.end, _KIND, RULE, score, view.name, _evidence(words, best.window, weights))


def _tempered(sign: Found, every: Sequence[Sum], weights: Weights) -> Found:
    """Return a sign, less sure where it may be a mention and the words around it are of no attack."""
    if sign.rule in _SURE:
        return sign
    near = [each.total for each in every if sign.start < each.end and each.start < sign.end]
    if not near or weights.probability(max(near)) >= DOUBT:
        return sign
    return replace(sign, score=round(sign.score * LESS, 3), words=f"{sign.words}, in words of no attack")


def _grouped(above: Sequence[Sum]) -> Iterator[Sequence[Sum]]:
    """Yield windows, those that overlap together."""
    group: list[Sum] = []
    end = 0
    for each in sorted(above, key=lambda one: one.window.first):
        if group and each.window.first >= end:
            yield group
            group, end = [], 0
        group.append(each)
        end = max(end, each.window.last)
    if group:
        yield group


def _evidence(words: Words, window: Window, weights: Weights) -> str:
    """Return the kinds of words that count most in a window; they quote nothing."""
    some = Words(words.tokens[window.first : window.last], ())
    told: dict[str, float] = {}
    for each, value in zip(*weights.weighed(some), strict=True):
        for name in together(each.bits):
            told[name] = max(value, told.get(name, 0.0))
    telling = sorted((-value, name) for name, value in told.items() if value > 0)[:_EVIDENCE]
    return "reads like an injection" + (f": {', '.join(name for _, name in telling)}" if telling else "")
