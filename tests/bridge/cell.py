"""One cell of the matrix: a client of one revision in front of a server of one kind."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.bridge.clients.client import PATIENCE, Client, Outcome
from tests.bridge.clients.person import Json
from tests.bridge.fixture.state import State

MODERN = "2026-07-28"
UPSTREAMS = ("modern", "handshake", "sse", "stdio", "modern-stdio")
SPEAK_MODERN = frozenset({"modern", "modern-stdio"})


@dataclass(frozen=True, slots=True)
class Cell:
    """Everything that a feature needs to be tried."""

    client: Client
    upstream: str
    state: State
    """What the server behind the gateway remembers."""
    key: str
    """What tells this cell's calls from all others."""

    async def tool(self, name: str, /, *, arguments: Json | None = None, **more: Any) -> Outcome:
        """Call a tool with this cell's key."""
        params = {"name": name, "arguments": {"key": self.key, **(arguments or {})}}
        return await self.client.call("tools/call", params, **more)

    async def once(self, name: str, /, **more: Any) -> Outcome:
        """Call a tool, and see that its effect happened exactly once."""
        outcome = await self.tool(name, **more)
        assert not outcome.refusal, f"refused: {outcome.message}"
        self.happened(name, 1)
        return outcome

    def happened(self, what: str, times: int) -> None:
        """See that something happened so often."""
        seen = self.state.count(what, self.key)
        assert seen == times, f"{what} happened {seen} times, not {times}"

    async def recorded(self, what: str) -> None:
        """Wait until the server has written something down."""
        await eventually(lambda: self.state.count(what, self.key) > 0, f"{what} never happened")


async def eventually(true: Callable[[], bool], otherwise: str) -> None:
    """Wait until something is true that another process makes true."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(otherwise) from None
