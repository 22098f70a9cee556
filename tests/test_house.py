"""House rules that no linter knows: sizes, names, failures and their documentation."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ostiary.core import errors
from ostiary.core.errors import GatewayError

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src" / "ostiary"
FILES: Final = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
JUNK: Final = frozenset(
    {"utils", "util", "helpers", "helper", "common", "services", "managers", "manager", "base", "misc", "lib"}
)

# Who may swallow everything (catch it without raising it again), how often, and why. A new line is explained in review.
SWALLOWING: Final = {
    "adapters/http/door.py": 1,  # the edge: answers 500 without a traceback
    "adapters/notify/outbox.py": 1,  # one alert that cannot be told must end neither the others nor what calls depend on
    "adapters/plugins.py": 2,  # anybody's code, which must not end ours: the configuration is refused, and says whose
    "adapters/telemetry/exporting.py": 1,  # what is told a collector must not end what calls depend on
    "adapters/upstream/stdio.py": 1,  # one server's bad start must not end the group of all servers
    "demo/tour.py": 1,  # a step that crashes did not go as told, and the tour says so
    "entry/cli/main.py": 1,  # the outermost edge of a command: words and exit code 1 instead of a traceback
    "entry/cli/serve.py": 1,  # whatever is wrong with one configuration, the next must be read again
    "entry/refresh.py": 1,  # one server's odd answer, or a full disk, must not end the tasks of all servers
    "entry/chores.py": 1,  # housekeeping is tried again in a second; calls do not depend on it
    "operate/contract.py": 1,  # whatever a guard raises breaks its contract, and becomes an AssertionError
    "operate/proving.py": 2,  # a guard may be anybody's code: whatever it raises means that it does not work
    "pipeline/screening.py": 1,  # a guard may be anybody's code: whatever it raises stops the call, and is named
    "pipeline/flight.py": 5,  # what brings the news is the event loop: the client gets words, the ledger a fault
    "entry/cli/tried.py": 1,  # a plugin is anybody's code: what it raises stops the call, and is told
    "entry/annexes.py": 1,  # one thing beside the calls that fails to end keeps none of the others from ending
    "integrity/schemas.py": 1,  # the schema engine's several classes all mean that a schema does not compile
}

# Codes that JSON-RPC 2.0 and the specification define, and nobody else may use for something else.
SPECIFIED: Final = frozenset({-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022})


def named(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of code: a long docstring is no reason to cut a function in two."""
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return (function.end_lineno or 0) - first.lineno + 1


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def failures() -> list[type[GatewayError]]:
    found: list[type[GatewayError]] = []
    todo: list[type[GatewayError]] = [GatewayError]
    while todo:
        for each in todo.pop().__subclasses__():
            todo.append(each)
            if hasattr(each, "code"):
                found.append(each)
    return found


def swallows(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler) or (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(
        each is None or (isinstance(each, ast.Name) and each.id in {"Exception", "BaseException"}) for each in caught
    )


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_fits_in_a_head(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_FILE, f"{named(path)} has {lines} lines: which second noun is in it?"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    if "migrations" in path.parts:
        pytest.skip("a migration is a list of tables")
    long = {each.name: size for each in functions(path) if (size := length(each)) > LONGEST_FUNCTION}
    assert not long, f"{named(path)}: {long}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    said = ast.get_docstring(tree(path)) or ""
    assert said.partition("\n")[0].rstrip().endswith((".", ":", "?")), f"{named(path)} begins with no sentence"


def test_no_drawer_is_called_junk() -> None:
    rooms = {part.removesuffix(".py") for path in FILES for part in path.relative_to(SOURCE).parts}
    assert not rooms & JUNK, "if a function has no home, its noun is missing"


def test_nobody_swallows_everything_but_those_who_said_why() -> None:
    found = Counter(named(path) for path in FILES for node in ast.walk(tree(path)) if swallows(node))
    assert dict(found) == SWALLOWING


def test_every_failure_is_in_the_one_file() -> None:
    assert {each.__module__ for each in failures()} == {errors.__name__}


def test_every_failure_has_a_code_of_its_own() -> None:
    codes = Counter(each.code for each in failures())
    assert [code for code, count in codes.items() if count > 1] == []


@pytest.mark.requirement("MCP-20")
def test_codes_of_ours_stay_out_of_what_is_reserved() -> None:
    """JSON-RPC 2.0 section 5.1 reserves -32768..-32000, and 2026-07-28 gives -32020..-32099 of it to the specification."""
    ours = [each for each in failures() if each.jsonrpc not in SPECIFIED]
    assert all(-31999 <= each.jsonrpc <= -31000 for each in ours)
    assert [code for code, count in Counter(each.jsonrpc for each in ours).items() if count > 1] == []


def test_every_code_is_documented_as_it_is() -> None:
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts" / "errors.py", "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_code_names_what_to_do() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    for each in failures():
        row = next((line for line in page.splitlines() if line.startswith(f"| `{each.code}`")), "")
        assert len([cell for cell in row.split("|") if cell.strip()]) == 5, each.code


def test_pure_modules_say_so() -> None:
    """A module that says it is pure reads no clock, no file and no environment; the imports are held by lint-imports."""
    for room in ("core", "protocol", "policy", "guards", "integrity", "behaviour"):
        for path in sorted((SOURCE / room).glob("[a-z]*.py")):
            said = ast.get_docstring(tree(path)) or ""
            assert "Pure" in said or path.name in {"ports.py", "trail.py"}, named(path)


def test_layers_hold() -> None:
    """The contracts of `.importlinter`."""
    program = Path(sys.executable).parent / "lint-imports"
    ran = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
