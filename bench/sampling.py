"""Sample the stacks of a gateway under load from outside, with py-spy, and list where its time goes.

A tracing profiler such as cProfile charges every Python call and no C call, so that it points at the wrong functions.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.processes import LOAD_CORE, BenchFailure, pinned

RATE = 250
TOP = 45


def sampler() -> str:
    beside = Path(sys.executable).parent / "py-spy"
    if not beside.exists():
        raise BenchFailure(f"--profile needs py-spy. Run: {sys.executable} -m pip install py-spy")
    return str(beside)


def start(pid: int, seconds: int, stacks: Path) -> subprocess.Popen[bytes]:
    """Begin to write the process's stacks to a file, in the collapsed form `outer;inner count`."""
    command = [sampler(), "record", "-p", str(pid), "-d", str(seconds), "-r", str(RATE), "--nonblocking"]
    return subprocess.Popen(
        pinned([*command, "-f", "raw", "-o", str(stacks)], LOAD_CORE),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def function(frame: str) -> str:
    """Return `name (file)` of a frame spelled `name (file:line)`."""
    start, colon, line = frame.rpartition(":")
    return f"{start})" if colon and line.rstrip(")").isdigit() else frame


def counted(lines: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """Return for each function how many samples found it innermost, and anywhere."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if not (stack and count.isdigit()):
            continue
        frames = [function(frame) for frame in stack.split(";")]
        own[frames[-1]] += int(count)
        # A recursive function is in a stack several times and in a sample once.
        total.update(dict.fromkeys(frames, int(count)))
    return own, total


def top(title: str, counts: Mapping[str, int], samples: int) -> list[str]:
    first = sorted(counts.items(), key=lambda item: -item[1])[:TOP]
    return [title, *(f"{count / samples:7.1%}  {name}" for name, count in first), ""]


def listing(stacks: str) -> str:
    """Return the functions that take the most time, by themselves and with what they call."""
    own, total = counted(stacks.splitlines())
    samples = sum(own.values())
    if not samples:
        raise BenchFailure("py-spy took no samples: was the gateway idle, or may this user not trace processes?")
    head = [f"{samples} samples at {RATE} Hz; C code counts for the Python function that called it", ""]
    return "\n".join([*head, *top("by itself", own, samples), *top("with what it calls", total, samples)])
