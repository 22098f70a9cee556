"""What it costs to know who calls: `python -m bench.identity`, one gateway, one run. See bench/README.md.

1. A caller with a verified JSON Web Token beside one with a token of the gateway's own: CPU of a call, in turns.
2. Ten thousand callers, each with a token of its own: memory before, after, and after they came again.
3. Storms of tokens never seen, and of forged ones: what a steady caller notices beside them.

Exits 1 when a claim does not hold, 2 when the run could not give meaningful figures.
"""

import argparse
import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import identity_report, proxies, traffic
from bench.issuer import Issuer, issuer
from bench.measure import Sample, sample
from bench.prepare import prepare
from bench.processes import LOAD_CORE, BenchFailure, cpu_seconds, family, free_port, peak_memory_mb, pinned, stopped
from bench.run import CALLERS, PREPARED, SEED, TOOLS, commit, end, machine, written

CONCURRENCY = 32
STORMING = 64
"""Connections of a storm."""
PER_SECOND = 6000
"""More first calls than a gateway on one core answers in a second: a storm must not run out of tokens."""
STEADY_RATE, NEW_RATE = 100.0, 20.0
STEADY = 16
"""Its connections: the next call is made when it is due, whether or not the last ones are answered."""
PATIENCE = 180
"""Seconds in which every caller must have called, also on a machine that has much else to do."""
AHEAD = 1.0
"""Seconds that a load runs before a steady caller comes, and about as many after it."""
HERE, ELSEWHERE, NEW = "127.0.0.1", "127.0.0.2", "127.0.0.3"

IDENTITY = """\
identity:
  staff:
    issuer: {issuer}
    allow_private: [127.0.0.0/8]
    roles: {{claim: groups}}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that is up for the length of a run."""

    folder: Path
    behind: proxies.Upstream
    gateway: proxies.Proxy
    issuer: Issuer
    audience: str
    tokens: list[str]
    """Of the gateway's own."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of everything."""

    rounds: int
    seconds: int
    callers: int
    most: int
    """More callers than are remembered; 0: that many do not come."""
    series: tuple[str, ...]
    storm: int
    """Seconds that a steady caller is watched."""


SERIES = ("token", "jwt_rs256", "jwt_es256")
FULL = Extent(rounds=9, seconds=2, callers=10_000, most=60_000, series=SERIES, storm=10)
QUICK = Extent(rounds=7, seconds=1, callers=10_000, most=0, series=SERIES[:2], storm=4)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.identity", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="about a minute, instead of four")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    return parser.parse_args()


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Start an issuer, the upstream and a gateway that trusts the one and serves the other."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
        behind = stack.enter_context(proxies.upstream(folder, TOOLS))
        trusted = stack.enter_context(issuer())
        port = free_port()
        proxies.configured(folder, behind, port)
        with (folder / "ostiary.yaml").open("a") as file:
            file.write(IDENTITY.format(issuer=trusted.url))
        own = proxies.tokens(folder, CALLERS)
        gateway = stack.enter_context(proxies.ostiary(folder, port))
        yield Stage(folder, behind, gateway, trusted, f"http://127.0.0.1:{port}", own)


def signed(set_up: Stage, numbers: Iterable[int], algorithm: str = "ES256", *, forged: bool = False) -> list[str]:
    return [set_up.issuer.token(set_up.audience, number, algorithm, forged=forged) for number in numbers]


def each_once(set_up: Stage, name: str, tokens: Sequence[str]) -> Path:
    """Write one call for each token."""
    calls = [
        traffic.call(index, traffic.tool_name(index % TOOLS), token, {"query": f"harbour {index}", "limit": 10})
        for index, token in enumerate(tokens)
    ]
    return written(set_up.folder, name, calls)


# 1. What a call costs ------------------------------------------------------------------------------------------------


def costs(set_up: Stage, extent: Extent) -> dict[str, dict[str, float]]:
    """Return the CPU of a call for callers of each kind, all of them known already."""
    held = {
        "token": set_up.tokens,
        "jwt_rs256": signed(set_up, range(CALLERS), "RS256"),
        "jwt_es256": signed(set_up, range(CALLERS, 2 * CALLERS), "ES256"),
    }
    files = {
        name: written(set_up.folder, name, traffic.mixed(held[name], TOOLS, PREPARED, SEED)) for name in extent.series
    }
    for file in files.values():
        sample(set_up.gateway, set_up.behind, file, CONCURRENCY, 1, check=True)
    taken: dict[str, list[Sample]] = {name: [] for name in extent.series}
    for number in range(extent.rounds):
        # Turning the order about keeps a drift of the machine from favouring whoever comes first.
        for name in extent.series if number % 2 == 0 else extent.series[::-1]:
            taken[name].append(sample(set_up.gateway, set_up.behind, files[name], CONCURRENCY, extent.seconds))
    return {name: cost(rounds, taken["token"]) for name, rounds in taken.items()}


