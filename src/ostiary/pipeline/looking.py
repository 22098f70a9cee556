"""The guards that look here and not elsewhere, a piece at a time, so that no long text keeps other calls waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ostiary.core.screening import Payload, Redact, Side, Text, Verdict
from ostiary.guards.acting import Then, verdict
from ostiary.guards.detecting import SLUGS, Detect
from ostiary.guards.found import Found
from ostiary.guards.joined import Joined, seams
from ostiary.guards.masking import fresh, masks
from ostiary.pipeline.revealing import Pseudonyms

_PIECE: Final = 8_192
_OVERLAP: Final = 2_048
"""Characters that are read at a time, and how many of them are read again with the next ones: more than any secret has
that is not found by its beginning."""
_TURN: Final = 4_096
"""Characters after which other calls have their turn."""
_PASSES: Final = 4
_SEAM: Final = 256
"""Characters on both sides of where two content blocks meet."""
_WORD, _WORDS = 32, 4_096
"""Characters of a word that is worth remembering, and how many are remembered."""


class Wanted(Struct, frozen=True):
    """What of all that a guard can find it is asked for."""

    kind: Callable[[str], bool]
    """Whether a rule is one of those that count."""
    at: float
    skip: frozenset[str] = frozenset()
    """Members that are not read."""


class Local:
    """A guard that looks for something in every string, and does one thing with what it finds."""

    def __init__(self, detect: Detect, then: Then, wanted: Wanted, pseudonyms: Pseudonyms) -> None:
        self._detect, self._then, self._wanted, self._pseudonyms = detect, then, wanted, pseudonyms
        self._harmless: set[tuple[str, str, Side]] = set()

    async def __call__(self, payload: Payload) -> Verdict:
        """Look at a payload, and again at what is replaced: a mask can make a telling row of what stands around it."""
        said = self._said(payload.texts, await self._looked(payload), payload.run)
        for _ in range(_PASSES):
            if not isinstance(said, Redact):
                break
            left = tuple(replace(text, value=said.replace[text.path]) for text in payload.texts if _in(said, text))
            again = self._said(left, await self._looked(replace(payload, texts=left)), payload.run)
            if not isinstance(again, Redact):
                break
            said = Redact(said.finding, {**said.replace, **again.replace})
        return said

    async def _looked(self, payload: Payload) -> Mapping[int, Sequence[Found]]:
        """Return what was found, by the index of its text."""
        found: dict[int, list[Found]] = {}
        read = 0
        for index, text in enumerate(payload.texts):
            key = _key(text)
            if key in self._wanted.skip:
                continue
            if (text.value, key, payload.side) in self._harmless:
                continue
            here: dict[Found, None] = {}
            for start, piece in pieces(text.value):
                here |= dict.fromkeys(_moved(each, start) for each in self._found(piece, key, payload))
                read += len(piece)
                if read > _TURN:
                    read = 0
                    await asyncio.sleep(0)
            if here:
                found[index] = list(here)
            else:
                self._remember(text.value, key, payload.side)
        for index, each in self._across(payload):
            found.setdefault(index, []).append(each)
        ours = partial(self._ours, payload.run)
        return {index: fresh(payload.texts[index].value, some, ours) for index, some in found.items() if some}

    def _remember(self, value: str, key: str, side: Side) -> None:
        """Remember a word in which nothing was found: most texts are names of members, and come again in every call."""
        if len(value) <= _WORD and len(key) <= _WORD and value.isidentifier():
            if len(self._harmless) >= _WORDS:
                self._harmless.clear()
            self._harmless.add((value, key, side))

    def _said(self, texts: Sequence[Text], found: Mapping[int, Sequence[Found]], run: str) -> Verdict:
        return verdict(texts, found, self._then, partial(self._pseudonyms.token, run))

    def _ours(self, run: str, mask: str) -> bool:
        return masks(mask, SLUGS) or self._pseudonyms.reveal(run, mask) != mask

    def _found(self, text: str, key: str, payload: Payload) -> Iterator[Found]:
        for each in self._detect(text, key, payload.side.value):
            if each.score >= self._wanted.at and self._wanted.kind(each.rule):
                yield each

    def _across(self, payload: Payload) -> Iterator[tuple[int, Found]]:
        """Yield what stands across the borders of content blocks, which a model reads as one text."""
        for run in _blocks(payload.texts):
            values = [payload.texts[index].value for index in run]
            for text in (seams(values, _SEAM), seams(values, _SEAM, "\n")):
                yield from self._on_seams(text, run, payload)

    def _on_seams(self, text: Joined, run: Sequence[int], payload: Payload) -> Iterator[tuple[int, Found]]:
        for each in self._found(text.text, "", payload):
            spans = text.spans(each.start, each.end)
            if len({span.leaf for span in spans}) > 1:
                for span in spans:
                    yield run[span.leaf], replace(each, start=span.start, end=span.end)


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield a text in pieces with their places; every stretch of `_OVERLAP` characters is whole in one of them."""
    if len(text) <= _PIECE:
        yield 0, text
        return
    for start in range(0, len(text) - _OVERLAP, _PIECE - _OVERLAP):
        yield start, text[start : start + _PIECE]


def _in(said: Redact, text: Text) -> bool:
    return not text.rigid and text.path in said.replace


def _key(text: Text) -> str:
    """Return the name of the member that a text stands under; a member's name stands under itself."""
    return next((step for step in reversed(text.path) if isinstance(step, str)), "")


def _moved(found: Found, by: int) -> Found:
    return replace(found, start=found.start + by, end=found.end + by) if by else found


def _blocks(texts: Sequence[Text]) -> Iterator[list[int]]:
    """Yield the texts of content blocks that stand beside each other, two at least."""
    run: list[int] = []
    for index, text in enumerate(texts):
        if text.rigid or text.path[-1] != "text":
            continue
        if run and not _adjacent(texts[run[-1]], text):
            if len(run) > 1:
                yield run
            run = []
        run.append(index)
    if len(run) > 1:
        yield run


def _adjacent(one: Text, two: Text) -> bool:
    """Say whether two texts are those of blocks in one list, the second right after the first."""
    if len(one.path) != len(two.path) or len(one.path) < 2:  # noqa: PLR2004 - a block's place, and `text`
        return False
    (*before, first, _), (*after, second, _) = one.path, two.path
    return before == after and isinstance(first, int) and isinstance(second, int) and second == first + 1
