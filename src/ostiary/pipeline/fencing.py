"""The guard that fences what anybody may have written, and what puts the fences that other guards ask for."""

from __future__ import annotations

from msgspec.structs import replace

from ostiary.core.screening import Block, Fence, Flow, Guard, Pass, Payload, Side, Verdict
from ostiary.guards.fencing import META, Fences, Source, fenced


class Fencing:
    """Fences the answers of whatever reads what anybody may have written."""

    def __init__(self, fences: Fences, skip: frozenset[str] = frozenset()) -> None:
        self._fences, self._skip = fences, skip

    async def __call__(self, payload: Payload) -> Verdict:
        """Fence all that can be fenced."""
        if payload.side is not Side.ANSWER or Flow.UNTRUSTED not in payload.flows:
            return Pass()
        texts = [text for text in payload.texts if not self._skip.intersection(text.path)]
        return fenced(texts, Source(payload.server, payload.label), self._fences) or Pass()


class Fenced:
    """A guard whose finds are fenced, together with all that was said beside them."""

    def __init__(self, guard: Guard, fences: Fences) -> None:
        self._guard, self._fences = guard, fences

    async def __call__(self, payload: Payload) -> Verdict:
        """Put the fences that the guard asks for; what it found where none can be put stops the call."""
        said = await self._guard(payload)
        if not isinstance(said, Fence) or META in said.meta:
            return said
        done = fenced(payload.texts, Source(payload.server, payload.label), self._fences, said.finding)
        if done is None or not said.replace.keys() <= done.replace.keys():
            return Block(f"{said.finding}, where it cannot be fenced")
        if isinstance(done, Fence):
            return replace(done, meta={**said.meta, **done.meta})
        return done
