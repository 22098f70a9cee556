"""Say where the real servers and clients of the end-to-end tests are, installing them when they are missing."""

import hashlib
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from scripts.node import installed, node
from tests.e2e.searched import RUN
from tests.e2e.searching import planted_in_this_module as planted_in_this_module
from tests.e2e.searching import planted_in_this_run as planted_in_this_run
from tests.e2e.searching import planted_in_this_test as planted_in_this_test

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
LOCKED = REPOSITORY / "requirements" / "servers.txt"
ENVIRONMENT = REPOSITORY / ".venv-servers"
INSTALL_SECONDS = 600


@pytest.fixture(scope="session")
def node_program() -> Path:
    """Return the Node that runs the TypeScript servers and clients."""
    return node()


@pytest.fixture(scope="session")
def node_servers() -> Path:
    """Return the folder of the npm servers, installed as locked."""
    installed(HERE / "servers")
    return HERE / "servers" / "node_modules" / "@modelcontextprotocol"


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """Return the folder of the TypeScript drivers, with their packages installed as locked."""
    installed(HERE / "clients")
    return HERE / "clients"


@pytest.fixture(scope="session")
def python_servers() -> Path:
    """Return the folder of the PyPI servers' commands, in an environment that is only theirs.

    What a server needs must not decide which versions the gateway runs with, nor the reverse.
    """
    stamp, digest = ENVIRONMENT / "locked.sha256", hashlib.sha256(LOCKED.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        run(sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT))
        run(*pip, "-r", str(LOCKED))
        stamp.write_text(digest)
    return ENVIRONMENT / "bin"


def run(*command: str) -> None:
    """Run an installation step; its output is shown when it fails."""
    subprocess.run(command, check=True, timeout=INSTALL_SECONDS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the gateway's log beside a test that failed in front of it."""
    report = yield
    running = getattr(item, "funcargs", {}).get("house")
    if report.failed and running is not None:
        report.sections.append(("gateway log", running.gateway.tail()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was searched for planted secrets: a search that finds nothing must have had something to look at."""
    if RUN.total:
        said = f"{RUN.searched / 2**20:.1f} MiB that gateways wrote, said or sent were searched for {RUN.total} secrets"
        terminalreporter.write_line(f"{said}; {RUN.seconds:.2f} s")
