"""Whether words are used or only mentioned: quotations, code fences, examples, talk of security. Pure.

Texts about attacks quote them. What stands around a match lowers its score and never takes it away, because whoever
writes an attack can write "for example" before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ostiary.guards.engine import compiled, readable

_FENCE: Final = re.compile(r"(?:^|\n)\s{0,3}(?:```|~~~)")
_EXAMPLE: Final = compiled(
    r"(?i)\b(?:e\.g\.|i\.e\.|such as|for example|for instance|examples?\b[^.\n]{0,30}:|like|including|phrases?|"
    r"strings?|patterns?|keywords?|words|payloads?|says?|reads?|writes?|contains?|detects?|blocks?|flags?|match(?:es)?|"
    r"z\.\s?b\.|zum beispiel|par exemple|por ejemplo)\s{0,3}[:,]?[\s\"'\x60“«(\[-]{0,6}$"
)
_SECURITY: Final = compiled(
    r"(?i)\b(?:attack(?:er|ers|s)?|adversar(?:y|ial|ies)|injections?|jailbreak(?:s|ing)?|malicious|phishing|exploits?|"
    r"vulnerab(?:le|ility|ilities)|owasp|mitre|atlas|cve-\d{4}|red[\s-]team(?:ing|ers?)?|mitigat(?:e|es|ion|ions)|"
    r"guardrails?|detect(?:s|ed|ion|or|ors)|payloads?|threats?|sanitiz(?:e|es|ation)|poison(?:ing|ed)?|exfiltrat(?:e|ion)|"
    r"angreifer|angriffe?|attaquants?|atacantes?|untrusted)\b"
)
_OPENING: Final = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "\u201e": "\u201c",
}
_STRUCTURE: Final = ":,[{"
_NEAR, _BEFORE, _AROUND, _QUOTED = 60, 80, 300, 160
_FACTORS: Final = {"fenced": 0.7, "quoted": 0.6, "example": 0.6, "security": 0.6}


class Setting(Struct, frozen=True):
    """A text, read once for what its matches will be asked."""

    text: str
    fences: Sequence[int]

    def around(self, start: int, end: int) -> frozenset[str]:
        """Return what says that [start, end) is only mentioned: fenced, quoted, example, security."""
        found = {
            "fenced": bisect_left(self.fences, start + 1) % 2 == 1,
            "quoted": _quoted(self.text, start, end),
            "example": _EXAMPLE.search(readable(self.text[max(0, start - _BEFORE) : start])) is not None,
            "security": self._spoken(start, end),
        }
        return frozenset(name for name, is_so in found.items() if is_so)

    def _spoken(self, start: int, end: int) -> bool:
        """Say whether the words around a match, its own aside, are those of security."""
        before, after = self.text[max(0, start - _AROUND) : start], self.text[end : end + _AROUND]
        return any(_SECURITY.search(readable(each)) is not None for each in (before, after))


def setting(text: str) -> Setting:
    """Return a text with its code fences found."""
    fenced = "```" in text or "~~~" in text
    return Setting(text, [found.end() for found in _FENCE.finditer(text)] if fenced else ())


def lowered(score: float, around: frozenset[str]) -> float:
    """Return a score after what stands around a match: the more says that it is a mention, the less is left of it."""
    for each in around:
        score *= _FACTORS[each]
    return score


def _quoted(text: str, start: int, end: int) -> bool:
    """Say whether a quotation opens shortly before and closes shortly after; strings of JSON are no quotations."""
    before = text[max(0, start - _NEAR) : start + 1]
    at = max(before.rfind(mark) for mark in _OPENING)
    if at < 0:
        return False
    opened = at + max(0, start - _NEAR)
    closing = text.find(_OPENING[before[at]], max(end - 1, opened + 1), end + _QUOTED)
    if closing < 0 or "\n" in text[opened:closing]:
        return False
    if before[at] == "'" and (text[closing + 1 : closing + 2].isalpha() or text[opened - 1 : opened].isalpha()):
        # An apostrophe is no quotation mark.
        return False
    return not _of_json(text, opened, closing)


def _of_json(text: str, opened: int, closing: int) -> bool:
    before = text[max(0, opened - 3) : opened].rstrip()
    after = text[closing + 1 : closing + 4].lstrip()
    return (not before or before[-1] in _STRUCTURE) and (not after or after[0] in ",:]}")
