"""An example of a guard in a package of its own: words of a house that must not leave it, nor come in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ostiary.guards.plugin import Block, Canary, Note, Pass, Payload, Redact, Verdict

PIECE = 16_384
NOTES, REPLACES, STOPS = 1, 2, 3


class AcmeWords:
    """Looks for whole words, whatever their case."""

    def __init__(self, words: Sequence[str], level: int) -> None:
        self._words, self._level = words, level
        self._pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE)

    async def look(self, payload: Payload) -> Verdict:
        """Say what the level of the settings says of every text in which a word stands."""
        found = [text for text in payload.texts if await self._finds(text.value)]
        if not found:
            return Pass()
        finding = f"words of the house in {len(found)} texts"
        if self._level == NOTES:
            return Note(finding)
        if self._level == STOPS or any(text.rigid for text in found):
            return Block(finding)
        return Redact(finding, {text.path: self._pattern.sub("[acme]", text.value) for text in found})

    async def _finds(self, text: str) -> bool:
        """Look a piece at a time: the gateway serves others in between."""
        overlap = max(map(len, self._words)) + 1
        for start in range(0, len(text), PIECE):
            if self._pattern.search(text[max(0, start - overlap) : start + PIECE + overlap]):
                return True
            await asyncio.sleep(0)
        return False

    def canaries(self) -> Sequence[Canary]:
        """Return a text with each of the words."""
        return [Canary(f"It says {word} here.") for word in self._words]


def make(settings: Mapping[str, Any]) -> AcmeWords:
    """Make a guard; the gateway refuses a configuration for which this raises."""
    words, level = settings.get("words"), settings.get("level", STOPS)
    if not isinstance(words, list) or not words or not all(isinstance(each, str) and each for each in words):
        raise ValueError("words is a list of words")
    if level not in {NOTES, REPLACES, STOPS}:
        raise ValueError("level is 1, 2 or 3")
    return AcmeWords(words, level)
