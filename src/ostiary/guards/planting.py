"""Strings that are planted in answers, so that whatever carries one on gives itself away. Pure.

A string is made of its run and of a key of the gateway's, and nothing is remembered: the first half names the run, and
the second proves that the gateway made the first, so that a string of another run is recognised as well. It has eighty
bits: by chance nobody writes one.
"""

from __future__ import annotations

import json
import re
from base64 import b32encode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from ostiary.core.screening import Path, Text

Keyed = Callable[[str, str], str]
"""Makes of a run and a value what nobody makes without the key, and always the same."""

_HALF: Final = 8
_GROUP: Final = 4
_FORM: Final = re.compile(r"(?<![0-9A-Za-z])([A-Za-z2-7]{4})-([A-Za-z2-7]{4})-([A-Za-z2-7]{4})-([A-Za-z2-7]{4})")
_JSON: Final = tuple('{["-0123456789tfn')
_LEAST: Final = 3


def code(run: str, keyed: Keyed) -> str:
    """Return the string of a run, as it is compared: sixteen letters and digits."""
    name = _short(keyed(run, "planted"))
    return name + _proof(name, keyed)


def planted(text: str, code_: str) -> str:
    """Return a text that carries a string, as a reference that looks like any other."""
    groups = (code_[at : at + _GROUP].upper() for at in range(0, len(code_), _GROUP))
    return f"{text}\n(ref {'-'.join(groups)})"


def place(texts: Sequence[Text]) -> Text | None:
    """Return the first text block that a string may be planted in: one that is no JSON, which programs read."""
    return next((text for text in texts if not text.rigid and _block(text.path) and not _json(text.value)), None)


def foreign(text: str, own: str, keyed: Keyed) -> bool:
    """Say whether a text carries the string of another run."""
    for found in _FORM.finditer(text):
        written = "".join(found.groups()).lower()
        if written != own and _proof(written[:_HALF], keyed) == written[_HALF:]:
            return True
    return False


def _proof(name: str, keyed: Keyed) -> str:
    return _short(keyed("", f"planted:{name}"))


def _short(text: str) -> str:
    return b32encode(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=5).digest()).decode("ascii").lower()


def _block(path: Path) -> bool:
    """Say whether a path leads to the text of a content block."""
    return len(path) >= _LEAST and path[-1] == "text" and isinstance(path[-2], int) and path[-3] == "content"


def _json(text: str) -> bool:
    if not text.lstrip().startswith(_JSON):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
