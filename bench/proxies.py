"""The upstream and the proxies that a run compares: how each is configured, started and known to be ready."""

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.prepare import tool, upstream_binary
from bench.processes import (
    LOAD_CORE,
    PROXY_CORE,
    BenchFailure,
    await_ready,
    fetched,
    free_port,
    pinned,
    running,
)

REPOSITORY = Path(__file__).resolve().parent.parent
GATEWAY = [sys.executable, "-m", "ostiary"]
COMPILED = [str(REPOSITORY / ".venv-compiled" / "bin" / "python"), "-m", "ostiary"]
"""The same, with the modules on the way of a call compiled (scripts/compiled.py)."""

NGINX = """\
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  upstream bench {{
    server 127.0.0.1:{upstream};
    keepalive 512;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""

# Everything that a gateway in service does is on: token, rules, pinned schemas, limits, ledger, metrics. Only the limit
# is set so high that the load does not meet it.
SERVED = """\
gateway:
  url: http://127.0.0.1:{port}
  listen: 127.0.0.1:{port}
  data: ./data
servers:
  bench:
    url: http://127.0.0.1:{upstream}/mcp
    allow_private: [127.0.0.0/8]
    approve: always
    max_in_flight: 512
"""
RULES = """\
rules:
  - {{name: everyone, allow: ["bench.*"], subjects: ["*"]}}
"""
LIMITS = """\
limits:
  - {{name: per-caller, per: caller, calls: 100000000/min, concurrent: 100000}}
"""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The MCP server behind every proxy."""

    port: int

    def served(self) -> int:
        """Return how many tools/call have arrived so far."""
        return int(fetched(self.port, "/count")[1])


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy under test that is up."""

    name: str
    pid: int
    url: str


@contextlib.contextmanager
def upstream(folder: Path, tools: int) -> Iterator[Upstream]:
    port, log = free_port(), folder / "upstream.log"
    with running([str(upstream_binary()), str(port), str(tools)], LOAD_CORE, log) as process:
        await_ready(process, port, "/count", log)
        yield Upstream(port)


@contextlib.contextmanager
def environment(more: Mapping[str, str]) -> Iterator[None]:
    """Start what is started in this block with these variables, too."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def nginx(folder: Path, behind: Upstream) -> Iterator[Proxy]:
    port, log, file = free_port(), folder / "nginx.log", folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(NGINX.format(folder=folder, upstream=behind.port, port=port, user=user))
    command = [tool("nginx"), "-e", str(folder / "nginx-error.log"), "-p", str(folder), "-c", str(file)]
    with running(command, PROXY_CORE, log) as process:
        await_ready(process, port, "/count", log)
        yield Proxy("nginx", process.pid, f"http://127.0.0.1:{port}/mcp")


@contextlib.contextmanager
def ostiary(folder: Path, port: int, name: str = "ostiary", gateway: Sequence[str] = GATEWAY) -> Iterator[Proxy]:
    """Run the gateway on the configuration that `configured` wrote into the folder."""
    log = folder / f"{name}.log"
    with running([*gateway, "serve", "-c", str(folder / "ostiary.yaml")], PROXY_CORE, log, cwd=folder) as process:
        await_ready(process, port, "/health/ready", log, patience=60)
        yield Proxy(name, process.pid, f"http://127.0.0.1:{port}/servers/bench/mcp")


def refuse_stale() -> None:
    """Raise unless what was compiled is of these files: figures of other code would be told as this one's."""
    command = [sys.executable, str(REPOSITORY / "scripts" / "compiled.py"), "--check"]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        raise BenchFailure("the compiled gateway is not built, or of other files than these. Run: make compiled")


def configured(folder: Path, behind: Upstream, port: int) -> None:
    (folder / "ostiary.yaml").write_text((SERVED + RULES + LIMITS).format(port=port, upstream=behind.port))


def tokens(folder: Path, count: int) -> list[str]:
    """Return one new token for each of `count` callers."""
    command = [
        *GATEWAY,
        "token",
        "create",
        "-c",
        str(folder / "ostiary.yaml"),
        "--subject",
        "caller",
        "--expires",
        "1d",
    ]
    if count > 1:
        command += ["--count", str(count)]
    done = subprocess.run(
        pinned([*command, "--json"], LOAD_CORE), check=False, capture_output=True, text=True, cwd=folder, timeout=120
    )
    if done.returncode != 0:
        raise BenchFailure(f"{shlex.join(command)} failed:\n{done.stdout[-500:]}{done.stderr[-1500:]}")
    made = json.loads(done.stdout)
    found = [str(entry["token"]) for entry in (made if isinstance(made, list) else [made])]
    if len(set(found)) != count:
        raise BenchFailure(f"asked for {count} tokens and got {len(set(found))} different ones")
    return found


@contextlib.contextmanager
def candidate(folder: Path, behind: Upstream, spelled: str) -> Iterator[Proxy]:
    """Run any other proxy: `NAME=COMMAND`, with {port} and {upstream} in the command replaced by port numbers."""
    name, _, command = spelled.partition("=")
    if not name.isidentifier() or not command:
        raise BenchFailure(f"--candidate wants NAME=COMMAND, not {spelled!r}")
    port, log = free_port(), folder / f"{name}.log"
    words: Sequence[str] = [
        word.replace("{port}", str(port)).replace("{upstream}", str(behind.port)) for word in shlex.split(command)
    ]
    with running(words, PROXY_CORE, log, cwd=REPOSITORY) as process:
        await_ready(process, port, "/count", log)
        yield Proxy(name, process.pid, f"http://127.0.0.1:{port}/mcp")
