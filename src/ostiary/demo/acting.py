"""What the people of the demo do: call tools with the SDK's client in either era, and over plain HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from ostiary.demo.setting import VERSION, Person, headers, message
from ostiary.demo.stage import Stage

STATELESS: Final = VERSION
HANDSHAKE: Final = "legacy"
"""The SDK's names for the two eras."""
REFUSAL: Final = "io.ostiary/refusal"
_PATIENCE: Final = 30.0


class Untrue(Exception):
    """What was seen is not what was told."""


def hold(true: bool, otherwise: str) -> None:
    """Raise `Untrue` with what was seen instead, unless the claim is true."""
    if not true:
        raise Untrue(otherwise)


@asynccontextmanager
async def connected(stage: Stage, who: Person, era: str = STATELESS) -> AsyncIterator[Client]:
    """Connect as one of the people. Nothing is cached, so that every list is what the gateway says now."""
    bearer = {"Authorization": f"Bearer {stage.tokens[who.name].secret}"}
    async with (
        httpx2.AsyncClient(headers=bearer, timeout=_PATIENCE, trust_env=False) as http,
        Client(streamable_http_client(stage.mcp, http_client=http), mode=era, cache=None) as client,
    ):
        yield client


async def names(client: Client) -> set[str]:
    """Return the names of every tool that the client is shown."""
    found, cursor = set[str](), None
    while True:
        page = await client.list_tools(cursor=cursor)
        found |= {tool.name for tool in page.tools}
        cursor = page.next_cursor
        if cursor is None:
            return found


async def done(client: Client, tool: str, **arguments: Any) -> Any:
    """Call a tool that is expected to work, and return its structured result."""
    answer = await client.call_tool(tool, arguments)
    hold(not answer.is_error, f"{tool} failed: {words(answer)}")
    return answer.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> tuple[str, Mapping[str, Any]]:
    """Call a tool that is expected to be refused readably; return the text for the model and the machine's part."""
    answer = await client.call_tool(tool, arguments)
    refusal = (answer.meta or {}).get(REFUSAL)
    hold(bool(answer.is_error) and isinstance(refusal, dict), f"{tool} was not refused: {words(answer)}")
    return words(answer), refusal or {}


async def reachable(client: Client, tool: str, **arguments: Any) -> bool:
    """Say whether a tool exists for this client; a tool that fails exists."""
    try:
        await client.call_tool(tool, arguments)
    except MCPError:
        return False
    return True


async def posted(stage: Stage, who: Person, tool: str, arguments: Mapping[str, Any]) -> httpx2.Response:
    """Call a tool without any client in between, and return the bare HTTP response."""
    secret = stage.tokens[who.name].secret
    async with httpx2.AsyncClient(timeout=_PATIENCE, trust_env=False) as http:
        return await http.post(
            stage.mcp,
            headers=headers(secret, "tools/call", tool),
            json=message("tools/call", {"name": tool, "arguments": arguments}),
        )


def words(answer: CallToolResult) -> str:
    """Return the text of a result."""
    return "\n".join(part.text for part in answer.content if isinstance(part, TextContent))
