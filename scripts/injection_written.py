"""Synthetic texts that were written one by one and labelled: read as examples, and put together anew.

Eight authors have a file each; none saw the rules, the model or what is measured with. A text
that is not whole, or whose attack does not stand in it, is refused: labels are what is learnt.
"""

# Random numbers of a fixed seed make the same texts again.
# ruff: noqa: S311

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final
from zlib import crc32

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from injection_disguises import DISGUISES, HONEST  # noqa: E402
from injection_examples import CLOSE, OPEN, Example, Maker, marked  # noqa: E402

from ostiary.guards.surroundings import legible  # noqa: E402
from ostiary.guards.wording import known  # noqa: E402
from ostiary.guards.wording import read as words_of  # noqa: E402

WRITTEN: Final = ROOT / "scripts" / "written"
"""A file of JSON lines for each author: text, attack (a part of it, or null), surface, kind, language, family."""
SURFACES: Final = frozenset({"answer", "catalogue"})
KINDS: Final = {
    True: frozenset({"overt", "covert", "hidden"}),
    False: frozenset({"ordinary", "hard", "security"}),
}
"""The kinds of attacks, and those of harmless texts."""
_KNOWN: Final = 4
"""Of how many words one is known, at least, in an attack that can be read where it stands."""
_LEAST: Final = 12
"""Characters of an attack that is worth to be put elsewhere."""
_CARRIED: Final = 1500
"""Characters of a text that carries another attack."""


def read(folder: Path = WRITTEN) -> list[Example]:
    """Return every text that was written one by one; its source is its author."""
    return [
        example(line, path.stem)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def example(line: str, author: str) -> Example:
    """Return the example on a line; refuse one that is labelled as nothing there is."""
    said = json.loads(line)
    text, attack, surface, kind = said["text"], said["attack"], said["surface"], said["kind"]
    start = text.find(attack) if attack else 0
    if surface not in SURFACES or kind not in KINDS[bool(attack)] or start < 0:
        message = f"a text of {author} is not labelled as what it is ({surface}, {kind}): {text[:60]!r}"
        raise ValueError(message)
    span = (start, start + len(attack)) if attack else (0, 0)
    return Example(text, surface, kind, author, span, bool(attack) and not _plain(attack))


def _plain(attack: str) -> bool:
    """Say whether an attack can be read as it stands, wherever it hides."""
    words = [known(each) for each in words_of(attack).tokens]
    return legible(words)[-1] * _KNOWN >= len(words)


class Anew:
    """What makes further texts of those of an author: attacks in other places, and the places without them."""

    def __init__(self, every: Sequence[Example], maker: Maker, real: Mapping[str, Sequence[str]], seed: int) -> None:
        self.every, self.inserted, self.real = every, maker.inserted, real
        self.rng = maker.rng = Random(seed + crc32(every[0].source.encode()))
        self.calm = {
            surface: [each for each in every if not each.label and each.surface == surface and each.kind != "security"]
            for surface in SURFACES
        }

    def made(self, often: int) -> Iterator[Example]:
        """Yield each attack so many times elsewhere, and what stood around it without it."""
        for each in self.every:
            if not each.label:
                continue
            yield from self._without(each)
            if each.span[1] - each.span[0] < _LEAST:
                continue
            for _ in range(often):
                yield self._elsewhere(each)
            if not each.hidden and self.rng.random() < _ALONE:
                attack = each.text[slice(*each.span)]
                yield Example(attack, each.surface, each.kind, each.source, (0, len(attack)))
            if each.kind != "hidden" and self.rng.random() < _DISGUISED:
                yield self._disguised(each)
        for each in self.every:
            if not each.label and each.kind == "hard" and self.rng.random() < _DISGUISED:
                how = self.rng.choice(sorted(HONEST))
                text = self.inserted(self._carrier(each.surface), DISGUISES[how](each.text[:400]))
                yield Example(text, each.surface, "hidden-benign", each.source)

    def alone(self) -> Iterator[Example]:
        """Yield some lines of harmless texts without the rest, as values in JSON stand alone."""
        for each in self.every:
            lines = [line for line in each.text.splitlines() if len(line.split()) >= _LINE]
            if not each.label and lines and self.rng.random() < _ALONE:
                yield Example(self.rng.choice(lines), each.surface, "line", each.source)

    def _without(self, each: Example) -> Iterator[Example]:
        start, end = each.span
        rest = each.text[:start] + each.text[end:]
        if len(rest.split()) > 8:  # fewer say nothing
            yield Example(rest, each.surface, "cut", each.source)

    def _elsewhere(self, each: Example) -> Example:
        start, end = each.span
        attack = each.text[start:end]
        text = self.inserted(self._carrier(each.surface), f"{OPEN}{attack}{CLOSE}")
        return marked(text, each.surface, each.kind, each.source, hidden=each.hidden)

    def _disguised(self, each: Example) -> Example:
        start, end = each.span
        how = self.rng.choice(sorted(DISGUISES))
        attack = DISGUISES[how](each.text[start:end])
        text = self.inserted(self._carrier(each.surface), f"{OPEN}{attack}{CLOSE}")
        return marked(text, each.surface, "hidden", each.source, hidden=True)

    def _carrier(self, surface: str) -> str:
        own, others = self.calm[surface], self.real[surface]
        if own and self.rng.random() < _OWN:
            return self.rng.choice(own).text[:_CARRIED]
        return self.rng.choice(others)[: self.rng.choice((300, 700, _CARRIED))]


_DISGUISED: Final = 0.25
"""How often an attack is hidden as well, or a harmless text."""
_ALONE: Final = 0.4
"""How often an attack stands alone as well, or a line of a harmless text."""
_LINE: Final = 6
"""Words of such a line, at least."""
_OWN: Final = 0.4
"""How often an attack is put into a text of its author."""