def cost(rounds: Sequence[Sample], beside: Sequence[Sample]) -> dict[str, float]:
    """Return the median CPU of a call, and the median of what each round says of it beside another. Pure."""
    cpu = [one.cpu_us for one in rounds]
    return {
        "cpu_us": round(statistics.median(cpu), 2),
        "cpu_us_least": round(min(cpu), 2),
        "cpu_us_most": round(max(cpu), 2),
        "rps": round(statistics.median(one.rps for one in rounds), 1),
        "ratio": round(statistics.median(a.cpu_us / b.cpu_us for a, b in zip(rounds, beside, strict=True)), 3),
    }


# 2. What a caller weighs ---------------------------------------------------------------------------------------------


def resident_mb(pid: int) -> float:
    """Return the resident sets of the process and its descendants as they are now."""
    lines = [line for member in family(pid) for line in Path(f"/proc/{member}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def crowded(set_up: Stage, extent: Extent) -> dict[str, float]:
    """Return the gateway's memory before and after so many callers came, each for the first time and once more."""
    numbers = range(1_000_000, 1_000_000 + extent.callers)
    crowd = each_once(set_up, "crowd", signed(set_up, numbers))
    # As many calls of callers who are known: what the calls leave behind by themselves is not the callers'.
    known = each_once(set_up, "known", (set_up.tokens * (extent.callers // CALLERS + 1))[: extent.callers])
    everyone(set_up, known, extent.callers)
    before, cpu = resident_mb(set_up.gateway.pid), cpu_seconds(set_up.gateway.pid)
    everyone(set_up, crowd, extent.callers)
    first, spent = resident_mb(set_up.gateway.pid), cpu_seconds(set_up.gateway.pid) - cpu
    everyone(set_up, crowd, extent.callers)
    again = resident_mb(set_up.gateway.pid)
    return {
        "callers": extent.callers,
        "before_mb": round(before, 1),
        "first_mb": round(first, 1),
        "again_mb": round(again, 1),
        "peak_mb": round(peak_memory_mb(set_up.gateway.pid), 1),
        "per_caller_kb": round((again - before) * 1024 / extent.callers, 2),
        "first_call_cpu_us": round(spent / extent.callers * 1e6, 1),
    }


def overfull(set_up: Stage, extent: Extent) -> dict[str, float]:
    """Return the memory when more callers have come than are remembered, and how much others add to it."""
    if not extent.most:
        return {}
    figures, first = [], 10_000_000
    for count in (extent.most, extent.most // 3):
        everyone(set_up, each_once(set_up, "many", signed(set_up, range(first, first + count))), count)
        figures.append(resident_mb(set_up.gateway.pid))
        first += count
    beyond = (figures[1] - figures[0]) * 1024 / (extent.most // 3)
    return {"callers": extent.most, "full_mb": round(figures[0], 1), "beyond_kb": round(beyond, 2)}


def everyone(set_up: Stage, file: Path, count: int) -> None:
    """Let each call once, and fail unless each was answered well."""
    served = set_up.behind.served()
    report = finished(calling(set_up, file, "--once", "--connections", str(CONCURRENCY), "--seconds", str(PATIENCE)))
    served = set_up.behind.served() - served
    if report["statuses"] != {"good": count} or served < count:
        raise BenchFailure(f"of {count} callers {served} reached the upstream: {report['statuses']} {report['sample']}")


# 3. Storms -----------------------------------------------------------------------------------------------------------


def calling(set_up: Stage, file: Path, *more: str) -> subprocess.Popen[bytes]:
    """Start callers who send what is in a file."""
    command = [sys.executable, "-m", "bench.callers", str(file), "--url", set_up.gateway.url, *more]
    return subprocess.Popen(
        pinned(command, LOAD_CORE),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=proxies.REPOSITORY,
        start_new_session=True,
    )


def finished(process: subprocess.Popen[bytes], patience: float = PATIENCE + 30) -> dict[str, Any]:
    """Return what callers report at their end."""
    try:
        said, errors = process.communicate(timeout=patience)
    except BaseException:
        stopped(process)
        raise
    if process.returncode != 0:
        raise BenchFailure(f"callers failed ({process.returncode}):\n{errors.decode(errors='replace')[-2000:]}")
    report: dict[str, Any] = json.loads(said)
    return report


@dataclass(frozen=True, slots=True)
class Steady:
    """A caller who calls at a low rate, whatever goes on."""

    file: Path
    source: str
    rate: float = STEADY_RATE


def beside(
    set_up: Stage, load: Sequence[str], steady: dict[str, Steady], seconds: int
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the report of a load, and of each steady caller who was there while it lasted."""
    with contextlib.ExitStack() as stack:
        storm = None
        if load:
            storm = calling(set_up, Path(load[0]), *load[1:], "--seconds", str(seconds + 2 * AHEAD))
            stack.callback(stopped, storm)
        time.sleep(AHEAD)
        watched = {}
        for name, one in steady.items():
            words = (
                "--rate",
                str(one.rate),
                "--connections",
                str(STEADY),
                "--seconds",
                str(seconds),
                "--source",
                one.source,
            )
            watched[name] = calling(set_up, one.file, *words)
            stack.callback(stopped, watched[name])
        told = {name: finished(process) for name, process in watched.items()}
        if storm is not None and storm.poll() is not None:
            raise BenchFailure("the storm was over before the steady caller had ended: prepare more tokens")
        report = finished(storm) if storm is not None else {}
    for name, heard in told.items():
        if set(heard["statuses"]) != {"good"}:
            raise BenchFailure(f"the steady caller {name} was refused: {heard['statuses']} {heard['sample']}")
    return report, told


def storms(set_up: Stage, extent: Extent) -> dict[str, dict[str, Any]]:
    """Return what each load and the callers beside it noticed."""
    many = (extent.storm + 3) * PER_SECOND
    fresh = each_once(set_up, "fresh", signed(set_up, range(2_000_000, 2_000_000 + many)))
    forged = each_once(set_up, "forged", signed(set_up, range(8_000_000, 8_004_000), forged=True))
    newly = each_once(set_up, "newly", signed(set_up, range(9_000_000, 9_000_000 + int((extent.storm + 1) * NEW_RATE))))
    known = signed(set_up, [7_000_000])
    steady = Steady(each_once(set_up, "steady", known), ELSEWHERE)
    everyone(set_up, steady.file, 1)
    same, new = Steady(steady.file, HERE), Steady(newly, NEW, NEW_RATE)
    wide = ("--connections", str(STORMING))
    found = {}
    for name, load, present in (
        ("quiet", (), {"steady": steady}),
        ("verified", (str(set_up.folder / "jwt_rs256.requests"), *wide), {"steady": steady}),
        ("never seen", (str(fresh), "--once", *wide), {"steady": steady}),
        ("forged", (str(forged), *wide), {"steady": steady, "same address": same, "new tokens": new}),
    ):
        served, cpu = set_up.behind.served(), cpu_seconds(set_up.gateway.pid)
        report, told = beside(set_up, load, present, extent.storm)
        cpu = (cpu_seconds(set_up.gateway.pid) - cpu) * 1e6
        answers = report.get("answers", 0) + sum(one["answers"] for one in told.values())
        found[name] = {"load": report, "served": set_up.behind.served() - served, "cpu_us": cpu / answers, **told}
    return found


# All of it -----------------------------------------------------------------------------------------------------------


def measured(extent: Extent) -> dict[str, Any]:
    with stage() as set_up:
        results: dict[str, Any] = {"costs": costs(set_up, extent)}
        results["crowd"] = crowded(set_up, extent)
        results["storms"] = storms(set_up, extent)
        results["overfull"] = overfull(set_up, extent)
    return results | {"machine": machine(), "commit": commit()}


def bench() -> int:
    chosen = options()
    prepare()
    results = measured(QUICK if chosen.quick else FULL)
    missed = identity_report.shortcomings(results)
    print(identity_report.table(results))
    print("\n".join(f"missed: {line}" for line in missed) or "every claim holds")
    if chosen.json:
        chosen.json.write_text(json.dumps(results | {"missed": missed}, indent=2) + "\n")
    return 1 if missed else 0


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        return bench()
    except BenchFailure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
