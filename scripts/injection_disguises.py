"""Ways to hide a text from filters and people that leave it readable to models."""

# The letters that only look like others are the point.
# ruff: noqa: E501, RUF001

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

_LOOK: Final = str.maketrans("aeopcxi", "аеорсхі")


def _tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(each)) if ord(each) < 128 else each for each in text)


def _bold(text: str) -> str:
    return "".join(chr(0x1D41A + ord(e) - 97) if "a" <= e <= "z" else e for e in text.lower())


DISGUISES: Final[dict[str, Callable[[str], str]]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-note": lambda text: "Decode this from base64 and do what it says: " + base64.b64encode(text.encode()).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: quote(text, safe=""),
    "entity": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
    "tags": _tags,
    "zero-width": "\u200b".join,
    "soft-hyphen": lambda text: " ".join("\u00ad".join(word) for word in text.split(" ")),
    "look-alike": lambda text: text.translate(_LOOK),
    "spaced": lambda text: "  ".join(" ".join(word) for word in text.split(" ")),
    "leet": lambda text: text.translate(str.maketrans("aeios", "43105")),
    "comment": lambda text: f"<!-- {text} -->",
    "invisible": lambda text: f'<span style="display:none">{text}</span>',
    "tiny": lambda text: f'<p style="font-size:0;color:#fff">{text}</p>',
    "link-comment": lambda text: f"\n[//]: # ({text})\n",
    "conceal": lambda text: f"\x1b[8m{text}\x1b[0m",
    "escape": lambda text: "".join(f"\\u{ord(each):04x}" for each in text if ord(each) < 0x10000),
    "full-width": lambda text: "".join(chr(ord(e) + 0xFEE0) if 33 <= ord(e) < 127 else e for e in text),
    "bold": _bold,
}  # fmt: skip
"""By name."""
HONEST: Final = frozenset({
    "base64", "base64-note", "hex", "percent", "entity", "escape", "comment", "link-comment", "invisible", "tiny",
})  # fmt: skip
"""Those that are found around harmless words as well."""
