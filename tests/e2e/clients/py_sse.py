"""Drive a server with the Python SDK over HTTP+SSE (2024-11-05) and print one JSON document of what it saw.

OSTIARY_TOKEN=… python py_sse.py [--mode legacy|auto] URL [TOOL JSON]…
"""

import asyncio
import os
from typing import Any

import document
import mcp_types as types
from mcp import Client
from mcp.client.sse import sse_client

PATIENCE = 20


class Person:
    """Whoever sits in front of the client: answers what is asked, and remembers what is told."""

    def __init__(self) -> None:
        """Know of nothing yet."""
        self.asked: list[str] = []
        self.logged: list[Any] = []
        self.progress: list[float] = []
        self.changed = asyncio.Event()

    async def elicited(self, _context: Any, params: Any) -> types.ElicitResult:
        """Fill a form in."""
        self.asked.append(params.message)
        return types.ElicitResult(action="accept", content={"name": "Ada"})

    async def sampled(self, _context: Any, _params: Any) -> types.CreateMessageResult:
        """Speak for the model."""
        self.asked.append("sampling")
        return types.CreateMessageResult(role="assistant", content=types.TextContent(text="Paris"), model="none")

    async def roots(self, _context: Any) -> types.ListRootsResult:
        """Say where the work is."""
        self.asked.append("roots")
        return types.ListRootsResult(roots=[types.Root(uri="file:///home/ada")])

    async def told(self, params: Any) -> None:
        """Remember a log message."""
        self.logged.append(params.data)

    async def advanced(self, progress: float, _total: float | None, _message: str | None) -> None:
        """Remember how far a call is."""
        self.progress.append(progress)

    async def heard(self, message: Any) -> None:
        """Notice that the tools changed."""
        if isinstance(message, types.ToolListChangedNotification):
            self.changed.set()


async def seen(client: Client, person: Person, calls: document.Calls) -> document.Json:
    """Make the calls, change the tools where there is a tool for that, and return the document."""
    listed = document.names((await client.list_tools()).tools, "name")
    if "log" in listed:
        await client.session.send_request(
            types.SetLevelRequest(params=types.SetLevelRequestParams(level="info")), types.EmptyResult
        )
    saw = {"version": client.protocol_version, "tools": listed}
    saw["calls"] = await document.outcomes(
        calls, lambda name, given: client.call_tool(name, given, progress_callback=person.advanced)
    )
    if "change_tools" in [name for name, _ in calls]:
        async with asyncio.timeout(PATIENCE):
            await person.changed.wait()
    return saw | {"asked": person.asked, "logged": person.logged, "progress": person.progress}


async def main() -> None:
    """Connect as the command line says, and print what was seen."""
    mode, url, calls = document.command_line("legacy")
    headers = {"Authorization": f"Bearer {os.environ['OSTIARY_TOKEN']}"}
    person = Person()
    client = Client(
        sse_client(url, headers=headers),
        mode=mode,
        elicitation_callback=person.elicited,
        sampling_callback=person.sampled,
        list_roots_callback=person.roots,
        logging_callback=person.told,
        message_handler=person.heard,
    )
    async with client:
        document.show(await seen(client, person, calls))


if __name__ == "__main__":
    asyncio.run(main())
