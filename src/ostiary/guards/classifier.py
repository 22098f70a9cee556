"""How much a text reads like an injection, by a small model over its words, their kinds and its signs. Pure.

The model is data, and its digest is compared before any of it is used, so that nobody changes what counts as an attack
without changing the program or its configuration. Each step takes time in proportion to the text: a text is cut into
words once, each word's part of the sum is known after the first time, and windows differ by two look-ups.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, repeat
from operator import mul
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ostiary.guards.found import Found
from ostiary.guards.pace import breathe
from ostiary.guards.sign import CATALOGUE
from ostiary.guards.signs import EVERY_SIGN, SMUGGLED, UNREAD
from ostiary.guards.surroundings import TRAITS, around, legible, mixed, named, traits, understood
from ostiary.guards.trees import Trees, answered, places, whole
from ostiary.guards.views import View
from ostiary.guards.vocabulary import together
from ostiary.guards.wording import (
    BITS,
    KIND,
    MASK,
    PART,
    WORD,
    Known,
    Term,
    Window,
    Words,
    known,
    read,
    summed,
    term,
    windows,
)

RULE: Final = "injection.model"
FLOOR: Final = 0.3
"""Windows that score less are not told."""
_LOGIT: Final = math.log(FLOOR / (1 - FLOOR))
_CLOSE: Final = 1e-6
_KIND: Final = "injection"
_MAGIC: Final = b"ostiary-linear-3\n"
_MOST: Final = 20_000
"""Words of which is kept what is known; when there are more, all are forgotten, so that no text fills the memory."""
_EVIDENCE: Final = 4
SUM, LISTED = "sum", "catalogue"
"""What trees are told beside what a window has: its sum, and whether it is of a definition."""
GATE, BELOW = -1.0, 10.0
"""The sum up to which trees are not asked, and what is taken from it then."""
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
    grown: bool = False
    """Whether trees are asked about windows whose sums are not far below those of attacks."""


class Heading(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands before the table of a model, which all surfaces share."""

    bits: int
    surfaces: Mapping[str, Plan]
    trees: Trees | None = None


class Weights:
    """The weights of one surface, and what was summed up already."""

    def __init__(self, plan: Plan, table: array[int], trees: Trees | None = None, *, catalogue: bool = False) -> None:
        self.plan, self.table = plan, table
        self.trees = trees if plan.grown else None
        self._places = places(self.trees) if self.trees else {}
        self._blank = [1.0 if catalogue and name == LISTED else 0.0 for name in self._places]
        self.traits = [plan.traits.get(name, 0.0) for name in TRAITS]
        # A sum that is less than this is that of no window that is told.
        self.least = (_LOGIT - plan.offset) / plan.slope - _CLOSE if plan.slope > 0 else -math.inf
        self._known: dict[str, tuple[Known, Term]] = {}
        self._mixed: dict[tuple[int, int, bool], float] = {}

    def probability(self, total: float) -> float:
        """Return how likely an injection is, given a sum."""
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, self.plan.slope * total + self.plan.offset))))

    def weighed(self, words: Words) -> tuple[Sequence[Known], Sequence[float]]:
        """Return what is known of each word, and its weight: its own, its parts', and of the rows that end with it."""
        known = self._known
        found = [known.get(word) or self._learned(word) for word in words.tokens]
        return [each for each, _ in found], summed([each for _, each in found], self.table)

    def mixture(self, mix: tuple[int, int, bool]) -> float:
        """Return the weight of the kinds that stand together."""
        if (total := self._mixed.get(mix)) is None:
            if len(self._mixed) >= _MOST:
                self._mixed.clear()
            total = self._mixed[mix] = KIND * sum(self.plan.traits.get(name, 0.0) for name in named(*mix))
        return total

    def grown(self, total: float, has: Iterable[tuple[str, float]], mix: tuple[int, int, bool]) -> float:
        """Return the mean of a sum and of what the trees say of it and all else that a window has."""
        if self.trees is None:
            return total
        values, at = list(self._blank), self._places
        kinds, orders, _ = mix
        for name, value in chain(has, zip(named(kinds, orders, False), repeat(KIND)), ((SUM, total),)):
            if (number := at.get(name)) is not None:
                values[number] = value
        return (total + answered(self.trees, values)) / 2

    def _learned(self, word: str) -> tuple[Known, Term]:
        each = known(word)
        own = WORD * self.table[each.word & MASK] + PART * sum(self.table[part] for part in each.parts)
        found = each, term(each, own)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[word] = found
        return found


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
    if heading.trees is not None and not whole(heading.trees):
        message = f"the injection model with the SHA-256 {found} has trees that this version cannot walk"
        raise Altered(message)
    if heading.bits != BITS or len(body) != 1 << BITS or not data.startswith(_MAGIC):
        message = f"the injection model with the SHA-256 {found} has a table of another size than this version reads"
        raise Altered(message)
    table = array("b", body)
    return {
        surface: Weights(plan, table, heading.trees, catalogue=surface == CATALOGUE)
        for surface, plan in heading.surfaces.items()
    }


