"""No pattern and no text make the gateway search for long, whoever wrote the one and whoever sends the other.

Nothing here looks at a clock. That an engine is of the linear kind shows in what it cannot do; that a pattern of our own
is harmless shows in its form; and a text on which a backtracking engine would never end is answered at all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.security.composed import EVERYTHING, config, stage, told, tool

SOURCE = Path(__file__).resolve().parents[2] / "src" / "ostiary"

EVIL = [
    r"^(a+)+$", r"^(a|a)*$", r"^(a|aa)+$", r"^(a*)*b$", r"^(.*a){20}$", r"^([a-zA-Z]+)*$", r"(x+x+)+y", r"^(\w+\s?)*$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(a?){50}a{50}", r"^(?:a|b|ab)*c$",
]  # fmt: skip
LONG = "a" * 50_000


@pytest.mark.parametrize("pattern", EVIL)
def test_a_pattern_of_a_servers_schema_takes_any_text(pattern: str) -> None:
    it = stage(EVERYTHING, [tool("read", {"text": {"type": "string", "pattern": pattern}})])
    for text in (LONG + "!", LONG, "aB" * 20_000 + "!", "x" * 50_000):
        told(it, {"text": text})
    assert len(it.audit.ended) == 4


@pytest.mark.parametrize("pattern", EVIL)
def test_so_does_a_name_that_is_a_pattern(pattern: str) -> None:
    it = stage(EVERYTHING, [tool("read", {}, patternProperties={pattern: {"type": "string"}})])
    told(it, {LONG + "!": "x"})
    assert len(it.audit.ended) == 1


@pytest.mark.parametrize("pattern", EVIL)
def test_so_does_a_pattern_that_a_rule_demands(pattern: str) -> None:
    rules = config(f"{{name: all, allow: ['*.*'], subjects: ['*'], checks: {{text: 'matches:{pattern}'}}}}")
    it = stage(rules, [tool("read", {"text": {"type": "string"}})])
    told(it, {"text": LONG + "!"})
    assert len(it.audit.ended) == 1


BACKTRACKING = [
    r"(?=a)b",
    r"(?!a)b",
    r"(?<=a)b",
    r"(?<!a)b",
    r"(a)\1",
    r"(?P<x>a)(?P=x)",
    r"(?>a+)b",
    r"(?(1)a|b)",
    r"a*+b",
    "(a{1000}){1000}",
    "((a{100}){100}){100}",
    "(" * 5000 + ")" * 5000,
]


@pytest.mark.parametrize("pattern", BACKTRACKING)
def test_what_only_a_backtracking_engine_can_do_is_refused_before_any_text_comes(pattern: str) -> None:
    made = stage(EVERYTHING, [tool("read", {"text": {"type": "string", "pattern": pattern}}), tool("good", {})])
    names = {target.name for target in made.snapshot.surfaces["/servers/files/mcp", ""].targets.values()}
    taken = "read" in names
    # A possessive mark is no error to that engine, which reads it as one repetition of another.
    assert not taken or pattern == r"a*+b"
    assert "good" in names


@pytest.mark.parametrize(
    "name",
    [
        "email",
        "uri",
        "uri-reference",
        "iri",
        "hostname",
        "idn-hostname",
        "ipv6",
        "date-time",
        "duration",
        "json-pointer",
        "uri-template",
        "regex",
        "uuid",
    ],
)
def test_a_format_takes_any_text(name: str) -> None:
    it = stage(EVERYTHING, [tool("read", {"text": {"type": "string", "format": name}})])
    for text in (
        LONG,
        "a@" + "a." * 20_000 + "!",
        "http://" + "a" * 50_000 + "%",
        "{" * 20_000,
        "(" * 20_000,
        "P" + "1D" * 20_000,
        ":" * 50_000,
        "/~" * 20_000,
    ):
        told(it, {"text": text})
    assert len(it.audit.ended) == 8


CHECKS = ["inside:/srv", "public", "https", "host:a.example", "read-only-sql", "word", "argv", "identifier", "email"]
PUMPS = [
    "a",
    "/",
    "../",
    "%2e",
    "%25",
    "\\",
    "a.",
    "-a",
    "a@",
    "1.",
    "0x",
    "(",
    "'",
    '"',
    "/*",
    "--",
    "a ",
    "{",
    "[::",
    "http://a",
    "#",
    "@",
    "\u2024",
    "a-",
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_takes_any_text(check: str) -> None:
    rules = config(f'{{name: all, allow: ["*.*"], subjects: ["*"], checks: {{text: "{check}"}}}}')
    it = stage(rules, [tool("read", {"text": {"type": "string"}})])
    for pump in PUMPS:
        for text in (
            pump * (50_000 // len(pump)),
            pump * (4_000 // len(pump)) + "!",
            f"select {pump * (15_000 // len(pump))}",
        ):
            told(it, {"text": text})
    assert len(it.audit.ended) == 3 * len(PUMPS)


# Patterns of our own that the standard library's engine runs, which does backtrack


def compiled() -> Iterator[tuple[str, str]]:
    """Yield every pattern that is compiled by a literal, and where."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            engine, first = node.func.value, node.args[0]
            if (
                isinstance(engine, ast.Name)
                and engine.id == "re"
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                yield str(path.relative_to(SOURCE)), first.value


def exploding(pattern: str) -> bool:
    """Say whether a repetition without an end is all of what another one without an end repeats: `(a+)+`."""
    return any(_nested(each) for each in _repeats(re._parser.parse(pattern)))  # type: ignore[attr-defined]


def _repeats(tree: Any) -> Iterator[Any]:
    for kind, value in tree:
        if str(kind) in {"MAX_REPEAT", "MIN_REPEAT"} and value[1] == re._constants.MAXREPEAT:  # type: ignore[attr-defined]
            yield value[2]
        for part in _parts(value):
            yield from _repeats(part)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, re._parser.SubPattern):  # type: ignore[attr-defined]
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _parts(each)


def _nested(body: Any) -> bool:
    items = list(body)
    while len(items) == 1 and str(items[0][0]) == "SUBPATTERN":
        items = list(items[0][1][-1])
    if len(items) == 1 and str(items[0][0]) == "BRANCH":
        return any(_nested(each) for each in items[0][1][1])
    return len(items) == 1 and str(items[0][0]) in {"MAX_REPEAT", "MIN_REPEAT"}


def test_the_look_at_forms_sees_what_it_is_for() -> None:
    assert all(exploding(each) for each in (r"(a+)+", r"(?:(a*))*b", r"([a-z]+|x)*y"))
    assert not any(exploding(each) for each in (r"a+b+", r"(?:,a+)*", r"(a{1,3}b)+"))


def test_no_pattern_of_our_own_explodes() -> None:
    found = list(compiled())
    assert len(found) >= 30
    assert [each for each in found if exploding(each[1])] == []
