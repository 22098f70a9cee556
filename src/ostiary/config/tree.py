"""YAML 1.2 text to a tree of values that know their places. Pure.

The tree is built from the parser's events and not by a constructor: so tags can make nothing, `yes` stays a word,
every bound is kept before memory is spent, and duplicate keys are seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from ostiary.config.problems import Path, Problem, rendered_path

# A gateway for a thousand servers fits in a fifth of these; they are what stops a billion laughs (nested aliases).
MAX_TEXT: Final = 1024 * 1024
MAX_NODES: Final = 50_000
MAX_DEPTH: Final = 24
DUPLICATE: Final = "duplicate key"
_MOST: Final = 16
"""Characters that are told of one by one: a file with more of them is no text."""
_UNPRINTABLE: Final = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_ROUND: Final = "\u201c\u201d\u201e\u2018\u2019"

# YAML 1.2.2, 10.3.2 "Tag Resolution" of the core schema.
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_BASED: Final = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,16}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; the first line and the first column are 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value."""

    value: str | float | bool | None
    place: Place
    size: int = 1
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of nodes."""

    items: tuple[Node, ...]
    place: Place
    size: int
    """Nodes in it, counting what aliases repeat."""
    depth: int


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; each key knows its own place."""

    items: Mapping[str, Node]
    keys: Mapping[str, Place]
    place: Place
    size: int
    depth: int


Node = Scalar | Listing | Table


class Unreadable(ValueError):
    """The text is not one YAML document within bounds; nothing after the last of these problems was read."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[-1].message)
        self.problems = problems
        self.misspelt = False
        """It is not YAML; otherwise it is too much."""


def compose(text: str) -> tuple[Node, tuple[Problem, ...]]:
    """Return the tree of the text's one document and what is wrong with its spelling; raise `Unreadable`."""
    composer = _Composer(iter(()))
    if len(text) > MAX_TEXT:
        raise composer.fatal(Place(1, 1), f"the file is larger than {MAX_TEXT // 1024} KiB", "is this the right file?")
    composer.events = _events(composer.printable(text))
    try:
        return composer.document(), tuple(composer.problems)
    except YAMLError as error:
        unreadable = composer.fatal(*_syntax(error))
        unreadable.misspelt = True
        raise unreadable from None
    # The scanner turns an escape such as "\UFFFFFFFF" into a character without asking whether there is one.
    except (ValueError, OverflowError) as error:
        if isinstance(error, Unreadable):
            raise
        raise composer.fatal(composer.last, "not YAML from here on", "check the escapes in quoted text") from None


def plain(node: Node) -> Any:
    """Return the node's value as plain Python: dictionaries, lists and scalars."""
    match node:
        case Table(items):
            return {key: plain(child) for key, child in items.items()}
        case Listing(items):
            return [plain(child) for child in items]
    return node.value


def child(node: Node | None, step: str | int) -> Node | None:
    """Return what stands under a key or an index, or None."""
    match node:
        case Table(items) if isinstance(step, str):
            return items.get(step)
        case Listing(items) if isinstance(step, int) and step < len(items):
            return items[step]
    return None


def size(node: Node | None) -> int:
    """Return how many entries a list or a mapping has."""
    return len(node.items) if isinstance(node, Table | Listing) else 0


