"""A gateway in front of the bridge fixture in each of its forms."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bridge.cell import UPSTREAMS
from tests.bridge.fixture.state import State
from tests.e2e.rig import ROOT, UNBOUNDED, Rig, rig, upstream

MODULE = "tests.bridge.fixture.server"
LOCAL: dict[str, Any] = {"allow_private": ["127.0.0.0/8"]}
FORMS = {
    "modern": ("modern", "http"),
    "handshake": ("handshake", "http"),
    "sse": ("handshake", "sse"),
    "stdio": ("handshake", "stdio"),
    "modern-stdio": ("modern", "stdio"),
}


@dataclass(frozen=True, slots=True)
class House:
    """The gateway, and what each server behind it remembers."""

    rig: Rig
    states: dict[str, State]

    def base(self, name: str) -> str:
        """Return where a server's endpoints begin."""
        return f"{self.rig.gateway.url}/servers/{name}"


def _settings(name: str, folder: Path, stack: ExitStack) -> dict[str, Any]:
    era, transport = FORMS[name]
    words = ("--state", str(folder), "--era", era, "--transport", transport)
    if transport == "stdio":
        return {"command": [sys.executable, "-m", MODULE, *words], "cwd": str(ROOT), "approve": "always"}
    port = stack.enter_context(upstream(MODULE, *words)).port
    where = {"sse": f"http://127.0.0.1:{port}/sse"} if transport == "sse" else {"url": f"http://127.0.0.1:{port}/mcp"}
    return {**where, **LOCAL, "approve": "always"}


@contextmanager
def house(folder: Path, names: tuple[str, ...] = UPSTREAMS) -> Iterator[House]:
    """Run one gateway in front of these forms of the fixture; everyone may use everything."""
    with ExitStack() as stack:
        folders = {name: folder / name for name in names}
        states = {name: State(folders[name]) for name in names}
        servers = {name: _settings(name, folders[name], stack) for name in names}
        allowed = [pattern for name in names for pattern in (f"{name}.*", f"{name}:*", f"{name}.prompt/*")]
        rules = [{"name": "everyone", "allow": allowed, "subjects": ["*"]}]
        running = stack.enter_context(rig(folder, servers, rules=rules, **UNBOUNDED))
        yield House(running, states)
