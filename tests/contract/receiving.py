"""Runs receivers for exports, each in a process of its own that can be killed and begun again on its port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import trustme

ROOT = Path(__file__).parents[2]


class Running:
    """A receiver in a process of its own, on one port for as long as it lives and after."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind, self.folder = kind, folder
        folder.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.receiver", self._kind, str(self.port), str(self.folder)],
            stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.communicate()
        self._process = None

    def ids(self) -> list[str]:
        return _lines(self.folder / "ids")

    def repeats(self) -> list[str]:
        return _lines(self.folder / "repeats")


def _lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def until(true: Callable[[], bool], seconds: float = 240.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not become true in time"
        pause.wait(0.05)
