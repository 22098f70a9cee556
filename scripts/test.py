"""Everything that CI runs, two steps at a time; stops at nothing, and says at the end what failed.

The end-to-end tests mostly wait for programs to start, so that the rest fits beside them on two cores. A machine that
is busy with something else for seconds makes one in thousands of them fail: where a step failed with a few tests only,
these are run again at the end, by themselves, and told as unsteady if they pass then. Whoever sees one mends it.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-q"]
STORIES = "tests/e2e/test_stories.py"
END_TO_END = [*PYTEST, "--durations=15", "-m", "e2e"]
HOUSES = sorted({str(path.relative_to(ROOT)) for path in (ROOT / "tests/e2e").glob("test_*.py")} - {STORIES})
STEPS = {
    "end to end, one half": [*END_TO_END, *HOUSES[::2]],
    "end to end, the other half": [*END_TO_END, *HOUSES[1::2]],
    "format, lint, types, imports, pages, fast tests": [sys.executable, "scripts/check.py"],
    "end to end, across eras": [*END_TO_END, "tests/bridge"],
    "end to end, as an attacker": [*END_TO_END, "tests/security"],
    "stories of attacks": [*PYTEST, STORIES],
    "slow tests": [*PYTEST, "-m", "slow and not e2e", "tests"],
    "pure layers are covered": [sys.executable, "scripts/purity.py"],
    "official suite, direct and through": [sys.executable, "scripts/conformance.py"],
    "official suite, across eras": [sys.executable, "scripts/conformance.py", "--cross"],
    "official suite, tasks": [sys.executable, "scripts/conformance.py", "--tasks"],
    "official suite, authorization": [sys.executable, "scripts/conformance.py", "--authorization"],
    "end to end, the rest": [
        *END_TO_END, "tests", "--ignore", "tests/e2e", "--ignore", "tests/bridge", "--ignore", "tests/security",
    ],
    "claims are well-formed": [sys.executable, "scripts/claims.py", "--list"],
}  # fmt: skip
"""The longest come first: whoever is done takes the next one."""
LANES = ("a", "b")
_TICK = 0.2
"""Seconds between two looks at what a step printed."""
_TELLING = ("FAILED ", "ERROR ", "FAIL ", "E   ", "error:")
"""How the lines begin that say what was wrong; they are said once more at the end, where nobody has to search."""
_MOST, _WIDE = 12, 240
"""Of them, for each step, and characters of each."""
_TEST = re.compile(r"^(?:FAILED|ERROR) (tests/\S+\.py::[^\n\[ ]+(?:\[.*?\](?= - |$))?)", re.MULTILINE)
_BROKEN = re.compile(r"^(?:FAIL (?!fast tests)|ERROR (?!tests/\S+::)|Interrupted:|INTERNALERROR)", re.MULTILINE)
"""What no test that is run again can make good."""
_FEW = 3
"""Tests of a step that are run again; where more fail, something is broken."""


class Results(dict[str, int]):
    """How steps ended, and what those that failed said of it."""

    def __init__(self) -> None:
        super().__init__()
        self.telling: dict[str, list[str]] = {}
        self.again: dict[str, list[str]] = {}
        """Tests that may be unsteady."""


def drive(lane: str, waiting: Iterator[str], results: Results) -> None:
    """Run one step after the other, as long as there are any, and say line by line what they say."""
    # The iterator of a list hands each element out once, whichever thread asks for the next.
    for name in waiting:
        _say(lane, f"=== {name}")
        started = time.monotonic()
        results[name], said = _run(lane, STEPS[name])
        if results[name]:
            results.telling[name], results.again[name] = telling(said), unsteady(said)
        how = "FAILED" if results[name] else "ok"
        _say(lane, f"=== {name}: {how} in {time.monotonic() - started:.0f} s")


def telling(said: str) -> list[str]:
    """Return the few lines of a step that failed which say what failed, those that name tests last."""
    found = [line[:_WIDE] for line in said.splitlines() if line.startswith(_TELLING)]
    named = [line for line in found if not line.startswith("E ")]
    return [*[line for line in found if line.startswith("E ")][: max(0, _MOST - len(named))], *named[-_MOST:]]


def unsteady(said: str) -> list[str]:
    """Return the tests that failed in a step, if nothing else did and they are few."""
    found = sorted(set(_TEST.findall(said)))
    return found if len(found) <= _FEW and not _BROKEN.search(said) else []


def _run(lane: str, command: list[str]) -> tuple[int, str]:
    # A file and not a pipe: a program that a test left behind would keep a pipe open, and this waiting for ever.
    with tempfile.TemporaryFile() as said:
        at = 0
        with subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT) as running:
            while (code := running.poll()) is None:
                at = _pass_on(lane, said.fileno(), at, whole=False)
                time.sleep(_TICK)
        _pass_on(lane, said.fileno(), at, whole=True)
        said.seek(0)
        return code, said.read().decode(errors="replace") if code else ""


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
    results = Results()
    waiting = iter(list(STEPS))
    running = [threading.Thread(target=drive, args=(lane, waiting, results)) for lane in LANES]
    for lane in running:
        lane.start()
    for lane in running:
        lane.join()
    for name, tests in results.again.items():
        if tests and _run("again", [*PYTEST, "-m", "", *tests])[0] == 0:
            results[name] = 0
            print(f"unsteady: {name}", *tests, sep="\n    ")
    bad = [name for name in STEPS if results.get(name) != 0]
    for name in bad:
        print(f"failed: {name}", *results.telling.get(name, ()), sep="\n    ")
    print(f"{len(STEPS) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
