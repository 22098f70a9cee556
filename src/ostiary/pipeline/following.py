"""The guard that finds what was read in private answers again in what is to go outside."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from ostiary.core.screening import Block, Flow, Hold, Note, Pass, Payload, Redact, Side, Text, Verdict
from ostiary.guards.disguised import Unread, readings
from ostiary.guards.distinctive import values
from ostiary.guards.flowing import NOTHING, Match, Recalled, matches, named, place, told
from ostiary.guards.joined import seams
from ostiary.guards.planting import code, foreign, planted
from ostiary.guards.planting import place as fallow
from ostiary.guards.views import views
from ostiary.guards.winnowing import FOUND, GRAM, chosen, grams, normal, parts, pieces
from ostiary.pipeline.remembering import Memory
from ostiary.pipeline.revealing import Pseudonyms
from ostiary.pipeline.turns import Turns

_PIECE: Final = 4_096
_OVERLAP: Final = 768
"""Characters that are read at a time, and how many of them again with the next ones: more than what is sure to be found
has in any one encoding, and in most of two."""
_SEAM: Final = 256
_VALUES: Final = 512
"""Values that are remembered at a time."""
_WHOLE: Final = 16_384
"""Of what a caller knew and is no longer than this, all fingerprints are remembered, and of more the chosen ones."""
_LISTED: Final = 4
_TOKEN: Final = re.compile(r"\[[a-z0-9-]{1,40}~[A-Za-z0-9_-]{22,6000}\]")
_VERDICTS: Final[Mapping[str, type[Hold | Block]]] = {"hold": Hold, "block": Block}


class Followed(Struct, frozen=True):
    """What the guard is to do."""

    then: str
    """`note`, `hold` or `block`."""
    skip: frozenset[str] = frozenset()
    """Members that are not read."""
    plant: bool = False


class _Found(Struct):
    """What was found in one text so far."""

    match: Match = NOTHING
    ways: dict[str, None] = {}
    foreign: bool = False
    unread: str = ""

    def also(self, other: _Found) -> None:
        self.match |= other.match
        self.ways |= other.ways
        self.foreign |= other.foreign
        self.unread = self.unread or other.unread


class Follow:
    """Remembers what answers say that is private, and finds it again in what goes outside."""

    def __init__(self, memory: Memory, followed: Followed, pseudonyms: Pseudonyms) -> None:
        self._memory, self._followed, self._pseudonyms = memory, followed, pseudonyms

    async def __call__(self, payload: Payload) -> Verdict:
        """Compare a request with what its run has read; of an answer, remember it."""
        if payload.side is Side.CATALOGUE:
            return Pass()
        texts = [text for text in payload.texts if named(text.path) not in self._followed.skip]
        if payload.side is Side.ANSWER:
            private = Flow.PRIVATE in payload.flows
            await self._learn(payload.run, payload.label if private else "", texts)
            return self._planted(payload) if private and self._followed.plant else Pass()
        said, unread = await self._compared(payload.run, texts) if Flow.OUTSIDE in payload.flows else ("", "")
        if said and self._followed.then != "note":
            return _VERDICTS[self._followed.then](said)
        await self._learn(payload.run, "", texts)
        noted = said or unread
        return Note(noted) if noted else Pass()

    # What is remembered

    async def _learn(self, run: str, label: str, texts: Sequence[Text]) -> None:
        """Remember what a run is told; without a label, it is no secret, and what it knew is none afterwards."""
        turns = Turns()
        for some in self._readable(run, texts):
            every = "\n".join(some)
            await self._print(run, label, every, turns)
            for piece in _pieces(every):
                for at, (text, found) in enumerate(await turns.over(len(piece), partial(_valued, piece))):
                    await self._keep(run, label, found, turns)
                    if at:
                        await self._print(run, label, text, turns)
            for text in some:
                if GRAM <= len(text) <= 2 * FOUND:
                    # Windows of neighbours reach over its ends, and might choose none that is wholly in it.
                    self._memory.learn(run, label, await turns.over(len(text), partial(self._prints, normal(text))), ())

    async def _print(self, run: str, label: str, text: str, turns: Turns) -> None:
        stream = await turns.over(len(text), partial(_counted, text))
        whole = not label and len(stream) <= _WHOLE
        for piece in pieces(stream):
            found = await turns.over(len(piece), partial(self._prints, piece, whole=whole))
            self._memory.learn(run, label, found, ())

    def _prints(self, stream: str, *, whole: bool = False) -> Collection[int]:
        hashes = grams(stream, self._memory.salt)
        return hashes if whole else chosen(hashes)

    async def _keep(self, run: str, label: str, found: Sequence[str], turns: Turns) -> None:
        for at in range(0, len(found), _VALUES):
            self._memory.learn(run, label, (), found[at : at + _VALUES])
            if len(found) > _VALUES:
                await turns.past()

    def _planted(self, payload: Payload) -> Verdict:
        here, own = fallow(payload.texts), code(payload.run, self._keyed)
        if here is None or own in normal(here.value):
            return Pass()
        return Redact("a string of its own was planted", {here.path: planted(here.value, own)})

    def _keyed(self, run: str, value: str) -> str:
        return self._pseudonyms.token(run, "planted", value)

    # What is found again

    async def _compared(self, run: str, texts: Sequence[Text]) -> tuple[str, str]:
        """Return in words what stands in a request that a run had read, and what was not looked at; empty: nothing."""
        own = code(run, self._keyed) if self._followed.plant else ""
        lacks = self._memory.lacks(run)
        if not own and not self._memory.private(run):
            return lacks and _blind(lacks), ""
        known, turns = self._memory.recalled(run, own), Turns()
        found = _Found()
        values_, names = self._readable(run, texts)
        found.also(await self._found("\n".join(values_), known, turns))
        found.also(await self._found("\n".join(names), known, turns))
        for some in _together(texts):
            # Words may be split over arguments, or over blocks that say of each what it is.
            cut = [self._cut(run, text.value) for text in some]
            found.also(await self._found(seams(cut, _SEAM).text, known, turns, written=len(some) < len(values_)))
        said = [_blind(lacks)] if lacks else []
        if found.foreign:
            said.append("a string that was planted in what another run read")
        if found.match:
            where = await self._where(run, texts, known, turns)
            sources = self._memory.sources(run, found.match.sources)
            said.append(told(found.match, sources, where, found.ways))
        return "; ".join(said), found.unread and f"more layers of encoding than are read ({found.unread})"

    async def _found(self, text: str, known: Recalled, turns: Turns, *, written: bool = True) -> _Found:
        found = _Found(ways={})
        for piece in _pieces(text):
            found.also(await turns.over(2 * len(piece), partial(self._read, piece, known, written)))
        return found

    def _read(self, piece: str, known: Recalled, written: bool) -> _Found:
        found = _Found(ways={})
        for reading in readings(piece):
            if isinstance(reading, Unread):
                found.unread = reading.bound
            elif written or reading.name:
                for name, match in matches(reading, known):
                    if match:
                        found.match |= match
                        found.ways |= {name: None}
                if known.code and foreign(reading.text, known.code, self._keyed):
                    found.foreign = True
        return found

    async def _where(self, run: str, texts: Sequence[Text], known: Recalled, turns: Turns) -> list[str]:
        """Return which arguments something stands in; where it is split, all of them."""
        where: dict[str, None] = {}
        for text in texts:
            if len(where) > _LISTED:
                break
            if (await self._found(self._cut(run, text.value), known, turns)).match:
                where[place(text.path)] = None
        return list(where or dict.fromkeys(place(text.path) for text in texts if text.path[-1] != -1))

    # What is read

    def _readable(self, run: str, texts: Sequence[Text]) -> tuple[list[str], list[str]]:
        """Return what values and what names of members say, without the tokens that this gateway made for this run."""
        said = [self._cut(run, text.value) for text in texts if text.path[-1] != -1]
        return said, [self._cut(run, text.value) for text in texts if text.path[-1] == -1]

    def _cut(self, run: str, text: str) -> str:
        if "~" not in text:
            return text
        return _TOKEN.sub(lambda found: found[0] if self._pseudonyms.reveal(run, found[0]) == found[0] else "\n", text)


def _valued(piece: str) -> list[tuple[str, list[str]]]:
    """Return every reading of a piece, the written one first, and the values of each."""
    return [(view.text, list(dict.fromkeys(values(view.text)))) for view in views(piece)]


def _counted(text: str) -> str:
    return "".join(parts(text))


def _together(texts: Sequence[Text]) -> Iterator[list[Text]]:
    """Yield the values that stand together, two of them at least: all, and those that have the same name."""
    every = [text for text in texts if text.path[-1] != -1]
    groups: dict[str, list[Text]] = {}
    for text in every:
        groups.setdefault(named(text.path), []).append(text)
    yield from (some for some in (every, *groups.values()) if len(some) > 1 and (some is every or len(groups) > 1))


def _blind(lacks: str) -> str:
    return f"{lacks}, so what it sends cannot be told from that; begin a new session"


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces; every stretch of `_OVERLAP` characters is whole in one of them."""
    for start in range(0, max(1, len(text) - _OVERLAP), _PIECE - _OVERLAP):
        yield text[start : start + _PIECE]
