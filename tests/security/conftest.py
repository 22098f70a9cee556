"""One gateway for all short tests of this folder, in front of servers that keep every byte they are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rig import Rig, Upstream, process, rig, tokens, upstream
from tests.e2e.searching import planted_in_this_module as planted_in_this_module
from tests.e2e.searching import planted_in_this_run as planted_in_this_run
from tests.e2e.searching import planted_in_this_test as planted_in_this_test

Json = dict[str, Any]

SERVERS = ("echo", "pipes")
OWN_CREDENTIAL = "the-gateways-own-credential"
INHERITED = "inherited-by-nobody"


@dataclass(frozen=True, slots=True)
class House:
    """A gateway, two servers, and what they were sent; callers may use `echo`, `greet` and nothing else."""

    rig: Rig
    upstream: Upstream
    folder: Path

    @property
    def host(self) -> str:
        """Return what belongs into the Host header."""
        return self.rig.host

    @property
    def port(self) -> int:
        """Return the gateway's port."""
        return self.rig.port

    @property
    def token(self) -> str:
        """Return the first caller's token."""
        return self.rig.tokens[0]

    def received(self) -> bytes:
        """Return every byte that any server was sent, whether over HTTP, as a line, or as its environment."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("record.*")))

    def ledger(self) -> list[Json]:
        """Return every record of the ledger."""
        files = sorted((self.folder / "data" / "ledger").glob("*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run the gateway."""
    folder = tmp_path_factory.mktemp("house")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", INHERITED)
        patch.setenv("ECHO_TOKEN", OWN_CREDENTIAL)
        behind = stack.enter_context(upstream("tests.security.echo_upstream", "--record", str(folder / "record.http")))
        servers = {
            "echo": behind.settings(credential={"kind": "bearer", "token": "env:ECHO_TOKEN"}, max_in_flight=256),
            "pipes": process("tests.security.stdio_echo", "handshake", str(folder / "record.pipes")),
        }
        rules = [{"name": "some", "allow": ["*.echo", "*.prompt/greet"], "subjects": ["*"]}]
        views = {"chosen": {"include": ["echo.*"], "rename": {"echo.echo": "say"}}}
        running = stack.enter_context(rig(folder, servers, 2, rules=rules, views=views))
        yield House(running, behind, folder)


def more_tokens(house: House, count: int, subject: str) -> tuple[str, ...]:
    """Make tokens for others."""
    return tokens(house.rig.gateway, count, subject)
