"""Names that are taken for each other across servers, and orders about another server's tools. Pure.

The same name at two servers is no finding: clients see it with its server's name before it. A name that is almost the
same is one that a person approves, and a model calls, in place of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ostiary.core.model import Json
from ostiary.integrity.confusables import skeletons
from ostiary.integrity.findings import Finding, Rule, Severity, around, finding
from ostiary.integrity.poisoning import leaves

LOOK_ALIKE: Final = Rule(
    "look-alike-name", Severity.HIGH,
    "The name looks like one of another server: letters, case or separators are all that differ.",
    "Rename or disable one of the two, or approve it with `ostiary tools approve` if both are meant.",
)  # fmt: skip
NEAR: Final = Rule(
    "near-name", Severity.HIGH,
    "The name is a slip of the keyboard away from one of another server.",
    LOOK_ALIKE.todo,
)  # fmt: skip
FOREIGN: Final = Rule(
    "names-other-tool", Severity.HIGH,
    "A definition that gives orders about another server's tool shadows it.",
    "Read the definition with `ostiary tools diff`; approve it only if the two servers belong together.",
)  # fmt: skip
RULES: Final = (LOOK_ALIKE, NEAR, FOREIGN)

_SHORTEST, _TWICE = 5, 10
_PARTS: Final = re.compile(r"[_.\-\s/]+|(?<=[a-z0-9])(?=[A-Z])")
_ORDER: Final = re.compile(
    r"\b(?:must|should|always|never|instead|before|after|when|whenever|call|use|do not|don't|with)\b", re.IGNORECASE
)
_TOKEN: Final = re.compile(r"[A-Za-z][\w-]{3,127}")
# What tools are named after: where two of these differ, nobody mistakes one for the other.
_COMMON: Final = frozenset({
    "get", "set", "list", "put", "post", "add", "read", "write", "find", "fetch", "send", "make", "move", "copy",
    "save", "load", "log", "logs", "tag", "tags", "task", "tasks", "page", "pages", "file", "files", "user",
    "users", "team", "teams", "test", "tests", "text", "time", "type", "note", "notes", "node", "nodes", "code",
    "mode", "model", "date", "data", "rate", "role", "roles", "rule", "rules", "name", "names", "game", "item",
    "items", "issue", "issues", "table", "label", "cable", "host", "lists", "last", "link", "links", "line",
    "lines", "live", "like", "start", "stat", "stats", "state", "stop", "step", "store", "stock", "block", "lock",
    "clock", "unlock", "pause", "parse", "merge", "purge", "build", "branch", "batch", "patch", "watch", "match",
    "search", "sort", "port", "part", "form", "forms", "format", "event", "events", "book", "books", "hook",
    "hooks", "look", "lookup", "order", "orders", "folder", "holder", "map", "maps", "app", "apps", "tap", "top",
    "mail", "email", "call", "calls", "cell", "cells", "sell", "buy", "day", "days", "pay", "key", "keys", "row",
    "rows", "run", "runs", "open", "close", "clone", "create", "update", "delete", "import", "export", "report",
    "reports", "enable", "disable", "attach", "detach", "mount", "count", "lead", "leads", "head", "thread",
    "threads", "space", "spaces", "place", "places", "price", "prices", "invite", "invoice", "job", "jobs", "bot",
    "bots", "view", "views", "review", "preview", "image", "images", "sum", "min", "max", "up", "down", "in", "on",
    "of", "is", "as", "at", "id", "ids", "v1", "v2", "v3",
})  # fmt: skip


class Others:
    """The names of other servers, arranged so that one name is compared with few of them."""

    def __init__(self, names: Iterable[tuple[str, str]], own: frozenset[str] = frozenset()) -> None:
        """Know these (server, name) pairs; `own` are names that whoever is compared with them has, too.

        Of those it may speak: two servers of one kind have the same tools, and describe each by the others.
        """
        self._own = own
        self._exact: set[str] = set()
        self._shapes: dict[str, tuple[str, str]] = {}
        self._pieces: dict[tuple[int, int, str], list[tuple[str, str, str]]] = {}
        self._spoken: dict[str, str] = {}
        for server, name in names:
            if name in self._exact:
                continue
            self._exact.add(name)
            self._add(server, name)

    def _add(self, server: str, name: str) -> None:
        for shape in skeletons(name):
            self._shapes.setdefault(shape, (server, name))
        plain = name.casefold()
        for at, piece in enumerate(_thirds(plain)):
            self._pieces.setdefault((len(plain), at, piece), []).append((plain, server, name))
        if name not in self._own and len(_PARTS.split(name)) > 1:
            # A name of one word is a word, and any text may hold it.
            self._spoken.setdefault(name, server)

    def findings(self, name: str) -> Iterator[Finding]:
        """Yield what a name would be taken for; nothing where another server has just the same."""
        if name in self._exact:
            return
        alike = next((self._shapes[shape] for shape in sorted(skeletons(name)) if shape in self._shapes), None)
        if alike is not None:
            yield finding(LOOK_ALIKE, "/name", f"{name} looks like {alike[0]}'s {alike[1]}")
            return
        near = self._near(name)
        if near is not None:
            yield finding(NEAR, "/name", f"{name} is nearly {near[0]}'s {near[1]}")

    def _near(self, name: str) -> tuple[str, str] | None:
        plain = name.casefold()
        if len(plain) < _SHORTEST:
            return None
        most = 2 if len(plain) >= _TWICE else 1
        letters = _letters(plain)
        seen = set()
        for other, server, original in self._candidates(plain, most):
            # A letter that was exchanged changes two of these bits, and no slip more.
            if other in seen or (letters ^ _letters(other)).bit_count() > 2 * most:
                continue
            seen.add(other)
            if len(other) >= _SHORTEST and slips(plain, other, most) <= most and not _meant(name, original):
                return server, original
        return None

    def _candidates(self, plain: str, most: int) -> Iterator[tuple[str, str, str]]:
        """Yield names that share a third with this one: two slips leave one of three thirds as it was."""
        for length in range(len(plain) - most, len(plain) + most + 1):
            for at, (start, end) in enumerate(_bounds(length)):
                for shift in range(-most, most + 1):
                    piece = plain[max(0, start + shift) : max(0, end + shift)]
                    yield from self._pieces.get((length, at, piece), ())

    def orders(self, definition: Json) -> Iterator[Finding]:
        """Yield where a definition gives orders about a tool that only another server has."""
        for leaf in leaves(definition):
            if leaf.key:
                continue
            for found in _TOKEN.finditer(leaf.text):
                server = self._spoken.get(found.group())
                if server is not None and _ORDER.search(_sentence(leaf.text, found.start(), found.end())):
                    said = around(leaf.text, found.start(), found.end())
                    yield finding(FOREIGN, leaf.place, f"speaks of {server}'s {found.group()}: {said}")
                    break


def slips(one: str, other: str, most: int) -> int:
    """Return how many letters were added, left out, exchanged or swapped; `most + 1` for any number beyond `most`."""
    beyond = most + 1
    if abs(len(one) - len(other)) > most:
        return beyond
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return _slips(one[start : len(one) - end], other[start : len(other) - end], most)


def _slips(one: str, other: str, most: int) -> int:
    beyond = most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, last, row = row, before, [at]
        for to, against in enumerate(other, 1):
            best = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != against))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == against:
                best = min(best, last[to - 2] + 1)
            row.append(best)
        if min(row) > most:
            return beyond
    return min(row[-1], beyond)


def _meant(name: str, other: str) -> bool:
    """Say whether two names differ as words or numbers do, and not as slips do."""
    ours, theirs = _words(name), _words(other)
    if len(ours) != len(theirs):
        return False
    return all(_apart(one, two) for one, two in zip(ours, theirs, strict=True) if one != two)


def _apart(one: str, two: str) -> bool:
    if one in _COMMON and two in _COMMON:
        return True
    # Numbers count things, and an s says that there are several.
    return one.rstrip("0123456789") == two.rstrip("0123456789") or one + "s" == two or two + "s" == one


def _words(name: str) -> list[str]:
    return [each.casefold() for each in _PARTS.split(name) if each]


def _letters(text: str) -> int:
    bits = 0
    for each in text:
        bits |= 1 << (ord(each) & 63)
    return bits


def _bounds(length: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    first, second = length // 3, 2 * length // 3
    return (0, first), (first, second), (second, length)


def _thirds(text: str) -> Iterator[str]:
    for start, end in _bounds(len(text)):
        yield text[start:end]


def _sentence(text: str, start: int, end: int) -> str:
    """Return the sentence around a place, within reason."""
    before = re.split(r"[.!?\n]", text[max(0, start - 160) : start])[-1]
    return before + text[start:end] + re.split(r"[.!?\n]", text[end : end + 160])[0]


def between(servers: Mapping[str, Iterable[str]]) -> dict[str, Others]:
    """Return for each server what those before it are called: of two that are alike, the later one is held back."""
    found: dict[str, Others] = {}
    known: list[tuple[str, str]] = []
    for server, names in servers.items():
        found[server] = Others(known)
        known += [(server, name) for name in names]
    return found
