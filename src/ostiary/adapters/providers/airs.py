"""Palo Alto Networks Prisma AIRS, the synchronous scan of its runtime API. Pure.

Format: pan.dev, "Prisma AIRS Runtime Security API", `POST /v1/scan/sync/request`, and the models of its published
Python SDK. Of several contents only the last is scanned and the others are its context, so each request has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ostiary.adapters.providers.documents import document, placed
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
from ostiary.core.screening import Path, Side, Text
from ostiary.protocol.jsonrpc import encode

_PATH: Final = "/v1/scan/sync/request"
_HOST: Final = "https://service{}.api.aisecurity.paloaltonetworks.com"
_REGION: Final = re.compile(r"[a-z]{2,8}")
_HOME: Final = frozenset({"", "us"})
_LARGEST: Final = 2 * 1024 * 1024
"""Bytes of one request."""
_MOST: Final = 512 * 1024
"""Characters in one request, unless they take more bytes than it may have."""
_LEAST: Final = 1024
_ITEMS: Final = 20_000
_OVERLAP: Final = 512
_IDENT: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DETECTED: Final = ("prompt_detected", "response_detected")
_MASKED: Final = ("prompt_masked_data", "response_masked_data")
_ACTIONS: Final = frozenset({"allow", "alert", "block"})
_VERDICTS: Final = frozenset({"benign", "malicious"})


class Airs:
    """Tool events are shown as such: the arguments of a call as input, what a server answers as output."""

    name = "prisma-airs"

    def __init__(self, setting: Setting) -> None:
        """Read the region or the address, the key, and the profile by its name or its id."""
        if not setting.key:
            raise ValueError("`key` is missing: an API key of Prisma AIRS")
        if not setting.profile:
            raise ValueError("`profile` is missing: the name or the id of an AI security profile")
        self._url = _address(setting)
        self._headers = {"x-pan-token": setting.key}
        named = "profile_id" if _IDENT.fullmatch(setting.profile) else "profile_name"
        self._profile = {named: setting.profile}

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:  # noqa: ARG002 - the format has no time
        """Show the words as one JSON document, or as several where one would be too large."""
        parts = tuple(portions(asked.texts, _MOST, _OVERLAP))
        return tuple(self._requests(asked, parts, _MOST))

    def _requests(self, asked: Asked, parts: Sequence[Portion], most: int) -> Iterator[Outgoing]:
        for group in batches(parts, _ITEMS, most):
            made = self._made(asked, group)
            if len(made.body) <= _LARGEST:
                yield made
            elif most <= _LEAST:
                raise Unreadable("it cannot be shown in requests of the size that Prisma AIRS takes", words=True)
            else:
                # Some characters take many bytes in a document within a document.
                smaller = portions(
                    (Text(each.path, each.value, each.rigid) for each in group), most // 4, min(_OVERLAP, most // 16)
                )
                yield from self._requests(asked, tuple(_again(smaller, group)), most // 4)

    def _made(self, asked: Asked, group: Sequence[Portion]) -> Outgoing:
        side = "output" if asked.side is Side.ANSWER else "input"
        about = {
            "ecosystem": "mcp",
            "method": asked.method or "tools/list",
            "server_name": asked.server,
            "tool_invoked": asked.label.removeprefix(f"{asked.server}."),
        }
        event = {"metadata": about, side: encode(document(group).value).decode()}
        said = {
            "session_id": asked.run,
            "ai_profile": self._profile,
            "metadata": {"app_name": "ostiary"},
            "contents": [{"tool_event": event}],
        }
        return posted(self._url, self._headers, said, group)

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Say what the profile's action is; a scan that was cut short is none."""
        answer = told(got)
        _complete(answer)
        action, category = member(answer, "action", str), member(answer, "category", str)
        if action not in _ACTIONS or category not in _VERDICTS:
            raise Unreadable("its answer has an action or a category that its format does not have")
        tool = member(answer, "tool_detected", dict, {})
        masked = _masked(answer, tool)
        # What the profile wants masked must not go on as it is, though the scan allows it.
        flagged = action == "block" or bool(masked)
        found = dict.fromkeys((*_detections(answer, tool), *(["malicious"] if category == "malicious" else ())))
        if not found and (flagged or action == "alert"):
            found = {action: None}
        places = _places(sent, masked) if flagged and _only_data(found) else None
        return Said(flagged, tuple(found), masked=places, reference=word(member(answer, "scan_id", str)))


def provider(setting: Setting) -> Airs:
    """Make it, or raise `ValueError`."""
    return Airs(setting)


def _address(setting: Setting) -> str:
    if setting.url:
        return f"{setting.url.removesuffix('/').removesuffix(_PATH)}{_PATH}"
    region = setting.region.lower()
    if region in _HOME:
        return _HOST.format("") + _PATH
    if not _REGION.fullmatch(region):
        raise ValueError("`region` is none: write us, de, in or sg, or the API's address as `url`")
    return _HOST.format(f"-{region}") + _PATH


def _again(parts: Iterator[Portion], group: Sequence[Portion]) -> Iterator[Portion]:
    """Yield parts of parts: none of what was cut before is whole now."""
    cut = {each.path for each in group if not each.whole}
    for each in parts:
        yield Portion(each.path, each.value, each.whole and each.path not in cut, each.rigid)


def _complete(answer: Mapping[str, Any]) -> None:
    """Refuse the answer of a scan that did not end: `allow` beside `timeout` says that it was allowed to go unseen."""
    if member(answer, "timeout", bool, default=False):
        raise Unreadable("its scan ran out of time")
    if member(answer, "error", bool, default=False) or member(answer, "errors", list, []):
        raise Unreadable("its scan failed in part")


def _detections(answer: Mapping[str, Any], tool: Mapping[str, Any]) -> Iterator[str]:
    for name in _DETECTED:
        yield from _true(member(answer, name, dict, {}))
    summary = member(tool, "summary", dict, {})
    yield from _true(member(summary, "detections", dict, {}))
    for entry in _entries(tool):
        yield from _true(member(entry, "detections", dict, {}))
    if member(tool, "verdict", str, "benign") not in _VERDICTS:
        raise Unreadable("its answer has a verdict that its format does not have")
    if tool.get("verdict") == "malicious":
        yield "malicious"


def _true(flags: Mapping[str, Any]) -> Iterator[str]:
    yield from (word(name) for name in flags if member(flags, name, bool, default=False))


def _entries(tool: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for side in ("input_detected", "output_detected"):
        for entry in member(member(tool, side, dict, {}), "detection_entries", list, []):
            if not isinstance(entry, dict):
                raise Unreadable("a detection in its answer is not what its format has")
            yield entry


def _masked(answer: Mapping[str, Any], tool: Mapping[str, Any]) -> list[str]:
    """Return every masked document in an answer."""
    held = [member(answer, name, dict, {}) for name in _MASKED]
    held += [member(entry, "masked_data", dict, {}) for entry in _entries(tool)]
    return [member(each, "data", str) for each in held if each.get("data")]


def _only_data(found: Mapping[str, None]) -> bool:
    """Say whether data is all that it objects to: an injection does not go away with what was masked."""
    return bool(found) and found.keys() <= {"dlp", "malicious", "block"}


def _places(sent: Outgoing, masked: Sequence[str]) -> Mapping[Path, str] | None:
    # One document went out: two that differ from each other leave open which of them is meant.
    return placed(sent.portions, masked[0]) if len(set(masked)) == 1 else None
