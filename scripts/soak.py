"""The long runs against a real gateway: isolation, mutated requests, a hostile server, everything mixed.

    python scripts/soak.py                                  all of them
    python scripts/soak.py isolation --calls 1000000        200 callers with the same ids: nobody sees another's answer
    python scripts/soak.py fuzz --requests 100000           no 5xx, no hang, no traceback, no growth of memory
    python scripts/soak.py hostile --calls 20000            the same towards a server that answers anything
    python scripts/soak.py mixed --minutes 30               drops, cancels, questions without answers: nothing is left

A run is repeated with --seed; requests that were answered wrongly are kept in the folder that --keep names.
Exits 1 when a claim fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.rig import Rig, rig, upstream  # noqa: E402
from tests.security.fuzzing import Fuzz, complaints, healthy  # noqa: E402
from tests.security.hostility import TIMEOUT, Hostility  # noqa: E402
from tests.security.isolation import Crowd, calls_seen  # noqa: E402
from tests.security.mixed_run import UPSTREAM_IDLE, course  # noqa: E402
from tests.security.mixed_run import stage as mixed_stage  # noqa: E402
from tests.security.vitals import Vitals  # noqa: E402

SEED = 20_260_728
CALLERS = 200
MOST_GROWTH_MB = 20.0
WARM = 0.25
"""The part of the mixed run in which what is bounded fills up: journals, caches, sessions."""
LONG_MINUTES, SHORT_REST = 15.0, 45.0
"""A shorter run than this does not wait until servers' sessions are idle for long enough to be ended."""
ECHO, HOSTILE = "tests.security.echo_upstream", "tests.security.hostile_upstream"


@contextmanager
def stage(module: str, name: str, callers: int, **more: object) -> Iterator[tuple[Rig, int]]:
    """Run the gateway in front of one server of ours; give it and the server's port."""
    with (
        tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder,
        upstream(module) as behind,
        rig(Path(folder), {name: behind.settings(max_in_flight=512, **more)}, callers) as running,
    ):
        yield running, behind.port


def isolation(options: argparse.Namespace) -> list[str]:
    """Return what did not hold."""
    with stage(ECHO, "echo", CALLERS) as (running, port):
        before = running.memory_mb()
        crowd = Crowd(running, options.calls, options.seed)
        tally = uvloop.run(crowd.run())
        seen = uvloop.run(calls_seen(port))
        print(*tally.lines(), sep="\n")
        print(f"the server saw {seen:,} calls; memory {before:.1f} MB → {running.memory_mb():.1f} MB")
        again = [f"the server saw {seen:,} of {tally.done['calls']:,} calls"] if seen > tally.done["calls"] else []
        missing = [f"{left:,} calls were not made" for left in [options.calls - tally.done["calls"]] if left > 0]
        return [*tally.wrong, *again, *missing, *afterwards(running)]


def fuzz(options: argparse.Namespace) -> list[str]:
    """Return what did not hold."""
    with stage(ECHO, "echo", 1) as (running, _):
        verdicts = uvloop.run(Fuzz(running, options.requests, options.seed, options.keep).run())
        print(*verdicts.lines(), sep="\n")
        if verdicts.wrong:
            print(f"the requests that were answered wrongly are in {options.keep}")
        grown = verdicts.grown_mb
        growth = [f"memory grew by {grown:.1f} MB after the warm-up"] if grown > MOST_GROWTH_MB else []
        ill = [] if uvloop.run(healthy(running)) else ["the gateway carries no call any more"]
        return [*verdicts.wrong, *growth, *ill, *afterwards(running)]


def hostile(options: argparse.Namespace) -> list[str]:
    """Return what did not hold."""
    with stage(HOSTILE, "hostile", 1, timeout=TIMEOUT) as (running, _):
        warm = uvloop.run(Hostility(running, max(1, options.calls // 10), options.seed + 1).run())
        before = running.memory_mb()
        outcome = uvloop.run(Hostility(running, options.calls, options.seed).run())
        grown = running.memory_mb() - before
        print(*outcome.lines(), f"memory {before:.1f} MB when warm, {before + grown:.1f} MB at the end", sep="\n")
        growth = [f"memory grew by {grown:.1f} MB after the warm-up"] if grown > MOST_GROWTH_MB else []
        return [*warm.wrong, *outcome.wrong, *growth, *afterwards(running)]


def mixed(options: argparse.Namespace) -> list[str]:
    """Return what did not hold."""
    seconds = options.minutes * 60
    usual = UPSTREAM_IDLE + 20 if options.minutes >= LONG_MINUTES else SHORT_REST
    rest = options.rest if options.rest is not None else usual
    with (
        tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder,
        mixed_stage(Path(folder)) as on,
    ):
        vitals = Vitals(on.rig)
        went = uvloop.run(course(on, vitals, seconds, seconds * WARM, rest, options.pace, options.seed))
        print(*went.lines(), sep="\n")
        wrong = [*went.broken(), *afterwards(on.rig)]
    return [*wrong, *vitals.left_behind()]


def afterwards(running: Rig) -> list[str]:
    """Return what is wrong with the gateway's log and ledger."""
    broken = complaints(running.gateway.log.read_text(errors="replace"))
    verified, said = running.ledger_verifies()
    print(said)
    return [*(f"in the log: {line[:500]}" for line in broken[:5]), *([] if verified else [f"the ledger: {said}"])]


RUNS = {"isolation": isolation, "fuzz": fuzz, "hostile": hostile, "mixed": mixed}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", choices=RUNS, help="only this one")
    parser.add_argument("--calls", type=int, help="calls (isolation 1000000, hostile 20000)")
    parser.add_argument("--requests", type=int, default=100_000, help="requests (fuzz 100000)")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long traffic lasts (mixed 30)")
    parser.add_argument(
        "--rest", type=float, help="seconds of rest afterwards; under 640 idle sessions are not judged (mixed 660)"
    )
    parser.add_argument("--pace", type=float, default=200.0, help="what clients do in a second (mixed 200)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "ostiary-soak")
    options = parser.parse_args(arguments)
    failed = 0
    for name in [options.run] if options.run else RUNS:
        each = argparse.Namespace(**vars(options))
        each.calls = options.calls or {"hostile": 20_000}.get(name, 1_000_000)
        print(f"=== {name}, seed {options.seed}", flush=True)
        started = time.monotonic()
        wrong = RUNS[name](each)
        failed += bool(wrong)
        print(
            *wrong[:30],
            f"=== {name}: {'DOES NOT HOLD' if wrong else 'holds'} ({time.monotonic() - started:.0f} s)",
            sep="\n",
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
