"""Everything that CI runs, in two lanes beside each other; stops at nothing, and says at the end what failed.

The end-to-end tests mostly wait for programs to start, so that the rest fits beside them on two cores.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-q"]
STORIES = "tests/e2e/test_stories.py"
LANES = {
    "a": {
        "format, lint, types, imports, pages, fast tests": [sys.executable, "scripts/check.py"],
        "pure layers are covered": [sys.executable, "scripts/purity.py"],
        "slow tests": [*PYTEST, "-m", "slow and not e2e", "tests"],
        "official suite, direct and through": [sys.executable, "scripts/conformance.py"],
        "official suite, across eras": [sys.executable, "scripts/conformance.py", "--cross"],
        "official suite, tasks": [sys.executable, "scripts/conformance.py", "--tasks"],
        "official suite, authorization": [sys.executable, "scripts/conformance.py", "--authorization"],
        "stories of attacks": [*PYTEST, STORIES],
        "claims are well-formed": [sys.executable, "scripts/claims.py", "--list"],
    },
    "b": {"end to end": [*PYTEST, "-m", "e2e", "--ignore", STORIES, "tests"]},
}
_TICK = 0.2
"""Seconds between two looks at what a step printed."""


def drive(lane: str, results: dict[str, int]) -> None:
    """Run one lane's steps, one after the other, and say line by line what they say."""
    for name, command in LANES[lane].items():
        _say(lane, f"=== {name}")
        started = time.monotonic()
        results[name] = _run(lane, command)
        how = "FAILED" if results[name] else "ok"
        _say(lane, f"=== {name}: {how} in {time.monotonic() - started:.0f} s")


def _run(lane: str, command: list[str]) -> int:
    # A file and not a pipe: a program that a test left behind would keep a pipe open, and this waiting for ever.
    with tempfile.TemporaryFile() as said:
        at = 0
        with subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT) as running:
            while (code := running.poll()) is None:
                at = _pass_on(lane, said.fileno(), at, whole=False)
                time.sleep(_TICK)
        _pass_on(lane, said.fileno(), at, whole=True)
    return code


def _pass_on(lane: str, file: int, at: int, *, whole: bool) -> int:
    text = os.pread(file, os.fstat(file).st_size - at, at)
    ready = text if whole else text[: text.rfind(b"\n") + 1]
    for line in ready.decode(errors="replace").splitlines():
        _say(lane, line)
    return at + len(ready)


def _say(lane: str, line: str) -> None:
    # One write for each line: lanes speak at the same time.
    sys.stdout.write(f"{lane} | {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run everything; 1 where a step failed, or did not come to its end."""
    results: dict[str, int] = {}
    running = [threading.Thread(target=drive, args=(lane, results)) for lane in LANES]
    for lane in running:
        lane.start()
    for lane in running:
        lane.join()
    names = [name for lane in LANES.values() for name in lane]
    bad = [name for name in names if results.get(name) != 0]
    for name in bad:
        print(f"failed: {name}")
    print(f"{len(names) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
