"""Read a condition: the text of an expression in CEL → a tree that can be walked. Pure.

The engine (cel-expr-python, Google's implementation) parses and checks. What it shows of an expression is its binary
form (`cel.expr.CheckedExpr`, Protocol Buffers); the few fields of it that matter are read here, so that names can be
held against a tool's schema, and so that a part of an expression can be evaluated by itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from msgspec import Struct

LONGEST: Final = 2_048
"""Characters of a condition."""
DEEPEST: Final = 24
LARGEST: Final = 512
"""Nodes of the tree."""
ROOTS: Final[Mapping[str, str]] = {"args": "map", "caller": "map", "tool": "map", "call": "map", "now": "time"}
"""What a condition may speak of, and of which kind each is."""
_TOKEN: Final = re.compile(
    r"""(?P<string>[rRbB]{0,2}(?:\"\"\"(?:\\.|.)*?\"\"\"|'''(?:\\.|.)*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))"""
    r"""|(?P<comment>//[^\n]*)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<blank>\s+)|(?P<mark>&&|\|\||.)""",
    re.DOTALL,
)
_MARKS: Final = {"(": "(", ")": ")", ".": "."}
_HAS: Final = re.compile(r"w\(w(?:\.w)+\)")
"""`has(a.b.c)`, by the kinds of its tokens."""
_EXAMPLE: Final = "write it in CEL, such as args.amount <= 100 && caller.claims.region == 'eu'"
_SPELT: Final = {"and": "&&", "or": "||", "not": "!", "like": "startsWith() or matches()", "is": "=="}
_FUNCTIONS: Final = ("startsWith", "endsWith", "contains", "matches", "size", "has", "exists", "all")
_PLACE: Final = re.compile(r"<input>:(\d+):(\d+): (.+)")


class Misread(ValueError):
    """A condition cannot be used. Its text holds no secret, so it may be repeated."""

    def __init__(self, message: str, suggestion: str = "", more: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.message, self.suggestion = message, suggestion
        self.more = tuple(more)
        """What else is wrong with it, and what to write."""


class Node(Struct, frozen=True):
    """One step of an expression."""

    kind: str
    """`const`, `name`, `member`, `has`, `call`, `loop` or `made` (a list or a map)."""
    word: str
    """A name, a member's name, a function, a loop's variable, or the text of a constant."""
    parts: tuple[Node, ...]
    at: int
    """Where it is in the text: for an operator, the operator itself."""
    raw: bytes
    """Its binary form."""


@cache
def _engine() -> Any:
    # Loaded by the first condition: it takes 4 MB, and most gateways have none.
    from cel_expr_python import cel  # type: ignore[import-untyped]  # noqa: PLC0415 - it has stubs, and no py.typed

    return cel


@cache
def _kinds() -> Mapping[str, Any]:
    t = _engine().Type
    return {
        "string": t.STRING, "int": t.INT, "double": t.DOUBLE, "bool": t.BOOL, "map": t.Map(t.STRING, t.DYN),
        "list": t.List(t.DYN), "strings": t.List(t.STRING), "time": t.TIMESTAMP,
    }  # fmt: skip


def _typed(names: Mapping[str, str]) -> Any:
    kinds = _kinds()
    return _engine().NewEnv(variables={name: kinds[kind] for name, kind in names.items()})


@cache
def _untyped() -> Any:
    return _typed(ROOTS)


def parsed(text: str) -> tuple[Any, bytes]:
    """Return the engine's program for a condition, and its binary form; `Misread` where there is none."""
    if len(text) > LONGEST:
        raise Misread(f"must be at most {LONGEST} characters", "split it into several rules")
    return _compiled(_untyped(), text)


def checked(text: str, kinds: Mapping[str, str]) -> str:
    """Return the type of a condition where names such as `args.amount` are of these kinds; `Misread` if they clash."""
    program, _ = _compiled(_typed({**ROOTS, **kinds}), _without_has(text))
    return str(program.return_type().name())


def _compiled(engine: Any, text: str) -> tuple[Any, bytes]:
    try:
        program = engine.compile(text)
        return program, program.serialize()
    except (RuntimeError, TypeError, ValueError) as error:
        first, *more = _faults(str(error), text)
        raise Misread(*first, more) from None


def _faults(error: str, text: str) -> list[tuple[str, str]]:
    """Return what the engine says is wrong, and what to write; what it says of syntax once, for the rest follows."""
    places = list(_PLACE.finditer(error))
    unread = next((found for found in places if "undeclared" not in found[3] and "overload" not in found[3]), None)
    if unread is not None:
        places = [unread]
    if not places:
        return [("is not a condition", "write it in CEL, such as args.amount <= 100")]
    return list(dict.fromkeys(_said(found, text) for found in places))


def _said(found: re.Match[str], text: str) -> tuple[str, str]:
    line, column, what = found.groups()
    # The engine counts lines from 1 and columns from 1, within the text of the condition.
    place = f"at its character {column}" if line == "1" else f"in its line {line}, at character {column}"
    if "undeclared reference" in what:
        name = what.partition("'")[2].partition("'")[0]
        known = ", ".join(sorted(ROOTS))
        close = difflib.get_close_matches(name.partition(".")[0], [*ROOTS, *_FUNCTIONS], n=1, cutoff=0.7)
        hint = f'did you mean "{close[0]}"?' if close else f"a condition speaks of {known}, and calls functions of CEL"
        return f"does not know {name!r} ({place})", hint
    if "no matching overload" in what:
        types = what.partition("applied to ")[2].strip("'")
        operator = what.partition("'")[2].partition("'")[0].strip("_").replace("@", "")
        return f"cannot apply {operator} to {types} ({place})", "compare values of the same type"
    return f"cannot be read {place}", _foreign(text) or _EXAMPLE


def _foreign(text: str) -> str:
    """Return what CEL has for the words and marks of other languages, where a text uses some."""
    tokens = [(found.lastgroup, found[0]) for found in _TOKEN.finditer(text)]
    solid = [word for kind, word in tokens if kind in ("word", "mark")]
    spelt = [f"{mine} instead of {theirs}" for theirs, mine in _SPELT.items() if theirs in solid]
    sole = re.search(r"(?<![=!<>])=(?!=)", "".join(word for kind, word in tokens if kind != "string"))
    return f"write {', '.join([*spelt, *(['== to compare'] if sole else [])])}" if spelt or sole else ""


def _without_has(text: str) -> str:
    """Return the text with `true` for every `has(...)`: typed names are whole names, which have no members to test."""
    tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(text)]
    out: list[str] = []
    index = 0
    while index < len(tokens):
        end = _has_ends(tokens, index)
        if end:
            out.append("true".ljust(sum(len(word) for _, word in tokens[index:end])))
        else:
            out.append(tokens[index][1])
        index = end or index + 1
    return "".join(out)


def _has_ends(tokens: list[tuple[str, str]], index: int) -> int:
    """Return where a `has(a.b.c)` that begins here ends; 0: none does."""
    if tokens[index] != ("word", "has"):
        return 0
    kinds = "".join(_MARKS.get(word, kind[:1]) for kind, word in tokens[index:] if kind != "blank")
    found = _HAS.match(kinds)
    if found is None:
        return 0
    solid = [at for at in range(index, len(tokens)) if tokens[at][0] != "blank"]
    return solid[found.end() - 1] + 1


def parts_of(text: str, start: int, end: int) -> str:
    """Return a part of the text as people would write it: without parentheses that have no partner, and blanks."""
    tokens = [found for found in _TOKEN.finditer(text) if start <= found.start() < end]
    tokens = [found for found in tokens if found.lastgroup != "comment"]
    words = [found[0] for found in tokens]
    lone = _lone(words)
    left = [word for at, word in enumerate(words) if at not in lone]
    while left and left[0].isspace():
        del left[0]
    while left and left[-1].isspace():
        del left[-1]
    inside = left[1:-1]
    if left[:1] == ["("] and left[-1:] == [")"] and not _lone(inside):
        left = inside
    return "".join(left).strip()


def _lone(words: list[str]) -> set[int]:
    opened: list[int] = []
    lone: set[int] = set()
    for at, word in enumerate(words):
        if word == "(":
            opened.append(at)
        elif word == ")" and opened:
            opened.pop()
        elif word == ")":
            lone.add(at)
    return lone | set(opened)


# The binary form (Protocol Buffers encoding; cel.expr.CheckedExpr, cel.expr.Expr)


def tree(binary: bytes) -> Node:
    """Return the tree of an expression; `Misread` where it is too deep or too large."""
    whole = dict(_fields(_field(binary, 2)))
    places: dict[int, int] = {}
    for number, value in _fields(whole.get(5, b"")):
        if number == _POSITIONS:
            entry = dict(_fields(value))
            places[entry.get(1, 0)] = entry.get(2, 0)
    found = _node(whole[4], places, 0)
    if sum(1 for _ in walked(found)) > LARGEST:
        raise Misread("has too many parts", "split it into several rules")
    return found


def part(binary: bytes, node: Node) -> Any:
    """Return the engine's program for one part of an expression."""
    fields = _fields(_field(binary, 2))
    inner = b"".join(_framed(number, node.raw if number == _EXPR else value) for number, value in fields)
    return _untyped().deserialize(_framed(1, _field(binary, 1)) + _framed(2, inner))


def walked(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    for each in node.parts:
        yield from walked(each)


_EXPR: Final = 4
_POSITIONS: Final = 4
_LOOP: Final = (2, 4, 5, 6, 7)
"""A comprehension's range, first value, condition, step and result."""


def _node(raw: bytes, places: Mapping[int, int], depth: int) -> Node:
    def below(each: bytes) -> Node:
        return _node(each, places, depth + 1)

    if depth > DEEPEST:
        raise Misread("is nested too deeply", "split it into several rules")
    fields = dict(_fields(raw))
    at = places.get(fields.get(2, 0), 0)
    if 3 in fields:  # noqa: PLR2004  # const_expr
        return Node("const", _constant(fields[3]), (), at, raw)
    if 4 in fields:  # noqa: PLR2004  # ident_expr
        return Node("name", _text(fields[4], 1), (), at, raw)
    if 5 in fields:  # noqa: PLR2004  # select_expr
        inner = dict(_fields(fields[5]))
        return Node("has" if inner.get(3) else "member", inner[2].decode(), (below(inner[1]),), at, raw)
    if 6 in fields:  # noqa: PLR2004  # call_expr
        given = [below(value) for number, value in _fields(fields[6]) if number in (1, 3)]
        return Node("call", _text(fields[6], 2), tuple(given), at, raw)
    if 9 in fields:  # noqa: PLR2004  # comprehension_expr
        inner = dict(_fields(fields[9]))
        return Node("loop", inner[1].decode(), tuple(below(inner[number]) for number in _LOOP), at, raw)
    return Node("made", "", tuple(below(each) for each in _made(fields)), at, raw)


def _made(fields: Mapping[int, Any]) -> Iterator[bytes]:
    """Yield the expressions within a list or a map."""
    yield from (value for number, value in _fields(fields.get(7, b"")) if number == 1)
    entries = [value for number, value in _fields(fields.get(8, b"")) if number == 2]  # noqa: PLR2004  # entries
    yield from (value for entry in entries for key, value in _fields(entry) if key in (3, 4))


def _constant(raw: bytes) -> str:
    """Return the text of a constant that is a text; others are not looked at."""
    return _text(raw, 6) if dict(_fields(raw)).keys() == {6} else ""


def _text(raw: bytes, number: int) -> str:
    found: bytes = dict(_fields(raw)).get(number, b"")
    return found.decode()


def _field(raw: bytes, number: int) -> bytes:
    found: bytes = dict(_fields(raw))[number]
    return found


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the fields of a message: numbers and messages, which are all that the engine writes of what is read."""
    at = 0
    while at < len(raw):
        key, at = _number(raw, at)
        match key & 7:
            case 0:
                value, at = _number(raw, at)
                yield key >> 3, value
            case 2:
                size, at = _number(raw, at)
                yield key >> 3, raw[at : at + size]
                at += size
            case fixed:
                size = 8 if fixed == 1 else 4
                yield key >> 3, raw[at : at + size]
                at += size


def _number(raw: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = raw[at]
        found |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004  # the last byte has no continuation bit
            return found, at


def _framed(number: int, value: bytes) -> bytes:
    out = bytearray([number << 3 | 2])
    size = len(value)
    while size > 0x7F:  # noqa: PLR2004  # seven bits to the byte
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out) + value
