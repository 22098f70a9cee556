"""Look for what attacks a model in whatever a server says of itself: every string of every definition. Pure.

The whole definition is read, names of members included, because the whole of it reaches the model (full-schema
poisoning). Everything is bounded and takes linear time: a scan must not be a way to stop a gateway.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from ostiary.core.model import Json
from ostiary.integrity.confusables import folded
from ostiary.integrity.findings import Finding, Rule, Severity, around, finding, worst
from ostiary.integrity.hidden import hidden, smuggled, stripped
from ostiary.integrity.payloads import payloads
from ostiary.integrity.phrases import PHRASES, Phrases, mentioned, spoken

_LOOK: Final = "Read the definition with `ostiary tools diff`; approve it only if you know why that is there."
HIDDEN: Final = Rule(
    "hidden-characters", Severity.HIGH,
    "Characters that no person sees and every model reads are how instructions pass a review.", _LOOK,
)  # fmt: skip
CONTROL: Final = Rule(
    "control-characters", Severity.HIGH,
    "Escape sequences and control characters change what a terminal shows, and hide what a model reads.", _LOOK,
)  # fmt: skip
ENCODED: Final = Rule(
    "encoded-payload", Severity.MEDIUM,
    "Text that is encoded passes a person who reads, and not a model.", _LOOK,
)  # fmt: skip
PADDED: Final = Rule(
    "padded", Severity.HIGH,
    "Blank space pushes what follows out of the window in which a person approves.", _LOOK,
)  # fmt: skip
OVERSIZED: Final = Rule(
    "oversized", Severity.MEDIUM,
    "What is too long to be read is not read before it is approved.", _LOOK,
)  # fmt: skip
TOGETHER: Final = Rule(
    "several-signs", Severity.HIGH,
    "Each of these signs alone may be innocent; several of them in one definition rarely are.", _LOOK,
)  # fmt: skip
RULES: Final = (
    HIDDEN, CONTROL, *(each.rule for each in PHRASES), ENCODED, PADDED, OVERSIZED, TOGETHER,
)  # fmt: skip
"""Every rule of this scan, in the order in which its findings are told."""

SCANNED: Final = 1 << 20
"""Characters that are read of one definition; what is larger is held back for its size."""
_TEXTS: Final = 20_000
_FINDINGS: Final = 64
_DEEPEST: Final = 64
_LONG_TEXT: Final = 16_000
_LONG_NAME: Final = 128
_BLANKS: Final = re.compile(r"\s{15,}")
_WIDE, _HIGH = 60, 15
_HIDDEN: Final = 1_000
_MENTIONS: Final = 16
"""Characters, and quotations, that are looked at one by one in one string."""
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_.\-/]+")
_QUOTES: Final = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»", "„": "“"}  # noqa: RUF001 - quotation marks
_SIGNS: Final = frozenset({"runs-commands", "speaks-to-model", "claims-priority", "says-secret", "hidden-markup"})
_ENOUGH: Final = 3


class Leaf(Struct, frozen=True):
    """One string of a definition."""

    place: str
    text: str
    key: bool
    """It is the name of a member."""


def scan(definition: Json) -> tuple[Finding, ...]:
    """Return what is suspicious in one definition, worst first; nothing in it is believed."""
    every, whole = _bounded(leaves(definition))
    found: dict[tuple[str, str], Finding] = {}
    for each in _told(every, whole=whole):
        known = found.get((each.rule, each.place))
        if known is None or known.severity < each.severity:
            found[each.rule, each.place] = each
        if len(found) == _FINDINGS:
            break
    return tuple(sorted(found.values(), key=lambda each: (-each.severity, each.place, each.rule)))


def _told(every: Sequence[Leaf], *, whole: bool) -> Iterator[Finding]:
    alone: list[Finding] = []
    if not whole:
        yield finding(OVERSIZED, "", "more than can be read", Severity.HIGH)
    for leaf in every:
        for each in _leaf(leaf):
            alone.append(each)
            yield each
    if len(every) > 1 and (worst(alone) or Severity.LOW) < Severity.HIGH:
        # An order may be cut in pieces and spread over members: what reaches the model is one text.
        text = "\n".join(each.text for each in every if not each.key)
        yield from (each for each in _phrases(Leaf("", text, key=False), text) if each.severity is Severity.HIGH)
    signs = sorted({each.rule for each in alone if each.severity is Severity.MEDIUM and each.rule in _SIGNS})
    if len(signs) >= _ENOUGH:
        yield finding(TOGETHER, "", ", ".join(signs))


def leaves(node: object, place: str = "", depth: int = 0) -> Iterator[Leaf]:
    """Yield every string of a definition with its place, the names of members too."""
    if isinstance(node, str):
        yield Leaf(place, node, key=False)
    elif depth == _DEEPEST:
        yield Leaf(place, "\x00 nested too deep", key=False)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            below = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
            yield Leaf(below, key, key=True)
            yield from leaves(value, below, depth + 1)
    elif isinstance(node, list | tuple):
        for at, value in enumerate(node):
            yield from leaves(value, f"{place}/{at}", depth + 1)


def _bounded(every: Iterable[Leaf]) -> tuple[list[Leaf], bool]:
    """Return texts until there are enough of them, and whether that is all; names that all definitions have are not."""
    found: list[Leaf] = []
    left = SCANNED
    for count, leaf in enumerate(every):
        if left < len(leaf.text) or count == _TEXTS:
            return [*found, Leaf(leaf.place, leaf.text[:left], leaf.key)], False
        left -= len(leaf.text)
        if not leaf.key or leaf.text not in _USUAL:
            found.append(leaf)
    return found, True


_USUAL: Final = frozenset({
    "name", "title", "description", "inputSchema", "outputSchema", "annotations", "type", "properties", "required",
    "items", "enum", "default", "format", "additionalProperties", "$schema", "readOnlyHint", "destructiveHint",
    "idempotentHint", "openWorldHint", "arguments", "uri", "uriTemplate", "mimeType", "anyOf", "oneOf", "allOf",
    "minimum", "maximum", "minLength", "maxLength", "pattern", "examples", "const", "icons", "_meta",
})  # fmt: skip


def _leaf(leaf: Leaf) -> Iterator[Finding]:
    yield from _unseen(leaf)
    if len(leaf.text) > (_LONG_NAME if leaf.key or leaf.place == "/name" else _LONG_TEXT):
        yield finding(OVERSIZED, leaf.place, f"{len(leaf.text):,} characters")
    yield from _blanks(leaf)
    for text in _readings(leaf):
        yield from _phrases(leaf, text)
    yield from _encoded(leaf)


def _blanks(leaf: Leaf) -> Iterator[Finding]:
    for found in _BLANKS.finditer(leaf.text):
        lines = found.group().split("\n")
        after = leaf.text[found.end() : found.end() + _WIDE]
        if after and (len(lines) > _HIGH or max(map(len, lines)) >= _WIDE):
            yield finding(PADDED, leaf.place, f"{len(found.group())} blanks, then: {after}")
            return


def _unseen(leaf: Leaf) -> Iterator[Finding]:
    """Yield one finding for each kind of hidden character, not one for each of them."""
    kinds: dict[str, tuple[int, int]] = {}
    for each in islice(hidden(leaf.text), _HIDDEN):
        at, count = kinds.get(each.kind, (each.at, 0))
        kinds[each.kind] = at, count + 1
    for kind, (at, count) in kinds.items():
        rule = CONTROL if kind in {"control character", "line separator"} else HIDDEN
        yield finding(rule, leaf.place, f"{count} of: {kind}: {around(leaf.text, at, at + 1)}")
    if kinds and (secret := smuggled(leaf.text)):
        said = next(_phrases(leaf, secret), None)
        yield finding(HIDDEN, leaf.place, f"{'it orders' if said else 'it says'}: {secret}")


def _readings(leaf: Leaf) -> Iterator[str]:
    """Yield what a model may read a text as: as it stands, and with every disguise of its letters undone."""
    text = leaf.text
    if leaf.key or " " not in text[:200]:
        text = _WORDS.sub(" ", text)
        yield leaf.text
        if text == leaf.text:
            return
    if text.isascii():
        yield text
        return
    plain = unicodedata.normalize("NFKC", stripped(text))
    yield plain
    if (latin := folded(plain)) != plain:
        yield latin


def _phrases(leaf: Leaf, text: str) -> Iterator[Finding]:
    # The engine takes no lone surrogates, and what is hidden is in nobody's way here.
    text = stripped(text)
    if not spoken(text):
        return
    for each in PHRASES:
        for count, match in enumerate(each.pattern.finditer(text)):
            severity = each.rule.severity if count == _MENTIONS else _meant(each, text, match.start(), match.end())
            yield finding(each.rule, leaf.place, around(text, match.start(), match.end()), severity)
            if severity is each.rule.severity:
                break


def _meant(phrases: Phrases, text: str, start: int, end: int) -> Severity:
    """Return how bad a phrase is where it stands: one that is quoted, and said to be quoted, is only mentioned."""
    if phrases.rule.severity is Severity.HIGH and _mentioned(text, start, end):
        return Severity.LOW
    return phrases.rule.severity


_BEFORE: Final = 120


def _mentioned(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _BEFORE) : start + 1]
    opened = max((before.rfind(mark), mark) for mark in _QUOTES)
    if opened[0] < 0:
        return False
    inside = before[opened[0] + 1 :]
    closing = _QUOTES[opened[1]]
    if opened[1] == closing and text.count(closing, 0, start + 1) % 2 == 0:
        return False
    if closing in inside or "\n" in inside or closing not in text[end - 1 : end + _BEFORE]:
        return False
    return mentioned(before[: opened[0]])


def _encoded(leaf: Leaf) -> Iterator[Finding]:
    for each in payloads(leaf.text):
        orders = any(it.severity is Severity.HIGH for it in _phrases(leaf, each.says))
        if orders:
            yield finding(ENCODED, leaf.place, f"{each.written[:40]} says: {each.says}", Severity.HIGH)
        elif each.opaque:
            yield finding(ENCODED, leaf.place, f"{each.written[:40]} says: {each.says}")
