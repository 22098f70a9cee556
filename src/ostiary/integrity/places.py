"""On which line of a file something stands, for those who open it there. Pure.

Files of servers come in several formats, and what reads them keeps no places. JSON is walked once more here, with the
comments and trailing commas that editors allow; in other formats a server is looked for by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_MOST: Final = 200_000
"""Places that are kept: a file with more of them has the rest on the line of what they are in."""
_DEEPEST: Final = 64
_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?(?:\*/|\Z)|[{}\[\]:,\n]|[^\s"{}\[\]:,/]+|/', re.DOTALL)
_NAMED: Final = re.compile(
    r"""\s*(?:-\s+)?(?:(?:name|id)\s*[:=]\s*)?(?:\[+[\w.-]*?\.)?["']?([^"':=\[\]]+?)["']?\s*(?:[:=\]]|$)"""
)
_ROOTS: Final = frozenset({"mcpServers", "servers", "mcp", "context_servers", "extensions", "mcp_servers"})
_ODD: Final = re.compile(r"[^a-z0-9]+")


def places(text: str) -> Mapping[str, int]:
    """Return the lines of all members and elements of JSON, by JSON pointer (RFC 6901)."""
    found: dict[str, int] = {}
    open_: list[tuple[str, int]] = []
    """Pointers of what is open, and how many elements came; -1: an object."""
    key: str | None = None
    for word, line in _tokens(text):
        if len(found) >= _MOST or len(open_) > _DEEPEST:
            break
        if word == ":":
            continue
        if word == ",":
            key = None
        elif word in "}]":
            key = None
            del open_[-1:]
        elif open_ and open_[-1][1] < 0 and key is None:
            key = _unquoted(word)
            found.setdefault(f"{open_[-1][0]}/{_escaped(key)}", line)
        else:
            pointer = _here(open_, key)
            found.setdefault(pointer, line)
            key = None
            if word in "{[":
                open_.append((pointer, -1 if word == "{" else 0))
    return found


def _here(open_: list[tuple[str, int]], key: str | None) -> str:
    if not open_:
        return ""
    pointer, count = open_[-1]
    if count < 0:
        return f"{pointer}/{_escaped(key or '')}"
    open_[-1] = pointer, count + 1
    return f"{pointer}/{count}"


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for found in _TOKEN.finditer(text):
        word = found.group()
        if word == "\n":
            line += 1
        elif word.startswith(("//", "/*")):
            line += word.count("\n")
        else:
            yield word, line


def _unquoted(word: str) -> str:
    try:
        return str(json.loads(word))
    except ValueError:
        return word


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def at(known: Mapping[str, int], pointer: str) -> int:
    """Return the line of a place, or of the nearest thing that it is in and that has one."""
    while pointer and pointer not in known:
        pointer = pointer.rpartition("/")[0]
    return known.get(pointer, 1)


def of_server(text: str, known: Mapping[str, int], server: str) -> int:
    """Return the line where a file of servers begins to speak of one; the first where it cannot be told."""
    wanted = _folded(server)
    for pointer, line in known.items():
        above, _, last = pointer.rpartition("/")
        if _folded(last) == wanted and above.rpartition("/")[2] in _ROOTS:
            return line
    for line, said in enumerate(text.splitlines(), 1):
        found = _NAMED.match(said)
        if found and _folded(found.group(1)) == wanted:
            return line
    return 1


def _folded(name: str) -> str:
    # What cannot be in a server's name is replaced when a file is imported.
    return _ODD.sub("-", name.casefold()).strip("-")
