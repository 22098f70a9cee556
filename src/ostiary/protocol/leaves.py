"""Walk the words of a JSON value, and put replaced ones back. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ostiary.core.screening import Path, Text

NAMED: Final = -1
"""The last step of a path that leads to a member's name, and not to its value."""
_DIGITS: Final = 8
"""A number with fewer digits is no card, no account and nobody's id."""
_FEWEST, _LONGEST_KEY = 3, 64
_CODE: Final = re.compile(
    r"(?:^|[^a-z]|(?<=[a-z])(?=[CPO]))(?i:cv[vc]2?|pin|otp|tan)(?:$|[^a-z])"
    r"|(?i:pass(?:word|code|wd|wort)|\bpwd|kennwort|geheimzahl|contrase|senha|passe\b|wachtwoord)"
    r"|(?i:(?:security|verification|one[ _-]?time|2fa|mfa|login)[ _-]?(?:code|pass))"
)
"""Names of members whose numbers may be secret although they are short."""
_READABLE: Final = ("text/", "application/json", "application/xml", "application/yaml", "application/x-ndjson")
_HELD: Final = ("data", "blob")
"""Members that hold the bytes of images, sounds and files (2026-07-28, content blocks and resource contents)."""


def words(value: Any, path: Path = ()) -> Iterator[Text | str]:
    """Yield all that can be read in `value`, in document order, and for bytes that cannot be read their kind.

    Names of members, long numbers and the text inside encoded files are words, too, but rigid ones: what they say
    cannot be replaced where it stands.
    """
    if isinstance(value, str):
        yield Text(path, value)
    elif isinstance(value, dict):
        held = _held(value)
        for key, item in value.items():
            here = (*path, key)
            yield Text((*here, NAMED), key, rigid=True)
            yield from _decoded(value["mimeType"], item, here) if key == held else words(item, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from words(item, (*path, index))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        digits = json.dumps(value)
        if len(digits) >= _DIGITS or (len(digits) >= _FEWEST and _kept_as_a_code(path)):
            yield Text(path, digits, rigid=True)


def replaced(value: Any, new: Mapping[Path, str], path: Path = ()) -> Any:
    """Return `value` with the leaves named in `new` replaced; the shape never changes."""
    if isinstance(value, str):
        return new.get(path, value)
    if isinstance(value, dict):
        return {key: replaced(item, new, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, new, (*path, index)) for index, item in enumerate(value)]
    return value


def _kept_as_a_code(path: Path) -> bool:
    """Say whether a number stands under a name such as `cvv` or `pin`."""
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    return len(name) <= _LONGEST_KEY and _CODE.search(name) is not None


def _held(value: Mapping[str, Any]) -> str | None:
    """Return the member that holds bytes as base64; None where none does."""
    if not isinstance(value.get("mimeType"), str):
        return None
    return next((key for key in _HELD if isinstance(value.get(key), str)), None)


def _decoded(kind: str, encoded: str, path: Path) -> Iterator[Text | str]:
    if not kind.lower().startswith(_READABLE):
        # What only claims to be bytes may be words all the same, and then a client may show them.
        if not _bytes(encoded):
            yield Text(path, encoded, rigid=True)
        yield kind[:64]
        return
    try:
        yield Text(path, base64.b64decode(encoded).decode(), rigid=True)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        yield Text(path, encoded, rigid=True)
        yield kind[:64]


def _bytes(encoded: str) -> bool:
    try:
        base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
