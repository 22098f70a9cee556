"""From what a provider said to what the guard says: the configuration's `then` decides. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from ostiary.adapters.providers.formats import Said, word
from ostiary.adapters.providers.showing import Shown
from ostiary.core.screening import Block, Fence, Hold, Note, Pass, Path, Payload, Redact, Verdict

_NAMED: Final = 8


class Then(StrEnum):
    """What happens to what a provider objects to."""

    NOTE = "note"
    REDACT = "redact"
    FENCE = "fence"
    HOLD = "hold"
    BLOCK = "block"


class Deed(Struct, frozen=True):
    """What to do with what is said."""

    then: Then
    at: float = 0.0
    """How sure the provider has to be, where its format has a number for that."""
    fence: Callable[[Payload, str], Fence] | None = None
    """Marks all words of a payload as data, because of a finding."""


def verdict(said: Sequence[Said], there: Shown, payload: Payload, deed: Deed) -> Verdict:
    """Return what to say of a payload of which a provider, who was shown this of it, said that."""
    finding = told(each for each in said if each.flagged or each.categories)
    objects = [each for each in said if each.flagged and each.certainty >= deed.at]
    if not objects:
        return Note(finding) if finding else Pass()
    match deed.then:
        case Then.NOTE:
            return Note(finding)
        case Then.HOLD:
            return Hold(finding)
        case Then.FENCE if deed.fence is not None:
            return deed.fence(payload, finding)
        case Then.REDACT:
            return _redacted(objects, there, payload, finding)
        case _:
            return Block(finding)


def told(said: Iterable[Said]) -> str:
    """Return in a few words what a provider objects to, with its own reference, and nothing of what it was shown."""
    said = tuple(said)
    if not said:
        return ""
    named = dict.fromkeys(word(name) for each in said for name in each.categories)
    shown = [*list(named)[:_NAMED], *(["and more"] if len(named) > _NAMED else [])] or ["flagged"]
    unsure = max(each.certainty for each in said)
    sure = f" at {unsure:.2f}" if unsure < 1 else ""
    references = dict.fromkeys(word(each.reference) for each in said if each.reference)
    known = f" ({next(iter(references))})" if references else ""
    return f"{', '.join(shown)}{sure}{known}"


def _redacted(objects: Sequence[Said], there: Shown, payload: Payload, finding: str) -> Redact | Block:
    replace: dict[Path, str] = {}
    for each in objects:
        if not each.masked:
            return Block(f"{finding}; it does not say what to put where, so nothing goes on")
        replace |= each.masked
    if not _exact(replace, there, payload):
        return Block(f"{finding}; what it would put there does not fit what stands there, so nothing goes on")
    return Redact(finding, {there.stood.get(path, path): text for path, text in replace.items()})


def _exact(replace: Mapping[Path, str], there: Shown, payload: Payload) -> bool:
    """Say whether what is replaced was shown as it is: masks of ours must not end up where nobody asked for them."""
    seen = {text.path: text.value for text in there.asked.texts}
    stood = {text.path: text.value for text in payload.texts}
    return all(path in seen and seen[path] == stood.get(there.stood.get(path, path)) for path in replace)
