"""A service of one's own that looks at words, by the format of `docs/guards-webhook.md`. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
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
    told,
    word,
)
from ostiary.core.screening import Path
from ostiary.protocol.jsonrpc import encode
from ostiary.protocol.leaves import NAMED

VERSION: Final = 1
_MOST: Final = 256 * 1024
"""Characters of one request."""
_OVERLAP: Final = 2_048
_ITEMS: Final = 10_000
_ACTIONS: Final = frozenset({"pass", "note", "redact", "block"})


class Webhook:
    """Sends texts with their paths, signed where there is a key, and takes an action back."""

    name = "webhook"

    def __init__(self, setting: Setting) -> None:
        """Read the address, and what requests are signed with."""
        if not setting.url:
            raise ValueError("`url` is missing: where your service listens")
        self._url, self._key = setting.url, setting.key.encode()

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:
        """Show all texts, in as many requests as that takes."""
        groups = tuple(batches(portions(asked.texts, _MOST, _OVERLAP), _ITEMS, _MOST))
        return tuple(self._made(asked, group, (index, len(groups)), now) for index, group in enumerate(groups))

    def _made(self, asked: Asked, group: Sequence[Portion], part: tuple[int, int], now: float) -> Outgoing:
        body = encode(
            {
                "version": VERSION,
                "side": asked.side.value,
                "server": asked.server,
                "tool": asked.label,
                "method": asked.method,
                "run": asked.run,
                "part": part[0] + 1,
                "parts": part[1],
                "texts": [_shown(each) for each in group],
            }
        )
        stamp = str(int(now))
        headers = {"content-type": "application/json", "ostiary-timestamp": stamp}
        if self._key:
            headers["ostiary-signature"] = f"v1={signature(self._key, stamp, body)}"
        return Outgoing(self._url, headers, body, tuple(group))

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Say what the service wants."""
        answer = told(got)
        action = member(answer, "action", str)
        if action not in _ACTIONS:
            raise Unreadable("its answer has an action that the format does not have")
        finding = member(answer, "finding", str, "")
        # Nothing is said of what passes, whatever else is in the answer.
        named = () if action == "pass" else (word(finding) if finding else action,)
        masked = _replaced(sent.portions, member(answer, "replace", list)) if action == "redact" else None
        reference = member(answer, "reference", str, "")
        return Said(action in {"redact", "block"}, named, masked=masked, reference=word(reference) if reference else "")


def provider(setting: Setting) -> Webhook:
    """Make it, or raise `ValueError`."""
    return Webhook(setting)


def signature(key: bytes, stamp: str, body: bytes) -> str:
    """Return the HMAC-SHA256, in hexadecimal, of the time, a dot, and the body."""
    return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _shown(part: Portion) -> dict[str, Any]:
    name = part.path[-1:] == (NAMED,)
    shown: dict[str, Any] = {"path": list(part.path[:-1] if name else part.path), "text": part.value}
    if name:
        shown["name"] = True
    if part.rigid or not part.whole:
        shown["fixed"] = True
    return shown


def _replaced(parts: Sequence[Portion], wanted: Sequence[Any]) -> Mapping[Path, str] | None:
    """Return what the service wants to put where; None where it names a place that cannot be replaced."""
    places = {each.path: each for each in parts}
    made: dict[Path, str] = {}
    for each in wanted:
        if not isinstance(each, dict):
            raise Unreadable("a replacement in its answer is not what the format has")
        path, text = member(each, "path", list), member(each, "text", str)
        if not all(isinstance(step, str | int) and not isinstance(step, bool) for step in path):
            raise Unreadable("a path in its answer is not what the format has")
        part = places.get(tuple(path))
        if part is None or not part.whole or part.rigid or tuple(path) in made:
            return None
        made[tuple(path)] = text
    return made
