"""JSON as people write it: comments, trailing commas, single quotes, bare keys. Pure.

RFC 8259 with what JSONC (VS Code, Zed) and JSON5 add. Numbers stay text. A key that stands twice is an error:
which of the two a client obeys differs between parsers, so no reading of it is safe.
"""

from __future__ import annotations

import re
from typing import Final

from ostiary.config.foreign.model import Tree, Unreadable

DEPTH: Final = 64

_SPACE: Final = re.compile(r"(?:[\s\ufeff]++|//[^\n\r]*+|/\*.*?\*/)*+", re.DOTALL)
_STRING: Final = re.compile(r'"((?:[^"\\\n\r]++|\\.)*+)"|\'((?:[^\'\\\n\r]++|\\.)*+)\'', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r\n|.)", re.DOTALL)
_BARE: Final = re.compile(r"[A-Za-z_$][\w$-]*+")
_NUMBER: Final = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Infinity|NaN)(?![\w.])")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_SINGLE: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "0": "\0",
    "\n": "",
    "\r\n": "",
}


def parsed(text: str) -> Tree:
    """Return the document in `text`; raise `Unreadable` with the line where it stops making sense."""
    value, at = _value(text, _skip(text, 0), 0)
    end = _skip(text, at)
    if end != len(text):
        raise _broken(text, end, "something follows the end of the JSON document")
    return value


def _value(text: str, at: int, depth: int) -> tuple[Tree, int]:
    if depth > DEPTH:
        raise _broken(text, at, f"the JSON is nested deeper than {DEPTH} levels")
    opening = text[at : at + 1]
    if opening == "{":
        return _mapping(text, at + 1, depth)
    if opening == "[":
        return _list(text, at + 1, depth)
    return _scalar(text, at)


def _mapping(text: str, at: int, depth: int) -> tuple[Tree, int]:
    found: dict[str, Tree] = {}
    at = _skip(text, at)
    while text[at : at + 1] != "}":
        place = at
        key, at = _key(text, at)
        if key in found:
            raise _broken(text, place, "a key stands twice in the same JSON object")
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise _broken(text, at, "a colon is missing after a key of a JSON object")
        found[key], at = _value(text, _skip(text, at + 1), depth + 1)
        at = _after_item(text, at, "}")
    return found, at + 1


def _list(text: str, at: int, depth: int) -> tuple[Tree, int]:
    found: list[Tree] = []
    at = _skip(text, at)
    while text[at : at + 1] != "]":
        item, at = _value(text, at, depth + 1)
        found.append(item)
        at = _after_item(text, at, "]")
    return found, at + 1


def _after_item(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1)
    if text[at : at + 1] != closing:
        raise _broken(text, at, f"a comma or `{closing}` is missing")
    return at


def _key(text: str, at: int) -> tuple[str, int]:
    if found := _BARE.match(text, at):
        return found[0], found.end()
    if text[at : at + 1] not in {'"', "'"}:
        raise _broken(text, at, "a key of a JSON object is missing")
    return _string(text, at)


def _scalar(text: str, at: int) -> tuple[Tree, int]:
    if text[at : at + 1] in {'"', "'"}:
        return _string(text, at)
    if number := _NUMBER.match(text, at):
        return number[0], number.end()
    word = _BARE.match(text, at)
    if word and word[0] in _WORDS:
        return _WORDS[word[0]], word.end()
    raise _broken(text, at, "a JSON value is missing or not quoted")


def _string(text: str, at: int) -> tuple[str, int]:
    found = _STRING.match(text, at)
    if not found:
        raise _broken(text, at, "a JSON string is not closed on its line")
    raw = found[1] if found[1] is not None else found[2]
    if "\\" not in raw:
        return raw, found.end()
    unescaped = _ESCAPE.sub(_character, raw)
    return scalar_values(unescaped), found.end()


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) > 1 and code[0] in "ux":
        return chr(int(code[1:], 16))
    return _SINGLE.get(code, code)


def scalar_values(text: str) -> str:
    """Return the text with surrogate pairs joined and lone ones replaced: no encoder accepts those."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _broken(text: str, at: int, reason: str) -> Unreadable:
    return Unreadable(
        reason,
        line=text.count("\n", 0, at) + 1,
        suggestion="Correct the file there (its client would refuse it too)",
    )
