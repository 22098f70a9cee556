"""Everything that CI runs, one thing after the other; stops at nothing, and says at the end what failed."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
STEPS = {
    "format, lint, types, imports, pages, fast tests": [sys.executable, "scripts/check.py"],
    "pure layers are covered": [sys.executable, "scripts/purity.py"],
    "slow tests": [*PYTEST, "-m", "slow and not e2e", "tests"],
    "end to end": [*PYTEST, "-m", "e2e", "tests"],
    "official suite, direct and through": [sys.executable, "scripts/conformance.py"],
    "official suite, across eras": [sys.executable, "scripts/conformance.py", "--cross"],
    "official suite, tasks": [sys.executable, "scripts/conformance.py", "--tasks"],
    "official suite, authorization": [sys.executable, "scripts/conformance.py", "--authorization"],
    "claims are well-formed": [sys.executable, "scripts/claims.py", "--list"],
}


def main() -> int:
    results = {}
    for name, command in STEPS.items():
        print(f"=== {name}", flush=True)
        started = time.monotonic()
        results[name] = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
        how = "FAILED" if results[name] else "ok"
        print(f"=== {name}: {how} in {time.monotonic() - started:.0f} s", flush=True)
    bad = [name for name, code in results.items() if code]
    for name in bad:
        print(f"failed: {name}")
    print(f"{len(results) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