def select(node: Node | None, *steps: str, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield every node under these keys with its path; `*` stands for every key or index."""
    if node is None:
        return
    if not steps:
        yield path, node
        return
    first, *rest = steps
    names = _steps(node) if first == "*" else (first,)
    for name in names:
        yield from select(child(node, name), *rest, path=(*path, name))


def tables(node: Node | None, *steps: str) -> Iterator[tuple[Path, Table]]:
    """Yield every table under these keys, as `select` does."""
    for path, found in select(node, *steps):
        if isinstance(found, Table):
            yield path, found


def texts(node: Node | None, *steps: str) -> Iterator[tuple[Path, str]]:
    """Yield every text under these keys, as `select` does."""
    for path, found in select(node, *steps):
        if isinstance(found, Scalar) and isinstance(found.value, str):
            yield path, found.value


def place(node: Node, path: Path, *, of_value: bool = False) -> Place:
    """Return where a path's key stands, or its value; for a path that leads nowhere, the last key that exists."""
    found = node.place
    for index, step in enumerate(path):
        below = child(node, step)
        if below is None:
            return found
        found = node.keys[step] if isinstance(node, Table) and isinstance(step, str) else below.place
        if of_value and index == len(path) - 1:
            return below.place
        node = below
    return found


def renamed(table: Table, path: Path, name: str) -> Table:
    """Return the tree with another name for the key that a path ends at; every place stays."""
    first, rest = path[0], path[1:]
    if rest:
        items = {key: _renamed(it, rest, name) if key == first else it for key, it in table.items.items()}
        return replace(table, items=items)
    items = {name if key == first else key: it for key, it in table.items.items()}
    return replace(table, items=items, keys={name if key == first else key: at for key, at in table.keys.items()})


def _renamed(node: Node, path: Path, name: str) -> Node:
    if isinstance(node, Listing):
        listed = (_renamed(it, path[1:], name) if at == path[0] else it for at, it in enumerate(node.items))
        return replace(node, items=tuple(listed))
    return renamed(node, path, name) if isinstance(node, Table) else node


def problem_at(root: Node, path: Path, message: str, suggestion: str = "", *, of_value: bool = False) -> Problem:
    """Return the problem with the place of the path's key, or of its value."""
    at = place(root, path, of_value=of_value)
    return Problem(rendered_path(path), at.line, at.column, message, suggestion)


def _steps(node: Node) -> tuple[str | int, ...]:
    match node:
        case Table(items):
            return tuple(items)
        case Listing(items):
            return tuple(range(len(items)))
    return ()


def _events(text: str) -> Iterator[Event]:
    yield from YAML(typ="safe", pure=True).parse(text)


@dataclass(slots=True)
class _Composer:
    """Events in, one node out; problems that do not stop the reading are collected."""

    events: Iterator[Event]
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    last: Place = Place(1, 1)

    def document(self) -> Node:
        self.take()
        start = self.take()
        if not isinstance(start, DocumentStartEvent):
            return Scalar(None, Place(1, 1))
        if start.version is not None and tuple(start.version) != (1, 2):
            self.note((), self.last, "only YAML 1.2 is read", "remove the %YAML line")
        node = self.node(self.take(), (), 1)
        self.take()
        if isinstance(self.take(), DocumentStartEvent):
            self.note((), self.last, "a second document begins here", "a configuration is one document; remove the ---")
        return node

    def printable(self, text: str) -> str:
        """Return the text with a mark for every character that YAML does not allow (YAML 1.2.2, 5.1)."""
        for found in islice(_UNPRINTABLE.finditer(text), _MOST):
            at = Place(text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start()))
            self.note(
                (), at, "a character that YAML does not allow", "remove it, or write it as an escape in double quotes"
            )
        return _UNPRINTABLE.sub("\ufffd", text)

    def take(self) -> Event:
        event: Event = next(self.events)
        self.last = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        return event

    def node(self, event: Event, path: Path, depth: int) -> Node:
        here = self.last
        if depth > MAX_DEPTH:
            raise self.fatal(
                here, f"nested deeper than {MAX_DEPTH} levels", "write it flatter; no key of ours is so deep", path[:1]
            )
        match event:
            case AliasEvent():
                node = self.aliased(event, path, here)
            case ScalarEvent():
                node = Scalar(self.straight(event, path, here), here)
            case SequenceStartEvent():
                node = self.listing(path, here, depth)
            case _:
                node = self.table(path, here, depth)
        # An alias repeats what it names: its weight counts each time, before anything is expanded.
        if node.size > MAX_NODES or depth + node.depth - 1 > MAX_DEPTH:
            raise self.fatal(here, "aliases or lists make this far too large", "write it out, without aliases", path)
        if isinstance(event, NodeEvent) and not isinstance(event, AliasEvent):
            self.named(event, node, path, here)
        return node

    def named(self, event: Any, node: Node, path: Path, here: Place) -> None:
        if event.tag is not None:
            self.note(path, here, "YAML tags (!...) are not used here", "quote a value that begins with !")
        if event.anchor is not None:
            self.anchors[event.anchor] = node

    def straight(self, event: Any, path: Path, here: Place) -> str | float | bool | None:
        """Return the value; note quotes that a word processor has made round: for YAML they are letters."""
        text = str(event.value)
        if event.style is None and text[:1] and text[:1] in _ROUND:
            self.note(path, here, "begins with a typographic quote", 'write " instead')
            return text.strip(_ROUND)
        return _resolved(event)

    def aliased(self, event: Any, path: Path, here: Place) -> Node:
        if event.anchor in self.anchors:
            return self.anchors[event.anchor]
        self.note(
            path, here, "an alias to an anchor that is not there", 'quote a pattern that begins with *: "*.delete_*"'
        )
        return Scalar(None, here)

    def listing(self, path: Path, here: Place, depth: int) -> Listing:
        items: list[Node] = []
        while not isinstance(event := self.take(), SequenceEndEvent):
            items.append(self.node(event, (*path, len(items)), depth + 1))
        return Listing(tuple(items), here, *_weight(items))

    def table(self, path: Path, here: Place, depth: int) -> Table:
        items: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := self.take(), MappingEndEvent):
            at = self.last
            key = self.key(event, path, at, depth)
            value = self.node(self.given(at), (*path, key or "?"), depth + 1)
            if key in keys:
                self.note((*path, key), at, f"{DUPLICATE}; first given on line {keys[key].line}", "keep one of them")
            elif key is not None:
                keys[key], items[key] = at, value
        return Table(items, keys, here, *_weight(items.values()))

    def given(self, at: Place) -> Event:
        """Return the event of a key's value; what is left out stands where its key does, not at the next line."""
        event = self.take()
        if isinstance(event, ScalarEvent) and event.start_mark.index == event.end_mark.index:
            self.last = at
        return event

    def key(self, event: Event, path: Path, at: Place, depth: int) -> str | None:
        node = self.node(event, path, depth + 1)
        if isinstance(event, AliasEvent) or not isinstance(node, Scalar) or not isinstance(node.value, str):
            self.note(path, at, "a key must be text", "quote it")
            return None
        return node.value

    def note(self, path: Path, at: Place, message: str, suggestion: str) -> None:
        self.problems.append(Problem(rendered_path(path), at.line, at.column, message, suggestion))

    def fatal(self, at: Place, message: str, suggestion: str, path: Path = ()) -> Unreadable:
        self.note(path, at, message, suggestion)
        return Unreadable(tuple(self.problems))


