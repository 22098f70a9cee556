"""The processes of a conformance run: fixtures, the gateway in front of one, and the relay in front of the gateway."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

SUITES = Path(__file__).parents[1] / "tests" / "conformance"
START_SECONDS = 60.0
TOKEN = "RELAY_TOKEN"  # noqa: S105  # the name of the relay's variable, not a token


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
def fixture(era: str = "both") -> Iterator[str]:
    """Run our fixture server, and yield its URL."""
    with announced(str(SUITES / "fixture.py"), "--era", era) as url:
        yield url


@contextmanager
def tasks_fixture() -> Iterator[str]:
    """Run the fixture that has the tasks extension, and yield its URL."""
    with announced(str(SUITES / "fixture_tasks.py")) as url:
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
