"""A real Prometheus that scrapes a real gateway, and is asked what it knows."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from ruamel.yaml import YAML

from tests.e2e.gateway import Gateway, exited, free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
PROGRAMS = ("prometheus", "promtool")
READY_SECONDS = 30.0
PATIENCE = 60.0
EVERY = "1s"


def missing() -> list[str]:
    """Return the programs of the distribution's package that are not here."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def promtool(*words: str) -> str:
    """Run promtool on what is shipped, and return what it said; fail where it objects."""
    done = subprocess.run(["promtool", *words], cwd=DEPLOY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def configured(folder: Path, running: Gateway) -> Path:
    """Return a configuration like the one that is shipped, for a gateway of a test."""
    found = YAML(typ="safe").load((DEPLOY / "scrape.yaml").read_text())
    (job,) = found["scrape_configs"]
    job |= {"scheme": "http", "static_configs": [{"targets": [running.url.removeprefix("http://")]}]}
    job["authorization"]["credentials_file"] = str(running.config.parent / "metrics.token")
    found["global"] = {"scrape_interval": EVERY, "evaluation_interval": EVERY}
    found["rule_files"] = [str(DEPLOY / "rules.yaml")]
    file = folder / "prometheus.yml"
    with file.open("w") as out:
        YAML(typ="safe").dump(found, out)
    return file


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs."""

    url: str
    process: subprocess.Popen[bytes]

    def asked(self, path: str, **params: str) -> Any:
        """Return the data of an answer of its API."""
        answer = httpx2.get(f"{self.url}/api/v1/{path}", params=params, trust_env=False, timeout=10.0)
        assert answer.status_code == 200, f"{params}: {answer.text}"
        return answer.json()["data"]

    def values(self, ask: str) -> list[float]:
        """Return the numbers that a question is answered with; what is no number is none."""
        found = (float(each["value"][1]) for each in self.asked("query", query=ask)["result"])
        return [value for value in found if value == value]  # noqa: PLR0124 - only that which is no number differs

    def until(self, enough: Callable[[], Any], meanwhile: Callable[[], None]) -> None:
        """Do something again and again until something is true."""
        deadline = time.monotonic() + PATIENCE
        while not enough():
            assert time.monotonic() < deadline, f"not within {PATIENCE} s"
            meanwhile()


@contextmanager
def prometheus(folder: Path, running: Gateway) -> Iterator[Prometheus]:
    """Run Prometheus on a free loopback port, ready before the body and stopped after it."""
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus", f"--config.file={configured(folder, running)}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}", "--enable-feature=exemplar-storage", "--log.level=warn",
    ]  # fmt: skip
    log = folder / "prometheus.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    found = Prometheus(f"http://{address}", process)
    try:
        _await_ready(found, log)
        yield found
    finally:
        process.terminate()
        if not exited(process, 10.0):
            process.kill()
            process.wait()


def _await_ready(found: Prometheus, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            if httpx2.get(f"{found.url}/-/ready", trust_env=False, timeout=5.0).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        assert not exited(found.process, within=0.1), log.read_text()
        assert time.monotonic() < deadline, log.read_text()


def questions(file: Path) -> dict[str, str]:
    """Return by title what the panels of a dashboard ask, with what Grafana would put in."""
    found = {}
    for panel in json.loads(file.read_text())["panels"]:
        for target in panel.get("targets", ()):
            ask = target["expr"].replace("$__rate_interval", "10s").replace("$server", ".*")
            assert "$" not in ask, ask
            found[f"{file.stem}: {panel['title']} ({target['refId']})"] = ask
    return found
