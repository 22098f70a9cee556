"""Conditions of rules: `when: args.amount <= 100`, in CEL, checked once and evaluated for each call. Pure.

A condition is refused where it could surprise: where it names an argument that the approved schema does not have, uses
an optional one without `has()`, compares what cannot be compared, or could take long. What is left to fail at a call is
an error, which denies.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from ostiary.policy import syntax
from ostiary.policy.syntax import ROOTS, Misread, Node

CALLER: Final[Mapping[str, str]] = {
    "subject": "string", "issuer": "string", "client": "string", "agent": "string", "roles": "strings",
    "teams": "strings", "scopes": "strings", "claims": "map",
}  # fmt: skip
TOOL: Final[Mapping[str, str]] = {
    "server": "string", "name": "string", "label": "string", "kind": "string", "read_only": "bool",
    "destructive": "bool", "idempotent": "bool", "open_world": "bool",
}  # fmt: skip
CALL: Final[Mapping[str, str]] = {
    "client": "string", "version": "string", "era": "string", "address": "string", "method": "string",
    "endpoint": "string",
}  # fmt: skip
_MEMBERS: Final = {"caller": CALLER, "tool": TOOL, "call": CALL}
_OWN: Final = {f"{root}.{name}": kind for root, names in _MEMBERS.items() for name, kind in names.items()}

Steps = tuple[str, ...]


class Member(Struct, frozen=True):
    """What a schema says of an argument, or of a part of one."""

    type: str
    """`string`, `integer`, `number`, `boolean`, `array`, `object`, or empty: any of several."""
    optional: bool
    items: str = ""
    """The type of an array's entries."""


Shape = Callable[[Steps], Member | None]
"""The way to an argument, or a part of one → what the schema says of it; None: there is no such thing."""


class Branch(Struct, frozen=True):
    """A part of a condition: `and`, `or` and `not` of others, or a `leaf`, which the engine evaluates."""

    word: str
    parts: tuple[Branch, ...] = ()
    program: Any = None
    reads: frozenset[str] = frozenset()
    """The roots it reads."""
    text: str = ""


class Condition(Struct, frozen=True):
    """A condition that was read, and not yet bound to anything it is about."""

    text: str
    program: Any
    tree: Branch
    uses: frozenset[Steps]
    """Everything that it reads, from the root on."""
    tested: frozenset[Steps]
    """What it tests with `has()`."""
    unguarded: frozenset[Steps]
    """What would be an error if it were missing."""

    @property
    def arguments(self) -> frozenset[Steps]:
        """The arguments, and parts of them, that it speaks of."""
        return frozenset(each[1:] for each in self.uses | self.tested if each[0] == "args")


# Reading


@lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """Return a condition; `Misread` where it cannot be used whatever it is about."""
    program, binary = syntax.parsed(text)
    tree = syntax.tree(binary)
    _frugal(tree)
    uses, tested = _used(tree)
    _known_members(uses | tested)
    _checked(text, ())
    branch = _branch(tree, binary, text, 0, len(text))
    return Condition(text, program, branch, uses, tested, frozenset(_unguarded(tree, frozenset())))


def _frugal(tree: Node, *, within: bool = False) -> None:
    """Refuse what could take long: loops within loops, and patterns that a caller chooses."""
    for each in tree.parts if tree.kind == "loop" else ():
        _frugal(each, within=within or each is not tree.parts[0])
    if tree.kind == "loop":
        if within:
            raise Misread("has a loop within a loop", "write one all() or exists() for each list")
        if tree.word in ROOTS:
            raise Misread(f"calls a loop's variable {tree.word}", "give it another name")
        return
    if tree.word == "matches" and tree.kind == "call" and tree.parts[-1].kind != "const":
        raise Misread("matches a pattern that is not a constant", "write the pattern into the condition")
    for each in tree.parts:
        _frugal(each, within=within)


def _way(node: Node) -> Steps:
    """Return the way to what a node names, from the root on; empty: it names nothing."""
    if node.kind == "name":
        return (node.word,) if node.word in ROOTS else ()
    if node.kind in ("member", "has"):
        before = _way(node.parts[0])
        return (*before, node.word) if before else ()
    if node.kind == "call" and node.word == "_[_]" and node.parts[1].kind == "const" and node.parts[1].word:
        before = _way(node.parts[0])
        return (*before, node.parts[1].word) if before else ()
    return ()


def _used(tree: Node) -> tuple[frozenset[Steps], frozenset[Steps]]:
    uses: set[Steps] = set()
    tested: set[Steps] = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        way = _way(node)
        if not way:
            stack += node.parts
        elif len(way) == 1 and way[0] != "now":
            raise Misread(f"uses {way[0]} as a whole", f"name what you mean of it: {way[0]}.NAME")
        else:
            (tested if node.kind == "has" else uses).add(way)
    return frozenset(uses), frozenset(tested)


def _known_members(ways: Iterable[Steps]) -> None:
    faults = [
        (f"{steps[0]} has no {steps[1]!r}", _meant(steps[1], _MEMBERS[steps[0]]))
        for steps in sorted(ways)
        if steps[0] in _MEMBERS and steps[1] not in _MEMBERS[steps[0]]
    ]
    if faults:
        raise Misread(*faults[0], faults[1:])


