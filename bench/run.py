"""Measure the gateway beside nginx: `python -m bench.run`, or `make bench`. See bench/README.md."""

import argparse
import contextlib
import datetime as dt
import itertools
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from bench import governed, proxies, report, sampling, traffic
from bench.measure import Sample, sample
from bench.prepare import prepare
from bench.processes import BenchFailure, free_port, peak_memory_mb, stopped

RESULTS = Path(__file__).resolve().parent / "results"
CONCURRENCIES = (1, 32, 128)
TOOLS = 100
CALLERS = 100
PREPARED = 2000
SEED = 20_260_728
WARM = 2
"""Seconds: in less, not every caller has called every tool that they will, and the first time is the dearest."""


@dataclass(frozen=True, slots=True)
class Series:
    """A proxy under one mix: a line of the table."""

    name: str
    proxy: proxies.Proxy
    requests: Path


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that is up for the length of a run."""

    folder: Path
    behind: proxies.Upstream
    series: tuple[Series, ...]


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds per proxy, mix and concurrency (5)")
    parser.add_argument("--seconds", type=int, default=3, help="whole seconds per round (3)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 s, written to quick.json")
    parser.add_argument("--only", choices=["ostiary", "nginx"], help="leave the other one out; written to only.json")
    parser.add_argument("--candidate", metavar="NAME=COMMAND", help="measure this proxy in the gateway's place")
    parser.add_argument("--compiled", action="store_true", help="measure the compiled gateway as well (make compiled)")
    parser.add_argument(
        "--governed", action="store_true", help="measure it with all of limits, budgets, watches on too"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--profile", action="store_true", help="sample the gateway under load instead of timing it")
    parser.add_argument("--output", type=Path, help="where to write the results")
    chosen = parser.parse_args(arguments)
    if chosen.check and (chosen.only or chosen.candidate):
        parser.error("--check compares the gateway with nginx: it needs both")
    if chosen.compiled and (chosen.only == "nginx" or chosen.candidate or chosen.profile):
        parser.error("--compiled is measured beside the gateway")
    if chosen.governed and (chosen.only == "nginx" or chosen.candidate):
        parser.error("--governed is measured beside the gateway")
    if chosen.profile and chosen.only == "nginx":
        parser.error("--profile samples Python: it needs the gateway")
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 1
    if chosen.rounds < 1 or not 1 <= chosen.seconds <= 60:
        parser.error("--rounds is at least 1, --seconds between 1 and 60")
    return chosen


def destination(chosen: argparse.Namespace) -> Path:
    """Return the file for the results; only a full comparison may become the latest."""
    if chosen.output:
        return Path(chosen.output)
    if chosen.candidate:
        return RESULTS / f"{chosen.candidate.partition('=')[0]}.json"
    if chosen.only:
        return RESULTS / "only.json"
    return RESULTS / ("quick.json" if chosen.quick else "latest.json")


def written(folder: Path, name: str, requests: list[bytes]) -> Path:
    file = folder / f"{name}.requests"
    file.write_bytes(traffic.records(requests))
    return file


@contextlib.contextmanager
def stage(chosen: argparse.Namespace) -> Iterator[Stage]:
    """Start the upstream and the proxies; stop them and remove what they wrote at the end of the block."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
        behind = stack.enter_context(proxies.upstream(folder, TOOLS))
        with_gateway = chosen.only != "nginx" and not chosen.candidate
        port = free_port()
        tokens = [f"nobody-checks-this-{number:024d}" for number in range(CALLERS)]
        if with_gateway:
            proxies.configured(folder, behind, port)
            tokens = proxies.tokens(folder, CALLERS)
        mixed = written(folder, "mixed", traffic.mixed(tokens, TOOLS, PREPARED, SEED))
        hot = written(folder, "hot", traffic.hot(tokens[0]))
        series = []
        if chosen.only != "ostiary" and not chosen.profile:
            series.append(Series("nginx", stack.enter_context(proxies.nginx(folder, behind)), mixed))
        if chosen.candidate:
            other = stack.enter_context(proxies.candidate(folder, behind, chosen.candidate))
            series.append(Series(other.name, other, mixed))
        if with_gateway and not (chosen.profile and chosen.governed):
            gateway = stack.enter_context(proxies.ostiary(folder, port))
            series += [Series("ostiary", gateway, mixed), Series("ostiary_hot", gateway, hot)]
        if chosen.compiled:
            series.append(stack.enter_context(compiled(folder / "compiled", behind)))
        if chosen.governed:
            series.append(stack.enter_context(everything(folder / "governed", behind)))
        if chosen.compiled and chosen.governed:
            both = everything(folder / "governed-compiled", behind, f"{governed.NAME}_compiled", proxies.COMPILED)
            series.append(stack.enter_context(both))
        yield Stage(folder, behind, tuple(series))


@contextlib.contextmanager
def compiled(folder: Path, behind: proxies.Upstream) -> Iterator[Series]:
    """Run the compiled gateway under the mixed load, with a database and tokens of its own."""
    folder.mkdir()
    port = free_port()
    proxies.configured(folder, behind, port)
    mixed = written(folder, "mixed", traffic.mixed(proxies.tokens(folder, CALLERS), TOOLS, PREPARED, SEED))
    with proxies.ostiary(folder, port, "ostiary_compiled", proxies.COMPILED) as gateway:
        yield Series("ostiary_compiled", gateway, mixed)


