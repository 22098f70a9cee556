"""What agent runs have read that is private, by keyed fingerprints: bounded, and never forgotten in anybody's favour.

Nothing that was read can be read again here, and a restart forgets it all. A run that read more than there is room for,
and one whose memory had to make room for others, is known as such: nobody can say what it sends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from ostiary.guards.commonplace import common
from ostiary.guards.distinctive import ANYWHERE
from ostiary.guards.flowing import KNOWN, SHARES, Recalled, hashed

_SOURCES: Final = 64
_OTHERS: Final = "other tools"
_LEAST: Final = 256
"""What a run weighs that has nothing in it, in entries."""


class Room(Struct, frozen=True):
    """How much is remembered, in entries of some 80 bytes."""

    prints: int = 1 << 18
    """Fingerprints of what one run read: of 1.3 million letters and digits."""
    values: int = 1 << 15
    known: int = 1 << 16
    """Fingerprints, and as many values, of what one caller said or was told in the open; without room for more of
    them, more of what is sent is taken for private."""
    total: int = 3 << 18
    """Entries of all runs together: some 60 MB."""
    lost: int = 1 << 16
    """Runs of which nothing is left but that they read something; as many callers of such runs."""
    grieved: float = 7 * 86_400.0
    """Seconds for which that is known."""


ROOM: Final = Room()
_NOTHING: Final[tuple[dict[int, int], ...]] = tuple({} for _ in range(SHARES))


class _Kept:
    """One run."""

    __slots__ = ("anchors", "full", "held", "open", "prints", "sources", "values", "whose")

    def __init__(self, whose: str) -> None:
        self.whose = whose
        self.prints: list[dict[int, int]] = [{} for _ in range(SHARES)]
        self.held = 0
        """Fingerprints of all shares."""
        self.values: dict[int, int] = {}
        self.anchors: dict[int, int] = {}
        self.sources: list[str] = []
        self.open = [0, 0]
        """How many fingerprints and values of it are no secret."""
        self.full = False

    def weight(self) -> int:
        return _LEAST + self.held + len(self.values) + len(self.anchors)


class Memory:
    """What runs have read."""

    def __init__(self, salt: bytes, clock: Callable[[], float], room: Room = ROOM) -> None:
        """Hash with a key that nobody else has; the clock is monotonic."""
        self.salt, self._clock = salt, clock
        self._room, self._common = room, common(salt)
        self._callers: dict[str, OrderedDict[str, _Kept]] = {}
        self._weights: dict[str, int] = {}
        self._total = 0
        self._lost: OrderedDict[int, tuple[str, float]] = OrderedDict()
        """Run → its caller, and until when it is known that it was forgotten; those forgotten last are at the end."""
        self._losers: OrderedDict[str, float] = OrderedDict()
        self._everybody = 0.0

    @property
    def weight(self) -> int:
        """Return how many entries there are."""
        return self._total

    def recalled(self, run: str, code: str) -> Recalled:
        """Return what is remembered of a run, in which `code` is planted."""
        kept = self._of(run)
        if kept is None:
            return Recalled(self.salt, _NOTHING, {}, {}, code)
        return Recalled(self.salt, kept.prints, kept.values, kept.anchors, code)

    def private(self, run: str) -> bool:
        """Say whether a run has read anything private that is remembered."""
        kept = self._of(run)
        return kept is not None and bool(kept.sources)

    def sources(self, run: str, numbers: Iterable[int]) -> list[str]:
        """Return what the sources of a run are called."""
        kept = self._of(run)
        return [kept.sources[each - 1] for each in sorted(numbers)] if kept is not None else []

    def lacks(self, run: str) -> str:
        """Return why it is not all known what a run has read; empty: it is."""
        kept = self._of(run)
        if kept is not None and kept.full:
            return f"this run read more that is private than the {self._room.prints:,} fingerprints there is room for"
        return "what this run read had to make room for what others did" if self._forgotten(run, kept) else ""

    def _forgotten(self, run: str, kept: _Kept | None) -> bool:
        _, until = self._lost.get(hash((self.salt, run)), ("", 0.0))
        if kept is None:
            until = max(until, self._losers.get(_whose(run), 0.0), self._everybody)
        return until > self._clock()

    def learn(self, run: str, label: str, prints: Iterable[int], values: Iterable[str]) -> None:
        """Remember what a run read from a source, unless it knew it; without a label, it is no secret."""
        kept = self._of(run) or self._begun(run)
        before = kept.weight()
        source = _numbered(kept.sources, label) if label else KNOWN
        for each in prints:
            share = kept.prints[each % SHARES]
            if each not in share and each not in self._common and self._fits(kept, source, 0):
                share[each] = source
                kept.held += 1
        for value in values:
            each = hashed(value, self.salt)
            if each not in kept.values and self._fits(kept, source, 1):
                kept.values[each] = source
                if source and len(value) >= ANYWHERE:
                    begins = hashed(value[:ANYWHERE], self.salt)
                    kept.anchors[begins] = kept.anchors.get(begins, 0) | 1 << len(value)
        self._weigh(kept.whose, kept.weight() - before)
        self._tidy(kept)

    def _fits(self, kept: _Kept, source: int, which: int) -> bool:
        """Say whether there is room for one more; where there is none for what is private, that is remembered."""
        if source == KNOWN:
            kept.open[which] += 1
            return kept.open[which] <= self._room.known
        held = (kept.held, len(kept.values))[which]
        most = (self._room.prints, self._room.values)[which]
        if held - min(kept.open[which], self._room.known) < most:
            return True
        kept.full = True
        return False

    def _of(self, run: str) -> _Kept | None:
        runs = self._callers.get(_whose(run))
        kept = runs.get(run) if runs is not None else None
        if runs is not None and kept is not None:
            runs.move_to_end(run)
        return kept

    def _begun(self, run: str) -> _Kept:
        kept = _Kept(_whose(run))
        self._callers.setdefault(kept.whose, OrderedDict())[run] = kept
        self._weigh(kept.whose, kept.weight())
        return kept

    def _weigh(self, whose: str, more: int) -> None:
        self._total += more
        self._weights[whose] = self._weights.get(whose, 0) + more

    def _tidy(self, mine: _Kept) -> None:
        """Make room: whoever has most in memory loses first, and of theirs what was used longest ago."""
        while self._total > self._room.total:
            others = [each for each in self._weights if each != mine.whose or len(self._callers[each]) > 1]
            if not others:
                return
            whose = max(others, key=self._weights.__getitem__)
            run, kept = self._callers[whose].popitem(last=False)
            self._weigh(whose, -kept.weight())
            if not self._callers[whose]:
                del self._callers[whose], self._weights[whose]
            if kept.sources:
                self._lose(run, whose)

    def _lose(self, run: str, whose: str) -> None:
        """Remember that a run was forgotten; without room for that, all runs of its caller that are not known were."""
        now = self._clock()
        until = now + self._room.grieved
        self._lost[hash((self.salt, run))] = (whose, until)
        while self._lost and (next(iter(self._lost.values()))[1] <= now or len(self._lost) > self._room.lost):
            _, (whose, last) = self._lost.popitem(last=False)
            if last > now:
                self._losers[whose] = until
                self._losers.move_to_end(whose)
        while self._losers and (next(iter(self._losers.values())) <= now or len(self._losers) > self._room.lost):
            _, last = self._losers.popitem(last=False)
            self._everybody = max(self._everybody, last)


def _whose(run: str) -> str:
    """Return the caller of a run; the last line of its name says which of theirs it is."""
    return run.rpartition("\n")[0]


def _numbered(sources: list[str], label: str) -> int:
    """Return the number of a source, from one on."""
    if label not in sources:
        if len(sources) >= _SOURCES:
            label = _OTHERS
        if label not in sources:
            sources.append(label)
    return sources.index(label) + 1
