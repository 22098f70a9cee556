"""What servers tell models about themselves (`instructions`), and what of it clients may hear.

A text is pinned like a definition. One that changed waits for a person, and clients go on hearing the one that was
approved last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ostiary.core.model import Kind
from ostiary.integrity.facts import INSTRUCTIONS, spoken
from ostiary.integrity.pins import Mode, Offering, Sighting, State, Verdicts, judge
from ostiary.operate.selves import Said

_NOTHING: Final = Verdicts()
_SILENCE: Final = spoken("").digest


class Sayings:
    """Judges instructions by what people said of them."""

    def __init__(
        self, mode: Callable[[str], Mode], said: Callable[[], Said], grave: Callable[[Offering], bool]
    ) -> None:
        """`grave` says whether an offering's instructions are suspicious enough to wait for a person."""
        self._mode, self._said, self._grave = mode, said, grave
        self._texts: Mapping[str, str] = {}

    def heard(self, texts: Mapping[str, str]) -> None:
        """Take in which instructions of each server were approved last."""
        self._texts = texts

    def state(self, offering: Offering, *, first: bool) -> State:
        """Return where a server's instructions stand; `first` while its first use is not over. None are no harm."""
        if not offering.instructions:
            return State.APPROVED
        said = self._said().get((offering.server, str(Kind.GATEWAY), INSTRUCTIONS), _NOTHING)
        return judge(
            spoken(offering.instructions),
            # To have said nothing is no text that could have changed.
            Verdicts(said.approved - {_SILENCE}, said.rejected),
            self._mode(offering.server),
            first=first or self.unheard(offering.server),
            suspect=lambda: self._grave(offering),
        )

    def told(self, offering: Offering, *, first: bool) -> str:
        """Return the instructions that clients are told."""
        approved = self.state(offering, first=first) is State.APPROVED
        return offering.instructions if approved else self.last(offering.server)

    def last(self, server: str) -> str:
        """Return the instructions of a server that were approved last; empty where none were."""
        return self._texts.get(server, "")

    def unheard(self, server: str) -> bool:
        """Say whether nothing was ever decided about a server's instructions, so that they are at first use."""
        key = (server, str(Kind.GATEWAY), INSTRUCTIONS)
        return self._mode(server) is Mode.FIRST_USE and key not in self._said()

    def innocent(self, *offerings: Offering) -> list[Sighting]:
        """Return the instructions that first use approves without a person; to have none is always among them."""
        texts = {each.instructions for each in offerings if not self._grave(each)}
        return [spoken(each) for each in sorted({"", *texts})]
