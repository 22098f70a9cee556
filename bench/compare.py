"""Is the hot path slower than it was? `python -m bench.compare`: an earlier commit and this tree, in turns.

Both gateways run on the same core before the same upstream, one after the other, so that a drift of the machine meets
both. Exits 1 when the median CPU of a call at concurrency 32 has grown by more than the tolerance.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import proxies, traffic
from bench.measure import sample
from bench.prepare import prepare
from bench.processes import PROXY_CORE, BenchFailure, await_ready, free_port, running
from bench.run import CALLERS, PREPARED, SEED, TOOLS, Series, written

BEFORE = "8e18408"
"""The last commit before calls were carried across eras."""
CONCURRENCY = 32
# Runs of one and the same code have differed by this much on a shared machine.
TOLERANCE = 1.10


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.compare", description=__doc__)
    parser.add_argument("--before", default=BEFORE, help=f"the commit to compare with ({BEFORE})")
    parser.add_argument("--rounds", type=int, default=9, help="rounds for each (9)")
    parser.add_argument("--seconds", type=int, default=2, help="whole seconds per round (2)")
    return parser.parse_args()


@contextlib.contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Give the source of an earlier commit."""
    repository = str(proxies.REPOSITORY)
    with tempfile.TemporaryDirectory(prefix="bench-before-") as folder:
        tree = Path(folder) / "tree"
        made = subprocess.run(
            ["git", "-C", repository, "worktree", "add", "--detach", str(tree), commit],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise BenchFailure(f"{commit} cannot be checked out (is this a shallow clone?): {made.stderr.strip()}")
        try:
            yield tree / "src"
        finally:
            remove = ["git", "-C", repository, "worktree", "remove", "--force", str(tree)]
            subprocess.run(remove, capture_output=True, check=False)


@contextlib.contextmanager
def gateway(name: str, source: Path, folder: Path, behind: proxies.Upstream) -> Iterator[Series]:
    """Run the gateway of a source tree under the mixed load's configuration."""
    folder.mkdir()
    port = free_port()
    proxies.configured(folder, behind, port)
    # Each has its own database, so its own tokens; they are made by this tree's commands in a folder of its own.
    environment = {"PYTHONPATH": str(source)}
    with proxies.environment(environment):
        tokens = proxies.tokens(folder, CALLERS)
        mixed = written(folder, "mixed", traffic.mixed(tokens, TOOLS, PREPARED, SEED))
        command = [*proxies.GATEWAY, "serve", "-c", str(folder / "ostiary.yaml")]
        with running(command, PROXY_CORE, folder / "log", cwd=folder) as process:
            await_ready(process, port, "/health/ready", folder / "log", patience=60)
            yield Series(name, proxies.Proxy(name, process.pid, f"http://127.0.0.1:{port}/servers/bench/mcp"), mixed)


def compared(chosen: argparse.Namespace) -> int:
    prepare()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
        behind = stack.enter_context(proxies.upstream(folder, TOOLS))
        source = stack.enter_context(checked_out(chosen.before))
        trees = {"before": source, "now": proxies.REPOSITORY / "src"}
        both = [stack.enter_context(gateway(name, tree, folder / name, behind)) for name, tree in trees.items()]
        for one in both:
            sample(one.proxy, behind, one.requests, CONCURRENCY, 1, check=True)
        taken: dict[str, list[float]] = {one.name: [] for one in both}
        for number in range(chosen.rounds):
            for one in both if number % 2 == 0 else both[::-1]:
                seen = sample(one.proxy, behind, one.requests, CONCURRENCY, chosen.seconds).cpu_us
                taken[one.name].append(seen)
    medians = {name: statistics.median(seen) for name, seen in taken.items()}
    ratio = medians["now"] / medians["before"]
    print(f"CPU of a call at concurrency {CONCURRENCY}, median of {chosen.rounds} rounds each, in turns:")
    print(f"  {chosen.before}: {medians['before']:.1f} µs   this tree: {medians['now']:.1f} µs   ratio {ratio:.2f}")
    return 1 if ratio > TOLERANCE else 0


if __name__ == "__main__":
    try:
        sys.exit(compared(options()))
    except BenchFailure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        sys.exit(2)
