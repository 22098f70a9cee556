"""Lakera Guard, version 2 of its API. Pure.

Format: docs.lakera.ai, "API reference", "Screen content" (`POST /v2/guard`). Only the last interaction of a list of
messages is screened, so each request has one message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ostiary.adapters.providers.formats import (
    Answer,
    Asked,
    Outgoing,
    Portion,
    Said,
    Setting,
    Unreadable,
    batches,
    member,
    portions,
    posted,
    told,
    word,
)
from ostiary.core.screening import Path, Side

_URL: Final = "https://api.lakera.ai"
_PATH: Final = "/v2/guard"
_MOST: Final = 32_000
"""Characters in one message: what takes longer to screen is screened beside each other."""
_OVERLAP: Final = 1_000
_ITEMS: Final = 2_000
_BETWEEN: Final = "\n"
_DATA: Final = frozenset({"pii", "custom"})
_NAMED: Final = 40


class Lakera:
    """What clients say is screened as a model's words, what servers say as words on their way to a model."""

    name = "lakera-guard"

    def __init__(self, setting: Setting) -> None:
        """Read the address, the key, and the project whose policy counts."""
        if not setting.key:
            raise ValueError("`key` is missing: an API key of Lakera Guard")
        self._url = f"{(setting.url or _URL).removesuffix('/').removesuffix(_PATH)}{_PATH}"
        self._headers = {"authorization": f"Bearer {setting.key}"}
        self._project = setting.profile

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:  # noqa: ARG002 - the format has no time
        """Show the words as messages, one for each request."""
        # A tool call is what a model wrote; what a tool answers is what a model is going to read.
        role = "assistant" if asked.side is Side.REQUEST else "user"
        parts = portions(asked.texts, _MOST, _OVERLAP)
        return tuple(self._made(asked, role, group) for group in batches(parts, _ITEMS, _MOST))

    def _made(self, asked: Asked, role: str, group: Sequence[Portion]) -> Outgoing:
        said: dict[str, Any] = {
            "messages": [{"role": role, "content": _BETWEEN.join(each.value for each in group)}],
            "breakdown": True,
            "payload": True,
            "metadata": {"session_id": asked.run},
        }
        if self._project:
            said["project_id"] = self._project
        return posted(self._url, self._headers, said, group)

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Say what the project's policy flags."""
        answer = told(got)
        flagged = member(answer, "flagged", bool)
        found = dict.fromkeys(_detected(answer))
        matches = [_checked(each) for each in member(answer, "payload", list, [])]
        if found and not flagged:
            # A detector that the policy only monitors: worth a note.
            return Said(flagged=False, categories=tuple(found), reference=_reference(answer))
        masked = _masked(sent.portions, matches) if flagged and _only_data(found, matches) else None
        return Said(flagged, tuple(found) or _named(matches), masked=masked, reference=_reference(answer))


def provider(setting: Setting) -> Lakera:
    """Make it, or raise `ValueError`."""
    return Lakera(setting)


def _detected(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was detected; the breakdown was asked for, and an answer without it is not the whole answer."""
    for each in member(answer, "breakdown", list):
        if not isinstance(each, dict):
            raise Unreadable("a detector in its answer is not what its format has")
        kind = member(each, "detector_type", str)
        if member(each, "detected", bool):
            yield word(kind)


def _checked(match: Any) -> tuple[int, int, str, str]:
    if not isinstance(match, dict):
        raise Unreadable("a match in its answer is not what its format has")
    start, end = member(match, "start", int), member(match, "end", int)
    return start, end, member(match, "text", str), word(member(match, "detector_type", str))


def _named(matches: Sequence[tuple[int, int, str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind for *_, kind in matches))


def _only_data(found: Mapping[str, None], matches: Sequence[tuple[int, int, str, str]]) -> bool:
    """Say whether all that was detected is shown as matches: an attack has no place that could be cut out."""
    shown = [f"{kind}/" for *_, kind in matches]
    return bool(found) and all(
        kind.partition("/")[0] in _DATA and any(each.startswith(f"{kind}/") for each in shown) for kind in found
    )


def _masked(parts: Sequence[Portion], matches: Sequence[tuple[int, int, str, str]]) -> Mapping[Path, str] | None:
    """Return the texts with their matches cut out; None where one is not where it is said to be."""
    cuts: dict[int, list[tuple[int, int, str]]] = {}
    for start, end, text, kind in matches:
        place = _place(parts, start)
        if place is None:
            return None
        index, offset = place
        value, last = parts[index].value, offset + len(text)
        # The text itself is the proof: its format does not say whether `end` is the last character or the one after.
        if not text or value[offset:last] != text or end - start not in {len(text), len(text) - 1}:
            return None
        if not parts[index].whole:
            return None
        cuts.setdefault(index, []).append((offset, last, kind))
    return {parts[index].path: _cut(parts[index].value, some) for index, some in cuts.items()}


def _place(parts: Sequence[Portion], start: int) -> tuple[int, int] | None:
    """Return which part a place in the joined message is in, and where in it."""
    for index, each in enumerate(parts):
        if 0 <= start < len(each.value):
            return index, start
        start -= len(each.value) + len(_BETWEEN)
    return None


def _cut(text: str, cuts: Sequence[tuple[int, int, str]]) -> str:
    made: list[str] = []
    last = 0
    for start, end, kind in sorted(cuts):
        if start >= last:
            made += (text[last:start], f"[redacted:{kind.rpartition('/')[2].replace('_', '-')[:_NAMED]}]")
        # One that overlaps another is part of the same mask.
        last = max(last, end)
    return "".join((*made, text[last:]))


def _reference(answer: Mapping[str, Any]) -> str:
    ident = member(answer, "metadata", dict, {}).get("request_uuid")
    return word(ident) if isinstance(ident, str) and ident else ""
