"""Azure AI Content Safety: Prompt Shields and the harm categories of its text analysis. Pure.

Formats: learn.microsoft.com, REST API of Content Safety 2024-09-01, "Shield Prompt" and "Analyze Text"; its limits are
those of the page "What is Azure AI Content Safety", section "Input requirements".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
from ostiary.adapters.providers.placing import BETWEEN, joined
from ostiary.core.screening import Side

_VERSION: Final = "2024-09-01"
_MOST: Final = 10_000
"""Characters of a prompt, of all documents of a request together, and of a text that is analysed."""
_DOCUMENTS: Final = 5
_JOINED: Final = 200
"""Texts in one request: a prompt, or a document, may be several of ours, and is judged as one."""
_OVERLAP: Final = 500
_PROMPT: Final = b'{"userPrompt":'
_HARMS: Final = ("Hate", "SelfHarm", "Sexual", "Violence")
_WORST: Final = 7


class PromptShields:
    """Attacks on the model: by who asks (the user's prompt), and from within what it reads (documents)."""

    name = "azure-prompt-shields"

    def __init__(self, setting: Setting) -> None:
        """Read the address and the key of a Content Safety resource."""
        self._url, self._headers = _reached(setting, "text:shieldPrompt")

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:  # noqa: ARG002 - the format has no time
        """Show what clients say as prompts, and what servers say as documents."""
        return tuple(
            posted(
                self._url,
                self._headers,
                {"userPrompt": joined(group)} if asked.side is Side.REQUEST else {"documents": _documents(group)},
                group,
            )
            for group in _grouped(asked)
        )

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Say whether an attack was detected in any of what was sent."""
        answer = told(got)
        prompt, documents = answer.get("userPromptAnalysis"), member(answer, "documentsAnalysis", list, [])
        attacked = prompt is not None and _attacked(prompt)
        hidden = sum(_attacked(each) for each in documents) > 0
        categories = (*(["attack-in-prompt"] if attacked else ()), *(["attack-in-document"] if hidden else ()))
        judged = prompt is not None if sent.body.startswith(_PROMPT) else len(documents) == _many(sent.portions)
        # An attack is one, whatever else is missing; silence counts only where all that was sent was judged.
        if not categories and not judged:
            raise Unreadable("its answer does not judge all that it was sent")
        return Said(bool(categories), categories, reference=_reference(got))


class ContentSafety:
    """Hate, self-harm, sexual content and violence, by severity."""

    name = "azure-content-safety"

    def __init__(self, setting: Setting) -> None:
        """Read the address and the key of a Content Safety resource, and from which severity on it objects (`at`)."""
        self._url, self._headers = _reached(setting, "text:analyze")
        self._least = max(1, math.ceil(setting.at * _WORST))

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:  # noqa: ARG002 - the format has no time
        """Show all texts, as many in one as its limit allows."""
        wanted = {"categories": _HARMS, "outputType": "EightSeverityLevels"}
        return tuple(
            posted(self._url, self._headers, {"text": joined(group), **wanted}, group) for group in _grouped(asked)
        )

    def read(self, sent: Outgoing, got: Answer, /) -> Said:  # noqa: ARG002 - one text went, one judgement came
        """Object to what is at least as severe as `at` asks for."""
        answer = told(got)
        # Sorted, so that the worst of a category counts if it is there twice.
        found = dict(sorted(_severity(each) for each in member(answer, "categoriesAnalysis", list)))
        worst = max(found.values(), default=0)
        flagged = worst >= self._least
        if not flagged and not set(_HARMS) <= found.keys():
            raise Unreadable("its answer leaves out a category that it was asked for")
        harms = tuple(sorted(name for name, severity in found.items() if severity))
        return Said(flagged, harms, worst / _WORST, reference=_reference(got))


def shields(setting: Setting) -> PromptShields:
    """Make Prompt Shields, or raise `ValueError`."""
    return PromptShields(setting)


def harms(setting: Setting) -> ContentSafety:
    """Make the analysis of harm categories, or raise `ValueError`."""
    return ContentSafety(setting)


def _reached(setting: Setting, operation: str) -> tuple[str, Mapping[str, str]]:
    if not setting.url:
        raise ValueError("`url` is missing: the endpoint of the resource, https://NAME.cognitiveservices.azure.com")
    if not setting.key:
        raise ValueError("`key` is missing: one of the two keys of the resource")
    url = f"{setting.url.rstrip('/')}/contentsafety/{operation}?api-version={_VERSION}"
    return url, {"ocp-apim-subscription-key": setting.key}


def _grouped(asked: Asked) -> tuple[tuple[Portion, ...], ...]:
    """Group texts that fit into one request, with what joins them."""
    room = (_JOINED - 1) * len(BETWEEN)
    return tuple(batches(portions(asked.texts, _MOST - room, _OVERLAP), _JOINED, _MOST - room))


def _documents(group: tuple[Portion, ...]) -> list[str]:
    """Return as many documents as a request may have; neighbours share one where there are more texts."""
    many = _many(group)
    return [joined(group[len(group) * i // many : len(group) * (i + 1) // many]) for i in range(many)]


def _many(group: tuple[Portion, ...]) -> int:
    return min(_DOCUMENTS, len(group))


def _attacked(analysis: Any) -> bool:
    if not isinstance(analysis, dict):
        raise Unreadable("an analysis in its answer is not what its format has")
    return bool(member(analysis, "attackDetected", bool))


def _severity(analysis: Any) -> tuple[str, int]:
    if not isinstance(analysis, dict):
        raise Unreadable("an analysis in its answer is not what its format has")
    category, severity = member(analysis, "category", str), member(analysis, "severity", int)
    if not 0 <= severity <= _WORST:
        raise Unreadable("a severity in its answer is out of range")
    return word(category), severity


def _reference(got: Answer) -> str:
    return word(got.headers["apim-request-id"]) if "apim-request-id" in got.headers else ""
