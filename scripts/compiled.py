"""A faster gateway from the same files: `make compiled`, into `.venv-compiled` and `build/`, never into `.venv`.

`--test` runs the tests of the way of a call against it, `--check` says whether it is of this tree's files.
"""

import argparse
import filecmp
import shutil
import subprocess
import sys
import sysconfig
import venv

from compiling import MODULES, ROOT, SOURCE, CannotCompile, compiled

TREE = ROOT / "build" / "compiled"
VENV = ROOT / ".venv-compiled"
TESTS = (
    "tests/pipeline",
    "tests/contract/test_lane.py",
    "tests/contract/test_large_answers.py",
    "tests/contract/test_ledger.py",
    "tests/contract/test_ledger_told.py",
    "tests/contract/test_ledger_turns.py",
    "tests/contract/test_limits.py",
    "tests/contract/test_pages.py",
    "tests/contract/test_server.py",
    "tests/contract/test_sse.py",
    "tests/contract/test_sse_failures.py",
    "tests/contract/test_token_store.py",
    "tests/contract/hop",
    "tests/contract/identity",
    "tests/properties/test_changes.py",
    "tests/properties/test_listing.py",
    "tests/properties/test_running.py",
    "tests/fuzz",
    "tests/security/test_hang_up_is_recorded.py",
    "tests/security/test_header_disagreement.py",
    "tests/security/test_hidden_and_unknown.py",
    "tests/security/test_no_body_before_identity.py",
    "tests/security/test_refused_stays_here.py",
    "tests/security/test_token_attacks.py",
    "tests/security/test_token_passthrough.py",
    "tests/unit/integrity",
    "tests/unit/policy",
    "tests/unit/protocol",
    "tests/unit/telemetry",
)

PATCHING = (
    "tests/contract/identity/test_identities.py::test_only_so_many_good_credentials_are_remembered",
    "tests/unit/telemetry/test_lines.py",
)
"""Tests that put another value in a constant's place, or derive from a class: compiled code does not look there."""


def made() -> None:
    """Build the tree, and the environment whose Python finds it first."""
    extensions = compiled(ROOT / "build" / "mypyc")
    shutil.rmtree(TREE, ignore_errors=True)
    shutil.copytree(SOURCE, TREE, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    shutil.copytree(extensions, TREE, dirs_exist_ok=True)
    venv.create(VENV, clear=True, with_pip=False, symlinks=True)
    site = next((VENV / "lib").glob("python*/site-packages"))
    # What else is needed is lent by the environment that runs this: the same versions, and nothing to download.
    (site / "ostiary-compiled.pth").write_text(f"{TREE}\n{sysconfig.get_path('purelib')}\n")


def fresh() -> bool:
    """Say whether what was built is of this tree's files."""
    names = [path.relative_to(SOURCE) for path in SOURCE.rglob("*.py")]
    _, different, missing = filecmp.cmpfiles(SOURCE, TREE, [str(name) for name in names], shallow=False)
    return (
        VENV.is_dir()
        and not different
        and not missing
        and all(any(TREE.glob(f"ostiary/{name}.*.so")) for name in MODULES)
    )


def tested(more: list[str]) -> int:
    """Run the tests of the way of a call with the compiled modules in place of the pure ones."""
    asked = more or [*TESTS]
    python = [VENV / "bin" / "python", "-m", "pytest", "-m", "not e2e and not slow", "-o", f"pythonpath={TREE} ."]
    command = [*python, *(f"--deselect={each}" for each in PATCHING), *asked]
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="compiled", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 where it is not built, or of other files")
    parser.add_argument("--test", nargs="*", metavar="TEST", help="run these tests, or the usual ones, against it")
    chosen = parser.parse_args()
    try:
        if not chosen.check and not fresh():
            made()
    except CannotCompile as error:
        print(f"not compiled: {error}", file=sys.stderr)
        return 1
    if not fresh():
        print("not compiled, or of other files than these. Run: make compiled", file=sys.stderr)
        return 1
    if chosen.test is not None:
        return tested(chosen.test)
    print(f"{len(MODULES)} compiled modules; run {VENV / 'bin' / 'python'} -m ostiary")
    return 0


if __name__ == "__main__":
    sys.exit(main())
