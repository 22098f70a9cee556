"""The guards that look here and not elsewhere, a piece at a time, so that no long text keeps other calls waiting."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ostiary.core.screening import Block, Path, Payload, Redact, Side, Text, Verdict
from ostiary.guards.acting import Then, verdict
from ostiary.guards.detecting import SLUGS, Detect
from ostiary.guards.found import Found
from ostiary.guards.joined import Joined, Span, glues, seams
from ostiary.guards.mapping import Layer
from ostiary.guards.masking import fresh, masks, veiled
from ostiary.pipeline.revealing import Pseudonyms
from ostiary.pipeline.turns import Turns

_PIECE: Final = 8_192
_OVERLAP: Final = 2_048
"""Characters that are read at a time, and how many of them are read again with the next ones: more than any secret has
that is not found by its beginning."""
_PASSES: Final = 4
_SEAM: Final = 256
"""Characters on both sides of where two content blocks meet."""
_MARGIN: Final = 64
_HOLDERS: Final = frozenset({"resource", "content"})
"""Members of blocks and of messages that hold their text (2026-07-28, embedded resources, prompt messages)."""
_Place = tuple[str, int, int]
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
        said = await self._said(payload, await self._looked(payload, None))
        if not isinstance(said, Redact):
            return said
        for _ in range(_PASSES):
            left = tuple(
                replace(text, value=said.replace[text.path]) if _in(said, text) else text for text in payload.texts
            )
            payload = replace(payload, texts=left)
            again = await self._said(payload, await self._looked(payload, said.replace))
            if not isinstance(again, Redact):
                return said
            said = Redact(said.finding, {**said.replace, **again.replace})
        # What is found again and again would be found by the next one who looks, too.
        return Block(f"{said.finding}, and something again wherever it was replaced")

    async def _looked(self, payload: Payload, changed: Container[Path] | None) -> Mapping[int, Sequence[Found]]:
        """Return what was found, by the index of its text: in those that changed, or in all, and where blocks meet."""
        found: dict[int, dict[_Place, Found]] = {}
        turn, ours = Turns(), partial(self._ours, payload.run)
        plain = [await _veiled(text.value, turn, ours) for text in payload.texts]
        for index, text in enumerate(payload.texts):
            key = _key(text)
            known = changed is not None and (text.rigid or text.path not in changed)
            if known or key in self._wanted.skip or (text.value, key, payload.side) in self._harmless:
                continue
            here: dict[_Place, Found] = {}
            for start, piece in pieces(plain[index][0]):
                here |= await turn.over(len(piece), partial(self._placed, piece, start, key, payload))
            if here:
                found[index] = here
            else:
                self._remember(text.value, key, payload.side)
        for run in _blocks(payload.texts):
            for index, each in await self._across(run, plain, payload, turn):
                found.setdefault(index, {}).update(_placed((each,)))
        return {
            index: await turn.over(
                len(payload.texts[index].value), partial(_left, payload.texts[index].value, plain[index][1], some, ours)
            )
            for index, some in found.items()
        }

    async def _across(
        self, run: Sequence[int], plain: Sequence[tuple[str, Layer | None]], payload: Payload, turn: Turns
    ) -> list[tuple[int, Found]]:
        """Return what stands across the borders of content blocks, which a model reads as one text."""
        values = [plain[index][0] for index in run]
        found: list[tuple[int, Found]] = []
        for text in (seams(values, _SEAM, glue) for glue in glues(values)):
            for start, piece in pieces(text.text):
                for each in (await turn.over(len(piece), partial(self._placed, piece, start, "", payload))).values():
                    found += ((run[leaf], one) for leaf, one in _on_seams(text, each, values))
        return found

    def _placed(self, piece: str, start: int, key: str, payload: Payload) -> dict[_Place, Found]:
        return _placed(_moved(each, start) for each in self._found(piece, key, payload))

    def _remember(self, value: str, key: str, side: Side) -> None:
        """Remember a word in which nothing was found: most texts are names of members, and come again in every call."""
        if len(value) <= _WORD and len(key) <= _WORD and value.isidentifier():
            if len(self._harmless) >= _WORDS:
                self._harmless.clear()
            self._harmless.add((value, key, side))

    async def _said(self, payload: Payload, found: Mapping[int, Sequence[Found]]) -> Verdict:
        length = sum(len(payload.texts[index].value) for index, some in found.items() if some)
        token = partial(self._pseudonyms.token, payload.run)
        return await Turns().over(length, partial(verdict, payload.texts, found, self._then, token))

    def _ours(self, run: str, mask: str) -> bool:
        return masks(mask, SLUGS) or self._pseudonyms.reveal(run, mask) != mask

    def _found(self, text: str, key: str, payload: Payload) -> Iterator[Found]:
        for each in self._detect(text, key, payload.side.value):
            if each.score >= self._wanted.at and self._wanted.kind(each.rule):
                yield each


async def _veiled(text: str, turn: Turns, ours: Callable[[str], bool]) -> tuple[str, Layer | None]:
    """Return a text without what tokens hold: that is noise, in which readings find what nobody wrote."""
    return await turn.over(len(text), partial(veiled, text, ours)) if "~" in text else (text, None)


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield a text in pieces with their places; every stretch of `_OVERLAP` characters is whole in one of them."""
    if len(text) <= _PIECE:
        yield 0, text
        return
    for start in range(0, len(text) - _OVERLAP, _PIECE - _OVERLAP):
        yield start, text[start : start + _PIECE]


def _on_seams(text: Joined, found: Found, values: Sequence[str]) -> Iterator[tuple[int, Found]]:
    """Yield the parts of a find by the block that they stand in, where it is one of two blocks, and not of one."""
    spans = text.spans(found.start, found.end)
    for span in spans:
        # What is whole in one block may be something only by the words of the other: `pass`, `word: …`.
        if len(spans) > 1 or _near_the_seam(span, len(values[span.leaf])):
            yield span.leaf, replace(found, start=span.start, end=span.end)


def _near_the_seam(span: Span, length: int) -> bool:
    """Say whether a part of a block is far from where the block was cut, so that it is no half of something else."""
    return length <= 2 * _SEAM or span.end <= _SEAM - _MARGIN or span.start >= length - _SEAM + _MARGIN


def _placed(found: Iterable[Found]) -> dict[_Place, Found]:
    """Return what was found by what it is and where: pieces overlap, and seams are read again."""
    return {(each.rule, each.start, each.end): each for each in found}


def _left(
    text: str, back: Layer | None, found: Mapping[_Place, Found], ours: Callable[[str], bool]
) -> tuple[Found, ...]:
    """Return what was found at the places that it has in a text as it was written, and outside its masks."""
    if back is None:
        return fresh(text, found.values(), ours)
    places = ((each, *back.origin(each.start, each.end)) for each in found.values())
    return fresh(text, (replace(each, start=start, end=end) for each, start, end in places), ours)


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
    last: tuple[Path, int] | None = None
    for index, text in enumerate(texts):
        if text.rigid or (place := _block(text.path)) is None:
            continue
        if last is not None and place != (last[0], last[1] + 1):
            if len(run) > 1:
                yield run
            run = []
        run.append(index)
        last = place
    if len(run) > 1:
        yield run


def _block(path: Path) -> tuple[Path, int] | None:
    """Return the list in which the block of a text stands, and its place there; None where it is no block's."""
    *before, name = path or ("",)
    if name != "text":
        return None
    if before and before[-1] in _HOLDERS:
        before.pop()
    return (tuple(before[:-1]), before[-1]) if before and isinstance(before[-1], int) else None
