"""Start and stop what a run needs, each on its own core, and read from /proc what it has cost."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PROXY_CORE = 0
LOAD_CORE = 1
TICK = os.sysconf("SC_CLK_TCK")


class BenchFailure(Exception):
    """The run cannot give figures that would mean anything; the text says why and what to do."""


def pinned(command: Sequence[str], core: int) -> list[str]:
    """Return the command so that it stays on one core and ends with the harness, even when that is killed."""
    return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(core), *command]


def stopped(process: subprocess.Popen[bytes]) -> None:
    """End the process and its whole group: politely, then not."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            return


@contextlib.contextmanager
def running(
    command: Sequence[str], core: int, log: Path, *, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command on `core` for the length of the block; whatever it prints goes to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            pinned(command, core),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stopped(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fetched(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""


def await_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path, patience: float = 30) -> None:
    """Return once `path` answers 200; fail with its log when the process ends or `patience` seconds pass."""
    limit = time.monotonic() + patience
    last = "no answer"
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise BenchFailure(f"{process.args!r} ended with {process.returncode} before it was ready:\n{tail(log)}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, body = fetched(port, path)
            if status == http.HTTPStatus.OK:
                return
            last = f"{status} {body[:500]}"
        time.sleep(0.05)
    raise BenchFailure(f"{process.args!r} was not ready after {patience:.0f} s (last: {last}):\n{tail(log)}")


def stat_fields(pid: int) -> list[str]:
    # The second field is the command in brackets and may itself hold blanks and brackets (proc(5)).
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parents.setdefault(int(stat_fields(int(entry.name))[1]), []).append(int(entry.name))
    found = [pid]
    for member in found:
        found.extend(parents.get(member, []))
    return found


def cpu_seconds(pid: int) -> float:
    """Return user and system time spent so far by the process and its descendants."""
    ticks = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            fields = stat_fields(member)
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def peak_memory_mb(pid: int) -> float:
    """Return the sum of the peak resident sets of the process and its descendants."""
    total = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{member}/status").read_text()
            total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return total / 1024
