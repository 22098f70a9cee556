"""Run the real gateway as its own process for the end-to-end tests."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.e2e import overheard
from tests.e2e.searched import RUN, Written, configured

Json = dict[str, Any]

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
COMMAND_SECONDS = 60.0
TAIL_BYTES = 8_000
PORTS = range(15_000, 30_000)
"""Below those that systems give to outgoing connections (Linux from 32,768, others from 49,152 on)."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that is running: where it listens, its configuration file and its log."""

    url: str
    config: Path
    log: Path
    process: subprocess.Popen[bytes]

    def command(self, *words: str) -> str:
        """Run one `ostiary` command on this gateway's configuration and return what it printed."""
        done = self.attempt(*words)
        if done.returncode != 0:
            raise AssertionError(f"ostiary {words[0]} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def attempt(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one `ostiary` command on this gateway's configuration, whatever its exit code."""
        command = [sys.executable, "-m", "ostiary", *words, "-c", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        overheard.printed(words, done.stdout + done.stderr)
        return done

    def token(self, subject: str, roles: Sequence[str] = (), teams: Sequence[str] = ()) -> str:
        """Make a token for a person with these roles and teams."""
        who = [word for role in roles for word in ("--role", role)]
        who += [word for team in teams for word in ("--team", team)]
        printed = self.command("token", "create", "--subject", subject, *who, "--expires", "1d", "--json")
        return str(json.loads(printed)["token"])

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")


@contextmanager
def gateway(folder: Path, config: Json) -> Iterator[Gateway]:
    """Run a gateway on a free loopback port, ready before the body and stopped after it."""
    address = f"127.0.0.1:{free_port()}"
    file, log = folder / "ostiary.yaml", folder / "gateway.log"
    own = {"url": f"http://{address}", "listen": address, "data": str(folder / "data"), **config.get("gateway", {})}
    if not own.get("unsafe_open_metrics"):
        own = {"metrics": {"token": scraper(folder)}, **own}
    with file.open("w") as out:
        YAML(typ="safe").dump({**config, "gateway": own}, out)
    with log.open("wb") as out_bytes:
        process = subprocess.Popen(
            [sys.executable, "-m", "ostiary", "serve", "-c", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=out_bytes,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Gateway(own["url"], file, log, process)
    place = watched(running, Path(own["data"]), config)
    try:
        await_ready(running)
        yield running
        scraped(running)
    except BaseException:
        sys.stderr.write(f"--- end of {log}\n{running.tail()}\n")
        raise
    finally:
        RUN.search()
        stop(process)
        RUN.closed(place)


def scraper(folder: Path) -> str:
    """Return the reference to the token with which a test's gateway lets its metrics be read."""
    file = folder / "metrics.token"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))
    RUN.plant("metrics token", f"of {folder.name}", file.read_text())
    return f"file:{file}"


def watched(running: Gateway, data: Path, config: Json) -> Written:
    """Have everything that a gateway writes searched for what is planted, and plant what its configuration names."""
    configured(config)
    port = urllib.parse.urlsplit(running.url).port or 0
    return RUN.opened(Written(data, running.log, frozenset({port})))


def scraped(running: Gateway) -> None:
    """Read the metrics, if the token of `scraper` lets us, so that they are searched too."""
    file = running.config.parent / "metrics.token"
    token = file.read_text() if file.exists() else ""
    request = urllib.request.Request(running.url + "/metrics", headers={"authorization": f"Bearer {token}"})
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=5) as answer:
        answer.read()


def free_port() -> int:
    """Return a loopback port that nobody listens on, of those that the system gives to no connection by itself.

    One of the others may be a client's before its gateway listens: many tests run at the same time.
    """
    while True:
        # Not by the usual source of chance, which tests of properties set back.
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def await_ready(running: Gateway) -> None:
    """Return when the gateway says it is ready; fail when it ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while not healthy(running.url + "/health/ready"):
        if exited(running.process, within=0.1):
            raise AssertionError(f"the gateway ended with {running.process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise AssertionError(f"the gateway was not ready within {READY_SECONDS:.0f} s")


def healthy(url: str) -> bool:
    """Say whether the address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def exited(process: subprocess.Popen[bytes], within: float) -> bool:
    """Wait at most so long for the process to end, and say whether it did."""
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the gateway to end; when it does not, kill it and whatever it started."""
    process.terminate()
    if not exited(process, STOP_SECONDS):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
