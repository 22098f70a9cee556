"""Run the official conformance suites against our fixture, directly and through the gateway, side by side.

    python scripts/conformance.py                      the fixture, then the gateway in front of it
    python scripts/conformance.py --direct-only        the fixture alone
    python scripts/conformance.py --relay-only         the fixture behind the token-adding relay: must change nothing
    python scripts/conformance.py --url URL            a target that already runs instead of the gateway
    python scripts/conformance.py --only 2026-07-28 --scenario server-stateless --output results
    python scripts/conformance.py --cross              each suite, through the gateway, at a fixture of the other era
    python scripts/conformance.py --tasks              the scenarios of the tasks extension, directly and through
    python scripts/conformance.py --authorization      the scenarios for authorization servers, at the gateway's own

Exits 0 only when all counts are equal and as expected; across eras, when every scenario passes that both can express;
at the authorization server, when every check passes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Started as a file, Python looks for modules beside it only, not in the checkout.
sys.path.insert(0, str(ROOT))

from scripts.conformance_authorization import authorized  # noqa: E402
from scripts.conformance_checks import Check, Checks, checks_of, passed, scored  # noqa: E402
from scripts.conformance_cross import CROSSINGS, Crossing, Tally, failing, shown, table  # noqa: E402
from scripts.conformance_stage import SUITES, TOKEN, fixture, gateway, relayed, tasks_fixture  # noqa: E402
from scripts.node import installed, node  # noqa: E402

RUN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one suite, and how many checks the fixture passes in it."""

    name: str
    folder: str
    options: tuple[str, ...]
    expected: int


RUNS = (
    Run("0.1", "suite-0.1", (), 44),
    Run("2025-11-25", "suite-0.2", ("--spec-version", "2025-11-25"), 84),
    Run("2026-07-28", "suite-0.2", ("--spec-version", "2026-07-28"), 152),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    runs: tuple[Run, ...]
    scenario: str | None
    output: Path


def tally(checks: Checks) -> Tally:
    """Return how many checks of each scenario passed, and how many were scored."""
    scenarios = sorted({key.partition(":")[0] for key in checks})
    of = {name: {key: check for key, check in checks.items() if key.partition(":")[0] == name} for name in scenarios}
    return {name: (passed(own), scored(own)) for name, own in of.items()}


def measured(run: Run, url: str, label: str, options: Options) -> Checks:
    """Run a suite against a URL and return its checks."""
    suite = installed(SUITES / run.folder) / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    results = options.output / f"{run.name}-{label}"
    wanted = ["--scenario", options.scenario] if options.scenario else ["--suite", "all"]
    command = [str(node()), str(suite), "server", "--url", url, *wanted, *run.options, "--output-dir", str(results)]
    # What an earlier run left in a kept folder would be counted again.
    shutil.rmtree(results, ignore_errors=True)
    # The exit code says no more than the checks do.
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=RUN_SECONDS, check=False)
    results.mkdir(parents=True, exist_ok=True)
    (results / "output.txt").write_bytes(ended.stdout)
    checks = checks_of(results)
    if not checks:
        print(f"{run.name} {label}: the suite wrote no results, see {results / 'output.txt'}", file=sys.stderr)
    return checks


def differences(direct: Checks, through: Checks) -> list[str]:
    """Return a line for every check that ended otherwise."""
    missing = Check("MISSING")
    lines = []
    for key in sorted(direct.keys() | through.keys()):
        before, after = direct.get(key, missing), through.get(key, missing)
        if before.status != after.status:
            lines.append(f"  {key}: {before.status} -> {after.status} {after.message[:400]}".rstrip())
    return lines


def problems(run: Run, direct: Checks, through: Checks | None, scenario: str | None) -> list[str]:
    """Return what is not as it must be about a run; nothing when it conforms."""
    found = [] if scenario else [_unexpected(run, "direct", direct)]
    if through is None:
        return [line for line in found if line]
    found += [] if scenario else [_unexpected(run, "through", through)]
    if (passed(direct), scored(direct)) != (passed(through), scored(through)):
        found.append(f"{run.name}: the counts differ")
    return [line for line in found if line]


def _unexpected(run: Run, label: str, checks: Checks) -> str:
    if passed(checks) == scored(checks) == run.expected:
        return ""
    return f"{run.name} {label}: {passed(checks)}/{scored(checks)}, expected {run.expected}/{run.expected}"


def _failures(label: str, checks: Checks) -> list[str]:
    return [f"  {label} {key}: {check.message[:400]}" for key, check in checks.items() if check.status == "FAILURE"]


def compared(options: Options, direct_url: str, through_url: str | None) -> bool:
    """Run every suite on both targets, print what came out, and tell whether all is as it must be."""
    wrong: list[str] = []
    print(f"{'run':<12} {'direct':>9} {'through':>9} {'expected':>9}")
    for run in options.runs:
        direct = measured(run, direct_url, "direct", options)
        through = None if through_url is None else measured(run, through_url, "through", options)
        seen = "-" if through is None else f"{passed(through)}/{scored(through)}"
        wanted = "-" if options.scenario else f"{run.expected}/{run.expected}"
        print(f"{run.name:<12} {f'{passed(direct)}/{scored(direct)}':>9} {seen:>9} {wanted:>9}", flush=True)
        for line in _failures("direct", direct) + ([] if through is None else differences(direct, through)):
            print(line)
        wrong += problems(run, direct, through, options.scenario)
        if not direct:
            wrong.append(f"{run.name}: no check ran")
    for line in wrong:
        print(line, file=sys.stderr)
    return not wrong


