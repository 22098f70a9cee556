"""Format, lint, types, imports, generated pages, fast tests: what must hold at every commit, in under two minutes."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SOURCES = ["src", "tests", "scripts", "bench"]
STEPS = {
    "format": [BIN / "ruff", "format", "--check", "--quiet", *SOURCES],
    "lint": [BIN / "ruff", "check", "--quiet", *SOURCES],
    "types": [BIN / "mypy"],
    "imports": [BIN / "lint-imports"],
    "reference page": [sys.executable, "scripts/reference.py", "--check"],
    "error page": [sys.executable, "scripts/errors.py", "--check"],
    "command page": [sys.executable, "scripts/cli_reference.py", "--check"],
    "versions": [sys.executable, "scripts/versions.py"],
    "fast tests": [sys.executable, "-m", "pytest", "-q", "-m", "not slow and not e2e", "tests"],
}


def main() -> int:
    failed = []
    for name, command in STEPS.items():
        started = time.monotonic()
        done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False, capture_output=True, text=True)
        print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name} ({time.monotonic() - started:.1f} s)", flush=True)
        if done.returncode != 0:
            failed.append(name)
            print(done.stdout[-6000:], done.stderr[-3000:], sep="\n", flush=True)
    if failed:
        print(f"not good: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