def _weight(nodes: Any) -> tuple[int, int]:
    return 1 + sum(node.size for node in nodes), 1 + max((node.depth for node in nodes), default=0)


def _resolved(event: Any) -> str | float | bool | None:
    text = str(event.value)
    if not event.implicit[0]:
        return text
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan")) if _FLOAT.fullmatch(text) else text


# What the parser says, what we say, and what to do. The parser's own words quote the file, and may quote a secret.
_SYNTAX: Final = (
    ("'\\t'", "a tab where only spaces can be", "indent with spaces"),
    ("cannot start any token", "a character that cannot begin a value", "put the value in quotes"),
    (
        "mapping values are not allowed",
        "`key: value` where it cannot be",
        "check the indentation and that a blank follows the colon above, or quote a value that contains `: `",
    ),
    (
        "expected <block end>",
        "this line does not belong to what is above it",
        "check the indentation of this line and the one before",
    ),
    ("could not find expected ':'", "a key without a colon", "every line is `key: value`; check the indentation"),
    ("expected ',' or", "a bracket that is not closed", "close it, or put a comma"),
    ("expected alphabetic or numeric", "an alias without a name", 'quote a pattern that begins with *: "*.delete_*"'),
    ("end of stream", "a quote that is not closed", "close it"),
    ("expected the node content", "a value cannot begin like this", "put it in quotes"),
    ("escape", "an escape that YAML does not know", "double the backslash, or use single quotes"),
)
# Of these the parser notices only the end of the file; where they begin is more use.
_UNCLOSED: Final = ("expected ',' or", "end of stream", "could not find expected ':'")
_UNEXPECTED: Final = ("unexpected text", "check quotes and brackets here, and the colon and the indentation above")


def _syntax(error: YAMLError) -> tuple[Place, str, str]:
    """Return where the text stops being YAML, why, and what to do."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Place(1, 1), "not YAML", "check quotes, brackets and the indentation"
    said, end = str(error.problem), error.problem_mark
    unclosed = error.context_mark is not None and any(sign in said for sign in _UNCLOSED)
    mark = error.context_mark if unclosed else end
    message, hint = next(((message, hint) for sign, message, hint in _SYNTAX if sign in said), _UNEXPECTED)
    read = f" (read as far as line {end.line + 1}, column {end.column + 1})" if "expected ',' or" in said else ""
    return Place(mark.line + 1, mark.column + 1), f"not YAML: {message}{read}", hint
