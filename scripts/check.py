"""Format, lint, types, imports, generated pages, fast tests: what must hold at every commit, in under two minutes.

Two steps at a time; the longest come first.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SOURCES = ["src", "tests", "scripts", "bench"]
FAST = [sys.executable, "-m", "pytest", "-q", "-m", "not slow and not e2e"]
STEPS: dict[str, list[str | Path]] = {
    "fast tests of units": [*FAST, "tests/unit"],
    "fast tests of everything else": [*FAST, "tests", "--ignore", "tests/unit"],
    "types": [BIN / "mypy"],
    "format": [BIN / "ruff", "format", "--check", "--quiet", *SOURCES],
    "lint": [BIN / "ruff", "check", "--quiet", *SOURCES],
    "imports": [BIN / "lint-imports"],
    "reference page": [sys.executable, "scripts/reference.py", "--check"],
    "error page": [sys.executable, "scripts/errors.py", "--check"],
    "command page": [sys.executable, "scripts/cli_reference.py", "--check"],
    "versions": [sys.executable, "scripts/versions.py"],
}


def passed(name: str) -> bool:
    """Run a step, and say how it went; what it printed only where it failed."""
    started = time.monotonic()
    command = [str(part) for part in STEPS[name]]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    good = done.returncode == 0
    told = [f"{'ok  ' if good else 'FAIL'} {name} ({time.monotonic() - started:.1f} s)"]
    told += [] if good else [done.stdout[-6000:], done.stderr[-3000:]]
    # One write: steps end at the same time.
    sys.stdout.write("\n".join([*told, ""]))
    sys.stdout.flush()
    return good


def main() -> int:
    """Run everything; 1 where a step failed."""
    with ThreadPoolExecutor(2) as lanes:
        failed = [name for name, good in zip(STEPS, lanes.map(passed, STEPS), strict=True) if not good]
    if failed:
        print(f"not good: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
