"""What can still be read of a text that is not wholly YAML: its other sections. Pure.

A parser stops at the first mistake of spelling. A section is what begins at the first column, so the one with the
mistake is left out and the rest is read: who forgot a bracket in `rules` is told of the typo in `servers` as well.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

from ostiary.config.problems import Problem
from ostiary.config.tree import Node, Unreadable, compose

_MOST: Final = 16
"""Sections that are left out, and places without a character; a configuration of ours has fewer."""
_BEGINS: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_-]*) *:(?=[ \t\r\n]|$)", re.MULTILINE)


def decoded(raw: bytes) -> tuple[str, tuple[Problem, ...]]:
    """Return the text of a file, with a mark for what is no UTF-8, and where that is."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace"), (Problem("", 1, 1, "is UTF-16", "save the file as UTF-8"),)
    problems: list[Problem] = []
    while len(problems) < _MOST:
        try:
            return raw.decode("utf-8"), tuple(problems)
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            problems.append(Problem("", line, column, "is not UTF-8", "save the file as UTF-8"))
            raw = raw[: error.start] + "\ufffd".encode() + raw[error.end :]
    return raw.decode("utf-8", "replace"), tuple(problems)


class Salvaged(NamedTuple):
    """What could be read, and what is wrong with how it is written."""

    root: Node
    problems: tuple[Problem, ...]
    lost: frozenset[str]
    """Sections that could not be read: nothing is known of what they say."""


def salvaged(text: str) -> Salvaged:
    """Return the tree of what can be read; raise `Unreadable` where no section can."""
    problems: list[Problem] = []
    lost: list[str] = []
    while True:
        try:
            root, found = compose(text)
            return Salvaged(root, (*problems, *found), frozenset(lost))
        except Unreadable as error:
            problems += error.problems
            left = _without(text, error.problems[-1].line) if error.misspelt and len(lost) < _MOST else None
            if left is None:
                error.problems = tuple(problems)
                raise
            name, text = left
            lost.append(name)


def _without(text: str, line: int) -> tuple[str, str] | None:
    """Return the name of the section that a line is in, and the text without it; every other line keeps its number."""
    lines = text.splitlines(keepends=True)
    starts = [at for at, each in enumerate(lines) if _BEGINS.match(each)]
    begin = max((at for at in starts if at < line), default=None)
    # What another section repeats by an alias is in one of the sections; alone in the file, it is all there is.
    if begin is None or len(starts) == 1 or any("&" in each for each in lines):
        return None
    end = min((at for at in starts if at > begin), default=len(lines))
    found = _BEGINS.match(lines[begin])
    blank = ["\n"] * (end - begin)
    return found["name"] if found else "", "".join([*lines[:begin], *blank, *lines[end:]])
