"""Google Cloud's Model Armor: a template's filters, applied to prompts and responses.

Format: the REST reference of `projects.locations.templates`, methods sanitizeUserPrompt and sanitizeModelResponse, and
the messages of google-cloud-modelarmor 0.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ostiary.adapters.providers.formats import (
    Answer,
    Asked,
    Outgoing,
    Said,
    Send,
    Setting,
    Unreadable,
    batches,
    member,
    portions,
    posted,
    told,
    word,
)
from ostiary.adapters.providers.google import tokens
from ostiary.adapters.providers.placing import BETWEEN, joined, parted, placed
from ostiary.core.screening import Path, Side

_MOST: Final = 6_000
"""Characters of one request. The limits of its filters are in tokens and differ; the lowest is 10,000, and beyond it
content may go unscanned without a word."""
_JOINED: Final = 200
_OVERLAP: Final = 400
_TEMPLATE: Final = re.compile(
    r"projects/[a-z0-9:.-]{1,64}/locations/([a-z]+[a-z0-9-]{0,40})/templates/[A-Za-z0-9_-]{1,64}"
)
_MATCHED, _NOTHING = ("matchState", "MATCH_FOUND"), ("matchState", "NO_MATCH_FOUND")
_RAN: Final = ("executionState", "EXECUTION_SUCCESS")
_QUIET: Final = {_RAN, _NOTHING}
_RESPONSES: Final = "responses"
_UNAUTHENTICATED: Final = 401
_STATUSES: Final[Mapping[int, str]] = {
    403: "the account may not use the template; it needs the role modelarmor.user",
    404: "it knows no such template; check `profile` and `region`",
}


class ModelArmor:
    """One template."""

    name = "model-armor"

    def __init__(self, setting: Setting) -> None:
        """Read the template (`profile`) and the key: a service account's JSON, or an access token."""
        named = _TEMPLATE.fullmatch(setting.profile)
        if not named:
            raise ValueError("`profile` is missing or none: projects/PROJECT/locations/LOCATION/templates/TEMPLATE")
        if not setting.key:
            raise ValueError("`key` is missing: the JSON key of a service account, or an access token")
        if setting.version not in {"", _RESPONSES}:
            raise ValueError(f"`version` is neither left out nor {_RESPONSES}")
        self._responses = setting.version == _RESPONSES
        base = setting.url.rstrip("/") or f"https://modelarmor.{setting.region or named[1]}.rep.googleapis.com"
        self._url = f"{base}/v1/{setting.profile}"
        self._key = setting.key.strip()
        self._tokens = tokens(self._key) if self._key.startswith("{") else None

    async def prepare(self, send: Send, now: float, deadline: float, /) -> None:
        """Obtain an access token for the service account."""
        if self._tokens is not None:
            await self._tokens.renew(send, now, deadline)

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:
        """Show all words as a user's prompt, which all filters read.

        What a tool answers is what a model reads next. With `version: responses` it is shown as a model's response.
        """
        bearer = self._tokens.bearer(now) if self._tokens is not None else self._key
        headers = {"authorization": f"Bearer {bearer}"}
        verb, data = "sanitizeUserPrompt", "userPromptData"
        if self._responses and asked.side is not Side.REQUEST:
            verb, data = "sanitizeModelResponse", "modelResponseData"
        room = (_JOINED - 1) * len(BETWEEN)
        groups = batches(portions(asked.texts, _MOST - room, _OVERLAP), _JOINED, _MOST - room)
        return tuple(posted(f"{self._url}:{verb}", headers, {data: {"text": joined(group)}}, group) for group in groups)

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Object to what any filter matched; what was only de-identified can be put in place."""
        if got.status == _UNAUTHENTICATED and self._tokens is not None:
            self._tokens.forget()
        result = member(told(got, _STATUSES), "sanitizationResult", dict)
        filters = member(result, "filterResults", dict, {})
        seen = {name: set(_states(each)) for name, each in filters.items()}
        matched = sorted(name for name, states in seen.items() if _MATCHED in states)
        ran = bool(seen) and all(states - {_MATCHED} <= _QUIET and _RAN in states for states in seen.values())
        whole = ran and result.get("invocationResult") == "SUCCESS"
        # A match is one, whatever did not run; silence counts only where everything ran.
        if matched or result.get("filterMatchState") == _MATCHED[1]:
            masked = _masked(sent, filters["sdp"]) if matched == ["sdp"] and whole else None
            categories = tuple(each for name in matched for each in _categories(name, filters[name]))
            return Said(flagged=True, categories=categories or ("matched",), masked=masked)
        if not whole or any(states != _QUIET for states in seen.values()):
            raise Unreadable("not all of its filters ran")
        if result.get("filterMatchState") != _NOTHING[1]:
            raise Unreadable("its answer has a state that its format does not have")
        return Said(flagged=False)


def provider(setting: Setting) -> ModelArmor:
    """Make it, or raise `ValueError`."""
    return ModelArmor(setting)


def _states(value: Any) -> Iterator[tuple[str, str]]:
    """Yield every state in a filter's result, at any depth: each kind of filter has its own shape."""
    if isinstance(value, list):
        for each in value:
            yield from _states(each)
    if not isinstance(value, dict):
        return
    for name, each in value.items():
        if name in {"matchState", "executionState"}:
            yield name, str(each)
        else:
            yield from _states(each)


def _categories(name: str, result: Any) -> Iterator[str]:
    kinds = sorted(set(_kinds(result)))
    yield from (f"{word(name)}/{word(kind)}" for kind in kinds)
    if not kinds:
        yield word(name)


def _kinds(value: Any) -> Iterator[str]:
    """Yield what a filter names: types of information, and kinds of harm that matched."""
    if isinstance(value, list):
        for each in value:
            yield from _kinds(each)
    if not isinstance(value, dict):
        return
    for name, each in value.items():
        if name == "infoType" and isinstance(each, str):
            yield each
        elif name == "infoTypes" and isinstance(each, list):
            yield from (str(kind) for kind in each)
        elif name == "raiFilterTypeResults" and isinstance(each, dict):
            yield from (kind for kind, found in each.items() if _MATCHED in _states(found))
        else:
            yield from _kinds(each)


def _masked(sent: Outgoing, found: Mapping[str, Any]) -> Mapping[Path, str] | None:
    """Return what Sensitive Data Protection left of the texts; None where it only inspected them."""
    result = member(found, "sdpFilterResult", dict, {})
    text = member(member(result, "deidentifyResult", dict, {}), "data", dict, {}).get("text")
    if not isinstance(text, str) or "inspectResult" in result:
        return None
    return placed(sent.portions, parted(sent.portions, text))
