"""How well a detector does on texts of which is known what they are: recall, false alarms, precision, time. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from ostiary.guards.found import Found

_SURE: Final = 1.96
"""Standard deviations on both sides that hold 95 % of what chance does."""
_ALL: Final = ("secrets", "personal", "injection")
_OF_SPANS: Final = ("secrets", "personal")


class Label(Struct, frozen=True):
    """A stretch of a text that is known to be something."""

    start: int
    end: int
    type: str


class Example(Struct, frozen=True):
    """A text, and what is known of it."""

    text: str
    label: Literal[0, 1]
    """1: it is an attack, or has something in it that is to be found."""
    surface: Literal["answer", "request", "catalogue"] = "answer"
    kind: str = ""
    source: str = ""
    spans: tuple[Label, ...] = ()
    key: str = ""
    """The name that the text stands under."""


class Marked(Struct, frozen=True):
    """How sure somebody was of one labelled stretch."""

    type: str
    touched: float
    """The best score of what was found in some of it; 0: nothing was."""
    covered: float
    """The highest threshold at which nothing of it would be left out; 0: there is none."""


class Outcome(Struct, frozen=True):
    """What was said of one example."""

    label: int
    score: float
    """The best score of what was found in the text; 0: nothing was."""
    seconds: float
    """Of the processor's time."""
    length: int
    surface: str
    kind: str
    source: str
    spans: tuple[Marked, ...] = ()


class Rates(Struct, frozen=True):
    """What was right and wrong at one threshold; None where there is nothing to divide by."""

    attacks: int
    hits: int
    harmless: int
    alarms: int
    recall: float | None
    recall_95: tuple[float, float] | None
    """Between which rates the true one is, nineteen times out of twenty, were the texts drawn by chance."""
    false_alarm_rate: float | None
    false_alarm_rate_95: tuple[float, float] | None
    precision: float | None


class Latency(Struct, frozen=True):
    """What texts cost, in milliseconds of the processor's time."""

    p50: float
    p95: float
    highest: float
    mean: float
    per_kilobyte: float
    """Of a thousand characters."""


class Spans(Struct, frozen=True):
    """How many labelled stretches were found, in part and whole."""

    labelled: int
    touched: float
    covered: float


class Step(Struct, frozen=True):
    """The rates at one threshold of many."""

    at: float
    recall: float | None
    false_alarm_rate: float | None
    precision: float | None


def meant(examples: Iterable[Example]) -> Callable[[Example], tuple[str, ...]]:
    """Return what reads an example where nobody said: stretches are labelled in secrets and personal data.

    What is harmless is read by all that have anything to find among these examples: that errs on the side of alarms.
    """
    found = {each: None for one in examples if one.label for each in _of(one)}
    every = tuple(each for each in _ALL if each in found) or _ALL
    return lambda example: _of(example) if example.label else every


def _of(example: Example) -> tuple[str, ...]:
    labelled = any("injection" not in each.type.lower() for each in example.spans)
    return _OF_SPANS if labelled else ("injection",)


def marked(label: Label, found: Iterable[Found]) -> Marked:
    """Return how sure somebody was of a labelled stretch."""
    here = sorted((each for each in found if _overlap(each, label)), key=lambda each: -each.score)
    covered = 0.0
    for count, each in enumerate(here, 1):
        if _whole(label, here[:count]):
            covered = each.score
            break
    return Marked(label.type, here[0].score if here else 0.0, covered)


def _overlap(found: Found, label: Label) -> bool:
    return found.start < label.end and found.end > label.start


def _whole(label: Label, found: Iterable[Found]) -> bool:
    reached = label.start
    for each in sorted(found, key=lambda one: one.start):
        if each.start > reached:
            return False
        reached = max(reached, each.end)
    return reached >= label.end


def rates(outcomes: Iterable[Outcome], at: float) -> Rates:
    """Return what was right and wrong where everything that is as sure as `at` counts."""
    attacks = hits = harmless = alarms = 0
    for each in outcomes:
        # A threshold of 0 does not mean that nothing at all is an alarm.
        said = each.score > 0 and each.score >= at
        attacks += each.label
        harmless += 1 - each.label
        hits += each.label and said
        alarms += (not each.label) and said
    return Rates(
        attacks, hits, harmless, alarms, _share(hits, attacks), _between(hits, attacks), _share(alarms, harmless),
        _between(alarms, harmless), _share(hits, hits + alarms),
    )  # fmt: skip


def _share(some: int, of: int) -> float | None:
    return some / of if of else None


def _between(some: int, of: int) -> tuple[float, float] | None:
    """Return Wilson's interval, which is right for few and for rare ones too."""
    if not of:
        return None
    share, square = some / of, _SURE * _SURE / of
    middle = (share + square / 2) / (1 + square)
    half = _SURE / (1 + square) * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return round(max(0.0, middle - half), 6), round(min(1.0, middle + half), 6)


def latency(outcomes: Sequence[Outcome]) -> Latency:
    """Return what texts cost; nothing where there is none."""
    if not outcomes:
        return Latency(0.0, 0.0, 0.0, 0.0, 0.0)
    cost = sorted(each.seconds * 1000 for each in outcomes)
    whole = sum(cost)
    kilobytes = sum(each.length for each in outcomes) / 1000
    per = whole / kilobytes if kilobytes else 0.0
    return Latency(_rank(cost, 0.5), _rank(cost, 0.95), cost[-1], whole / len(cost), per)


def _rank(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all does not exceed."""
    return values[max(0, math.ceil(share * len(values)) - 1)]


def grouped(outcomes: Iterable[Outcome], name: Literal["surface", "kind", "source"], at: float) -> Mapping[str, Rates]:
    """Return the rates of each surface, kind or source, in the order of their names."""
    groups: dict[str, list[Outcome]] = {}
    for each in outcomes:
        groups.setdefault(getattr(each, name), []).append(each)
    return {group: rates(groups[group], at) for group in sorted(groups)}


def spans(outcomes: Iterable[Outcome], at: float) -> Mapping[str, Spans]:
    """Return how many labelled stretches of each type were found, and of all under the empty name."""
    types: dict[str, list[Marked]] = {}
    for each in (one for outcome in outcomes for one in outcome.spans):
        for name in {"", each.type}:
            types.setdefault(name, []).append(each)
    return {name: _found(types[name], at) for name in sorted(types)}


def _found(all_of_type: Sequence[Marked], at: float) -> Spans:
    touched, covered = (
        sum(score > 0 and score >= at for score in scores) / len(all_of_type)
        for scores in ([each.touched for each in all_of_type], [each.covered for each in all_of_type])
    )
    return Spans(len(all_of_type), touched, covered)


def sweep(outcomes: Sequence[Outcome], steps: int = 20) -> tuple[Step, ...]:
    """Return the rates at thresholds between 0 and 1."""
    found = ((number / steps, rates(outcomes, number / steps)) for number in range(steps + 1))
    return tuple(Step(at, each.recall, each.false_alarm_rate, each.precision) for at, each in found)


def within(outcomes: Sequence[Outcome], most: float) -> Step | None:
    """Return the lowest threshold at which no more than this share of harmless texts raises an alarm; None: none is."""
    alarms = sorted((each.score for each in outcomes if not each.label), reverse=True)
    allowed = math.floor(most * len(alarms))
    beyond = alarms[allowed] if allowed < len(alarms) else 0.0
    at = min((each.score for each in outcomes if each.score > beyond), default=None)
    if at is None:
        return None
    each = rates(outcomes, at)
    return Step(at, each.recall, each.false_alarm_rate, each.precision)