TASKS = Run("tasks", "suite-0.2", (), 44)
TASK_SCENARIOS = (
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-status-notifications",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
)
"""No selection of the suite has them: a scenario of an extension runs by its name only."""


def tasked(options: Options) -> bool:
    """Run the scenarios of the tasks extension directly and through the gateway, and tell whether all is equal."""
    wrong: list[str] = []
    with tasks_fixture() as url, gateway(url, options.output) as behind:
        direct, through = _by_name(url, "direct", options), _by_name(behind, "through", options)
    print(f"{'scenario':<32} {'direct':>9} {'through':>9}")
    before, after = tally(direct), tally(through)
    for name in sorted(before.keys() | after.keys()):
        print(f"{name:<32} {shown(before.get(name)):>9} {shown(after.get(name)):>9}")
    print(f"{'all':<32} {passed(direct)}/{scored(direct):<6} {passed(through)}/{scored(through)}")
    wrong += differences(direct, through) + problems(TASKS, direct, through, options.scenario)
    for line in wrong:
        print(line, file=sys.stderr)
    return not wrong


def _by_name(url: str, label: str, options: Options) -> Checks:
    found: Checks = {}
    for name in (options.scenario,) if options.scenario else TASK_SCENARIOS:
        found |= measured(TASKS, url, f"{label}-{name}", replace(options, scenario=name))
    return found


def crossed(options: Options) -> bool:
    """Run each suite at a fixture of the other era behind the gateway, and tell whether all passes that can."""
    wrong: list[str] = []
    for crossing in CROSSINGS:
        run = next(each for each in options.runs if each.name == crossing.run)
        with fixture() as url:
            direct = measured(run, url, "direct", options)
        through = _across(crossing, run, options)
        print(f"\nsuite {run.name} at a fixture that speaks only {crossing.era}:")
        print(f"  {'scenario':<52} {'direct':>7} {'through':>8}")
        print("\n".join(table(crossing, tally(direct), tally(through))), flush=True)
        print(f"  checks: {passed(direct)}/{scored(direct)} direct, {passed(through)}/{scored(through)} through")
        for scenario in failing(crossing, tally(direct), tally(through)):
            wrong.append(f"{run.name} across eras: {scenario}")
            wrong += _failures(
                "through", {key: each for key, each in through.items() if key.startswith(f"{scenario}:")}
            )
        wrong += [] if direct else [f"{run.name}: no check ran"]
    for line in wrong:
        print(line, file=sys.stderr)
    return not wrong


def _across(crossing: Crossing, run: Run, options: Options) -> Checks:
    output = options.output / f"{crossing.run}-to-{crossing.era}"
    output.mkdir(parents=True, exist_ok=True)
    with fixture(crossing.era) as upstream, gateway(upstream, output) as url:
        return measured(run, url, f"through-{crossing.era}", options)


def _through(chosen: argparse.Namespace, direct: str, output: Path, stack: ExitStack) -> str | None:
    if chosen.direct_only:
        return None
    if chosen.relay_only:
        return stack.enter_context(relayed(direct, "a-token-that-the-fixture-does-not-read"))
    if chosen.url is None:
        return stack.enter_context(gateway(direct, output))
    token = os.environ.get(TOKEN)
    return stack.enter_context(relayed(chosen.url, token)) if token else str(chosen.url)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--direct-only", action="store_true")
    target.add_argument("--relay-only", action="store_true")
    target.add_argument("--cross", action="store_true")
    target.add_argument("--tasks", action="store_true")
    target.add_argument("--authorization", action="store_true")
    target.add_argument("--url", help=f"http, on loopback; with {TOKEN} in the environment, sent as bearer token")
    parser.add_argument("--only", choices=[run.name for run in RUNS])
    parser.add_argument("--scenario", help="one scenario of the suite; the expected counts are not checked then")
    parser.add_argument("--output", type=Path, help="keep what the suite and the gateway wrote here")
    return parser.parse_args()


def main() -> int:
    """Compare, and return the exit code."""
    chosen = arguments()
    runs = tuple(run for run in RUNS if chosen.only in {None, run.name})
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-conformance-"))
        output = Path(chosen.output or scratch).resolve()
        output.mkdir(parents=True, exist_ok=True)
        if chosen.authorization:
            return 0 if authorized(output) else 1
        if chosen.cross:
            return 0 if crossed(Options(RUNS, chosen.scenario, output)) else 1
        if chosen.tasks:
            return 0 if tasked(Options(RUNS, chosen.scenario, output)) else 1
        direct = stack.enter_context(fixture())
        through = _through(chosen, direct, output, stack)
        return 0 if compared(Options(runs, chosen.scenario, output), direct, through) else 1


if __name__ == "__main__":
    sys.exit(main())
