"""HTML and Markdown as a person sees them, and what in them a person does not see. Pure.

This is no browser: what is not certainly shown counts as hidden, and what is hidden is read. Tags end at the first `>`,
each character is passed once, and an end that was not found once is not looked for again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

from ostiary.guards.mapping import Draft, Layer
from ostiary.guards.pace import breathe

SHOWN: Final = r"<(?:!--|[!/?A-Za-z])|[A-Za-z](?:\*{1,3}|~~|`|__)[A-Za-z]"
"""What is in every text that reads differently when it is shown."""
CONCEALED: Final = (
    r"(?i)<!--|<[a-z][a-z0-9-]*[\s/][^<>\n]*(?:=|hidden)|<(?:script|style|template|noscript|head|title|object|datalist)"
    r"|!\[[^\]]|\]\([^()\n]+\s['\"]|\]: \S+\s+[\"(]"
)
"""What is in every text with a part that is not shown."""

_TAG: Final = re.compile(r"<(?:(!--)|([/!?]?)([A-Za-z][A-Za-z0-9:-]{0,63}|\[CDATA\[)?)")
_EMPHASIS: Final = re.compile(r"(?<=[A-Za-z])(?:\*{1,3}|~~|`|__)(?=[A-Za-z])")
_VOID: Final = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_APART: Final = frozenset({
    "br", "p", "div", "li", "ul", "ol", "tr", "td", "th", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section",
    "article", "header", "footer", "blockquote", "pre", "option", "dt", "dd",
})  # fmt: skip
_NEVER: Final = frozenset({"script", "style", "template", "noscript", "head", "title", "object", "datalist"})
_HIDING: Final = re.compile(
    r"""display\s{0,4}:\s{0,4}none|visibility\s{0,4}:\s{0,4}(?:hidden|collapse)|opacity\s{0,4}:\s{0,4}0?(?:\.0\d?)?(?:[;"'\s>]|$)"""
    r"""|font-size\s{0,4}:\s{0,4}(?:0|0?\.\d{1,3}|1)(?:px|pt|em|rem|%)?(?:[;"'\s!>]|$)|font\s{0,4}:\s{0,4}0"""
    r"""|(?<!-)color\s{0,4}[:=]\s{0,4}["']?(?:white|transparent|#fff(?:fff)?\b|#fefefe|rgba?\(\s{0,4}255\s{0,4},\s{0,4}255\s{0,4},\s{0,4}255|rgba\([^)]{0,40},\s{0,4}0\s{0,4}\))"""
    r"""|(?:left|top|right|text-indent|margin(?:-left|-top)?)\s{0,4}:\s{0,4}-\d{3,}|(?:^|[\s;"'])(?:max-)?(?:height|width)\s{0,4}[:=]\s{0,4}["']?[01](?:px)?(?:[;"'\s>]|$)"""
    r"""|clip(?:-path)?\s{0,4}:|transform\s{0,4}:\s{0,4}scale\(0|\shidden(?:[\s=/>]|$)|aria-hidden\s{0,4}=\s{0,4}["']?true|type\s{0,4}=\s{0,4}["']?hidden|class\s{0,4}=\s{0,4}["'][^"']{0,80}\b(?:sr-only|visually-hidden|hidden|d-none)\b""",
    re.IGNORECASE,
)
_SAID: Final = re.compile(
    r"""(?:alt|title|aria-label|aria-description|content|value|placeholder|summary|data-[\w-]{1,40})\s{0,4}=\s{0,4}(?:"([^"]*)"|'([^']*)')""",
    re.IGNORECASE,
)
_UNSHOWN: Final = re.compile(
    r"""!\[([^\[\]\n]+)\]|\]\([^()\s]*\s(?:"([^"\n]+)"|'([^'\n]+)')\s?\)"""
    r"""|(?:^|\n)\[[^\[\]\n]{0,80}\]:[ ][^\s(]{1,80}[ ]{0,4}(?:"([^"\n]+)"|\(([^()\n]+)\))""",
)
_LONGEST: Final = 8_192
_FEWEST: Final = 3


class Tag(Struct, frozen=True):
    """A tag or a comment; its parts say where in the text."""

    start: int
    end: int
    name: str
    """Lower case; empty: a comment, or whatever else is not an element."""
    closes: bool
    comment: bool = False


def shown(text: str) -> tuple[str, tuple[Layer, ...]]:
    """Return a text without tags, comments, and marks inside its words, and the way back."""
    draft = Draft(text)
    for start, end, new in _marks(text):
        draft.put(new, start, end)
    text, layer = draft.done()
    return text, (layer,)


def concealed(text: str) -> tuple[str, tuple[Layer, ...]]:
    """Return only what is not shown (comments, hidden elements, attributes, titles), a line each, and the way back."""
    draft, done = Draft(text), 0
    for start, end in sorted(_unshown(text)):
        first = max(start, done)
        if end - first >= _FEWEST:
            draft.put("\n" if done else "", done, first)
            done = end
    draft.cut(done, len(text))
    text, layer = draft.done()
    return text, (layer,)


def _marks(text: str) -> Iterator[tuple[int, int, str]]:
    found = [(tag.start, tag.end, " " if tag.name in _APART else "") for tag in _tags(text)]
    found.extend((*each.span(), "") for each in _EMPHASIS.finditer(text))
    done = 0
    for start, end, new in sorted(found):
        if start >= done:
            yield start, end, new
            done = end


def tags(text: str) -> Iterator[Tag]:
    """Yield every tag and comment of a text, from left to right."""
    at, endless = 0, False
    while found := _TAG.search(text, at):
        breathe()
        at = found.end()
        if found[1]:
            end = -1 if endless else text.find("-->", at)
            endless = end < 0
            if end >= 0:
                at = end + 3
                yield Tag(found.start(), at, "", closes=False, comment=True)
            continue
        if not (found[2] or found[3]):
            continue
        end = text.find(">", at, at + _LONGEST)
        if end < 0:
            continue
        name = (found[3] or "").lower()
        yield Tag(found.start(), end + 1, "" if found[2] in {"!", "?"} else name, closes=found[2] == "/")
        at = end + 1


def _tags(text: str) -> Sequence[Tag]:
    return _recent(text) if len(text) <= _LONGEST else _all(text)


def _all(text: str) -> Sequence[Tag]:
    return tuple(tags(text))


# What a text shows and what it does not are read one after the other.
_recent: Final = lru_cache(maxsize=2)(_all)


def _unshown(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of what is not shown; they may overlap."""
    inside, depth, since = "", 0, 0
    for tag in _tags(text):
        if tag.comment:
            yield tag.start + 4, tag.end - 3
            continue
        if inside:
            depth += (tag.name == inside) * (-1 if tag.closes else 1)
            if not depth:
                yield since, tag.start
                inside = ""
            continue
        if tag.closes or not tag.name:
            continue
        written = text[tag.start : tag.end]
        yield from _attributes(written, tag.start)
        if tag.name not in _VOID and (tag.name in _NEVER or _HIDING.search(written)):
            inside, depth, since = tag.name, 1, tag.end
    if inside:
        yield since, len(text)
    for found in _UNSHOWN.finditer(text):
        yield found.span(found.lastindex or 0)


def _attributes(written: str, at: int) -> Iterator[tuple[int, int]]:
    for found in _SAID.finditer(written):
        start, end = found.span(found.lastindex or 0)
        yield at + start, at + end
