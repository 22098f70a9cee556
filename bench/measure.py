"""Load one proxy for a moment and return what that took; figures of a run with any failed call are refused."""

import json
import os
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.prepare import tool
from bench.processes import LOAD_CORE, BenchFailure, cpu_seconds, pinned
from bench.proxies import Proxy, Upstream

SCRIPT = Path(__file__).resolve().parent / "load.lua"
GRACE = 30


@dataclass(frozen=True, slots=True)
class Sample:
    """One round: a proxy under one mix at one concurrency."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def loaded(proxy: Proxy, requests: Path, concurrency: int, seconds: float, *, check: bool) -> dict[str, float | str]:
    """Run wrk once and return its report."""
    # wrk takes whole seconds only.
    duration = max(1, round(seconds))
    command = [tool("wrk"), "-t1", f"-c{concurrency}", f"-d{duration}s", "--timeout", "5s", "-s", str(SCRIPT)]
    environment = dict(os.environ) | ({"BENCH_CHECK": "1"} if check else {})
    done = subprocess.run(
        pinned([*command, proxy.url, "--", str(requests)], LOAD_CORE),
        check=False,
        capture_output=True,
        text=True,
        timeout=duration + GRACE,
        env=environment,
    )
    reports = [line for line in done.stdout.splitlines() if line.startswith("REPORT ")]
    if done.returncode != 0 or not reports:
        raise BenchFailure(f"wrk failed against {proxy.name}:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    report: dict[str, float | str] = json.loads(reports[0].removeprefix("REPORT "))
    return report


def refuse_failures(name: str, report: dict[str, float | str], served: int) -> None:
    """Raise unless every call that wrk counted was answered well and really reached the upstream."""
    failures = {kind: report[kind] for kind in ("bad", "status", "socket", "timeout") if report[kind]}
    if failures:
        raise BenchFailure(f"{name}: calls failed, so its speed means nothing: {failures} {report['sample']}")
    # A refusal travels as a 200 too; what the upstream counted cannot be talked into existence.
    if served < int(report["requests"]) or not served:
        raise BenchFailure(f"{name}: wrk saw {report['requests']} answers but the upstream served {served} calls")


def sample(
    proxy: Proxy, behind: Upstream, requests: Path, concurrency: int, seconds: float, *, check: bool = False
) -> Sample:
    """Load the proxy and return the figures of this round."""
    served, cpu = behind.served(), cpu_seconds(proxy.pid)
    report = loaded(proxy, requests, concurrency, seconds, check=check)
    served, cpu = behind.served() - served, cpu_seconds(proxy.pid) - cpu
    refuse_failures(f"{proxy.name} at concurrency {concurrency}", report, served)
    return Sample(
        rps=float(report["requests"]) / float(report["seconds"]),
        p50_ms=float(report["p50_us"]) / 1000,
        p99_ms=float(report["p99_us"]) / 1000,
        cpu_us=cpu / served * 1e6,
    )


def median(samples: Sequence[Sample]) -> Sample:
    """Return the median of each figure by itself."""
    return Sample(
        rps=statistics.median(one.rps for one in samples),
        p50_ms=statistics.median(one.p50_ms for one in samples),
        p99_ms=statistics.median(one.p99_ms for one in samples),
        cpu_us=statistics.median(one.cpu_us for one in samples),
    )
