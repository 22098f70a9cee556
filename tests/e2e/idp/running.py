"""Run the identity provider, and an application of ours in front of it, each as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from scripts.node import installed, node
from tests.e2e.searched import RUN, Written

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
STOP_SECONDS = 10
SECRET = "gateway-client-secret-of-the-tests"


@dataclass(frozen=True, slots=True)
class Provider:
    """A certified OpenID provider that is running."""

    issuer: str
    process: subprocess.Popen[str]

    def rotate(self, drop: bool = False) -> list[str]:
        """Let it sign with a new key, and return the ids of the published ones, newest first."""
        return list(self._control("rotate?drop" if drop else "rotate"))

    def events(self) -> list[str]:
        """Return what became of its back-channel logouts since this was last asked."""
        return list(self._control("events"))

    def token(self, client: str, secret: str, **form: str) -> dict[str, Any]:
        """Return the answer to a client's request for a token of its own."""
        body = "&".join(f"{name}={urllib.request.quote(value, safe='')}" for name, value in form.items())  # type: ignore[attr-defined]
        request = urllib.request.Request(f"{self.issuer}/token", body.encode(), method="POST")
        manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        manager.add_password(None, self.issuer, client, secret)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager))
        with opener.open(request, timeout=10) as answer:
            return dict(json.load(answer))

    def tell(self) -> None:
        """Plant what it has handed out since it was last asked, to clients that no test overhears."""
        for kind, where, value in self._control("issued"):
            RUN.plant(kind, where, value)

    def _control(self, what: str) -> Any:
        request = urllib.request.Request(f"{self.issuer}/test/{what}", b"", method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def provider(gateway: str, authority: Path | None = None, **setting: Any) -> Iterator[Provider]:
    """Run the provider for a gateway at this URL; `authority` is the certificate it trusts beside the usual ones.

    `setting`: `port`, `callbacks` (more redirect URIs of the gateway's client), `serviceKeys` (a JWK Set).
    """
    installed(HERE)
    more = {"NODE_EXTRA_CA_CERTS": str(authority)} if authority else {}
    command = [str(node()), str(HERE / "idp.mjs"), json.dumps({"gateway": gateway, **setting})]
    with running(command, more) as process:
        found = Provider(said(process), process)
        with RUN.told_by(found.tell):
            yield found


@contextmanager
def application(**setting: Any) -> Iterator[subprocess.Popen[str]]:
    """Run the small application of `app.py`, listening before the body; search what it writes."""
    RUN.plant("configured secret", "the application's client secret", setting["client"][1])
    log = Path(setting["folder"]) / "application.log"
    place = RUN.opened(Written(Path(setting["folder"]), None, frozenset({setting["port"]})))
    try:
        with (
            log.open("wb") as errors,
            running([sys.executable, "-m", "tests.e2e.idp.app", json.dumps(setting)], {}, errors) as process,
        ):
            said(process)
            yield process
    finally:
        RUN.closed(place)
        sys.stderr.write(log.read_text())


@contextmanager
def running(
    command: list[str], more: Mapping[str, str], errors: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a program that says on its standard output when it is ready, and ends with its standard input."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **more}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    """Return the line that a program says when it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise AssertionError(f"{process.args!r} ended before it was ready")
    return line
