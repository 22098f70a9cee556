"""Drive a server with the Python SDK's client and print one JSON document of what it saw.

OSTIARY_TOKEN=… python py_sdk.py [--mode modern|legacy|auto] URL [TOOL JSON]…
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import document
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def everything(page: Callable[[str | None], Awaitable[Any]], field: str) -> list[Any]:
    """Return the entries of all pages of a listing."""
    entries: list[Any] = []
    cursor: str | None = None
    while True:
        answer = await page(cursor)
        entries += getattr(answer, field)
        cursor = answer.next_cursor
        if cursor is None:
            return entries


async def seen(client: Client, calls: document.Calls) -> document.Json:
    """List what the server says it has, make the calls, and return the document."""
    has = client.server_capabilities
    tools = await everything(lambda at: client.list_tools(cursor=at), "tools")
    saw: document.Json = {
        "era": document.era(client.protocol_version),
        "version": client.protocol_version,
        "tools": document.names(tools, "name"),
    }
    if has.resources:
        resources = await everything(lambda at: client.list_resources(cursor=at), "resources")
        saw["resources"] = document.names(resources, "uri")
    if has.prompts:
        prompts = await everything(lambda at: client.list_prompts(cursor=at), "prompts")
        saw["prompts"] = document.names(prompts, "name")
    saw["calls"] = await document.outcomes(calls, client.call_tool)
    return saw


async def main() -> None:
    """Connect as the command line says, and print what was seen."""
    mode, url, calls = document.command_line("auto")
    token = os.environ.get("OSTIARY_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        document.show(await seen(client, calls))


if __name__ == "__main__":
    asyncio.run(main())
