"""Structural signs of prompt injection in the views of one text, with their places and how sure each is. Pure.

One pass over a view says which rules match at all; only those are asked where. What a view had to undo raises a score,
what stands around a match lowers it. No rule stops looking after some matches, so that many harmless ones hide nothing;
of those of one rule the surest are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from typing import Any, Final

from msgspec import Struct

from ostiary.guards.engine import compiled, readable, spans, together
from ostiary.guards.found import Found
from ostiary.guards.imitations import IMITATIONS
from ostiary.guards.lures import LURES
from ostiary.guards.mentions import Setting, lowered, setting
from ostiary.guards.overrides import CONCEALS, OVERRIDES
from ostiary.guards.pace import breathe
from ostiary.guards.sign import ANSWER, CATALOGUE, OBFUSCATION, Sign, parts, whole
from ostiary.guards.views import BOUNDS, View, ViewBounds, views

SMUGGLED: Final = Sign(
    "hidden.smuggled", 0.95, "Text in characters that nobody sees",
    "Unicode tags, variation selectors and zero-width bits spell words to a model, nothing to a person.",
    OBFUSCATION, (),
)  # fmt: skip
UNREAD: Final = Sign(
    "hidden.too-deep", 0.5, "Wrapped more often than is unwrapped",
    "What is encoded in more layers, or more of it, than the bounds allow was not read.", OBFUSCATION, (),
)  # fmt: skip
SIGNS: Final = (*IMITATIONS, *OVERRIDES, *CONCEALS, *LURES)
EVERY_SIGN: Final = (*SIGNS, SMUGGLED, UNREAD)
"""Every sign there is; ids are stable."""


class Clue(Struct, frozen=True):
    """One pattern of a sign."""

    sign: Sign
    pattern: Any
    needs: int
    """The parts that are in every text that it matches, a bit each."""


_ENDS: Final = tuple(sign for sign in LURES if sign.id.startswith("exfil."))
_GROUPS: Final = tuple(
    tuple(dict.fromkeys(part for sign in group for pattern in sign.patterns for part in parts(pattern)))
    for group in (IMITATIONS, (*OVERRIDES, *CONCEALS), _ENDS, tuple(sign for sign in LURES if sign not in _ENDS))
)
_PARTS: Final = {part: at for at, part in enumerate(part for group in _GROUPS for part in group)}
_TOGETHER: Final = together(*_GROUPS)
_CLUES: Final = tuple(
    Clue(sign, compiled(whole(pattern)), sum(1 << at for at in {_PARTS[part] for part in parts(pattern)}))
    for sign in SIGNS
    for pattern in sign.patterns
)
_WINDOW, _STRIDE = 1024, 768
"""Characters in which a pattern is looked for at a time, and by how many of them that moves on."""
# How much of the doubt goes away because somebody took pains to write it so.
_PAINS: Final = {
    "smuggled": 0.9, "base64": 0.6, "base32": 0.7, "hex": 0.6, "bits": 0.8, "codes": 0.7,
    "rotated": 0.8, "backwards": 0.8,
    "spaced": 0.6, "numbered": 0.6, "concealed": 0.4,
}  # fmt: skip
_TURNS: Final = frozenset({"backwards", "rotated"})
_THOROUGH: Final = 0.4
"""How sure it is that somebody hid something where not all readings of a definition were made."""
_TOLD: Final = 16
_KIND: Final = "injection"


def signs(every: Sequence[View], surface: str = ANSWER) -> tuple[Found, ...]:
    """Return the signs of injection in the views of a text, in the order of their places in what was written."""
    found: dict[tuple[str, int, int], Found] = {}
    for each in _all(every, surface):
        breathe()
        key = (each.rule, each.start, each.end)
        if key not in found or found[key].score < each.score:
            found[key] = each
    return tuple(sorted(_surest(found.values()), key=lambda each: (each.start, each.end, each.rule)))


def features(text: str, surface: str = ANSWER, bounds: ViewBounds = BOUNDS) -> Mapping[str, float]:
    """Return what a classifier may weigh: each sign's summed scores, how often it stands, and each step of a view."""
    every = views(text, bounds)
    counted: dict[str, float] = {}
    for each in signs(every, surface):
        for name, value in ((each.rule, each.score), (f"{each.rule}#", 1.0)):
            counted[name] = counted.get(name, 0.0) + value
    for step in {step for view in every for step in view.path}:
        counted[f"view.{step}"] = 1.0
    return counted


def _all(every: Sequence[View], surface: str) -> Iterator[Found]:
    if every[0].more:
        words = f"unfolding stopped at its bound of {every[0].more}"
        # Definitions are read so thoroughly that honest ones come to a bound as well.
        weight = _THOROUGH if surface == CATALOGUE else UNREAD.weight
        yield Found(0, len(every[0].text), _KIND, UNREAD.id, weight, words=words)
    for view in every:
        if view.path and view.path[-1] == "smuggled":
            yield Found(
                *view.original(0, len(view.text)), _KIND, SMUGGLED.id, SMUGGLED.weight, view.name,
                f"{len(view.text)} characters that nobody sees",
            )  # fmt: skip
        yield from _of_view(view, surface)


def _of_view(view: View, surface: str) -> Iterator[Found]:
    # A text begins as a line does.
    text = f"\n{readable(view.text)}"
    hits = _TOGETHER.within(text)
    clues = [clue for clue in _CLUES if clue.needs & hits == clue.needs and surface in clue.sign.surfaces]
    if not clues:
        return
    around = setting(view.text)
    for clue in clues:
        sign = clue.sign
        if sign.written and view.path:
            continue
        breathe()
        best = _pained(sign.weight, view.path)
        sure = 0
        for start, end in _places(clue.pattern, text):
            each = _told(view, sign, around, max(0, start - 1), max(0, end - 1))
            yield each
            # Nothing can be told instead of so many that are as sure as can be.
            sure += each.score >= round(best, 3)
            if sure == _TOLD:
                break


def _places(pattern: Any, text: str) -> Iterator[tuple[int, int]]:
    """Yield where a pattern matches, each place once; what is longer than two windows share may be told in part."""
    if pattern.search(text) is None:
        return
    done = 0
    for at in range(0, max(1, len(text) - (_WINDOW - _STRIDE)), _STRIDE):
        breathe()
        for start, end in spans(pattern, text[at : at + _WINDOW]):
            if at + start >= done:
                yield at + start, at + end
                done = at + end


def _told(view: View, sign: Sign, around: Setting, start: int, end: int) -> Found:
    breathe()
    hints = around.around(start, end) if sign.quotable else frozenset[str]()
    score = lowered(_pained(sign.weight, view.path), hints)
    words = f"{sign.title}{' (' + ', '.join(sorted(hints)) + ')' if hints else ''}"
    return Found(*view.original(start, end), _KIND, sign.id, round(score, 3), view.name, words)


def _pained(weight: float, path: Iterable[str]) -> float:
    steps = [part for each in path for part in each.split("+")]
    for step in sorted(set(steps)):
        # What was turned around twice is what was written, and nobody took pains.
        if step not in _TURNS or steps.count(step) % 2:
            weight += (1 - weight) * _PAINS.get(step, 0.0)
    return weight


def _surest(found: Iterable[Found]) -> Iterator[Found]:
    rules: dict[str, list[Found]] = {}
    for each in found:
        rules.setdefault(each.rule, []).append(each)
    for each_rule in rules.values():
        yield from nlargest(_TOLD, each_rule, key=lambda each: (each.score, -each.start))
