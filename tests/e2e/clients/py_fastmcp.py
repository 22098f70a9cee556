"""Drive a server with FastMCP's client and print one JSON document of what it saw.

OSTIARY_TOKEN=… python py_fastmcp.py [--mode modern|legacy|auto] URL [TOOL JSON]…
"""

import asyncio
import os
from typing import Any

import document
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport


async def seen(client: Client[Any], calls: document.Calls) -> document.Json:
    """List what the server says it has, make the calls, and return the document."""
    version, has = client.protocol_version or "", client.server_capabilities
    saw: document.Json = {
        "era": document.era(version),
        "version": version,
        "tools": document.names(await client.list_tools(), "name"),
    }
    if has and has.resources:
        saw["resources"] = document.names(await client.list_resources(), "uri")
    if has and has.prompts:
        saw["prompts"] = document.names(await client.list_prompts(), "name")
    saw["calls"] = await document.outcomes(calls, client.call_tool_mcp)
    return saw


async def main() -> None:
    """Connect as the command line says, and print what was seen."""
    mode, url, calls = document.command_line("auto")
    transport = StreamableHttpTransport(url, auth=os.environ.get("OSTIARY_TOKEN") or None)
    async with Client(transport, mode=mode, timeout=60) as client:
        document.show(await seen(client, calls))


if __name__ == "__main__":
    asyncio.run(main())
