"""Which test holds which requirement of docs/requirements.md: read from the tests' text, without running them.

`python tests/requirements.py` prints the table. A mark is a decorator with literal ids, so that reading is enough:
`@pytest.mark.requirement("MCP-07", "MCP-08")`; `pytestmark = pytest.mark.requirement("MCP-43")` is one on every test of a
file.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "requirements.md"
TESTS: Final = ROOT / "tests"
MARK: Final = "requirement"
_ROW: Final = re.compile(r"^\| (?P<id>[A-Z]+-\d+) \| (?P<text>[^|]+) \| (?P<source>[^|]+) \|$")
_IDLE: Final = frozenset({"skip", "skipif", "xfail", "importorskip"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Requirement:
    """One row of the page."""

    id: str
    text: str
    source: str


@dataclass(frozen=True)
class Mark:
    """One test that says which requirements it holds."""

    where: str
    """As pytest takes it: `tests/x/test_y.py::test_z`."""
    ids: tuple[str, ...]
    problem: str = ""
    """Why the mark counts for nothing; empty: it counts."""


def requirements(text: str) -> list[Requirement]:
    """Return the rows of the page, in its order."""
    return [Requirement(*match.groups()) for line in text.splitlines() if (match := _ROW.match(line))]


def files(folder: Path) -> Iterator[Path]:
    """Yield every Python file of the tests, but for packages that were installed beside them."""
    for path in sorted(folder.rglob("*.py")):
        if not {"node_modules", "__pycache__"} & set(path.parts):
            yield path


def marks(text: str, where: str) -> Iterator[Mark]:
    """Yield the marks of one file."""
    if MARK not in text:
        return
    module = ast.parse(text)
    of_all = _module_marks(module)
    idle = (
        "its whole file may be skipped, or is expected to fail" if any(_name(each) in _IDLE for each in of_all) else ""
    )
    shared = [_call(each) for each in of_all if _name(each) == MARK]
    for path, node in _definitions(module, ()):
        tested = shared if isinstance(node, Function) and node.name.startswith("test_") else []
        for call in [*_marked(node, MARK), *tested]:
            ids = tuple(str(each.value) for each in call.args if isinstance(each, ast.Constant))
            yield Mark(f"{where}::{'::'.join(path)}", ids, idle or _problem(where, node, call))


def _definitions(node: ast.AST, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Function | ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            here = (*path, child.name)
            yield here, child
            yield from _definitions(child, here)


def _marked(node: Function | ast.ClassDef, name: str) -> Iterator[ast.Call]:
    for each in node.decorator_list:
        if _name(each) == name:
            yield _call(each)


def _call(node: ast.expr) -> ast.Call:
    return node if isinstance(node, ast.Call) else ast.Call(func=node, args=[], keywords=[])


def _name(node: ast.expr) -> str:
    """Return the last word of `pytest.mark.NAME` or `pytest.mark.NAME(…)`."""
    inner = node.func if isinstance(node, ast.Call) else node
    return inner.attr if isinstance(inner, ast.Attribute) else ""


def _problem(where: str, node: Function | ast.ClassDef, call: ast.Call) -> str:
    if not isinstance(node, Function) or not node.name.startswith("test_") or "/test_" not in where:
        return "the mark stands on something that pytest does not collect"
    if not call.args or call.keywords or not all(isinstance(each, ast.Constant) for each in call.args):
        return "the mark's ids are not written out"
    if any(_name(each) in _IDLE for each in node.decorator_list) or _idle_body(node):
        return "the test may be skipped, or is expected to fail"
    return ""


def _idle_body(node: Function) -> bool:
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)]
    return any(_name(each) in _IDLE and _root(each.func) == "pytest" for each in calls)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _module_marks(module: ast.Module) -> list[ast.expr]:
    """Return what `pytestmark` puts on every test of a file."""
    given: list[ast.expr] = []
    for node in module.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(to, ast.Name) and to.id == "pytestmark" for to in targets):
            value = node.value if isinstance(node, ast.Assign) else ast.Constant(None)
            given += value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    return given


def found() -> list[Mark]:
    """Return the marks of all tests."""
    return [
        mark
        for path in files(TESTS)
        for mark in marks(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    ]


def held(rows: list[Requirement], all_marks: list[Mark]) -> dict[str, list[str]]:
    """Return the tests that hold each requirement; a mark with a problem holds nothing."""
    tests: dict[str, list[str]] = {row.id: [] for row in rows}
    for mark in all_marks:
        for ident in mark.ids:
            if ident in tests and not mark.problem:
                tests[ident].append(mark.where)
    return tests


def problems(rows: list[Requirement], all_marks: list[Mark]) -> list[str]:
    """Return everything that is wrong between the page and the tests."""
    told = [f"{mark.where}: {mark.problem}" for mark in all_marks if mark.problem]
    known = {row.id for row in rows}
    told += [f"{mark.where}: there is no {each}" for mark in all_marks for each in mark.ids if each not in known]
    told += [f"{each} stands on the page twice" for each in known if sum(row.id == each for row in rows) > 1]
    return told + [f"{ident} has no test" for ident, tests in held(rows, all_marks).items() if not tests]


def main() -> int:
    """Print the table; return 1 where something is wrong."""
    rows, all_marks = requirements(PAGE.read_text(encoding="utf-8")), found()
    tests = held(rows, all_marks)
    for row in rows:
        print(f"{row.id}  {row.text}")
        for where in tests[row.id] or ["(no test)"]:
            print(f"    {where}")
    wrong = problems(rows, all_marks)
    count = len({where for each in tests.values() for where in each})
    print(
        f"\n{sum(map(bool, tests.values()))} of {len(rows)} requirements are held by {count} tests.", *wrong, sep="\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
