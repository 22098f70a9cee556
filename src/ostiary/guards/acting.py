"""From what was found to what a guard says: note it, replace it, or stop the call. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from ostiary.core.screening import Block, Fence, Hold, Note, Pass, Path, Redact, Text, Verdict
from ostiary.guards.found import Found
from ostiary.guards.masking import partly, redacted, replaced
from ostiary.guards.pace import breathe

_NAMED: Final = 8


class Then(StrEnum):
    """What happens to what was found."""

    NOTE = "note"
    REDACT = "redact"
    MASK = "mask"
    TOKENIZE = "tokenize"
    FENCE = "fence"
    HOLD = "hold"
    BLOCK = "block"


def verdict(
    texts: Sequence[Text], found: Mapping[int, Sequence[Found]], then: Then, token: Callable[[str, str], str]
) -> Verdict:
    """Return what to say of what was found, by the index of its text; `token` makes one of a kind and a value."""
    if not any(found.values()):
        return Pass()
    finding = told(each for some in found.values() for each in some)
    if then is Then.NOTE:
        return Note(finding)
    if then is Then.BLOCK:
        return Block(finding)
    if then is Then.HOLD:
        return Hold(finding)
    if then is Then.FENCE:
        # Whoever has the whole payload puts the fences (`pipeline/fencing.py`); where nobody does, nothing is left.
        return Fence(finding, {texts[index].path: "" for index, some in found.items() if some}, {})
    return Redact(finding, _replacements(texts, found, then, token))


def told(found: Iterable[Found]) -> str:
    """Return in a few words what was found, without any of it."""
    counts = Counter(map(_named, found))
    named = [f"{count} x {name}" if count > 1 else name for name, count in counts.most_common(_NAMED)]
    return ", ".join((*named, *(("and more",) if len(counts) > _NAMED else ())))


def _named(found: Found) -> str:
    breathe()
    return f"{found.rule} in {found.view}" if found.view else found.rule


def _replacements(
    texts: Sequence[Text], found: Mapping[int, Sequence[Found]], then: Then, token: Callable[[str, str], str]
) -> Mapping[Path, str]:
    made: dict[Path, str] = {}
    for index, some in found.items():
        if some:
            text = texts[index]
            match then:
                case Then.MASK:
                    made[text.path] = partly(text.value, some)
                case Then.TOKENIZE:
                    made[text.path] = replaced(text.value, some, token)
                case _:
                    made[text.path] = redacted(text.value, some)
    return made