def _meant(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"it has {', '.join(names[:20])}" if names else "it has none"


def _branch(node: Node, binary: bytes, text: str, start: int, end: int) -> Branch:
    word = {"_&&_": "and", "_||_": "or", "!_": "not"}.get(node.word) if node.kind == "call" else None
    said = syntax.parts_of(text, start, end)
    if word == "not":
        return Branch("not", (_branch(node.parts[0], binary, text, node.at + 1, end),), text=said)
    if word:
        left = _branch(node.parts[0], binary, text, start, node.at)
        right = _branch(node.parts[1], binary, text, node.at + 2, end)
        return Branch(word, (left, right), text=said)
    uses, tested = _used(node)
    reads = {each[0] if each[:2] != ("call", "method") else "method" for each in uses | tested}
    return Branch("leaf", (), syntax.part(binary, node), frozenset(reads), said)


# What is sure to be there


def _present(node: Node, *, when: bool) -> frozenset[Steps]:
    """Return what `has()` has shown to be there where this part is true, or (`when=False`) where it is false."""
    if node.kind == "has" and when:
        way = _way(node)
        return frozenset(way[:end] for end in range(2, len(way) + 1))
    if node.kind != "call" or node.word not in ("_&&_", "_||_", "!_"):
        return frozenset()
    if node.word == "!_":
        return _present(node.parts[0], when=not when)
    left, right = (_present(each, when=when) for each in node.parts)
    return left | right if (node.word == "_&&_") is when else left & right


def _unguarded(node: Node, present: frozenset[Steps]) -> Iterator[Steps]:
    """Yield what is used without being sure to be there; `&&` and `||` forgive errors on either side."""
    if node.kind == "call" and node.word in ("_&&_", "_||_"):
        left, right = node.parts
        when = node.word == "_&&_"
        yield from _unguarded(left, present | _present(right, when=when))
        yield from _unguarded(right, present | _present(left, when=when))
        return
    if node.kind == "call" and node.word == "_?_:_":
        asked, yes, no = node.parts
        yield from _unguarded(asked, present)
        yield from _unguarded(yes, present | _present(asked, when=True))
        yield from _unguarded(no, present | _present(asked, when=False))
        return
    way = _way(node)
    if not way:
        for each in node.parts:
            yield from _unguarded(each, present)
        return
    last = len(way) if node.kind == "has" else len(way) + 1
    yield from (way[:end] for end in range(2, last) if way[:end] not in present)


# Holding it against a tool


def faults(it: Condition, shape: Shape, names: Iterable[str]) -> tuple[list[tuple[str, str]], dict[Steps, str]]:
    """Return what is wrong with a condition for one tool (what, what to write), and how its numbers are made ready."""
    found = [fault for way in sorted(it.arguments) for fault in _faults(it, way, shape, names)]
    wrong, casts = _typed(it, {way: shape(way) for way in it.arguments})
    found += wrong
    return list(dict.fromkeys(found)), {} if found else casts


def _faults(it: Condition, way: Steps, shape: Shape, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for end in range(1, len(way) + 1):
        here = way[:end]
        member = shape(here)
        said = f"args.{'.'.join(here)}"
        if member is None:
            yield f"it has no argument {said}", _meant(here[0], names) if end == 1 else ""
            return
        if member.optional and ("args", *here) in it.unguarded:
            yield f"{said} may be missing", f"write has({said}) && ... where it must be there"


def _typed(it: Condition, members: Mapping[Steps, Member | None]) -> tuple[list[tuple[str, str]], dict[Steps, str]]:
    known = {way: member for way, member in members.items() if member is not None}
    plain = {way: kind for way, member in known.items() if (kind := _kind(member)) is not None}
    casts: dict[Steps, str] = {way: "int" for way, member in known.items() if member.type == "integer"}
    try:
        _checked(it.text, _key(plain))
    except Misread as error:
        return [(error.message, error.suggestion), *error.more], {}
    for way in sorted(way for way, member in known.items() if member.type == "number"):
        if _fits(it.text, plain, way, "double"):
            casts[way] = "float"
        elif not _fits(it.text, plain, way, "int"):
            said = f"args.{'.'.join(way)}"
            return [(f"{said} is a number, and is used as something else", f"write {said} <= 100.0")], {}
    return [], casts


def _fits(text: str, plain: Mapping[Steps, str], way: Steps, kind: str) -> bool:
    try:
        _checked(text, _key({**plain, way: kind}))
    except Misread:
        return False
    return True


def _key(types: Mapping[Steps, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((f"args.{'.'.join(way)}", kind) for way, kind in types.items()))


_KINDS: Final = {"string": "string", "integer": "int", "boolean": "bool", "object": "map", "array": "list"}


def _kind(member: Member) -> str | None:
    if member.type == "array" and member.items == "string":
        return "strings"
    return _KINDS.get(member.type)


@lru_cache(maxsize=16_384)
def _checked(text: str, types: tuple[tuple[str, str], ...]) -> None:
    """Hold a condition against types; remembered, for a thousand tools have the same arguments."""
    if syntax.checked(text, {**_OWN, **dict(types)}) not in ("BOOL", "DYN"):
        raise Misread("is neither true nor false", "compare something, such as args.amount <= 100")
