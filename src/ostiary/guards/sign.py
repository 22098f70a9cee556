"""What a sign of injection is: a rule with an id, a weight, its reason, and the patterns that find it. Pure.

Patterns are those of RE2, read without case, of a text with a line end before it. In them a space stands for whatever
may stand between two words (blanks, emphasis, underscores). Outside of groups `~` stands for a gap that ends with the
sentence, `<3>` for one of up to three words, and what begins with `[^` between two `¦` is a gap of its own kind. An
engine that looks for many patterns at once keeps a state for each count and each gap that is open. So parts without
gaps are looked for together, a whole pattern only where all its parts are, and in windows of bounded length.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

REQUEST, ANSWER, CATALOGUE = "request", "answer", "catalogue"
EVERYWHERE: Final = frozenset({REQUEST, ANSWER, CATALOGUE})
INWARDS: Final = frozenset({ANSWER, CATALOGUE})
"""Where the words come from a server, and a model is about to read them."""

_BETWEEN: Final = r"[\W_]+"
_PERHAPS: Final = r"[\W_]*"
_WORDS: Final = re.compile("<([1-9])>")
_UP_TO: Final = r"(?:[\\W_]+\\w+){0,\1}?"
_GAPS: Final = re.compile("~|<[1-9]>|¦")
_GAP: Final = r"[^.!?\n]*?"

INJECTION: Final = ("OWASP-LLM01", "ATLAS-AML.T0051")
INDIRECT: Final = ("OWASP-LLM01", "ATLAS-AML.T0051.001")
JAILBREAK: Final = ("OWASP-LLM01", "ATLAS-AML.T0054")
EXFILTRATION: Final = ("OWASP-LLM02", "ATLAS-AML.T0057", "ATLAS-AML.T0077")
OBFUSCATION: Final = ("OWASP-LLM01", "ATLAS-AML.T0068")
TOOLS: Final = ("OWASP-LLM06", "ATLAS-AML.T0053", "OWASP-MCP03")
CREDENTIALS: Final = ("OWASP-LLM02", "ATLAS-AML.T0055")
LEAKAGE: Final = ("OWASP-LLM07", "ATLAS-AML.T0056")


class Sign(Struct, frozen=True):
    """One structural sign of injection."""

    id: str
    weight: float
    """How sure it is where nothing speaks for a mention, 0 to 1."""
    title: str
    why: str
    tags: tuple[str, ...]
    patterns: tuple[str, ...]
    surfaces: frozenset[str] = EVERYWHERE
    written: bool = False
    """It is looked for in the text as it was written only."""
    quotable: bool = True
    """Texts about security quote it, and then mean something else."""


def whole(pattern: str) -> str:
    """Return a pattern of a sign as the engine reads it."""
    spaced = pattern.replace(" ?", _PERHAPS).replace(" ", _BETWEEN).replace("~", _GAP).replace("¦", "")
    return f"(?is){_WORDS.sub(_UP_TO, spaced)}"


def parts(pattern: str) -> tuple[str, ...]:
    """Return what is in every text that a pattern matches, as the engine reads it."""
    return tuple(whole(f"(?:{each})") for each in _GAPS.split(pattern) if not each.startswith("[^"))
