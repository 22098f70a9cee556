"""Put a running gateway between upstreams of ours and many callers, for tests of security and endurance."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.gateway import Gateway, gateway
from tests.e2e.searched import RUN, Written

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10
RECORDING = "tests.security.echo_upstream"
"""What can keep every byte that it is sent."""
UNBOUNDED: Json = {"limits": [{"name": "all", "per": "caller", "calls": "100000000/min", "concurrent": 100_000}]}
"""What a test of something else than limits says about limits."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server of ours in a process of its own."""

    port: int
    process: subprocess.Popen[bytes]

    def settings(self, **more: Any) -> Json:
        """Return how the gateway's configuration names this server."""
        return {"url": f"http://127.0.0.1:{self.port}/mcp", "allow_private": ["127.0.0.0/8"], **more}


@contextmanager
def upstream(module: str, *words: str) -> Iterator[Upstream]:
    """Run a module that prints its port and ends with its standard input; search what it was sent, if it keeps that."""
    if RUN.on and module == RECORDING and "--record" not in words:
        with tempfile.NamedTemporaryFile() as kept, upstream(module, *words, "--record", kept.name) as running:
            yield running
        return
    command = [sys.executable, "-m", module, *words]
    record = Path(words[words.index("--record") + 1]) if "--record" in words else None
    place = RUN.opened(Written(None, None, record=record))
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Upstream(int(process.stdout.readline()), process)
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        RUN.closed(place)


@dataclass(frozen=True, slots=True)
class Rig:
    """A gateway that runs, and the tokens of those who may call."""

    gateway: Gateway
    tokens: tuple[str, ...]

    @property
    def port(self) -> int:
        """Return the port the gateway listens on."""
        return int(urlsplit(self.gateway.url).port or 0)

    @property
    def host(self) -> str:
        """Return what belongs into the Host header."""
        return f"127.0.0.1:{self.port}"

    def memory_mb(self) -> float:
        """Return the resident set of the gateway's process."""
        status = Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024

    def ledger_verifies(self) -> tuple[bool, str]:
        """Return whether `ostiary audit verify` passes, and what it said."""
        done = self.gateway.attempt("audit", "verify")
        return done.returncode == 0, (done.stdout + done.stderr).strip()


def process(module: str, *words: str, **more: Any) -> Json:
    """Return how the gateway's configuration names a module that speaks over its pipes."""
    return {"command": [sys.executable, "-m", module, *words], "cwd": str(ROOT), **more}


@contextmanager
def rig(folder: Path, servers: Mapping[str, Json], callers: int = 1, **more: Any) -> Iterator[Rig]:
    """Run a gateway in front of these servers, all of whose tools everyone may use unless `rules` says otherwise."""
    open_to_all = [{"name": "everyone", "allow": [f"{name}.*" for name in servers], "subjects": ["*"]}]
    config = {**UNBOUNDED, "rules": open_to_all, "servers": dict(servers), **more}
    with gateway(folder, config) as running:
        yield Rig(running, tokens(running, callers))


def tokens(running: Gateway, count: int, subject: str = "caller") -> tuple[str, ...]:
    """Make tokens for so many people at once."""
    words = ["token", "create", "--subject", subject, "--count", str(count), "--expires", "1d", "--json"]
    made = json.loads(running.command(*words))
    return tuple(each["token"] for each in (made if isinstance(made, list) else [made]))
