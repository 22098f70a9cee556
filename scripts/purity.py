"""Run the pure layers' own unit tests, and fail unless they cover every line and branch of those layers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = (
    "src/ostiary/core/*",
    "src/ostiary/protocol/*",
    "src/ostiary/policy/*",
    "src/ostiary/guards/*",
    "src/ostiary/integrity/*",
    "src/ostiary/behaviour/*",
    "src/ostiary/config/capture.py",
    "src/ostiary/config/compile.py",
    "src/ostiary/config/checking.py",
    "src/ostiary/config/expect.py",
    "src/ostiary/config/guards.py",
    "src/ostiary/config/ledger.py",
    "src/ostiary/config/mending.py",
    "src/ostiary/config/parse.py",
    "src/ostiary/config/salvage.py",
    "src/ostiary/config/scopes.py",
    "src/ostiary/config/surfaces.py",
    "src/ostiary/config/tree.py",
    "src/ostiary/config/units.py",
    "src/ostiary/config/values.py",
    "src/ostiary/config/problems.py",
)
TESTS: Final = (
    "tests/unit/core",
    "tests/unit/protocol",
    "tests/unit/policy",
    "tests/unit/guards",
    "tests/unit/integrity",
    "tests/unit/behaviour",
    "tests/unit/config",
)
COVERAGE: Final = (sys.executable, "-m", "coverage")


def main() -> int:
    """Return 0 where all tests pass and nothing is left uncovered."""
    with tempfile.TemporaryDirectory() as folder:
        data = f"--data-file={folder}/coverage"
        # A seed that does not change: the same tests cover the same lines on every run.
        tests = (
            *COVERAGE,
            "run",
            data,
            "--branch",
            f"--include={','.join(SOURCE)}",
            "-m",
            "pytest",
            "-q",
            "--no-header",
        )
        ran = subprocess.run([*tests, "-p", "no:cacheprovider", "--hypothesis-seed=0", *TESTS], cwd=ROOT, check=False)
        if ran.returncode:
            return ran.returncode
        report = (*COVERAGE, "report", data, "--show-missing", "--skip-covered", "--fail-under=100", "--precision=2")
        found = subprocess.run(report, cwd=ROOT, check=False)
    if found.returncode:
        print("pure layers are covered 100 % by their own tests; cover the lines above, or delete them")
    return found.returncode


if __name__ == "__main__":
    sys.exit(main())
