"""Turn the tokens that stand for values back into them, on the way to what may know."""

from __future__ import annotations

from typing import Protocol

from ostiary.core.screening import Pass, Payload, Redact, Verdict


class Pseudonyms(Protocol):
    """Makes tokens for values within one run, and turns them back."""

    def token(self, run: str, kind: str, value: str) -> str:
        """Return what stands for a value in a run."""

    def reveal(self, run: str, text: str) -> str:
        """Return a text in which the tokens of this run are turned back."""


class Reveal:
    """Turns the tokens of a run back, on the way to what may know."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    async def __call__(self, payload: Payload) -> Verdict:
        """Replace tokens in everything that can be replaced."""
        new = {
            text.path: opened
            for text in payload.texts
            if not text.rigid and (opened := self._pseudonyms.reveal(payload.run, text.value)) != text.value
        }
        return Redact(f"tokens turned back in {len(new)} places", new) if new else Pass()
