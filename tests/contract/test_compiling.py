"""What may be compiled: the list of scripts/compiling.py, held against the files that it names."""

import ast
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
LISTED = runpy.run_path(str(ROOT / "scripts" / "compiling.py"))["MODULES"]
BASES = {"Struct", "NamedTuple"}


def test_what_is_compiled_is_there_and_defines_no_values() -> None:
    """Ours: mypyc forgets what a class tells its metaclass, so a frozen value would not be frozen any more."""
    found = {}
    for name in LISTED:
        tree = ast.parse((ROOT / "src" / "ostiary" / f"{name}.py").read_text())
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        values = [
            node.name for node in classes if {base.id for base in node.bases if isinstance(base, ast.Name)} & BASES
        ]
        if values or any(node.keywords for node in classes):
            found[name] = values
    assert found == {}, "move them to a module that is not compiled"
