"""What every scripted client of the bridge tests is: five ways to speak, one shape."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2

from tests.bridge.clients.person import Json, Person

PATIENCE = 15.0
"""Seconds that anything may take: silence is the failure that these tests are about."""
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
INFO = {"name": "bridge-client", "version": "1"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request ended."""

    message: Json
    heard: list[Json] = field(default_factory=list)
    """The notifications that came on its stream."""

    @property
    def result(self) -> Json:
        """Return the result; fail with the error where it is one."""
        assert "result" in self.message, f"the answer is no result: {self.message}"
        return dict(self.message["result"])

    @property
    def text(self) -> str:
        """Return the first text of a tool's result that is no error."""
        assert not self.result.get("isError"), f"the tool failed: {self.result}"
        return str(self.result["content"][0]["text"])

    @property
    def refusal(self) -> str:
        """Return the words of a refusal, whether an error or a tool's; empty where it is none."""
        if "error" in self.message:
            return str(self.message["error"]["message"])
        failed = self.result.get("isError") is True
        return str(self.result["content"][0]["text"]) if failed else ""


class Heard:
    """What arrived on a stream of changes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.messages: list[Json] = []
        self._arrived = asyncio.Condition()

    async def take(self, message: Json) -> None:
        """Add what arrived."""
        async with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    async def until(self, found: Callable[[Json], bool], since: int = 0) -> int:
        """Wait for a message that is wanted, and return how many there were when it had come."""

        def place() -> int:
            fitting = (number for number, each in enumerate(self.messages[since:], since + 1) if found(each))
            return next(fitting, 0)

        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(place)
            return place()


class Client(Protocol):
    """A program that speaks one revision of the protocol to the gateway."""

    version: str
    person: Person

    async def call(self, method: str, params: Json, **more: Any) -> Outcome:
        """Send a request, answer whatever the server asks meanwhile, and return how it ended.

        `progress`: a token; `level`: log messages from this level on; `mirrored`: what headers repeat.
        """
        ...

    async def cancel(self) -> None:
        """Cancel the request that is under way, in the way of the revision."""
        ...

    def changes(self, uris: Sequence[str] = ()) -> AbstractAsyncContextManager[Heard]:
        """Hear what changes: every list, and these resources."""
        ...


async def events(response: httpx2.Response) -> AsyncIterator[tuple[str, str]]:
    """Read an event stream: the kind and the data of each event that has any."""
    kind, data = "message", list[str]()
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif line.startswith("event:"):
            kind = line[6:].strip()
        elif not line:
            if any(data):
                yield kind, "\n".join(data)
            kind, data = "message", []
