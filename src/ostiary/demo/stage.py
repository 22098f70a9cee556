"""The stage of the demo: a scratch folder, the example CRM, and a real gateway as a child process in front of it."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from ostiary.demo.setting import CAST, Person, Token, configuration

_START: Final = 45.0
_STOP: Final = 15.0
_COMMAND: Final = 60.0
_TICK: Final = 0.1
_LINES: Final = 15


class StageBroken(Exception):
    """The demo cannot be set up: what happened and why, and what to do about it."""

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


@dataclass(frozen=True, slots=True)
class Stage:
    """A running gateway with everything around it."""

    folder: Path
    url: str
    tokens: Mapping[str, Token]
    gateway: subprocess.Popen[bytes]

    @property
    def mcp(self) -> str:
        """The endpoint with every server."""
        return f"{self.url}/mcp"

    @property
    def config(self) -> Path:
        """The configuration that the gateway runs."""
        return self.folder / "ostiary.yaml"

    @property
    def data(self) -> Path:
        """What the gateway keeps."""
        return self.folder / "data"

    @property
    def crm(self) -> Path:
        """What the CRM keeps."""
        return self.folder / "crm"


@contextmanager
def staged(port: int, keep: Path | None) -> Iterator[Stage]:
    """Set everything up, and take it down at the end: processes always, the folder unless it is to be kept."""
    with ExitStack() as stack:
        folder = _kept(keep) if keep else Path(stack.enter_context(_scratch()))
        url = f"http://127.0.0.1:{port or _free_port()}"
        crm = stack.enter_context(_crm(folder))
        (folder / "ostiary.yaml").write_text(configuration(folder, url, crm, sys.executable))
        tokens = {person.name: _token(folder / "ostiary.yaml", person) for person in CAST}
        log = folder / "gateway.log"
        gateway = stack.enter_context(_child(log, "ostiary", "serve", "-c", str(folder / "ostiary.yaml")))
        _wait_ready(gateway, url, log)
        yield Stage(folder, url, tokens, gateway)


def command(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of our own commands against a configuration, and return how it ended."""
    return subprocess.run(  # noqa: S603 - our own interpreter and our own words
        [sys.executable, "-m", "ostiary", *words[:2], "-c", str(config), *words[2:]],
        capture_output=True, text=True, timeout=_COMMAND, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def last_words(log: Path) -> list[str]:
    """Return the last lines of a log, for an error that has to explain itself."""
    return log.read_text(errors="replace").splitlines()[-_LINES:] if log.exists() else []


def _ended(who: str, log: Path) -> StageBroken:
    return StageBroken("\n".join((f"{who}. Its last words:", *last_words(log))), "Its own words say why; try again.")


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="ostiary-demo-", ignore_cleanup_errors=True)


def _kept(folder: Path) -> Path:
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StageBroken(f"{folder} is not an empty folder, and the demo overwrites nothing.", "Name a new folder.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _free_port() -> int:
    # Somebody may take it before the gateway does; then the gateway says so and the demo ends.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def _child(log: Path, *words: str, heard: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """Run a child in a session of its own, so that Ctrl-C reaches us alone and the order of stopping is ours."""
    with (
        log.open("ab") as errors,
        subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            [sys.executable, "-m", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if heard else errors, stderr=errors,
            start_new_session=True,
        ) as child,
    ):  # fmt: skip
        try:
            yield child
        finally:
            _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(_STOP)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextmanager
def _crm(folder: Path) -> Iterator[str]:
    log = folder / "crm.log"
    with _child(log, "ostiary.demo.crm", "--port", "0", "--state", str(folder / "crm"), heard=True) as child:
        yield _announced(child, log)


def _announced(child: subprocess.Popen[bytes], log: Path) -> str:
    """Return the line with which the CRM says where it listens."""
    if child.stdout is None:
        raise _ended("The example CRM has no output", log)
    ready, _, _ = select.select([child.stdout], [], [], _START)
    line = child.stdout.readline().decode().strip() if ready else ""
    if not line:
        raise _ended("The example CRM did not start", log)
    return line


def _wait_ready(gateway: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _START
    with httpx2.Client(timeout=2, trust_env=False) as http:
        while time.monotonic() < until and gateway.poll() is None:
            if _is_ready(http, url):
                return
            time.sleep(_TICK)
    why = "ended" if gateway.poll() is not None else f"was not ready within {_START:.0f} seconds"
    raise _ended(f"The gateway {why}", log)


def _is_ready(http: httpx2.Client, url: str) -> bool:
    try:
        return http.get(f"{url}/health/ready").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def _token(config: Path, person: Person) -> Token:
    made = command(
        config, "token", "create", "--subject", person.name, "--role", person.role, "--team", person.team,
        "--expires", "1d", "--json",
    )  # fmt: skip
    if made.returncode != 0:
        raise StageBroken(f"No token could be made for {person.name}:\n{made.stderr.strip()}")
    said = json.loads(made.stdout)
    return Token(said["id"], said["token"])