def packed(plans: Mapping[str, Plan], table: bytes, trees: Trees | None = None) -> bytes:
    """Return a model as it is kept."""
    return b"".join((_MAGIC, msgspec.json.encode(Heading(BITS, plans, trees)), b"\n", table))


def judged(every: Sequence[View], signs: Sequence[Found], surface: str, model: Model) -> tuple[Found, ...]:
    """Return what reads like an injection in a text, given its views and the signs in them, in the order of places.

    Signs count where they stand; one that may be a mention and stands in words of no attack is told as less sure.
    """
    weights = model[surface]
    told: dict[tuple[str, int, int], Found] = {}
    plain = {(sign.rule, sign.start, sign.end) for sign in signs if sign.view == every[0].name}
    for view in every:
        here = [sign for sign in signs if sign.view == view.name]
        if view.path:
            # What stands there for everybody to see is told where it was written.
            here = [sign for sign in here if (sign.rule, sign.start, sign.end) not in plain or view is every[0]]
        for each in _of_view(view, here, weights, every[0].text):
            key = each.rule, each.start, each.end
            if key not in told or told[key].score < each.score:
                told[key] = each
    return tuple(sorted(told.values(), key=lambda each: (each.start, each.end, each.rule)))


def totals(
    view: View, words: Words, signs: Sequence[Found], weights: Weights, written: str | None = None
) -> Iterator[Sum]:
    """Yield the sum of each window of a view, with the signs in it; of a reading, only of those that it changed."""
    plan = weights.plan
    breathe()
    some, sums = weights.weighed(words)
    breathe()
    doubted = legible(some) if guessed(view.path) else ()
    so_far = list(accumulate(sums, initial=0.0))
    near = around(words, some)
    steps = {f"view.{step}": 1.0 for step in steps_of(view.path)}
    lowest = GATE if weights.trees else -math.inf
    stepped = sum(plan.traits.get(name, 0.0) for name in steps)
    for window in windows(words):
        breathe()
        start, end = view.original(window.start, window.end)
        if view.path and (same(view, window, written, start, end) or (doubted and not understood(window, doubted))):
            continue
        said = (so_far[window.last] - so_far[window.first]) * plan.scale / math.sqrt(window.last - window.first)
        had = traits(window, near)
        more = sum(map(mul, weights.traits, had))
        signed = marks(start, end, signs) if signs else {}
        if signed:
            more = sum((plan.traits.get(name, 0.0) * value for name, value in signed.items()), more)
        mix = mixed(window, near)
        total = plan.bias + said + more + stepped + weights.mixture(mix)
        if total <= lowest:
            yield Sum(window, start, end, total - BELOW)
            continue
        has = chain(zip(TRAITS, had, strict=True), steps.items(), signed.items())
        yield Sum(window, start, end, weights.grown(total, has, mix))


def marks(start: int, end: int, signs: Sequence[Found]) -> Mapping[str, float]:
    """Return the signs that stand in [start, end) as what counts of it, each as sure as it is."""
    told: dict[str, float] = {}
    for each in signs:
        if each.start < end and start < each.end:
            for name in ("sign", f"sign.{each.rule}"):
                told[name] = max(each.score, told.get(name, 0.0))
    return told


def same(view: View, window: Window, written: str | None, start: int, end: int) -> bool:
    """Say whether a window of a reading is as it was written, where it is read already."""
    return written is not None and view.text[window.start : window.end] == written[start:end]


def guessed(path: Sequence[str]) -> bool:
    """Say whether a view was made of what nobody need have disguised, so that it may say nothing at all."""
    return any(step in _GUESSES for each in path for step in each.split("+"))


def steps_of(path: Sequence[str]) -> frozenset[str]:
    """Return the single steps of a view's path that say something."""
    return frozenset(step for each in path for step in each.split("+")) - _GUESSES


def _of_view(view: View, signs: Sequence[Found], weights: Weights, written: str) -> Iterator[Found]:
    words = read(view.text)
    every = list(totals(view, words, signs, weights, written))
    told = len(words.tokens) >= TOLD
    for sign in signs:
        yield _tempered(sign, every, weights) if told else sign
    above = [each for each in every if each.total >= weights.least and weights.probability(each.total) >= FLOOR]
    for group in _grouped(above):
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
