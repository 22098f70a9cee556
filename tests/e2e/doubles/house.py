"""A gateway that a test can kill, start again on the same data folder, and reconfigure while it runs."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import sqlalchemy as sa
from ruamel.yaml import YAML

from ostiary.adapters.identity import tokens
from ostiary.adapters.store import database
from ostiary.core.model import Token
from ostiary.entry.offline import offline
from tests.e2e.gateway import Gateway, await_ready, exited, free_port, scraped, scraper, watched
from tests.e2e.searched import RUN, Written

Json = dict[str, Any]

STOP_SECONDS = 30.0
PATIENCE = 30.0


@dataclass
class House:
    """One gateway over its lives: the same folder, address and file, one process after another."""

    folder: Path
    config: Json
    port: int = field(default_factory=free_port)
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    place: Written | None = None
    """What is searched for planted secrets."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def file(self) -> Path:
        """The configuration."""
        return self.folder / "ostiary.yaml"

    @property
    def data(self) -> Path:
        """The data folder."""
        return Path(self.config.get("gateway", {}).get("data", self.folder / "data"))

    @property
    def log(self) -> str:
        """What it wrote, over all its lives."""
        return (self.folder / "gateway.log").read_text(errors="replace")

    @property
    def gateway(self) -> Gateway:
        """The running process, with the commands that work on it."""
        if self.process is None:
            raise AssertionError("the gateway does not run")
        return Gateway(self.url, self.file, self.folder / "gateway.log", self.process)

    def write(self, **changes: Any) -> None:
        """Write the configuration, with these top-level keys replaced, as an editor does: a new file in its place."""
        self.config = {**self.config, **changes}
        own: Json = {"url": self.url, "listen": f"127.0.0.1:{self.port}", "data": str(self.data)}
        own["metrics"] = {"token": scraper(self.folder)}
        draft = self.file.with_suffix(".draft")
        with draft.open("w") as out:
            YAML(typ="safe").dump({**self.config, "gateway": {**own, **self.config.get("gateway", {})}}, out)
        draft.replace(self.file)

    async def start(self) -> None:
        """Start it and return when it is ready."""
        self.launch()
        await asyncio.to_thread(await_ready, self.gateway)

    def launch(self) -> None:
        """Start it and return at once."""
        with (self.folder / "gateway.log").open("ab") as out:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "ostiary", "serve", "-c", str(self.file)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.place = self.place or watched(self.gateway, self.data, self.config)

    async def kill(self) -> None:
        """Kill it, as kill -9 does, and nothing else."""
        process = self.gateway.process
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.wait, STOP_SECONDS)

    async def terminate(self) -> int:
        """Ask it to end and return its exit code."""
        process = self.gateway.process
        process.terminate()
        return await asyncio.to_thread(process.wait, STOP_SECONDS)

    async def command(self, *words: str) -> str:
        """Run an `ostiary` command beside it."""
        return await asyncio.to_thread(self.gateway.command, *words)

    async def attempt(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run an `ostiary` command beside it, whatever its exit code."""
        return await asyncio.to_thread(self.gateway.attempt, *words)

    async def token(self, subject: str, *roles: str) -> str:
        """Make a token, in the database itself: a command for each would take most of a test's time."""
        return await asyncio.to_thread(_token, self.data, subject, roles)

    async def states(self) -> dict[str, str]:
        """Return where each tool stands, as commands see it; several definitions of a name are joined."""
        return await asyncio.to_thread(_states, self.file)

    async def ready(self, token: str = "") -> tuple[int, Json]:
        """Return what readiness says."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient() as http:
            answer = await http.get(f"{self.url}/health/ready", headers=headers)
        return answer.status_code, answer.json()

    async def until_logged(self, text: str, times: int = 1) -> None:
        """Return once the log holds a text so often."""
        await until(lambda: self.log.count(text) >= times, f"{text!r} was not logged")

    def records(self) -> list[Json]:
        """Return the ledger's records, from its segments, without a line that is still being written."""
        found = []
        for segment in sorted((self.data / "ledger").glob("*.jsonl")):
            found += [json.loads(line) for line in segment.read_bytes().split(b"\n")[:-1]]
        return found

    def stop(self) -> None:
        """End whatever still runs, and search what it wrote."""
        try:
            self._end()
        finally:
            if self.place is not None:
                RUN.closed(self.place)

    def _end(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        scraped(self.gateway)
        RUN.search()
        self.process.terminate()
        if not exited(self.process, STOP_SECONDS):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _token(data: Path, subject: str, roles: tuple[str, ...]) -> str:
    ident, secret, digest = tokens.made()
    now = time.time()
    token = Token(ident, subject, "", roles, (), (), (), now, now + 86_400)
    engine = sa.create_engine(f"sqlite:///{data / database.NAME}")
    database.add_token(engine, token, digest)
    engine.dispose()
    RUN.plant("static token", f"of {subject}", secret)
    return secret


def _states(file: Path) -> dict[str, str]:
    opened, found = offline(file), dict[str, set[str]]()
    for row in opened.sightings():
        found.setdefault(row.sighting.name, set()).add(str(row.state))
    opened.engine.dispose()
    opened.generation.close()
    return {name: "+".join(sorted(each)) for name, each in found.items()}


async def until(true: Callable[[], Any], why: str) -> None:
    """Return when something is true of what another process does."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(why) from None


@asynccontextmanager
async def house(folder: Path, config: Json, prefix: tuple[str, ...] = ()) -> AsyncIterator[House]:
    """Run a gateway, ready before the body and stopped after it."""
    made = House(folder, config, prefix=prefix)
    made.write()
    try:
        await made.start()
        yield made
    except BaseException:
        sys.stderr.write(f"--- end of the gateway's log\n{made.log[-8000:]}\n")
        raise
    finally:
        await asyncio.to_thread(made.stop)


EVERYONE: Json = {"name": "everyone", "allow": ["*"], "subjects": ["*"]}


def over_http(url: str, **more: Any) -> Json:
    """Return a server's configuration for a double on this machine."""
    return {"url": url, "allow_private": ["127.0.0.0/8"], **more}


def config(servers: Json, *rules: Json, **more: Any) -> Json:
    """Return a configuration; without rules, everyone may use everything."""
    return {"servers": servers, "rules": list(rules or (EVERYONE,)), **more}
