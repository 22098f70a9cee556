"""OpenAI's moderation: harmful content by category and score. Pure.

Format: POST /v1/moderations of its OpenAPI description, as its Python library 3.54 has it. Its guide advises texts of
less than 2,000 characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ostiary.adapters.providers.formats import (
    Answer,
    Asked,
    Outgoing,
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

_URL: Final = "https://api.openai.com"
_MODEL: Final = "omni-moderation-latest"
_MOST: Final = 2_000
_OVERLAP: Final = 200
_INPUTS: Final = 32


class Moderation:
    """What one of its moderation models flags, and what scores as much as `at`."""

    name = "openai-moderation"

    def __init__(self, setting: Setting) -> None:
        """Read the key; the model is `profile`, where it is not the newest."""
        if not setting.key:
            raise ValueError("`key` is missing: an API key of the project that pays")
        self._url = f"{setting.url.rstrip('/') or _URL}/v1/moderations"
        self._headers = {"authorization": f"Bearer {setting.key}"}
        self._model, self._at = setting.profile or _MODEL, setting.at

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:  # noqa: ARG002 - the format has no time
        """Show texts as inputs of their own, several in one request."""
        groups = batches(portions(asked.texts, _MOST, _OVERLAP), _INPUTS, _INPUTS * _MOST)
        return tuple(
            posted(self._url, self._headers, {"model": self._model, "input": [each.value for each in group]}, group)
            for group in groups
        )

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Object to what is flagged, however it scores, and to what scores `at` and more."""
        answer = told(got)
        judged = [self._judged(each) for each in member(answer, "results", list)]
        flagged, scores = any(flag for flag, _ in judged), [score for _, found in judged for score in found.values()]
        if not scores and not flagged and len(judged) != len(sent.portions):
            raise Unreadable("its answer does not judge all that it was sent")
        categories = tuple(sorted({word(name) for _, found in judged for name in found}))
        # Its own thresholds differ by category, and may be lower than `at`: what it flags, it is sure of.
        certainty = 1.0 if flagged else max(scores, default=1.0)
        return Said(flagged or bool(scores), categories, certainty, reference=word(member(answer, "id", str)))

    def _judged(self, result: Any) -> tuple[bool, Mapping[str, float]]:
        """Return whether one result is flagged, and the scores of what it objects to."""
        if not isinstance(result, dict):
            raise Unreadable("a result in its answer is not what its format has")
        categories, scored = member(result, "categories", dict), member(result, "category_scores", dict)
        if not categories or not categories.keys() <= scored.keys():
            raise Unreadable("a result in its answer lacks categories or their scores")
        scores = {name: member(scored, name, float) for name in scored}
        if not all(0.0 <= score <= 1.0 for score in scores.values()):
            raise Unreadable("a score in its answer is out of range")
        # A category that a model does not know is null.
        hits = {name for name in categories if member(categories, name, bool, False)}
        flagged = member(result, "flagged", bool) or bool(hits)
        return flagged, {name: score for name, score in scores.items() if name in hits or score >= self._at}


def provider(setting: Setting) -> Moderation:
    """Make it, or raise `ValueError`."""
    return Moderation(setting)