@contextlib.contextmanager
def everything(
    folder: Path, behind: proxies.Upstream, name: str = governed.NAME, command: Sequence[str] = proxies.GATEWAY
) -> Iterator[Series]:
    """Run the gateway with everything on under the mixed load, with a database and tokens of its own."""
    folder.mkdir()
    port = free_port()
    with governed.sink() as sink:
        governed.configured(folder, behind, port, sink, TOOLS)
        mixed = written(folder, "mixed", traffic.mixed(proxies.tokens(folder, CALLERS), TOOLS, PREPARED, SEED))
        with proxies.ostiary(folder, port, name, command) as gateway:
            yield Series(name, gateway, mixed)


def verified(set_up: Stage) -> None:
    """Warm every proxy up, reading each answer: a fast wrong answer must not be measured."""
    for one in set_up.series:
        sample(one.proxy, set_up.behind, one.requests, 32, WARM, check=True)


def rounds(set_up: Stage, count: int, seconds: int) -> dict[tuple[str, int], list[Sample]]:
    """Return the samples of every series and concurrency, taken in turns."""
    taken: dict[tuple[str, int], list[Sample]] = {}
    for number in range(count):
        # Turning the order about keeps a drift of the machine from favouring whoever comes first.
        order = set_up.series if number % 2 == 0 else set_up.series[::-1]
        for concurrency, one in itertools.product(CONCURRENCIES, order):
            figures = sample(one.proxy, set_up.behind, one.requests, concurrency, seconds)
            taken.setdefault((one.name, concurrency), []).append(figures)
            print(
                f"round {number + 1}/{count}  {one.name:<16} c={concurrency:<4}"
                f"{figures.rps:>9,.0f} rps  {figures.cpu_us:6.1f} µs CPU",
                file=sys.stderr,
                flush=True,
            )
    return taken


def commit() -> str:
    command = ["git", "-C", str(RESULTS.parent), "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "none"


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release()}"
    return f"{models[0] if models else platform.machine()}, {len(models)} cores, {system}, {python}"


def timed(set_up: Stage, chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return the results as they are written."""
    load = os.getloadavg()[0]
    verified(set_up)
    samples = rounds(set_up, chosen.rounds, chosen.seconds)
    figures = {one.name: report.figures(samples, one.name) for one in set_up.series}
    results: dict[str, Any] = dict(figures)
    floor = figures.get(report.FLOOR, {})
    compared = {name: report.ratios(one, floor) for name, one in figures.items() if name != report.FLOOR}
    results["ratios"] = compared.pop("ostiary", {})
    results["ratios_of_others"] = compared
    if governed.NAME in figures and "ostiary" in figures:
        results["ratios_of_governed_to_plain"] = report.ratios(figures[governed.NAME], figures["ostiary"])
    peaks = {one.proxy.name: round(peak_memory_mb(one.proxy.pid), 1) for one in set_up.series}
    # nginx is the floor that others are held against, and not what is bounded.
    measured = next((name for name in ("ostiary", *peaks) if name in peaks and name != report.FLOOR), report.FLOOR)
    results["memory_mb"], results["memory_mb_of_others"] = peaks.pop(measured), peaks
    results |= {"rounds": chosen.rounds, "seconds": chosen.seconds, "tools": TOOLS, "callers": CALLERS}
    results |= {"machine": machine(), "load_before": round(load, 2), "commit": commit()}
    results["date"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    print(report.table(figures))
    for name, peak in ((measured, results["memory_mb"]), *peaks.items()):
        print(f"peak memory of {name}: {peak} MB with {TOOLS} tools")
    for concurrency, ratio in results.get("ratios_of_governed_to_plain", {}).items():
        print(f"everything on, at concurrency {concurrency}: {ratio['cpu']:.2f} x the CPU of the plain gateway")
    return results


def profiled(set_up: Stage, seconds: int) -> None:
    """Write where the gateway's time goes under the mixed load."""
    one = set_up.series[0]
    verified(set_up)
    stacks = set_up.folder / "stacks"
    recorder = sampling.start(one.proxy.pid, seconds, stacks)
    try:
        sample(one.proxy, set_up.behind, one.requests, 32, seconds + 2)
        _, errors = recorder.communicate(timeout=30)
    finally:
        stopped(recorder)
    if not stacks.exists():
        raise BenchFailure(f"py-spy wrote nothing:\n{errors.decode(errors='replace')[-1000:]}")
    listing = sampling.listing(stacks.read_text())
    (RESULTS / ("profile.txt" if one.name == "ostiary" else f"profile-{one.name}.txt")).write_text(listing)
    print(listing)


def bench(chosen: argparse.Namespace) -> int:
    prepare()
    if chosen.compiled:
        proxies.refuse_stale()
    RESULTS.mkdir(exist_ok=True)
    with stage(chosen) as set_up:
        if chosen.profile:
            profiled(set_up, max(chosen.seconds, 5))
            return 0
        results = timed(set_up, chosen)
    file = destination(chosen)
    file.write_text(json.dumps(results, indent=2) + "\n")
    print(f"written to {file}")
    if not chosen.check:
        return 0
    missed = report.shortcomings(results["ratios"], results["memory_mb"])
    if governed.NAME in results["ratios_of_others"]:
        missed += report.costly(governed.NAME, results["ratios_of_others"][governed.NAME])
    print("\n".join(f"missed: {line}" for line in missed) or "every target is met")
    return 1 if missed else 0


def end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    # A shell starts background jobs with SIGINT ignored; stopping cleanly must not depend on how the run was started.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        return bench(options(sys.argv[1:]))
    except BenchFailure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
