"""Run the official conformance suites against our fixture, directly and through the gateway, side by side.

    python scripts/conformance.py                      the fixture, then the gateway in front of it
    python scripts/conformance.py --direct-only        the fixture alone
    python scripts/conformance.py --relay-only         the fixture behind the token-adding relay: must change nothing
    python scripts/conformance.py --url URL            a target that already runs instead of the gateway
    python scripts/conformance.py --only 2026-07-28 --scenario server-stateless --output results

Exits 0 only when all counts are equal and as expected.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Started as a file, Python looks for modules beside it only, not in the checkout.
sys.path.insert(0, str(ROOT))

from scripts.node import installed, node  # noqa: E402

SUITES = ROOT / "tests" / "conformance"
START_SECONDS = 60.0
RUN_SECONDS = 600.0
TOKEN = "RELAY_TOKEN"  # noqa: S105  # the name of the relay's variable, not a token


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
class Check:
    """What the suite said about one check."""

    status: str
    message: str = ""


Checks = dict[str, Check]


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    runs: tuple[Run, ...]
    scenario: str | None
    output: Path


def passed(checks: Checks) -> int:
    """Count the checks that passed."""
    return sum(check.status == "SUCCESS" for check in checks.values())


def scored(checks: Checks) -> int:
    """Count the checks that passed or failed; warnings and notes are not scored by the suite either."""
    return sum(check.status in {"SUCCESS", "FAILURE"} for check in checks.values())


def checks_of(folder: Path) -> Checks:
    """Read what a run of the suite wrote, by scenario and check; the same check run again gets a number."""
    found: Checks = {}
    seen: Counter[str] = Counter()
    for path in sorted(folder.glob("*/checks.json")):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT[\dZ-]+$", "", path.parent.name).removeprefix("server-")
        for check in json.loads(path.read_text()):
            key = f"{scenario}: {check['id']}"
            seen[key] += 1
            name = key if seen[key] == 1 else f"{key} ({seen[key]})"
            found[name] = Check(check["status"], check.get("errorMessage") or "")
    return found


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


@contextmanager
def stopped_after(process: subprocess.Popen[str]) -> Iterator[None]:
    """Stop a process that we started when the block ends, politely first."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def announced(*command: str, token: str = "") -> Iterator[str]:
    """Start one of our programs that print `ready URL`, and yield the URL on localhost."""
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, text=True, env={**os.environ, TOKEN: token}
    )
    with stopped_after(process):
        too_long = threading.Timer(START_SECONDS, process.kill)
        too_long.start()
        line = process.stdout.readline() if process.stdout else ""
        too_long.cancel()
        if not line.startswith("ready "):
            raise SystemExit(f"{command[0]} did not start; what it said is above.")
        # The suite's check of DNS rebinding wants the name, not the address.
        yield line.split()[1].replace("127.0.0.1", "localhost")


@contextmanager
def fixture() -> Iterator[str]:
    """Run our fixture server, and yield its URL."""
    with announced(str(SUITES / "fixture.py")) as url:
        yield url


@contextmanager
def relayed(url: str, token: str) -> Iterator[str]:
    """Run the relay in front of a URL, and yield the relay's."""
    address = url.replace("localhost", "127.0.0.1")
    with announced(str(SUITES / "relay.py"), address, token=token) as own:
        yield own


def gateway_configuration(port: int, upstream: str) -> str:
    """Return a configuration that lets everything of the fixture through; JSON is YAML."""
    own = f"127.0.0.1:{port}"
    fixture_server = {"url": upstream, "allow_private": ["127.0.0.0/8"], "approve": "always"}
    rule = {"name": "all", "allow": ["fixture.*", "fixture:*", "fixture.prompt/*"], "subjects": ["*"]}
    # The suite makes hundreds of calls in a few seconds, all as one caller.
    limit = {"name": "suite", "per": "caller", "calls": "1000000/min", "concurrent": 1000}
    return json.dumps(
        {
            "gateway": {"url": f"http://{own}", "listen": own, "data": "./data"},
            "servers": {"fixture": fixture_server},
            "rules": [rule],
            "limits": [limit],
        },
        indent=2,
    )


def ostiary(*arguments: str) -> list[str]:
    """Return a command line of the gateway in this environment."""
    return [str(Path(sys.executable).parent / "ostiary"), *arguments]


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_token(configuration: Path) -> str:
    """Make a token for the suite."""
    command = ostiary("token", "create", "-c", str(configuration), "--subject", "suite", "--json")
    made = subprocess.run(command, capture_output=True, text=True, cwd=configuration.parent, check=False)
    if made.returncode != 0:
        raise SystemExit(f"`ostiary token create` failed:\n{made.stderr}")
    return str(json.loads(made.stdout)["token"])


def wait_until_ready(process: subprocess.Popen[str], url: str, log: Path) -> None:
    """Return when the gateway says it is ready; leave with the end of its log when it does not."""
    last = "no answer yet"
    ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own loopback address
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            last = error.read(2000).decode(errors="replace")
        except OSError as error:
            last = str(error)
        time.sleep(0.1)
    raise SystemExit(f"The gateway did not become ready ({last}). The end of its log:\n{log.read_text()[-4000:]}")


@contextmanager
def gateway(upstream: str, output: Path) -> Iterator[str]:
    """Run the gateway with a token-adding relay in front of it, and yield the fixture's URL there."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ostiary-conformance-") as folder, ExitStack() as stack:
        configuration = Path(folder) / "ostiary.yaml"
        configuration.write_text(gateway_configuration(port, upstream.replace("localhost", "127.0.0.1")))
        token = new_token(configuration)
        log = output / "gateway.log"
        writer = stack.enter_context(log.open("w"))
        process = subprocess.Popen(
            ostiary("serve", "-c", str(configuration)), cwd=folder, stdout=writer, stderr=writer, text=True
        )
        stack.enter_context(stopped_after(process))
        wait_until_ready(process, f"http://127.0.0.1:{port}/health/ready", log)
        yield stack.enter_context(relayed(f"http://127.0.0.1:{port}/servers/fixture/mcp", token))


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
        direct = stack.enter_context(fixture())
        through = _through(chosen, direct, output, stack)
        return 0 if compared(Options(runs, chosen.scenario, output), direct, through) else 1


if __name__ == "__main__":
    sys.exit(main())
