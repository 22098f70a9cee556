"""Names that are taken for each other across servers, and orders about another server's tools. Pure.

The same name at two servers is no finding: clients see it with its server's name before it. A name that is almost the
same is one that a person approves, and a model calls, in place of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.core.model import Json
from ostiary.integrity.confusables import skeletons
from ostiary.integrity.findings import Finding, Rule, Severity, around, finding
from ostiary.integrity.near import Near, numbers
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
_LISTED: Final = 16
_DIGITS: Final = "0123456789"
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


class _Name(Struct, frozen=True):
    """One name of one server."""

    server: str
    name: str
    plain: str
    """Without case."""
    words: tuple[str, ...]
    pieces: int
    """Of which it consists, also empty ones."""


_Bucket = dict[Any, "list[int] | int"]
"""Numbers of names, as a list while they are few, then as bits."""


class Names:
    """What servers call things, each (server, name) once, arranged so that one name is compared with few others.

    It only grows: who holds bits for some of its names may go on using them while others are added.
    """

    def __init__(self) -> None:
        self.near = Near()
        self.entries: list[_Name] = []
        self.exact: _Bucket = {}
        self.shapes: _Bucket = {}
        self.kinds: _Bucket = {}
        """By what no two names that are meant to differ differ in."""
        self._numbers: dict[tuple[str, str], int] = {}

    def number(self, server: str, name: str) -> int:
        """Return the number of a name, which is known from now on."""
        found = self._numbers.get((server, name))
        if found is None:
            found = self._numbers[server, name] = self._added(server, name)
        return found

    def _added(self, server: str, name: str) -> int:
        plain, words = name.casefold(), _words(name)
        self.entries.append(_Name(server, name, plain, words, len(_PARTS.split(name))))
        number = self.near.add(plain)
        for bucket, keys in ((self.exact, (name,)), (self.shapes, skeletons(name)), (self.kinds, (_kind(words),))):
            for key in keys:
                _put(bucket, key, number)
        return number


def _put(bucket: _Bucket, key: Any, number: int) -> None:
    found = bucket.setdefault(key, [])
    if isinstance(found, int):
        bucket[key] = found | 1 << number
    elif len(found) < _LISTED:
        found.append(number)
    else:
        bucket[key] = bits([*found, number])


def bits(found: list[int] | int) -> int:
    """Return the bits of these numbers."""
    if isinstance(found, int):
        return found
    # Others may add to a list meanwhile, in another thread.
    known = tuple(found)
    octets = bytearray(max(known, default=0) // 8 + 1)
    for number in known:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")


class Others:
    """The names of other servers that one server's are compared with."""

    def __init__(
        self,
        names: Iterable[tuple[str, str]] | int,
        own: frozenset[str] = frozenset(),
        known: Names | None = None,
    ) -> None:
        """Take these (server, name) pairs, or bits of what is `known`.

        `own` are names that whoever is compared with them has, too. Of those it may speak: two servers of one kind
        have the same tools, and describe each by the others.
        """
        self._own, self._known = own, Names() if known is None else known
        self._among = names if isinstance(names, int) else bits([self._known.number(*each) for each in names])

    def findings(self, name: str) -> Iterator[Finding]:
        """Yield what a name would be taken for; nothing where another server has just the same."""
        if self._first(self._known.exact, name) is not None:
            return
        every = (self._first(self._known.shapes, shape) for shape in sorted(skeletons(name)))
        alike = next((found for found in every if found is not None), None)
        if alike is not None:
            yield finding(LOOK_ALIKE, "/name", f"{name} looks like {alike.server}'s {alike.name}")
            return
        near = self._near(name)
        if near is not None:
            yield finding(NEAR, "/name", f"{name} is nearly {near.server}'s {near.name}")

    def _first(self, bucket: _Bucket, key: str) -> _Name | None:
        found = next(numbers(bits(bucket.get(key, 0)) & self._among), None)
        return None if found is None else self._known.entries[found]

    def _near(self, name: str) -> _Name | None:
        plain, words = name.casefold(), _words(name)
        if len(plain) < _SHORTEST:
            return None
        most = 2 if len(plain) >= _TWICE else 1
        # A thousand names that differ in a number are all near each other, and none is mistaken for another.
        among = self._among & ~bits(self._known.kinds.get(_kind(words), 0))
        for number in numbers(self._known.near.within(plain, most, among)):
            other = self._known.entries[number]
            near = len(other.plain) >= _SHORTEST and slips(plain, other.plain, most) <= most
            if near and not _meant(words, other.words):
                return other
        return None

    def orders(self, definition: Json) -> Iterator[Finding]:
        """Yield where a definition gives orders about a tool that only another server has."""
        for leaf in leaves(definition):
            if leaf.key:
                continue
            for found in _TOKEN.finditer(leaf.text):
                server = self._spoken(found.group())
                if server is not None and _ORDER.search(_sentence(leaf.text, found.start(), found.end())):
                    said = around(leaf.text, found.start(), found.end())
                    yield finding(FOREIGN, leaf.place, f"speaks of {server}'s {found.group()}: {said}")
                    break

    def _spoken(self, name: str) -> str | None:
        """Return the server that alone has something of this name."""
        if name in self._own or name not in self._known.exact:
            return None
        found = self._first(self._known.exact, name)
        # A name of one word is a word, and any text may hold it.
        return found.server if found is not None and found.pieces > 1 else None


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


def _meant(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Say whether two names differ as words or numbers do, and not as slips do."""
    if len(ours) != len(theirs):
        return False
    return all(_apart(one, two) for one, two in zip(ours, theirs, strict=True) if one != two)


def _kind(words: tuple[str, ...]) -> tuple[str | None, ...]:
    """Return what two names differ in unless they are meant to: of one kind, only numbers and common words do."""
    return tuple(None if each in _COMMON else each.rstrip(_DIGITS) for each in words)


def _apart(one: str, two: str) -> bool:
    if one in _COMMON and two in _COMMON:
        return True
    # Numbers count things, and an s says that there are several.
    return one.rstrip(_DIGITS) == two.rstrip(_DIGITS) or one + "s" == two or two + "s" == one


def _words(name: str) -> tuple[str, ...]:
    return tuple(each.casefold() for each in _PARTS.split(name) if each)


def _sentence(text: str, start: int, end: int) -> str:
    """Return the sentence around a place, within reason."""
    before = re.split(r"[.!?\n]", text[max(0, start - 160) : start])[-1]
    return before + text[start:end] + re.split(r"[.!?\n]", text[end : end + 160])[0]


def between(servers: Mapping[str, Iterable[str]]) -> dict[str, Others]:
    """Return for each server what those before it are called: of two that are alike, the later one is held back."""
    found: dict[str, Others] = {}
    known, before = Names(), 0
    for server, names in servers.items():
        found[server] = Others(before, known=known)
        before |= bits([known.number(server, name) for name in names])
    return found
