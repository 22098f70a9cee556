"""What servers were last seen to be, and whether that is what was pinned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ostiary.config.schema import Config
from ostiary.core.model import Kind
from ostiary.integrity import facts
from ostiary.integrity.facts import Fact, Judged
from ostiary.integrity.pins import Mode, Verdicts

_NOTHING: Final = Verdicts()
_USUALLY: Final = {Mode.FIRST_USE: "hold", Mode.NEVER: "hold", Mode.ALWAYS: "note"}
Facts = tuple[Fact, ...]
Said = Mapping[tuple[str, str, str], Verdicts]


class Selves:
    """Remembers servers by what is known about them."""

    def __init__(self, config: Callable[[], Config], said: Callable[[], Said]) -> None:
        """Judge by the present configuration, and by what people said."""
        self._config, self._said = config, said
        self._facts: dict[str, Facts] = {}

    def restore(self, known: Mapping[str, Facts]) -> None:
        """Begin with what was known when the gateway last ran."""
        self._facts = dict(known)

    def known(self, server: str) -> Facts:
        """Return what is known about a server."""
        return self._facts.get(server, ())

    def met(self, server: str, found: Iterable[Fact], *, whole: bool) -> bool:
        """Take in what was seen of a server, `whole` where it runs; True where that is not what was known."""
        before = self.known(server)
        self._facts[server] = facts.merged(before, found, whole=whole)
        return self._facts[server] != before

    def judged(self, server: str, found: Iterable[Fact] | None = None) -> Judged:
        """Return what becomes of what is known about a server, or of what was found just now."""
        known = self.known(server) if found is None else tuple(found)
        if not known:
            # It was never looked at.
            return Judged()
        said = self._said()
        verdicts = {name: said.get((server, str(Kind.GATEWAY), name), _NOTHING) for name in facts.FACTS}
        return facts.judged(known, verdicts, hold=self._holds(server))

    def strange(self, server: str) -> Facts:
        """Return the facts about a server that are not as pinned, for which nothing of it can be reached."""
        return self.judged(server).held

    def strangers(self) -> dict[str, str]:
        """Return the servers that are held for what they are, and why."""
        told = {name: facts.explained(name, self.strange(name)) for name in self._config().servers}
        return {name: why for name, why in told.items() if why}

    def _holds(self, server: str) -> bool:
        known = self._config().servers.get(server)
        return known is None or (known.identity or _USUALLY[Mode(known.approve)]) == "hold"
